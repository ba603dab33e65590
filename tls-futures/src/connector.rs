//! The client's side.

use std::io;

use futures_io::{AsyncRead, AsyncWrite};
use tls_core::{Client, Error, ServerName};

use crate::transport::Io;
use crate::{Handshake, TlsStream};

/// Begins TLS connections to servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsConnector(Client);

impl TlsConnector {
    /// Connects as `client`.
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// Connects to `name` over `io`: the stream is ready once the peer is verified.
    ///
    /// For as long as it takes; [`Handshake::until`] sets a limit.
    ///
    /// # Errors
    ///
    /// The future's, each with a [`tls_core::Error`] inside: [`io::ErrorKind::InvalidInput`] if `name` is
    /// not a server name; whatever ends the handshake.
    pub fn connect<N, IO>(&self, name: N, io: IO) -> Handshake<IO>
    where
        N: TryInto<ServerName>,
        Error: From<N::Error>,
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Handshake::new(self.0.connect(name, Io(io)))
    }

    /// Begins a connection to `name` over `io`; no byte moves yet. For who needs the transport also after
    /// a handshake that failed, or sends its first bytes with the last of the handshake.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if `name` is not a server name.
    pub fn begin<N, IO>(&self, name: N, io: IO) -> io::Result<TlsStream<IO>>
    where
        N: TryInto<ServerName>,
        Error: From<N::Error>,
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Ok(TlsStream(self.0.connect(name, Io(io))?))
    }
}

impl From<Client> for TlsConnector {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}
