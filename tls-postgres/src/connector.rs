//! What makes TLS of a connection to a database.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tls_core::{Client, Error, ErrorKind, Result};
use tls_tokio::Handshake;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};

use crate::{ALPN, TlsStream};

/// Makes a [`TlsConnector`] for each server that tokio-postgres connects to. Cheap to clone.
///
/// Made of a [`Client`], or of a [`tls_tokio::TlsConnector`] where a handshake should have a limit: the
/// `connect_timeout` of tokio-postgres' is over when TCP is connected.
#[derive(Clone, Debug)]
pub struct MakeTlsConnector {
    connector: tls_tokio::TlsConnector,
    needs_alpn: bool,
}

impl MakeTlsConnector {
    /// Connects as `client`.
    pub fn new(client: Client) -> Self {
        Self::from(tls_tokio::TlsConnector::new(client))
    }

    /// Insists on a server that answers the offer of [`ALPN`], as `sslnegotiation=direct` asks for, and
    /// libpq does there: such a server is one of PostgreSQL 17 or newer, and not one of something else
    /// with the same certificate.
    ///
    /// The client has to offer it.
    #[must_use]
    pub fn require_alpn(mut self) -> Self {
        self.needs_alpn = true;
        self
    }
}

impl From<Client> for MakeTlsConnector {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}

impl From<tls_tokio::TlsConnector> for MakeTlsConnector {
    fn from(connector: tls_tokio::TlsConnector) -> Self {
        Self { connector, needs_alpn: false }
    }
}

impl<S> MakeTlsConnect<S> for MakeTlsConnector
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    type Stream = TlsStream<S>;
    type TlsConnect = TlsConnector;
    type Error = Error;

    // Not parsed here: for a Unix socket, where no TLS follows, the name is empty.
    fn make_tls_connect(&mut self, domain: &str) -> Result<TlsConnector> {
        Ok(TlsConnector { make: self.clone(), name: domain.to_owned() })
    }
}

/// Makes TLS of one connection to one server.
#[derive(Clone, Debug)]
pub struct TlsConnector {
    make: MakeTlsConnector,
    name: String,
}

impl TlsConnector {
    /// Connects as `make` does, to the server called `name`: for
    /// [`connect_raw`](tokio_postgres::Config::connect_raw), where the transport is the caller's.
    pub fn new(make: MakeTlsConnector, name: impl Into<String>) -> Self {
        Self { make, name: name.into() }
    }
}

impl<S> TlsConnect<S> for TlsConnector
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    type Stream = TlsStream<S>;
    type Error = Error;
    type Future = Connecting<S>;

    fn connect(self, stream: S) -> Connecting<S> {
        let Self { make: MakeTlsConnector { connector, needs_alpn }, name } = self;
        Connecting { handshake: connector.connect(name.as_str(), stream), needs_alpn }
    }
}

/// A handshake with a server under way.
///
/// # Errors
///
/// [`ErrorKind::Config`] if the name is not a server's; [`ErrorKind::NoSharedAlpn`] if the server speaks
/// another protocol than [`ALPN`], or has to name it and does not; whatever ends the handshake.
#[derive(Debug)]
#[must_use = "nothing happens until it is polled"]
pub struct Connecting<S> {
    handshake: Handshake<S>,
    needs_alpn: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Connecting<S> {
    type Output = Result<TlsStream<S>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stream = ready!(Pin::new(&mut self.handshake).poll(cx))?;
        let agreed = stream.negotiated().and_then(|facts| facts.alpn);
        let why = match agreed.as_deref() {
            Some(protocol) if protocol == ALPN.as_bytes() => {
                return Poll::Ready(Ok(TlsStream(stream)));
            }
            None if !self.needs_alpn => return Poll::Ready(Ok(TlsStream(stream))),
            None => "the server does not say that it speaks `postgresql`".into(),
            Some(other) => {
                format!("the server speaks `{}`, not `postgresql`", other.escape_ascii())
            }
        };
        Poll::Ready(Err(Error::new(ErrorKind::NoSharedAlpn).because(why)))
    }
}
