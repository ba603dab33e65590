//! The server's side.

use std::io;
use std::time::Duration;

use tls_core::Server;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::handshake::Deadline;
use crate::transport::Io;
use crate::{Handshake, TlsStream};

/// Accepts TLS connections of clients. Cheap to clone.
///
/// It serves as the [`Server`] that it was made of, also after that one is
/// [reloaded](Server::reload).
#[derive(Clone, Debug)]
pub struct TlsAcceptor {
    server: Server,
    limit: Option<Duration>,
}

impl TlsAcceptor {
    /// How long a handshake may take if nothing else is said.
    pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);

    /// Accepts as `server`, with the usual [limit](Self::HANDSHAKE_LIMIT).
    pub fn new(server: Server) -> Self {
        Self { server, limit: Some(Self::HANDSHAKE_LIMIT) }
    }

    /// Limits how long a handshake may take, from the call of [`accept`](Self::accept), however slowly
    /// the client trickles its bytes. `None` is for ever: a client can then hold a connection that never
    /// becomes one.
    #[must_use]
    pub fn handshake_limit(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// Accepts a client over `io`: the stream is ready once the handshake is done.
    ///
    /// Await it in a task of its own: one client's handshake should not keep the next from being heard.
    ///
    /// # Errors
    ///
    /// The future's, each with a [`tls_core::Error`] inside: [`io::ErrorKind::TimedOut`] at the limit;
    /// whatever ends the handshake.
    pub fn accept<IO>(&self, io: IO) -> Handshake<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Handshake::new(self.server.accept(Io::new(io)), Deadline::after(self.limit))
    }

    /// Begins to serve a client over `io`; no byte moves yet, and no limit is set. For who needs the
    /// transport also after a handshake that failed.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Other`] if the library has no memory or no random numbers.
    pub fn begin<IO>(&self, io: IO) -> io::Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Ok(TlsStream(self.server.accept(Io::new(io))?))
    }
}

impl From<Server> for TlsAcceptor {
    fn from(server: Server) -> Self {
        Self::new(server)
    }
}
