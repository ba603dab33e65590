//! The client's side.

use std::io;
use std::time::Duration;

use tls_core::{Client, Error, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::handshake::Deadline;
use crate::transport::Io;
use crate::{Handshake, TlsStream};

/// Begins TLS connections to servers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsConnector {
    client: Client,
    limit: Option<Duration>,
}

impl TlsConnector {
    /// Connects as `client`, with no limit to how long a handshake may take.
    pub fn new(client: Client) -> Self {
        Self { client, limit: None }
    }

    /// Limits how long a handshake may take, from the call of [`connect`](Self::connect). `None` is for
    /// ever, and the default: a client has its own idea of how long it waits, for TCP and an answer too.
    #[must_use]
    pub fn handshake_limit(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// Connects to `name` over `io`: the stream is ready once the peer is verified.
    ///
    /// # Errors
    ///
    /// The future's, each with a [`tls_core::Error`] inside: [`io::ErrorKind::InvalidInput`] if `name` is
    /// not a server name; [`io::ErrorKind::TimedOut`] at the limit; whatever ends the handshake.
    pub fn connect<N, IO>(&self, name: N, io: IO) -> Handshake<IO>
    where
        N: TryInto<ServerName>,
        Error: From<N::Error>,
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        Handshake::new(self.client.connect(name, Io::new(io)), Deadline::after(self.limit))
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
        Ok(TlsStream(self.client.connect(name, Io::new(io))?))
    }
}

impl From<Client> for TlsConnector {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}
