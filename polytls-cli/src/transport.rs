//! TLS over a TCP socket of tokio.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use polytls::{Error, ErrorKind, Result, ServerName, Stream, Transport};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// A connected TCP socket.
#[derive(Debug)]
pub(crate) struct Tcp(TcpStream);

impl Tcp {
    pub(crate) fn new(socket: TcpStream) -> Self {
        // Records are flushed when complete; waiting for more only adds delay. Where it cannot be
        // set, the connection works all the same.
        let _ = socket.set_nodelay(true);
        Self(socket)
    }
}

impl Transport for Tcp {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buf))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Finishes the handshake, or gives up.
pub(crate) async fn handshake(stream: &mut Stream<Tcp>) -> Result<()> {
    let Ok(result) = timeout(HANDSHAKE_LIMIT, poll_fn(|cx| stream.poll_handshake(cx))).await else {
        let why = format!("no handshake within {} s", HANDSHAKE_LIMIT.as_secs());
        return Err(Error::new(ErrorKind::Timeout).because(why));
    };
    result
}

/// Ends the writing direction, and waits a little for the peer to end its own.
///
/// A socket that is closed while bytes of the peer are on their way answers them with a reset, and
/// that may overtake the last bytes sent: the close_notify, or the alert that says what went wrong.
pub(crate) async fn linger(stream: &mut Stream<Tcp>) {
    let drain = async {
        let _ = poll_fn(|cx| stream.poll_flush(cx)).await;
        let tcp = stream.transport_mut();
        let _ = poll_fn(|cx| tcp.poll_shutdown(cx)).await;
        let mut scrap = vec![0; 16_384];
        let mut left = LINGER_BYTES;
        while let Ok(n @ 1..) = poll_fn(|cx| tcp.poll_read(cx, &mut scrap)).await {
            left = left.saturating_sub(n);
            if left == 0 {
                break;
            }
        }
    };
    let _ = timeout(LINGER_LIMIT, drain).await;
}

/// A host and a port, as in `example.org:443` or `[::1]:443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPort {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl HostPort {
    /// What to give to the resolver.
    pub(crate) fn to_resolve(&self) -> (String, u16) {
        if self.host.is_ascii() {
            return (self.host.clone(), self.port);
        }
        let name = ServerName::parse(&self.host).map(|name| name.to_string());
        (name.unwrap_or_else(|_| self.host.clone()), self.port)
    }
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let expected = "expected HOST:PORT, such as example.org:443, 127.0.0.1:443 or [::1]:443";
        let Some((host, port)) = s.rsplit_once(':') else {
            return Err(format!("there is no port; {expected}"));
        };
        let port =
            port.parse().map_err(|_| format!("'{port}' is not a port number; {expected}"))?;
        let host = match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
            Some(Some(inside)) => inside,
            Some(None) => return Err(format!("a bracket is not closed; {expected}")),
            None if host.contains(':') => {
                return Err(format!("an IPv6 address needs brackets; {expected}"));
            }
            None => host,
        };
        if host.is_empty() {
            return Err(format!("there is no host; {expected}"));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The runtime for the commands that do I/O of their own.
pub(crate) fn runtime() -> Result<Runtime> {
    Builder::new_multi_thread().enable_all().build().map_err(Error::from)
}

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);
const LINGER_LIMIT: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_and_always_have_a_port() {
        for (text, host, port) in [
            ("example.org:443", "example.org", 443),
            ("127.0.0.1:0", "127.0.0.1", 0),
            ("[::1]:8443", "::1", 8443),
        ] {
            let parsed = text.parse::<HostPort>().unwrap();
            assert_eq!((parsed.host.as_str(), parsed.port), (host, port));
            assert_eq!(parsed.to_string(), text);
        }
        for bad in ["", "example.org", ":443", "[::1]", "[::1:443", "::1:443", "a:65536", "a:https"]
        {
            let why = bad.parse::<HostPort>().unwrap_err();
            assert!(why.contains("expected HOST:PORT"), "{why}");
        }
    }

    #[test]
    fn names_beyond_ascii_are_resolved_in_their_ascii_form() {
        let given = "bücher.example:443".parse::<HostPort>().unwrap();
        assert_eq!(given.to_resolve(), ("xn--bcher-kva.example".into(), 443));
    }
}
