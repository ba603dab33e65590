//! The protocols that can be upgraded.

use std::fmt;
use std::str::FromStr;

use crate::{Error, ErrorKind, Stage};

/// A protocol that begins in clear and can go on in TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// The File Transfer Protocol: `AUTH TLS` (RFC 4217 §4). Its control connection only.
    Ftp,
    /// The Internet Message Access Protocol: `STARTTLS` (RFC 9051 §6.2.1).
    Imap,
    /// The Lightweight Directory Access Protocol: the StartTLS operation (RFC 4511 §4.14).
    Ldap,
    /// The Local Mail Transfer Protocol: `STARTTLS` after `LHLO` (RFC 2033 §4.1, RFC 3207).
    Lmtp,
    /// MySQL and MariaDB: the SSLRequest packet of their protocol version 10.
    Mysql,
    /// The Network News Transfer Protocol: `STARTTLS` (RFC 4642 §2.2).
    Nntp,
    /// The Post Office Protocol: `STLS` (RFC 2595 §4).
    Pop3,
    /// PostgreSQL: the SSLRequest message of its protocol version 3.
    Postgres,
    /// ManageSieve: `STARTTLS` (RFC 5804 §2.2).
    Sieve,
    /// The Simple Mail Transfer Protocol: `STARTTLS` (RFC 3207).
    Smtp,
    /// XMPP, as a client: `starttls` in a stream of the namespace `jabber:client` (RFC 6120 §5).
    Xmpp,
    /// XMPP, as another server: the same in a stream of the namespace `jabber:server`.
    XmppServer,
}

impl Protocol {
    /// All of them, by name.
    pub const ALL: &'static [Self] = &[
        Self::Ftp,
        Self::Imap,
        Self::Ldap,
        Self::Lmtp,
        Self::Mysql,
        Self::Nntp,
        Self::Pop3,
        Self::Postgres,
        Self::Sieve,
        Self::Smtp,
        Self::Xmpp,
        Self::XmppServer,
    ];

    /// The name that [`FromStr`] reads and the CLI uses, such as `smtp`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ftp => "ftp",
            Self::Imap => "imap",
            Self::Ldap => "ldap",
            Self::Lmtp => "lmtp",
            Self::Mysql => "mysql",
            Self::Nntp => "nntp",
            Self::Pop3 => "pop3",
            Self::Postgres => "postgres",
            Self::Sieve => "sieve",
            Self::Smtp => "smtp",
            Self::Xmpp => "xmpp",
            Self::XmppServer => "xmpp-server",
        }
    }

    /// Checks, as a server, that a client has said nothing after it asked for TLS.
    ///
    /// `unread` is what the server has read and not looked at when it comes to the client's command: it
    /// is to be empty, since a client waits for the go-ahead. Whatever is there came in clear, was perhaps
    /// put there by somebody else, and would be carried out as if it had come inside of TLS
    /// (CVE-2011-0411). Say the go-ahead only after this check; and give the socket, not a buffer around
    /// it, to TLS.
    ///
    /// Clients of [`Mysql`](Self::Mysql) do not wait, and begin TLS at once: there, `unread` may hold
    /// what can only be the beginning of a handshake, which the program has to hand on to TLS.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Injected`]. The connection is to be closed.
    pub fn check_client(self, unread: &[u8]) -> Result<(), Error> {
        let may_begin = match self {
            // A record of a handshake (RFC 8446 §5.1).
            Self::Mysql => unread.iter().zip([22, 3]).all(|(byte, record)| *byte == record),
            Self::Ftp
            | Self::Imap
            | Self::Ldap
            | Self::Lmtp
            | Self::Nntp
            | Self::Pop3
            | Self::Postgres
            | Self::Sieve
            | Self::Smtp
            | Self::Xmpp
            | Self::XmppServer => unread.is_empty(),
        };
        match may_begin {
            true => Ok(()),
            false => Err(Error::new(self, Stage::Upgrade, ErrorKind::Injected).said(unread)),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        let found = Self::ALL.iter().copied().find(|protocol| protocol.name() == name);
        found.ok_or_else(|| UnknownProtocol(name.escape_debug().to_string()))
    }
}

/// A name that is none of [`Protocol::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no protocol '{0}'; there are {names}", names = names())]
pub struct UnknownProtocol(String);

fn names() -> String {
    Protocol::ALL.iter().map(|protocol| protocol.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.name().parse(), Ok(*protocol));
        }
        let e = "gopher\n".parse::<Protocol>().unwrap_err().to_string();
        assert!(e.starts_with("no protocol 'gopher\\n'; there are ftp, imap, "), "{e}");
        assert!(Protocol::ALL.is_sorted_by_key(|protocol| protocol.name()));
    }

    #[test]
    fn a_client_that_does_not_wait_is_refused() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.check_client(b""), Ok(()));
            let e = protocol.check_client(b"RSET\r\n").unwrap_err();
            assert_eq!((e.protocol(), e.kind()), (*protocol, ErrorKind::Injected));
            assert!(e.to_string().ends_with(r"'RSET\r\n'"), "{e}");
            let begins = protocol.check_client(&[22, 3, 1, 0]).is_ok();
            assert_eq!(begins, *protocol == Protocol::Mysql);
        }
        assert!(Protocol::Mysql.check_client(&[22, 2]).is_err());
    }
}
