//! From an address to a socket.

use std::fs;
use std::io;
use std::net::{TcpStream, ToSocketAddrs as _};

/// A host, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// Takes `host` and `port`; without the latter `host` is `name:port` or `[address]:port`. A port is a
    /// number or the name of a service.
    pub(crate) fn parse(host: &str, port: Option<&str>) -> Result<Self, String> {
        let (host, port) = match port {
            Some(port) => (host, port),
            None => split(host).ok_or("no port provided")?,
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err("host not specified".into());
        }
        Ok(Self { host: host.to_owned(), port: number(port)? })
    }

    /// Resolves the name and connects to the first address that answers. Waits.
    pub(crate) fn dial(&self) -> io::Result<TcpStream> {
        TcpStream::connect((&self.host[..], self.port).to_socket_addrs()?.as_slice())
    }
}

/// The two parts around the last colon, which is none of those inside of an address of IPv6.
fn split(address: &str) -> Option<(&str, &str)> {
    let (host, port) = address.rsplit_once(':')?;
    let is_bare = host.contains(':') && !host.ends_with(']');
    (!is_bare && !port.is_empty()).then_some((host, port))
}

fn number(port: &str) -> Result<u16, String> {
    let unknown = || format!("'{port}' is neither the number of a port nor the name of a service");
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        return port.parse().map_err(|_| unknown());
    }
    // A machine without the list has the names that TLS is mostly spoken under.
    let list = fs::read_to_string("/etc/services").unwrap_or_default();
    let mut lines = list.lines().chain(KNOWN.iter().copied());
    lines.find_map(|line| service(line, port)).ok_or_else(unknown)
}

/// The port of services(5)'s line, if it is about `wanted` over TCP.
fn service(line: &str, wanted: &str) -> Option<u16> {
    let mut words = line.split('#').next()?.split_ascii_whitespace();
    let name = words.next()?;
    let port = words.next()?.strip_suffix("/tcp")?;
    (name == wanted || words.any(|alias| alias == wanted)).then(|| port.parse().ok())?
}

const KNOWN: &[&str] = &[
    "https 443/tcp",
    "submissions 465/tcp",
    "ldaps 636/tcp",
    "domain-s 853/tcp",
    "imaps 993/tcp",
    "pop3s 995/tcp",
    "ircs-u 6697/tcp",
];
