//! SMTP (RFC 5321, RFC 3207) and LMTP (RFC 2033).

use super::line::{begins_with_word, line, reply};
use super::{Dialogue, Fault, Heard};
use crate::Stage;

/// What a client is called that says no name of its own: an address in brackets (RFC 5321 §4.1.3).
pub(super) const NAMELESS: &str = "[127.0.0.1]";

/// The hello; `None` if it cannot be said with this name.
pub(super) fn hello(verb: &str, name: &str) -> Option<Vec<u8>> {
    let usable =
        !name.is_empty() && name.len() <= 255 && name.bytes().all(|b| b.is_ascii_graphic());
    usable.then(|| format!("{verb} {name}\r\n").into_bytes())
}

#[derive(Debug)]
pub(super) struct Smtp {
    stage: Stage,
    hello: Vec<u8>,
    /// The code of a reply that goes on.
    code: Option<u16>,
    offered: bool,
}

impl Smtp {
    pub(super) fn new(hello: Vec<u8>) -> Self {
        Self { stage: Stage::Greeting, hello, code: None, offered: false }
    }
}

impl Dialogue for Smtp {
    fn stage(&self) -> Stage {
        self.stage
    }

    fn hear(&mut self, input: &[u8], _: bool) -> Result<Heard, Fault> {
        let Some((line, taken)) = line(input)? else { return Ok(Heard::Part) };
        let reply = reply(line).ok_or_else(|| Fault::malformed(line))?;
        // The first line of the capabilities has the server's name.
        if self.code.is_some() && self.stage == Stage::Capabilities {
            self.offered |= begins_with_word(reply.text, "STARTTLS");
        }
        // All lines of a reply have one code (RFC 5321 §4.2.1).
        if *self.code.get_or_insert(reply.code) != reply.code {
            return Err(Fault::malformed(line));
        }
        if !reply.last {
            return Ok(Heard::On(taken));
        }
        self.code = None;
        match (self.stage, reply.code) {
            (Stage::Greeting, 220) => {
                self.stage = Stage::Capabilities;
                Ok(Heard::Answer(taken, self.hello.clone()))
            }
            (Stage::Capabilities, 250) if self.offered => {
                self.stage = Stage::Upgrade;
                Ok(Heard::Answer(taken, b"STARTTLS\r\n".to_vec()))
            }
            (Stage::Capabilities, 250) => Err(Fault::not_offered(b"")),
            (Stage::Upgrade, 220) => Ok(Heard::Done(taken, Vec::new())),
            (Stage::Greeting | Stage::Capabilities | Stage::Upgrade, _) => {
                Err(Fault::refused(line))
            }
        }
    }
}
