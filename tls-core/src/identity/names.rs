//! The names of certificates made on the spot.

use std::net::IpAddr;

use tls_keys::Name;

use super::input::config_error;
use crate::{Result, ServerName};

/// Checks a name that goes into a certificate, where it may also be a wildcard.
pub(super) fn certificate_name(name: &str) -> Result<Name> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(Name::Ip(ip));
    }
    let (prefix, parent) = match name.strip_prefix("*.") {
        Some(parent) => ("*.", ServerName::parse(parent)?),
        None => ("", ServerName::parse(name)?),
    };
    match (parent.as_dns(), parent.as_ip()) {
        (Some(dns), _) => Ok(Name::Dns(format!("{prefix}{dns}"))),
        (None, Some(ip)) if prefix.is_empty() => Ok(Name::Ip(ip)),
        (None, _) => {
            let why =
                format!("'{}': a wildcard stands before a DNS name only", name.escape_debug());
            Err(config_error(MADE, &why))
        }
    }
}

/// What such a certificate is called in an error.
pub(super) const MADE: &str = "self-signed certificate";
