//! What is wrong, and what a backend says of it: to its caller and to its peer.

use std::fmt;

use tls_core::{Alert, Backend, Capability, CertificateError, Error, ErrorKind, Result};

use crate::case::Role;

/// What came of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The kind of the error, on the side that met the fault.
    pub kind: ErrorKind,
    /// The alert that the other side sees, if it is sent one.
    pub alert: Option<Alert>,
}

impl Told {
    /// An error of this kind that is told to the peer by this alert.
    pub(crate) const fn with(kind: ErrorKind, alert: Alert) -> Self {
        Self { kind, alert: Some(alert) }
    }

    /// An error of this kind of which the peer is told nothing.
    pub(crate) const fn silently(kind: ErrorKind) -> Self {
        Self { kind, alert: None }
    }
}

/// The kind, and the alert in parentheses.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.alert {
            Some(alert) => write!(f, "{} ({alert})", self.kind.name()),
            None => write!(f, "{} (no alert)", self.kind.name()),
        }
    }
}

/// How to bring a fault about, and what may be told of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) provoke: Provoke,
    /// First what every backend should say, then what those say that cannot do otherwise.
    pub(crate) allowed: &'static [Told],
}

/// By the side that is needed for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Provoke {
    Client(fn(&dyn Backend) -> Result<Told>),
    Pair(fn(&dyn Backend, &dyn Backend) -> Result<Told>),
    Server(fn(&dyn Backend) -> Result<Told>),
}

impl Fault {
    pub(crate) fn role(&self) -> Role {
        match self.provoke {
            Provoke::Client(_) => Role::Client,
            Provoke::Pair(_) => Role::Pair,
            Provoke::Server(_) => Role::Server,
        }
    }

    pub(crate) fn observe(&self, client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
        match self.provoke {
            Provoke::Client(provoke) => provoke(client),
            Provoke::Pair(provoke) => provoke(client, server),
            Provoke::Server(provoke) => provoke(server),
        }
    }

    /// Checks that what is told is one of what may be, or less for want of a capability.
    pub(crate) fn check(&self, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
        let told = self.observe(client, server)?;
        if self.allowed.contains(&told) {
            return Ok(());
        }
        if told.kind == ErrorKind::Certificate(CertificateError::Other) {
            return Err(Error::new(ErrorKind::Unsupported(Capability::CertificateReasons)));
        }
        if told.alert.is_none()
            && self.allowed.contains(&Told { alert: self.allowed[0].alert, ..told })
        {
            return Err(Error::new(ErrorKind::Unsupported(Capability::EncryptedAlerts)));
        }
        let allowed = self.allowed.iter().map(ToString::to_string).collect::<Vec<_>>();
        panic!("{told}; expected {}", allowed.join(" or "))
    }
}
