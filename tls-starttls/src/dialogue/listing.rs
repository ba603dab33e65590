//! Protocols that list their capabilities up to a line with a dot: POP3 and NNTP.

use super::line::{begins_with_word, line};
use super::{Dialogue, Fault, Heard};
use crate::Stage;

/// The words of one of these protocols.
#[derive(Debug)]
pub(super) struct Words {
    greetings: &'static [&'static str],
    ask: &'static str,
    /// The first word of the answer that a list follows.
    listed: &'static str,
    capability: &'static str,
    command: &'static str,
    go_ahead: &'static str,
    /// What else an answer may begin with, to be told from another protocol.
    refusals: &'static [&'static str],
    /// The answer of a server that has no list.
    no_list: &'static [&'static str],
}

/// RFC 1939, RFC 2449, RFC 2595 §4.
pub(super) const POP3: Words = Words {
    greetings: &["+OK"],
    ask: "CAPA\r\n",
    listed: "+OK",
    capability: "STLS",
    command: "STLS\r\n",
    go_ahead: "+OK",
    refusals: &["-ERR"],
    no_list: &["-ERR"],
};

/// RFC 3977, RFC 4642 §2.2.
pub(super) const NNTP: Words = Words {
    greetings: &["200", "201"],
    ask: "CAPABILITIES\r\n",
    listed: "101",
    capability: "STARTTLS",
    command: "STARTTLS\r\n",
    go_ahead: "382",
    refusals: &["400", "480", "483", "500", "501", "502", "503", "580"],
    no_list: &["500"],
};

#[derive(Debug)]
pub(super) struct Listing {
    words: &'static Words,
    stage: Stage,
    in_list: bool,
    offered: bool,
}

impl Listing {
    pub(super) fn new(words: &'static Words) -> Self {
        Self { words, stage: Stage::Greeting, in_list: false, offered: false }
    }

    /// Why an answer is not the one that was hoped for.
    fn other(&self, line: &[u8]) -> Fault {
        let is_one_of = |words: &[&str]| words.iter().any(|word| begins_with_word(line, word));
        match self.stage {
            Stage::Capabilities if is_one_of(self.words.no_list) => Fault::not_offered(line),
            _ if is_one_of(self.words.refusals) => Fault::refused(line),
            _ => Fault::malformed(line),
        }
    }
}

impl Dialogue for Listing {
    fn stage(&self) -> Stage {
        self.stage
    }

    fn hear(&mut self, input: &[u8], _: bool) -> Result<Heard, Fault> {
        let Some((line, taken)) = line(input)? else { return Ok(Heard::Part) };
        let words = self.words;
        match self.stage {
            Stage::Greeting if words.greetings.iter().any(|word| begins_with_word(line, word)) => {
                self.stage = Stage::Capabilities;
                Ok(Heard::Answer(taken, words.ask.into()))
            }
            Stage::Capabilities if self.in_list && line == b"." => {
                if !self.offered {
                    return Err(Fault::not_offered(b""));
                }
                self.stage = Stage::Upgrade;
                Ok(Heard::Answer(taken, words.command.into()))
            }
            Stage::Capabilities if self.in_list => {
                self.offered |= begins_with_word(line, words.capability);
                Ok(Heard::On(taken))
            }
            Stage::Capabilities if begins_with_word(line, words.listed) => {
                self.in_list = true;
                Ok(Heard::On(taken))
            }
            Stage::Upgrade if begins_with_word(line, words.go_ahead) => {
                Ok(Heard::Done(taken, Vec::new()))
            }
            Stage::Greeting | Stage::Capabilities | Stage::Upgrade => Err(self.other(line)),
        }
    }
}
