//! Connectors for hyper-util's client.

mod connector;
mod stream;
mod tunnel;

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::pin::Pin;

use http::Uri;
use http::uri::Scheme;
use tls_core::{Error, ErrorKind, Result};

pub use connector::HttpsConnector;
pub use stream::MaybeHttps;
pub use tunnel::{ProxyRefusal, Tunnel, Tunneled};

use crate::error::find;

type BoxError = Box<dyn StdError + Send + Sync>;

/// A connection under way.
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Where a URI leads.
struct Target<'a> {
    is_https: bool,
    /// An IPv6 address stands in brackets.
    host: &'a str,
    port: u16,
}

impl<'a> Target<'a> {
    fn of(uri: &'a Uri) -> Result<Self> {
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(_) | None => return Err(unusable(uri, "its scheme is neither https nor http")),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| unusable(uri, "it has no host"))?;
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self { is_https, host, port })
    }
}

/// The scheme and the host are shown, never what may be a secret.
fn unusable(uri: &Uri, why: &str) -> Error {
    let scheme = uri.scheme_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    Error::new(ErrorKind::Config).because(format!("{scheme}{host}: {why}"))
}

/// What a connector of somebody else's failed with, as an error of ours with the kind that is in it.
fn failed(e: BoxError, what: String) -> Error {
    let kind = match find::<Error>(&*e) {
        Some(ours) => ours.kind(),
        None => match find::<io::Error>(&*e).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => ErrorKind::Timeout,
            Some(kind) => ErrorKind::Io(kind),
            None => ErrorKind::Io(io::ErrorKind::Other),
        },
    };
    Error::new(kind).because(what).with_source(e)
}
