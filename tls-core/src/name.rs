//! The name of the server that a client means to reach.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use pki_types::DnsName;

use crate::{Error, ErrorKind, Result};

/// The name of a server: a DNS name or an IP address.
///
/// Parsed and normalised once, for all backends. A DNS name is lower case and without a trailing
/// dot; a name beyond ASCII is converted to its A-label form (UTS 46, RFC 5891). An IP address is
/// checked against the certificate's iPAddress names and never sent as SNI (RFC 6066 §3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerName(Inner, Option<u16>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Inner {
    Dns(DnsName<'static>),
    Ip(IpAddr),
}

impl ServerName {
    /// Parses a DNS name, an IPv4 address, or an IPv6 address with or without brackets.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if `name` is none of these; the error quotes it.
    pub fn parse(name: &str) -> Result<Self> {
        if let Ok(ip) = name.parse::<IpAddr>() {
            return Ok(Self(Inner::Ip(ip), None));
        }
        let bracketed = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(ip) = bracketed.and_then(|ip| ip.parse::<Ipv6Addr>().ok()) {
            return Ok(Self(Inner::Ip(ip.into()), None));
        }
        let refuse = |why: &str| {
            let text = format!("server name '{}': {why}", name.escape_debug());
            Error::new(ErrorKind::Config).because(text)
        };
        let ascii = if name.is_ascii() {
            name.to_ascii_lowercase()
        } else {
            // Also makes other scripts' full stops dots.
            idna::domain_to_ascii(name)
                .map_err(|_| refuse("it is not a valid internationalised domain name"))?
        };
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        let last = ascii.rsplit('.').next().unwrap_or_default();
        if last.is_empty() {
            return Err(refuse("it is empty, or its last label is"));
        }
        // Such a name would reach a resolver as an address (WHATWG URL §3.5); no certificate has it.
        let is_hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
        if last.bytes().all(|b| b.is_ascii_digit()) || last.strip_prefix("0x").is_some_and(is_hex) {
            return Err(refuse("it ends in a number but is not an IP address"));
        }
        match DnsName::try_from(ascii.to_owned()) {
            Ok(dns) => Ok(Self(Inner::Dns(dns), None)),
            Err(_) => Err(refuse("it is neither a DNS name nor an IP address")),
        }
    }

    /// The same name at a port: sessions of different ports are kept apart. The port changes nothing
    /// else.
    #[must_use]
    pub fn at_port(mut self, port: u16) -> Self {
        self.1 = Some(port);
        self
    }

    /// The port, if it was told.
    pub fn port(&self) -> Option<u16> {
        self.1
    }

    /// The DNS name, if it is one: what goes into the SNI extension.
    pub fn as_dns(&self) -> Option<&str> {
        match &self.0 {
            Inner::Dns(name) => Some(name.as_ref()),
            Inner::Ip(_) => None,
        }
    }

    /// The IP address, if it is one.
    pub fn as_ip(&self) -> Option<IpAddr> {
        match &self.0 {
            Inner::Dns(_) => None,
            Inner::Ip(ip) => Some(*ip),
        }
    }

    /// The same name, borrowed, as the type that rustls and webpki take.
    pub fn as_pki(&self) -> pki_types::ServerName<'_> {
        match &self.0 {
            Inner::Dns(name) => pki_types::ServerName::DnsName(name.borrow()),
            Inner::Ip(ip) => pki_types::ServerName::IpAddress((*ip).into()),
        }
    }

    /// A name that rustls or webpki has; `None` if it is of a kind unknown here.
    pub(crate) fn from_pki(name: &pki_types::ServerName<'_>) -> Option<Self> {
        match name {
            pki_types::ServerName::DnsName(name) => Some(Self(Inner::Dns(name.to_owned()), None)),
            pki_types::ServerName::IpAddress(ip) => Some(Self(Inner::Ip((*ip).into()), None)),
            _ => None,
        }
    }

    /// The same name as the type that rustls and webpki take.
    pub fn to_pki(&self) -> pki_types::ServerName<'static> {
        match &self.0 {
            Inner::Dns(name) => pki_types::ServerName::DnsName(name.clone()),
            Inner::Ip(ip) => pki_types::ServerName::IpAddress((*ip).into()),
        }
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Dns(name) => f.write_str(name.as_ref()),
            Inner::Ip(ip) => ip.fmt(f),
        }
    }
}

impl FromStr for ServerName {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        Self::parse(s)
    }
}

impl TryFrom<&str> for ServerName {
    type Error = Error;

    fn try_from(name: &str) -> Result<Self> {
        Self::parse(name)
    }
}

impl TryFrom<&String> for ServerName {
    type Error = Error;

    fn try_from(name: &String) -> Result<Self> {
        Self::parse(name)
    }
}

impl From<&Self> for ServerName {
    fn from(name: &Self) -> Self {
        name.clone()
    }
}

impl From<IpAddr> for ServerName {
    fn from(ip: IpAddr) -> Self {
        Self(Inner::Ip(ip), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        for (given, meant) in [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("bücher.example。", "xn--bcher-kva.example"), // an ideographic full stop
            ("under_score.example", "under_score.example"),
        ] {
            assert_eq!(ServerName::parse(given).unwrap().as_dns(), Some(meant));
        }
        for (given, meant) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("::1", "::1")] {
            let name = ServerName::parse(given).unwrap();
            assert_eq!((name.as_dns(), name.to_string().as_str()), (None, meant));
        }
    }

    #[test]
    fn what_is_no_name_is_refused_and_quoted() {
        let long = "a".repeat(64);
        for bad in [
            "",
            ".",
            "a..b",
            "a b",
            "a\0b",
            "*.example",
            "-a.example",
            "1.2.3",
            "1.2.3.4.",
            "0x7f000001",
            "127.0x1",
            "a.example..",
            "bücher.example。.",
            "fe80::1%eth0",
            "[1.2.3.4]",
            &long,
            "a/b",
            "ex\u{0}ä",
        ] {
            let e = ServerName::parse(bad).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config, "{bad:?}");
            assert!(e.to_string().contains("server name '"), "{e}");
        }
    }
}
