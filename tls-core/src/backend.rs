//! What a TLS library must provide.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use crate::x509::Algorithms;
use crate::{
    Capabilities, ClientConfig, Error, ErrorKind, Judge, Result, ServerConfig, ServerName, Session,
    Sessions, TicketKeys, Tickets,
};

/// A TLS library.
///
/// Implementors may assume that a [`Supported`] configuration asks for nothing beyond
/// [`capabilities`](Self::capabilities): refusing is this crate's work.
pub trait Backend: fmt::Debug + Send + Sync {
    /// The short, stable name, as used in errors, features and the CLI.
    fn name(&self) -> &'static str;

    /// The library at work and its version, as it calls itself.
    fn library(&self) -> String;

    /// Whether the library runs in its FIPS mode; `None` if it does not say.
    fn fips(&self) -> Option<bool> {
        None
    }

    /// What this library can do, as built and as found on this machine.
    fn capabilities(&self) -> Capabilities;

    /// The signatures that this library can check, lent to the core: for uniform verification, lists
    /// of revoked certificates, and OCSP. None if it does not lend them.
    fn signature_algorithms(&self) -> Algorithms<'static> {
        &[]
    }

    /// Loads `config` into the library, once, for many connections.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the library cannot use a certificate or key.
    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>>;

    /// Loads `config` into the library, once, for many connections.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the library cannot use a certificate or key.
    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>>;
}

/// A client configuration loaded into a backend.
pub trait Connector: fmt::Debug + Send + Sync {
    /// Begins a connection to `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`] if the library has no memory or no random numbers.
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>>;

    /// Begins a connection to `name` that has early data to send, if there is a session to resume that
    /// allows it. Called only if the configuration wants early data.
    ///
    /// # Errors
    ///
    /// As [`session`](Self::session).
    fn session_with_early_data(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        self.session(name)
    }
}

/// A server configuration loaded into a backend.
pub trait Acceptor: fmt::Debug + Send + Sync {
    /// Begins to serve one connection with the identity of this index in the configuration: which one
    /// is for the core to choose.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`] if the library has no memory or no random numbers.
    fn session(&self, identity: usize) -> Result<Box<dyn Session>>;

    /// The same, but early data is passed over also if the configuration wants some: it has come before.
    ///
    /// # Errors
    ///
    /// As [`session`](Self::session).
    fn session_without_early_data(&self, identity: usize) -> Result<Box<dyn Session>> {
        self.session(identity)
    }
}

/// A configuration that was checked against a backend's capabilities.
///
/// Only this crate can make one, so a backend that receives it has nothing left to refuse.
#[derive(Debug)]
pub struct Supported<'a, C> {
    config: &'a C,
    judge: Judge,
    sessions: Option<Sessions>,
    ticket_keys: Option<TicketKeys>,
}

impl Supported<'_, ClientConfig> {
    /// Where sessions are kept, for a library that gives them as bytes; `None` if none is to be resumed.
    pub fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
    }
}

impl Supported<'_, ServerConfig> {
    /// The keys that tickets are encrypted with; `None` if there are to be no tickets.
    pub fn ticket_keys(&self) -> Option<&TicketKeys> {
        self.ticket_keys.as_ref()
    }

    /// How long a session can be resumed.
    pub fn session_lifetime(&self) -> Duration {
        self.ticket_keys.as_ref().map_or(Tickets::LIFETIME, TicketKeys::lifetime)
    }

    /// What a session is bound to that is made with the identity of this index: who the server is, and
    /// whom it lets in. A session that is bound to anything else is not resumed.
    pub fn session_context(&self, identity: usize) -> [u8; 32] {
        self.config.session_context(identity)
    }
}

impl<C> Supported<'_, C> {
    /// The core's part in the verification of peers.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }
}

impl<C> Deref for Supported<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.config
    }
}

/// Refuses a client's `config` by the first capability it needs and `backend` lacks.
pub(crate) fn check_client<'a>(
    config: &'a ClientConfig,
    backend: &dyn Backend,
) -> Result<Supported<'a, ClientConfig>> {
    check(config.required(), backend)?;
    Ok(Supported {
        config,
        judge: config.judge(backend.signature_algorithms())?,
        sessions: config.sessions(backend)?,
        ticket_keys: None,
    })
}

/// Refuses a server's `config` by the first capability it needs and `backend` lacks.
pub(crate) fn check_server<'a>(
    config: &'a ServerConfig,
    backend: &dyn Backend,
) -> Result<Supported<'a, ServerConfig>> {
    check(config.required(), backend)?;
    Ok(Supported {
        config,
        judge: config.judge(backend.signature_algorithms())?,
        sessions: None,
        ticket_keys: config.ticket_keys(backend)?,
    })
}

fn check(required: Capabilities, backend: &dyn Backend) -> Result<()> {
    match required.without(backend.capabilities()).iter().next() {
        None => Ok(()),
        Some(missing) => Err(Error::new(ErrorKind::Unsupported(missing))
            .because(format!("the configuration needs it and {} lacks it", backend.name()))),
    }
}
