//! TLS over a TCP socket of tokio.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use polytls::{Error, ErrorKind, Result, ServerName};
use tls_tokio::TlsStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// TLS over a TCP socket.
pub(crate) type Tls = TlsStream<TcpStream>;

/// A socket that does not wait for more before it sends.
pub(crate) fn prompt(socket: TcpStream) -> TcpStream {
    // Records are flushed when complete; waiting for more only adds delay. Where it cannot be set,
    // the connection works all the same.
    let _ = socket.set_nodelay(true);
    socket
}

/// Finishes the handshake, or gives up.
pub(crate) async fn handshake(stream: &mut Tls) -> Result<()> {
    let Ok(result) = timeout(HANDSHAKE_LIMIT, stream.handshake()).await else {
        let why = format!("no handshake within {} s", HANDSHAKE_LIMIT.as_secs());
        return Err(Error::new(ErrorKind::Timeout).because(why));
    };
    Ok(result?)
}

/// Ends the writing direction, and waits a little for the peer to end its own.
///
/// A socket that is closed while bytes of the peer are on their way answers them with a reset, and
/// that may overtake the last bytes sent: the close_notify, or the alert that says what went wrong.
pub(crate) async fn linger(stream: &mut Tls) {
    let drain = async {
        let _ = stream.flush().await;
        let tcp = stream.get_mut();
        let _ = tcp.shutdown().await;
        let mut scrap = vec![0; 16_384];
        let mut left = LINGER_BYTES;
        while let Ok(n @ 1..) = tcp.read(&mut scrap).await {
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

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_does_not_hold_a_handshake_for_ever() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let silent = TcpStream::connect(address).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        let identity = tls_conformance::Leaf::server(&["localhost"]).self_signed();
        let config = polytls::ServerConfig::builder(identity).build().unwrap();
        let server = polytls::Server::new(&config, polytls::backend::all()[0]).unwrap();
        let mut stream = tls_tokio::TlsAcceptor::from(server).begin(socket).unwrap();
        let e = handshake(&mut stream).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Timeout);
        assert!(e.to_string().contains("30 s"), "{e}");
        drop(silent);
    }
}
