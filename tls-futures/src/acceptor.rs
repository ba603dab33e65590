//! The server's side.

use std::io;

use futures_io::{AsyncRead, AsyncWrite};
use tls_core::Server;

use crate::transport::Io;
use crate::{Handshake, TlsStream};

/// Accepts TLS connections of clients. Cheap to clone.
///
/// It serves as the [`Server`] that it was made of, also after that one is
/// [reloaded](Server::reload).
#[derive(Clone, Debug)]
pub struct TlsAcceptor(Server);

impl TlsAcceptor {
    /// Accepts as `server`.
    pub fn new(server: Server) -> Self {
        Self(server)
    }

    /// Accepts a client over `io`: the stream is ready once the handshake is done.
    ///
    /// Await it in a task of its own: one client's handshake should not keep the next from being heard.
    /// And [set a limit](Handshake::until): a silent client holds its connection for ever.
    ///
    /// # Errors
    ///
    /// The future's, each with a [`tls_core::Error`] inside: whatever ends the handshake.
    pub fn accept<IO>(&self, io: IO) -> Handshake<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Handshake::new(self.0.accept(Io(io)))
    }

    /// Begins to serve a client over `io`; no byte moves yet. For who needs the
    /// transport also after a handshake that failed.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Other`] if the library has no memory or no random numbers.
    pub fn begin<IO>(&self, io: IO) -> io::Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Ok(TlsStream(self.0.accept(Io(io))?))
    }
}

impl From<Server> for TlsAcceptor {
    fn from(server: Server) -> Self {
        Self::new(server)
    }
}
