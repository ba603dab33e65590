//! FTP (RFC 959, RFC 2389, RFC 4217).

use super::line::{line, reply};
use super::{Dialogue, Fault, Heard};
use crate::Stage;

#[derive(Debug)]
pub(super) struct Ftp {
    stage: Stage,
    /// The code of a reply that goes on.
    code: Option<u16>,
    offered: bool,
}

impl Default for Ftp {
    fn default() -> Self {
        Self { stage: Stage::Greeting, code: None, offered: false }
    }
}

impl Dialogue for Ftp {
    fn stage(&self) -> Stage {
        self.stage
    }

    fn hear(&mut self, input: &[u8], _: bool) -> Result<Heard, Fault> {
        let Some((line, taken)) = line(input)? else { return Ok(Heard::Part) };
        let reply = reply(line);
        // A reply of several lines ends with the code that it began with; between, anything may stand
        // (RFC 959 §4.2).
        let code = match (self.code, reply) {
            (None, None) => return Err(Fault::malformed(line)),
            (None, Some(reply)) if reply.last => reply.code,
            (None, Some(reply)) => {
                self.code = Some(reply.code);
                return Ok(Heard::On(taken));
            }
            (Some(code), Some(reply)) if reply.code == code && reply.last => code,
            (Some(code), reply) => {
                let inside = reply.filter(|reply| reply.code == code);
                let feature = inside.map_or(line, |reply| reply.text);
                self.offered |= self.stage == Stage::Capabilities && is_auth_tls(feature);
                return Ok(Heard::On(taken));
            }
        };
        self.code = None;
        match (self.stage, code) {
            // "Ready in a few minutes": the greeting is still to come (RFC 959 §5.4).
            (Stage::Greeting, 120) => Ok(Heard::On(taken)),
            (Stage::Greeting, 220) => {
                self.stage = Stage::Capabilities;
                Ok(Heard::Answer(taken, b"FEAT\r\n".to_vec()))
            }
            (Stage::Capabilities, 211) if !self.offered => Err(Fault::not_offered(b"")),
            // Who does not know FEAT, or not before the login, may know AUTH (RFC 2389 §3.2).
            (Stage::Capabilities, 211 | 500..) => {
                self.stage = Stage::Upgrade;
                Ok(Heard::Answer(taken, b"AUTH TLS\r\n".to_vec()))
            }
            (Stage::Upgrade, 234) => Ok(Heard::Done(taken, Vec::new())),
            (Stage::Greeting | Stage::Capabilities | Stage::Upgrade, _) => {
                Err(Fault::refused(line))
            }
        }
    }
}

/// Whether it is `AUTH TLS`, or a list with `TLS` or `TLS-C` (RFC 4217 §6, and what servers make of it).
fn is_auth_tls(feature: &[u8]) -> bool {
    let feature = feature.to_ascii_uppercase();
    let mut words = feature.split(|byte| matches!(byte, b' ' | b';' | b','));
    let mut words = words.by_ref().filter(|word| !word.is_empty());
    words.next() == Some(b"AUTH") && words.any(|word| matches!(word, b"TLS" | b"TLS-C"))
}
