//! ManageSieve (RFC 5804).

use super::line::{begins_with_word, line_with_literals};
use super::{Dialogue, Fault, Heard};
use crate::Stage;

/// The greeting is the list of capabilities (RFC 5804 §1.7).
#[derive(Debug)]
pub(super) struct Sieve {
    stage: Stage,
    offered: bool,
}

impl Default for Sieve {
    fn default() -> Self {
        Self { stage: Stage::Capabilities, offered: false }
    }
}

impl Dialogue for Sieve {
    fn stage(&self) -> Stage {
        self.stage
    }

    fn hear(&mut self, input: &[u8], _: bool) -> Result<Heard, Fault> {
        let Some((line, taken)) = line_with_literals(input)? else { return Ok(Heard::Part) };
        let is = |word| begins_with_word(line, word);
        match self.stage {
            Stage::Greeting | Stage::Capabilities if line.starts_with(b"\"") => {
                self.offered |= is("\"STARTTLS\"");
                Ok(Heard::On(taken))
            }
            Stage::Greeting | Stage::Capabilities if is("OK") => {
                if !self.offered {
                    return Err(Fault::not_offered(b""));
                }
                self.stage = Stage::Upgrade;
                Ok(Heard::Answer(taken, b"STARTTLS\r\n".to_vec()))
            }
            Stage::Upgrade if is("OK") => Ok(Heard::Done(taken, Vec::new())),
            Stage::Greeting | Stage::Capabilities | Stage::Upgrade => {
                Err(match is("NO") || is("BYE") {
                    true => Fault::refused(line),
                    false => Fault::malformed(line),
                })
            }
        }
    }
}
