//! Through an HTTP proxy.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use base64ct::{Base64, Encoding};
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Extensions, HeaderValue, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use tls_core::{Error, ErrorKind, Negotiated, Result};
use tower_service::Service;

use super::{BoxError, Connecting, Target, failed, unusable};

/// Connects through an HTTP proxy, with CONNECT (RFC 9110 §9.3.6).
///
/// What it makes is a bare transport to the target. [`HttpsConnector::wrap`](super::HttpsConnector::wrap)
/// puts TLS on it: the proxy then sees where a connection leads, and nothing of what is said. The
/// connector inside makes the way to the proxy: an [`HttpConnector`] for a proxy at `http`, an
/// [`HttpsConnector`](super::HttpsConnector) for one at `https`, whose own client has to offer
/// `http/1.1` or nothing.
#[derive(Clone, Debug)]
pub struct Tunnel<C = HttpConnector> {
    inner: C,
    proxy: Uri,
    authorization: Option<HeaderValue>,
}

impl<C> Tunnel<C> {
    /// Connects through `proxy`, to which `inner` leads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `proxy` has another scheme than `https` or `http`, or no host, or if a
    /// user's name stands in it: that belongs into [`basic_auth`](Self::basic_auth).
    pub fn new(proxy: Uri, inner: C) -> Result<Self> {
        Target::of(&proxy)?;
        if proxy.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(unusable(&proxy, "a user's name does not belong into a proxy's address"));
        }
        Ok(Self { inner, proxy, authorization: None })
    }

    /// Tells the proxy a user's name and password (RFC 7617), each time and without being asked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `user` has a colon in it, or either has a control character.
    pub fn basic_auth(self, user: &str, password: &str) -> Result<Self> {
        let refuse = |why: &str| Error::new(ErrorKind::Config).because(why.to_owned());
        if user.contains(':') {
            return Err(refuse("a user's name for a proxy cannot have a colon"));
        }
        if user.chars().chain(password.chars()).any(char::is_control) {
            return Err(refuse("a name or password for a proxy has a control character"));
        }
        let text =
            format!("Basic {}", Base64::encode_string(format!("{user}:{password}").as_bytes()));
        let value = HeaderValue::try_from(text).map_err(|e| refuse("no header").with_source(e))?;
        Ok(self.authorization(value))
    }

    /// Tells the proxy this `Proxy-Authorization`, such as a bearer's token, each time.
    #[must_use]
    pub fn authorization(mut self, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.authorization = Some(value);
        self
    }
}

/// Fails with [`ErrorKind::Io`]: `ConnectionRefused`, with a [`ProxyRefusal`] for its source, if the proxy
/// does not want to; `InvalidData` if it answers with what is no HTTP/1, or says something before the
/// client has; with [`ErrorKind::UnexpectedEof`] if it goes away. What the way to it fails with keeps its
/// kind.
impl<C> Service<Uri> for Tunnel<C>
where
    C: Service<Uri>,
    C::Response: Connection + Read + Write + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = Tunneled<C::Response>;
    type Error = Error;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let proxy = &self.proxy;
        let no_more = |e: C::Error| failed(e.into(), format!("no connection to the proxy {proxy}"));
        self.inner.poll_ready(cx).map_err(no_more)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let request = match connect(&uri, self.authorization.clone()) {
            Ok(request) => request,
            Err(e) => return Box::pin(ready(Err(e))),
        };
        let proxy = self.proxy.clone();
        let connecting = self.inner.call(proxy.clone());
        Box::pin(async move {
            let no_way =
                |e: C::Error| failed(e.into(), format!("no connection to the proxy {proxy}"));
            let transport = connecting.await.map_err(no_way)?;
            check(&proxy, &transport.connected())?;
            establish(transport, request, &proxy).await.map(Tunneled)
        })
    }
}

/// The request for a tunnel to where `uri` leads.
fn connect(uri: &Uri, authorization: Option<HeaderValue>) -> Result<Request<Empty<Bytes>>> {
    let target = Target::of(uri)?;
    let target = format!("{}:{}", target.host, target.port);
    let mut request = Request::connect(&target).header(HOST, &target);
    if let Some(authorization) = authorization {
        request = request.header(PROXY_AUTHORIZATION, authorization);
    }
    request
        .body(Empty::new())
        .map_err(|e| unusable(uri, "no proxy can be asked for it").with_source(e))
}

