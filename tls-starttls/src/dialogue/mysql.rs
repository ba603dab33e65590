//! MySQL and MariaDB, whose server speaks first and is not waited for after that.

use super::{Dialogue, Fault, Heard};
use crate::{MAX_LINE, Stage};

#[derive(Debug, Default)]
pub(super) struct Mysql {
    handshake: Option<Vec<u8>>,
}

impl Dialogue for Mysql {
    fn stage(&self) -> Stage {
        match self.handshake {
            None => Stage::Greeting,
            Some(_) => Stage::Upgrade,
        }
    }

    fn hear(&mut self, input: &[u8], _: bool) -> Result<Heard, Fault> {
        let Some(([a, b, c, number], rest)) = input.split_first_chunk() else {
            return Ok(Heard::Part);
        };
        let length = u32::from_le_bytes([*a, *b, *c, 0]) as usize;
        if *number != 0 {
            return Err(Fault::malformed(&[*a, *b, *c, *number]));
        }
        if length > MAX_LINE - 4 {
            return Err(Fault::too_long(&[*a, *b, *c, *number]));
        }
        let Some(payload) = rest.get(..length) else { return Ok(Heard::Part) };
        if let Some(error) = payload.strip_prefix(&[0xff]) {
            // An error's number, and its text: the host is blocked, there are too many connections.
            return Err(Fault::refused(error.get(2..).unwrap_or_default()));
        }
        let capabilities = capabilities(payload).ok_or_else(|| Fault::malformed(payload))?;
        if capabilities & CLIENT_SSL == 0 {
            return Err(Fault::not_offered(b""));
        }
        self.handshake = Some(payload.to_vec());
        Ok(Heard::Done(4 + length, ssl_request()))
    }

    fn handshake(&self) -> Option<Vec<u8>> {
        self.handshake.clone()
    }
}

/// The lower half of what a server can do, as its handshake of version 10 tells.
fn capabilities(handshake: &[u8]) -> Option<u16> {
    let rest = handshake.strip_prefix(&[10])?;
    let version = rest.iter().position(|byte| *byte == 0)?;
    // After the version: a thread's number, eight bytes of the nonce, and a zero.
    let rest = rest.get(version + 1 + 4 + 8 + 1..)?;
    let (capabilities, _) = rest.split_first_chunk()?;
    let capabilities = u16::from_le_bytes(*capabilities);
    (capabilities & CLIENT_PROTOCOL_41 != 0).then_some(capabilities)
}

/// The packet with number 1: the beginning of a login, with nothing in it.
fn ssl_request() -> Vec<u8> {
    let capabilities =
        u32::from(CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION) | CLIENT_PLUGIN_AUTH;
    let mut packet = vec![32, 0, 0, 1];
    packet.extend(capabilities.to_le_bytes());
    packet.extend(MAX_PACKET.to_le_bytes());
    packet.push(UTF8MB4);
    packet.resize(4 + 32, 0);
    packet
}

const CLIENT_PROTOCOL_41: u16 = 0x0200;
const CLIENT_SSL: u16 = 0x0800;
const CLIENT_SECURE_CONNECTION: u16 = 0x8000;
const CLIENT_PLUGIN_AUTH: u32 = 0x0008_0000;
const MAX_PACKET: u32 = 1 << 24;
const UTF8MB4: u8 = 45;
