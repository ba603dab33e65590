//! The connector.

use std::future::ready;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tls_core::{Client, Error, ErrorKind, Result, ServerName};
use tls_tokio::TlsConnector;
use tokio::time::timeout;
use tower_service::Service;

use super::{BoxError, Connecting, MaybeHttps, Target, failed, unusable};

/// Connects hyper-util's client to `https` URIs, by way of a connector that makes the transport.
///
/// Which versions of HTTP are offered is the [`Client`]'s affair: a configuration with
/// `alpn(["h2", "http/1.1"])` gives HTTP/2 with servers that have it, and HTTP/1.1 with others; one
/// without offers nothing, and gets HTTP/1.1.
///
/// A name is taken from the URI, with its port, so that sessions of different servers are kept apart.
/// The response's extensions have an `Arc<Negotiated>` with what the handshake settled.
///
/// Cheap to clone if the connector inside is.
#[derive(Clone, Debug)]
pub struct HttpsConnector<C = HttpConnector> {
    tls: TlsConnector,
    inner: C,
    name: Option<ServerName>,
    allows_http: bool,
    limit: Option<Duration>,
}

impl HttpsConnector {
    /// Connects as `client` over TCP.
    pub fn new(client: Client) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        // Records are written whole; there is nothing to wait for.
        http.set_nodelay(true);
        Self::wrap(client, http)
    }
}

impl<C> HttpsConnector<C> {
    /// How long a connection may take to be made if nothing else is said.
    pub const CONNECT_LIMIT: Duration = Duration::from_secs(30);

    /// Connects as `client` over what `inner` makes: another transport, a [`Tunnel`](super::Tunnel)
    /// through a proxy, or an [`HttpConnector`] with settings of the caller's, on which
    /// [`enforce_http(false)`](HttpConnector::enforce_http) has to be called.
    pub fn wrap(client: Client, inner: C) -> Self {
        Self {
            tls: client.into(),
            inner,
            name: None,
            allows_http: false,
            limit: Some(Self::CONNECT_LIMIT),
        }
    }

    /// Allows URIs with the scheme `http` too: they get no TLS. Without this they are refused.
    #[must_use]
    pub fn allow_http(mut self) -> Self {
        self.allows_http = true;
        self
    }

    /// Expects a server of this name, whatever the URI says: it is sent (SNI), and the certificate has
    /// to be for it. Where to connect to is still what the URI says.
    #[must_use]
    pub fn server_name(mut self, name: ServerName) -> Self {
        self.name = Some(name);
        self
    }

    /// Limits how long a connection may take, from the call to the end of the handshake: the connector
    /// inside, a proxy, and TLS together. `None` is for ever. Nothing else in hyper's client limits
    /// it, also not dropping the request: the connection may go on being made for the next one.
    #[must_use]
    pub fn connect_limit(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// The connector inside.
    pub fn get_ref(&self) -> &C {
        &self.inner
    }

    /// The connector inside, to change its settings.
    pub fn get_mut(&mut self) -> &mut C {
        &mut self.inner
    }

    /// Whom to expect at `uri`, if it gets TLS at all, and where that is.
    fn expected(&self, uri: &Uri) -> Result<(Option<ServerName>, String)> {
        let target = Target::of(uri)?;
        let at = format!("{}:{}", target.host, target.port);
        if !target.is_https {
            let refused = || unusable(uri, "it is not https, and plain http is not allowed");
            return if self.allows_http { Ok((None, at)) } else { Err(refused()) };
        }
        let name = match &self.name {
            Some(name) => name.clone(),
            None => ServerName::parse(target.host)?,
        };
        Ok((Some(name.at_port(target.port)), at))
    }
}

/// Fails with [`ErrorKind::Config`] for a URI that is no `https` one, or has no server's name in it;
/// with [`ErrorKind::Timeout`] at the limit; with the kind of what the connector inside fails with, of
/// which the error is the source; and with whatever ends the handshake.
impl<C> Service<Uri> for HttpsConnector<C>
where
    C: Service<Uri>,
    C::Response: Connection + Read + Write + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = MaybeHttps<C::Response>;
    type Error = Error;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let no_more = |e: C::Error| failed(e.into(), "no connection can be made".into());
        self.inner.poll_ready(cx).map_err(no_more)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (name, at) = match self.expected(&uri) {
            Ok(expected) => expected,
            Err(e) => return Box::pin(ready(Err(e))),
        };
        let (tls, connecting) = (self.tls.clone(), self.inner.call(uri));
        let connect = async move {
            let transport = connecting.await.map_err(|e| match e.into().downcast() {
                // One of ours has said it all.
                Ok(ours) => *ours,
                Err(e) => failed(e, format!("no transport to {at}")),
            })?;
            let Some(name) = name else { return Ok(MaybeHttps::Http(transport)) };
            let stream = tls.connect(&name, TokioIo::new(transport)).await?;
            Ok(MaybeHttps::Https(Box::new(TokioIo::new(stream))))
        };
        let Some(limit) = self.limit else { return Box::pin(connect) };
        Box::pin(async move {
            let late = |_| {
                Error::new(ErrorKind::Timeout).because(format!("no connection within {limit:?}"))
            };
            timeout(limit, connect).await.unwrap_or_else(|e| Err(late(e)))
        })
    }
}
