//! The client's side.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tls_core::{Client, Error, ErrorKind, Result};
use tls_hyper::http::Uri;
use tls_hyper::http::uri::Scheme;
use tls_hyper::hyper::rt::{Read, Write};
use tls_hyper::hyper_util::client::legacy::connect::{Connection, HttpConnector};
use tls_hyper::tower_service::Service;
use tls_hyper::{HttpsConnector, MaybeHttps};

use crate::H2;

/// Makes the connections of tonic's channels, over TLS.
///
/// The [`Client`] has to offer [`H2`], and a server that does not agree on it is refused: gRPC is spoken
/// in HTTP/2 and nothing else, and over TLS that is agreed on by ALPN (RFC 9113 §3.2).
///
/// TLS is spoken whatever the scheme of the URI. Where something else in the program turns a `tls-`
/// feature of tonic's own on, tonic takes `https` for itself and refuses it with connectors of others;
/// `http://server:443` then leads to the same server in the same way.
#[derive(Clone, Debug)]
pub struct GrpcConnector<C = HttpConnector>(HttpsConnector<C>);

impl GrpcConnector {
    /// Connects as `client` over TCP.
    pub fn new(client: Client) -> Self {
        Self(HttpsConnector::new(client))
    }
}

impl<C> GrpcConnector<C> {
    /// Connects by way of `https`, which has settings of the caller's: a limit, a proxy, another name.
    pub fn wrap(https: HttpsConnector<C>) -> Self {
        Self(https)
    }
}

impl From<Client> for GrpcConnector {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}

/// Fails with [`ErrorKind::NoSharedAlpn`] if the server does not agree on HTTP/2, and otherwise as the
/// [`HttpsConnector`] does.
impl<C> Service<Uri> for GrpcConnector<C>
where
    C: Service<Uri>,
    C::Response: Connection + Read + Write + Unpin + Send + 'static,
    C::Error: Into<Box<dyn StdError + Send + Sync>>,
    C::Future: Send + 'static,
{
    type Response = MaybeHttps<C::Response>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = with_https(uri).map(|uri| self.0.call(uri));
        Box::pin(async move {
            let stream = connecting?.await?;
            let agreed = stream.negotiated().and_then(|facts| facts.alpn);
            let why = match agreed.as_deref() {
                Some(protocol) if protocol == H2.as_bytes() => return Ok(stream),
                None => "the server does not agree on HTTP/2".into(),
                Some(other) => format!("the server speaks `{}`", other.escape_ascii()),
            };
            Err(Error::new(ErrorKind::NoSharedAlpn).because(why))
        })
    }
}

/// The same place, where TLS is asked for. Other schemes stay, to be refused.
fn with_https(uri: Uri) -> Result<Uri> {
    if uri.scheme() != Some(&Scheme::HTTP) {
        return Ok(uri);
    }
    let mut parts = uri.into_parts();
    parts.scheme = Some(Scheme::HTTPS);
    Uri::from_parts(parts).map_err(|e| Error::new(ErrorKind::Config).with_source(e))
}
