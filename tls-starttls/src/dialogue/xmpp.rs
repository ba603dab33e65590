//! XMPP's streams (RFC 6120 §4 and §5).

use super::xml::{Open, Tag, Token, token};
use super::{Dialogue, Fault, Heard};
use crate::{ErrorKind, Stage};

const STREAMS: &str = "http://etherx.jabber.org/streams";
const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";

/// The header of this side's stream; `None` if it cannot be to that domain.
pub(super) fn opening(namespace: &str, domain: &str) -> Option<Vec<u8>> {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "<>&'\"".contains(c);
    let usable = !domain.is_empty() && domain.len() <= 1023 && !domain.contains(forbidden);
    let header = format!(
        "<?xml version='1.0'?><stream:stream xmlns='{namespace}' xmlns:stream='{STREAMS}' \
         to='{domain}' version='1.0'>"
    );
    usable.then(|| header.into_bytes())
}

#[derive(Debug)]
pub(super) struct Xmpp {
    stage: Stage,
    open: Open,
    /// Where it is, in the stream's own elements.
    within: Option<Within>,
    declared: bool,
    offered: bool,
}

/// The element of the stream that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Error,
    Features,
    Proceed,
}

impl Default for Xmpp {
    fn default() -> Self {
        Self {
            stage: Stage::Greeting,
            open: Open::default(),
            within: None,
            declared: false,
            offered: false,
        }
    }
}

impl Dialogue for Xmpp {
    fn stage(&self) -> Stage {
        self.stage
    }

    fn hear(&mut self, input: &[u8], asked: bool) -> Result<Heard, Fault> {
        let Some((token, taken)) = token(input)? else {
            return match asked {
                true => Ok(Heard::Part),
                false => Err(Fault::new(ErrorKind::Injected, input)),
            };
        };
        let piece = &input[..taken];
        match token {
            // White space keeps connections alive (RFC 6120 §4.6.1).
            Token::Text(true) => return Ok(Heard::On(taken)),
            _ if !asked => return Err(Fault::new(ErrorKind::Injected, piece)),
            Token::Text(false) if self.open.depth() < 2 => {}
            Token::Text(false) => return Ok(Heard::On(taken)),
            Token::Declaration if self.open.depth() == 0 && !self.declared => {
                self.declared = true;
                return Ok(Heard::On(taken));
            }
            Token::Declaration => {}
            Token::Open(tag) => return self.opened(&tag, piece),
            Token::Close(name) => {
                if self.open.close(&name) {
                    return self.closed(piece);
                }
            }
        }
        Err(Fault::malformed(piece))
    }

    /// With white space, at any time.
    fn may_interrupt(&self) -> bool {
        true
    }
}

impl Xmpp {
    fn opened(&mut self, tag: &Tag, piece: &[u8]) -> Result<Heard, Fault> {
        let on = Ok(Heard::On(piece.len()));
        let (namespace, name) = self.open.open(tag).ok_or_else(|| Fault::malformed(piece))?;
        let is = |space: &str, own: &str| namespace == space && name == own;
        match self.open.depth() {
            1 if !is(STREAMS, "stream") || tag.empty => return Err(Fault::malformed(piece)),
            1 => {
                let version = tag.attributes.iter().find(|(name, _)| name == "version");
                // Streams of an older version have no features (RFC 6120 §4.7.5).
                if version.is_none_or(|(_, version)| version.starts_with("0.")) {
                    return Err(Fault::not_offered(piece));
                }
                self.stage = Stage::Capabilities;
                return on;
            }
            2 => {
                self.within = Some(match self.stage {
                    _ if is(STREAMS, "error") => Within::Error,
                    Stage::Capabilities if is(STREAMS, "features") => Within::Features,
                    Stage::Upgrade if is(TLS, "proceed") => Within::Proceed,
                    Stage::Upgrade if is(TLS, "failure") => return Err(Fault::refused(piece)),
                    Stage::Greeting | Stage::Capabilities | Stage::Upgrade => {
                        return Err(Fault::malformed(piece));
                    }
                });
            }
            3 if self.within == Some(Within::Error) => return Err(Fault::refused(piece)),
            3 if self.within == Some(Within::Features) => self.offered |= is(TLS, "starttls"),
            _ => {}
        }
        if tag.empty {
            self.open.close(&tag.name);
            return self.closed(piece);
        }
        on
    }

    /// What is to be done now that an element has ended.
    fn closed(&mut self, piece: &[u8]) -> Result<Heard, Fault> {
        let taken = piece.len();
        let within = match self.open.depth() {
            // The stream has ended.
            0 => return Err(Fault::refused(piece)),
            1 => self.within.take(),
            _ => None,
        };
        match within {
            Some(Within::Features) if self.offered => {
                self.stage = Stage::Upgrade;
                Ok(Heard::Answer(taken, format!("<starttls xmlns='{TLS}'/>").into_bytes()))
            }
            Some(Within::Features) => Err(Fault::not_offered(b"")),
            Some(Within::Proceed) => Ok(Heard::Done(taken, Vec::new())),
            Some(Within::Error) => Err(Fault::refused(piece)),
            None => Ok(Heard::On(taken)),
        }
    }
}
