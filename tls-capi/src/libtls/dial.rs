//! TCP for `tls_connect`.

use std::fs;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};

use super::error::{Fault, Outcome, system_words};

/// Where a host and a port lead: the host without brackets, and the port, which may be in the host only
/// where none is given.
pub(super) fn parse<'a>(host: &'a str, port: Option<&'a str>) -> Outcome<(&'a str, &'a str)> {
    let bare = |host: &'a str| {
        let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(host)
    };
    if let Some(port) = port {
        return Ok((bare(host), port));
    }
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .and_then(|(host, rest)| Some((host, rest.strip_prefix(':')?)))
            .ok_or_else(|| Fault::argument("no port provided"))?,
        None => match host.split_once(':') {
            Some((_, rest)) if rest.contains(':') => ("", ""),
            Some(pair) => pair,
            None => ("", ""),
        },
    };
    match host.is_empty() || port.is_empty() {
        true => Err(Fault::argument("no port provided")),
        false => Ok((host, port)),
    }
}

/// Connects to the first address that takes it.
pub(super) fn dial(host: &str, port: &str) -> Outcome<TcpStream> {
    let number = port.parse().ok().or_else(|| service(port));
    let number = number.ok_or_else(|| Fault::argument(format!("unknown port '{port}'")))?;
    let addresses = (host, number)
        .to_socket_addrs()
        .map_err(|e| Fault::new(format!("failed to resolve '{host}': {}", system_words(&e))))?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect(address) {
            Ok(socket) => return Ok(socket),
            Err(e) => last = e,
        }
    }
    Err(Fault::system(format!("failed to connect to {host}"), &last))
}

/// The TCP port of a service in services(5).
fn service(name: &str) -> Option<u16> {
    find_service(&fs::read_to_string("/etc/services").unwrap_or_default(), name)
}

fn find_service(services: &str, wanted: &str) -> Option<u16> {
    services.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let (name, port) = (words.next()?, words.next()?.strip_suffix("/tcp")?);
        let is_it = name == wanted || words.any(|alias| alias == wanted);
        is_it.then(|| port.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_in_the_host_only_where_none_is_given() {
        let parse = |host, port| parse(host, port).ok();
        assert_eq!(parse("a.test", Some("443")), Some(("a.test", "443")));
        assert_eq!(parse("a.test:443", None), Some(("a.test", "443")));
        assert_eq!(parse("[::1]:443", None), Some(("::1", "443")));
        assert_eq!(parse("::1", Some("443")), Some(("::1", "443")));
        assert_eq!(parse("[::1]", Some("443")), Some(("::1", "443")));
        for bad in ["a.test", "a.test:", ":443", "::1", "[::1]", "[::1]443"] {
            assert_eq!(parse(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn services_have_names_and_aliases() {
        let text = "# x\nhttps\t443/tcp # y\nhttps 443/udp\ndomain 53/udp\nwww 80/tcp http\n";
        assert_eq!(find_service(text, "https"), Some(443));
        assert_eq!(find_service(text, "http"), Some(80));
        assert_eq!(find_service(text, "domain"), None);
    }
}
