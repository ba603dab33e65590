//! What is said in each protocol, and what is understood.

mod ber;
mod ftp;
mod imap;
mod ldap;
mod line;
mod listing;
mod mysql;
mod postgres;
mod sieve;
mod smtp;
mod xml;
mod xmpp;

use std::fmt::Debug;

use crate::{Error, ErrorKind, Protocol, Stage};

/// One side of a conversation, that hears a piece at a time: a line, a tag, a packet.
pub(crate) trait Dialogue: Debug + Send + Sync {
    /// How far it has come.
    fn stage(&self) -> Stage;

    /// Takes the first piece of `input`, which is not empty.
    ///
    /// Nothing was `asked` if the last question is not sent yet; that is so only where the peer
    /// [may interrupt](Self::may_interrupt).
    fn hear(&mut self, input: &[u8], asked: bool) -> Result<Heard, Fault>;

    /// Whether the peer may say something that it was not asked for.
    fn may_interrupt(&self) -> bool {
        false
    }

    /// MySQL's first packet.
    fn handshake(&self) -> Option<Vec<u8>> {
        None
    }
}

/// What became of a piece; the number is its length.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It is not whole yet.
    Part,
    /// More is to come.
    On(usize),
    /// It is this side's turn, which says this.
    Answer(usize, Vec<u8>),
    /// It was the go-ahead; this is still to be said.
    Done(usize, Vec<u8>),
}

/// Why the conversation is over, and what the peer said.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) said: Vec<u8>,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, said: &[u8]) -> Self {
        // No more is ever shown.
        Self { kind, said: said[..said.len().min(1024)].to_vec() }
    }

    pub(crate) fn too_long(said: &[u8]) -> Self {
        Self::new(ErrorKind::TooLong, said)
    }

    fn malformed(said: &[u8]) -> Self {
        Self::new(ErrorKind::Malformed, said)
    }

    fn not_offered(said: &[u8]) -> Self {
        Self::new(ErrorKind::NotOffered, said)
    }

    fn refused(said: &[u8]) -> Self {
        Self::new(ErrorKind::Refused, said)
    }
}

/// A conversation, and what opens it.
pub(crate) fn begin(
    protocol: Protocol,
    name: Option<&str>,
) -> Result<(Box<dyn Dialogue>, Vec<u8>), Error> {
    let unusable =
        |name: &str| Error::new(protocol, Stage::Greeting, ErrorKind::Config).said(name.as_bytes());
    Ok(match protocol {
        Protocol::Ftp => (Box::<ftp::Ftp>::default(), Vec::new()),
        Protocol::Imap => (Box::<imap::Imap>::default(), Vec::new()),
        Protocol::Ldap => (Box::new(ldap::Ldap), ldap::REQUEST.to_vec()),
        Protocol::Mysql => (Box::<mysql::Mysql>::default(), Vec::new()),
        Protocol::Nntp => (Box::new(listing::Listing::new(&listing::NNTP)), Vec::new()),
        Protocol::Pop3 => (Box::new(listing::Listing::new(&listing::POP3)), Vec::new()),
        Protocol::Postgres => (Box::new(postgres::Postgres), postgres::REQUEST.to_vec()),
        Protocol::Sieve => (Box::<sieve::Sieve>::default(), Vec::new()),
        Protocol::Smtp | Protocol::Lmtp => {
            let verb = if protocol == Protocol::Smtp { "EHLO" } else { "LHLO" };
            let name = name.unwrap_or(smtp::NAMELESS);
            let hello = smtp::hello(verb, name).ok_or_else(|| unusable(name))?;
            (Box::new(smtp::Smtp::new(hello)), Vec::new())
        }
        Protocol::Xmpp | Protocol::XmppServer => {
            let namespace = match protocol {
                Protocol::Xmpp => "jabber:client",
                _ => "jabber:server",
            };
            let name = name.unwrap_or_default();
            let opening = xmpp::opening(namespace, name).ok_or_else(|| unusable(name))?;
            (Box::<xmpp::Xmpp>::default(), opening)
        }
    })
}
