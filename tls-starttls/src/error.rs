//! What can go wrong before TLS begins.

use std::{fmt, io};

use crate::Protocol;

/// A connection that was not upgraded. It is of no more use, and to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    protocol: Protocol,
    stage: Stage,
    kind: ErrorKind,
    said: Option<String>,
}

/// How far the conversation in clear had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Nothing was said yet, or the server greets.
    Greeting,
    /// The server says what it can do.
    Capabilities,
    /// The server was asked to begin TLS.
    Upgrade,
}

/// Why a connection was not upgraded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The name to be said is missing, or cannot be said in this protocol.
    #[error("unusable name")]
    Config,
    /// The connection ended.
    #[error("the connection ended")]
    Ended,
    /// Bytes came that nobody had asked for: after the go-ahead, or before the question that they would
    /// be an answer to. Somebody may have put them there.
    #[error("bytes came in clear that nobody had asked for")]
    Injected,
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Io(io::ErrorKind),
    /// The peer broke the protocol, or speaks another one.
    #[error("the answer is not of this protocol")]
    Malformed,
    /// The server does not offer TLS.
    #[error("the server does not offer TLS")]
    NotOffered,
    /// The server refused.
    #[error("the server refused")]
    Refused,
    /// It took longer than the limit.
    #[error("the limit of time passed")]
    Timeout,
    /// The peer says more than anybody has to say here.
    #[error("the answer is too long")]
    TooLong,
}

impl ErrorKind {
    /// The stable name used by the CLI, such as `not-offered`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Ended => "ended",
            Self::Injected => "injected",
            Self::Io(_) => "io",
            Self::Malformed => "malformed",
            Self::NotOffered => "not-offered",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::TooLong => "too-long",
        }
    }
}

impl Error {
    pub(crate) fn new(protocol: Protocol, stage: Stage, kind: ErrorKind) -> Self {
        Self { protocol, stage, kind, said: None }
    }

    /// Attaches what the peer said, made harmless.
    pub(crate) fn said(mut self, bytes: &[u8]) -> Self {
        if !bytes.is_empty() {
            let more = if bytes.len() > SHOWN { "…" } else { "" };
            let shown = bytes[..bytes.len().min(SHOWN)].escape_ascii();
            self.said = Some(format!("{shown}{more}"));
        }
        self
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How far it had come.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What the peer said, if that is why: its beginning, in printable ASCII, the rest escaped.
    ///
    /// Nobody vouches for it: it came in clear.
    pub fn peer_said(&self) -> Option<&str> {
        self.said.as_deref()
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "the greeting",
            Self::Capabilities => "the capabilities",
            Self::Upgrade => "the upgrade",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, stage, kind, said } = self;
        write!(f, "{protocol}, at {stage}: {kind}")?;
        match said {
            Some(said) => write!(f, ": '{said}'"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(e: Error) -> Self {
        let kind = match e.kind {
            ErrorKind::Config => io::ErrorKind::InvalidInput,
            ErrorKind::Ended => io::ErrorKind::UnexpectedEof,
            ErrorKind::Io(kind) => kind,
            ErrorKind::NotOffered | ErrorKind::Refused => io::ErrorKind::Unsupported,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::Injected | ErrorKind::Malformed | ErrorKind::TooLong => {
                io::ErrorKind::InvalidData
            }
        };
        Self::new(kind, e)
    }
}

/// How many bytes of the peer's are shown.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_peer_said_is_short_and_does_nothing_to_a_terminal() {
        let e = Error::new(Protocol::Smtp, Stage::Greeting, ErrorKind::Refused);
        let said = e.clone().said("554 go\x1b[31m \u{202e}away".as_bytes());
        let shown = r"554 go\x1b[31m \xe2\x80\xaeaway";
        assert_eq!(said.peer_said(), Some(shown));
        assert_eq!(
            said.to_string(),
            format!("smtp, at the greeting: the server refused: '{shown}'")
        );
        assert_eq!(e.clone().said(b"").peer_said(), None);
        assert_eq!(e.said(&[b'a'; 5000]).peer_said().unwrap().chars().count(), SHOWN + 1);
    }

    #[test]
    fn the_kind_is_told_to_those_who_only_know_io_errors() {
        for (kind, told) in [
            (ErrorKind::Injected, io::ErrorKind::InvalidData),
            (ErrorKind::NotOffered, io::ErrorKind::Unsupported),
            (ErrorKind::Timeout, io::ErrorKind::TimedOut),
            (ErrorKind::Io(io::ErrorKind::BrokenPipe), io::ErrorKind::BrokenPipe),
        ] {
            let e = io::Error::from(Error::new(Protocol::Imap, Stage::Upgrade, kind));
            assert_eq!(e.kind(), told);
            assert_eq!(e.get_ref().unwrap().downcast_ref::<Error>().unwrap().kind(), kind);
        }
    }
}
