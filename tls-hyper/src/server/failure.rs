//! What goes wrong while others are served.

use std::error::Error as StdError;
use std::fmt::{self, Debug};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tls_core::Error;
use tokio::task::JoinError;

/// What went wrong with one connection, or with accepting the next; all others go on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure<A = SocketAddr> {
    /// No connection could be accepted, for want of file descriptors for example. It is tried again,
    /// after a pause unless the error is one of a connection that is gone.
    Accept(io::Error),
    /// A handshake came to nothing.
    Handshake {
        /// Who began it.
        peer: A,
        /// Why it ended; [`Timeout`](tls_core::ErrorKind::Timeout) at the limit.
        error: Error,
    },
    /// A connection of an [`HttpsServer`](super::HttpsServer)'s broke, or did not speak HTTP.
    Connection {
        /// Who was served.
        peer: A,
        /// What hyper says; [`tls_error`](crate::tls_error) finds what TLS said.
        error: Box<dyn StdError + Send + Sync>,
    },
    /// Something of the program's panicked, a verifier or a service, and its connection is gone.
    Panic(JoinError),
}

impl<A> Failure<A> {
    /// Why; what is displayed says only to whom it happened.
    pub fn cause(&self) -> &(dyn StdError + 'static) {
        match self {
            Self::Accept(e) => e,
            Self::Handshake { error, .. } => error,
            Self::Connection { error, .. } => &**error,
            Self::Panic(e) => e,
        }
    }
}

impl<A: Debug> fmt::Display for Failure<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept(_) => f.write_str("no connection could be accepted"),
            Self::Handshake { peer, .. } => write!(f, "the handshake with {peer:?} failed"),
            Self::Connection { peer, .. } => write!(f, "the connection with {peer:?} failed"),
            Self::Panic(_) => f.write_str("a connection panicked"),
        }
    }
}

impl<A: Debug> StdError for Failure<A> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.cause())
    }
}

/// Whom failures are reported to.
pub(super) struct Report<A>(Option<Arc<dyn Fn(Failure<A>) + Send + Sync>>);

impl<A> Report<A> {
    pub(super) fn nobody() -> Self {
        Self(None)
    }

    pub(super) fn to(hook: impl Fn(Failure<A>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hook)))
    }

    pub(super) fn tell(&self, failure: Failure<A>) {
        if let Some(hook) = &self.0 {
            hook(failure);
        }
    }
}

impl<A> Clone for Report<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