/// A proxy at `https` is told nothing in clear, and HTTP/2 is another protocol.
fn check(proxy: &Uri, connected: &Connected) -> Result<()> {
    let mut facts = Extensions::new();
    connected.get_extras(&mut facts);
    if Target::of(proxy)?.is_https && facts.get::<Arc<Negotiated>>().is_none() {
        let why = "the proxy is to be spoken to in TLS, and the connector to it makes none";
        return Err(unusable(proxy, why));
    }
    if connected.is_negotiated_h2() {
        return Err(unusable(proxy, "only HTTP/1.1 is spoken to proxies, and h2 was agreed on"));
    }
    Ok(())
}

/// Asks the proxy for the tunnel.
async fn establish<T>(transport: T, request: Request<Empty<Bytes>>, proxy: &Uri) -> Result<T>
where
    T: Read + Write + Unpin + Send + 'static,
{
    let broken = |e: hyper::Error| broken(e, proxy);
    let mut http = http1::Builder::new();
    let http = http.max_buf_size(MAX_HEAD);
    let (mut asking, mut connection) = http.handshake(transport).await.map_err(broken)?;
    let answer = {
        let mut answer = pin!(asking.send_request(request));
        poll_fn(|cx| {
            // It moves the bytes, and ends with the answer.
            let moved = connection.poll_without_shutdown(cx);
            match (answer.as_mut().poll(cx), moved) {
                (Poll::Ready(answer), _) => Poll::Ready(answer.map_err(broken)),
                (Poll::Pending, Poll::Ready(Err(e))) => Poll::Ready(Err(broken(e))),
                (Poll::Pending, Poll::Ready(Ok(()))) => Poll::Ready(Err(gone(proxy))),
                (Poll::Pending, Poll::Pending) => Poll::Pending,
            }
        })
        .await?
    };
    let status = answer.status();
    if !status.is_success() {
        let why = format!("the proxy {proxy} answered {status}");
        let kind = ErrorKind::Io(io::ErrorKind::ConnectionRefused);
        return Err(Error::new(kind).because(why).with_source(ProxyRefusal { status }));
    }
    let parts = connection.into_parts();
    if !parts.read_buf.is_empty() {
        // Whoever sent that, it is not the target: that has not been spoken to.
        let why = format!("the proxy {proxy} sent more than its answer");
        return Err(Error::new(ErrorKind::Io(io::ErrorKind::InvalidData)).because(why));
    }
    Ok(parts.io)
}

fn gone(proxy: &Uri) -> Error {
    Error::new(ErrorKind::UnexpectedEof).because(format!("the proxy {proxy} went away"))
}

fn broken(e: hyper::Error, proxy: &Uri) -> Error {
    if e.is_incomplete_message() || e.is_canceled() {
        return gone(proxy).with_source(e);
    }
    if e.is_parse() {
        let why = format!("the proxy {proxy} did not answer in HTTP/1");
        return Error::new(ErrorKind::Io(io::ErrorKind::InvalidData)).because(why).with_source(e);
    }
    failed(e.into(), format!("the connection to the proxy {proxy} failed"))
}

/// A proxy does not make the tunnel, and says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyRefusal {
    status: StatusCode,
}

impl ProxyRefusal {
    /// What it answered, such as `407 Proxy Authentication Required`.
    pub fn status(self) -> StatusCode {
        self.status
    }

    /// The refusal in the chain of `e`, if there is one.
    pub fn find(e: &(dyn StdError + 'static)) -> Option<Self> {
        crate::error::find(e).copied()
    }
}

impl fmt::Display for ProxyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer to CONNECT was {}", self.status)
    }
}

impl StdError for ProxyRefusal {}

/// A transport that leads through a proxy to the target.
#[derive(Debug)]
pub struct Tunneled<T>(T);

impl<T> Tunneled<T> {
    /// The transport to the proxy.
    pub fn get_ref(&self) -> &T {
        &self.0
    }
}

/// Nothing that is known of the way to the proxy holds for the target.
impl<T> Connection for Tunneled<T> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl<T: Read + Unpin> Read for Tunneled<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<T: Write + Unpin> Write for Tunneled<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The most bytes of a proxy's answer that are kept.
const MAX_HEAD: usize = 16 * 1024;
