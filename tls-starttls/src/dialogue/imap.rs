//! IMAP (RFC 9051, RFC 3501).

use super::line::{begins_with_word, line_with_literals};
use super::{Dialogue, Fault, Heard};
use crate::{ErrorKind, Stage};

#[derive(Debug)]
pub(super) struct Imap {
    stage: Stage,
    offered: bool,
}

impl Default for Imap {
    fn default() -> Self {
        Self { stage: Stage::Greeting, offered: false }
    }
}

impl Dialogue for Imap {
    fn stage(&self) -> Stage {
        self.stage
    }

    fn hear(&mut self, input: &[u8], asked: bool) -> Result<Heard, Fault> {
        let Some((line, taken)) = line_with_literals(input)? else { return Ok(Heard::Part) };
        if let Some(untagged) = line.strip_prefix(b"* ") {
            return self.untagged(line, untagged, taken);
        }
        if self.stage == Stage::Greeting {
            return Err(Fault::malformed(line));
        }
        if !asked {
            return Err(Fault::new(ErrorKind::Injected, line));
        }
        let tag = if self.stage == Stage::Capabilities { b"P1 " } else { b"P2 " };
        let status = line.strip_prefix(tag).ok_or_else(|| Fault::malformed(line))?;
        if ["NO", "BAD"].iter().any(|word| begins_with_word(status, word)) {
            return Err(Fault::refused(line));
        }
        if !begins_with_word(status, "OK") {
            return Err(Fault::malformed(line));
        }
        match self.stage {
            Stage::Capabilities if self.offered => {
                self.stage = Stage::Upgrade;
                Ok(Heard::Answer(taken, b"P2 STARTTLS\r\n".to_vec()))
            }
            Stage::Capabilities => Err(Fault::not_offered(b"")),
            Stage::Greeting | Stage::Upgrade => Ok(Heard::Done(taken, Vec::new())),
        }
    }

    /// Servers may say untagged things at any time (RFC 9051 §7).
    fn may_interrupt(&self) -> bool {
        true
    }
}

impl Imap {
    fn untagged(&mut self, line: &[u8], said: &[u8], taken: usize) -> Result<Heard, Fault> {
        if begins_with_word(said, "BYE") {
            return Err(Fault::refused(line));
        }
        match self.stage {
            Stage::Greeting if begins_with_word(said, "OK") => {
                self.stage = Stage::Capabilities;
                // What the greeting says of capabilities is not asked for, and may be left out.
                Ok(Heard::Answer(taken, b"P1 CAPABILITY\r\n".to_vec()))
            }
            // Who is logged in already can begin no TLS (RFC 9051 §11.1), and was perhaps logged in by
            // somebody on the way, so that none begins.
            Stage::Greeting if begins_with_word(said, "PREAUTH") => Err(Fault::refused(line)),
            Stage::Greeting => Err(Fault::malformed(line)),
            Stage::Capabilities => {
                if begins_with_word(said, "CAPABILITY") {
                    let mut words = said.split(|byte| *byte == b' ');
                    self.offered = words.any(|word| word.eq_ignore_ascii_case(b"STARTTLS"));
                }
                Ok(Heard::On(taken))
            }
            Stage::Upgrade => Ok(Heard::On(taken)),
        }
    }
}
