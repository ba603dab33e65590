//! A configuration: what is negotiated, and sessions.

use std::ffi::c_int;

use polytls::keywords;

use super::{Bytes, Handle, Out, Text};
use crate::libtls::config::{change, on};
use crate::libtls::error::{Fault, Outcome};
use crate::libtls::{ciphers, protocols, session};

exports! {
    /// `int tls_config_set_alpn(struct tls_config *config, const char *alpn)`
    fn tls_config_set_alpn(config: Handle, alpn: Text) -> c_int {
        change(config, |settings| {
            settings.alpn = Vec::new(); // also if what comes is no list
            settings.alpn = names(alpn.get().unwrap_or_default())?;
            Ok(())
        })
    }

    /// `int tls_config_set_ciphers(struct tls_config *config, const char *ciphers)`
    fn tls_config_set_ciphers(config: Handle, ciphers: Text) -> c_int {
        change(config, |settings| {
            let text = ciphers.get().map(String::from_utf8_lossy);
            settings.ciphers = ciphers::parse(text.as_deref()).ok_or_else(|| {
                Fault::argument(format!("no ciphers for '{}'", text.unwrap_or_default()))
            })?;
            Ok(())
        })
    }

    /// `int tls_config_set_dheparams(struct tls_config *config, const char *params)`
    fn tls_config_set_dheparams(config: Handle, params: Text) -> c_int {
        change(config, |settings| {
            let text = String::from_utf8_lossy(params.get().unwrap_or(b"none"));
            settings.dh_params = keywords::dh_params(&text)
                .map_err(|_| Fault::argument(format!("invalid dhe param '{text}'")))?;
            Ok(())
        })
    }

    /// `int tls_config_set_ecdhecurve(struct tls_config *config, const char *curve)`
    fn tls_config_set_ecdhecurve(config: Handle, curve: Text) -> c_int {
        change(config, |settings| {
            let text = String::from_utf8_lossy(curve.get().unwrap_or(b"default"));
            settings.groups = keywords::curve(&text)
                .map_err(|_| Fault::argument(format!("invalid ecdhe curve '{text}'")))?;
            Ok(())
        })
    }

    /// `int tls_config_set_ecdhecurves(struct tls_config *config, const char *curves)`
    fn tls_config_set_ecdhecurves(config: Handle, curves: Text) -> c_int {
        change(config, |settings| {
            settings.groups = Vec::new(); // as libtls: the old list is gone in any case
            let text = String::from_utf8_lossy(curves.get().unwrap_or(b"default"));
            settings.groups = keywords::curves(&text).map_err(|_| {
                let mut names = text.split([',', ':']).map(|name| name.trim_start());
                let bad = names.find(|name| keywords::curve(name).is_err()).unwrap_or(&text);
                Fault::argument(format!("invalid ecdhe curve '{bad}'"))
            })?;
            Ok(())
        })
    }

    /// `int tls_config_set_protocols(struct tls_config *config, uint32_t protocols)`
    fn tls_config_set_protocols(config: Handle, protocols: u32) -> c_int {
        change(config, |settings| {
            settings.protocols = protocols;
            Ok(())
        })
    }

    /// `int tls_config_parse_protocols(uint32_t *protocols, const char *protostr)`
    fn tls_config_parse_protocols(protocols: Out<u32>, text: Text) -> c_int {
        let mut protocols = protocols;
        let bits = match text.get() {
            None => Some(protocols::ALL),
            Some(text) => std::str::from_utf8(text).ok().and_then(protocols::parse),
        };
        match bits {
            Some(bits) if !protocols.is_null() => {
                protocols.set(bits);
                0
            }
            _ => -1,
        }
    }

    /// `void tls_config_prefer_ciphers_client(struct tls_config *config)`
    fn tls_config_prefer_ciphers_client(config: Handle) {
        let _ = change(config, |settings| {
            settings.client_order = true;
            Ok(())
        });
    }

    /// `void tls_config_prefer_ciphers_server(struct tls_config *config)`
    fn tls_config_prefer_ciphers_server(config: Handle) {
        let _ = change(config, |settings| {
            settings.client_order = false;
            Ok(())
        });
    }

    /// `int tls_config_set_session_fd(struct tls_config *config, int session_fd)`
    fn tls_config_set_session_fd(config: Handle, fd: c_int) -> c_int {
        change(config, |settings| {
            if fd == -1 {
                settings.session_fd = None;
                return Ok(());
            }
            session::check(fd)?;
            settings.session_fd = Some(fd);
            Ok(())
        })
    }

    /// `int tls_config_set_session_id(struct tls_config *config, const unsigned char *id, size_t len)`
    fn tls_config_set_session_id(config: Handle, id: Bytes, length: usize) -> c_int {
        change(config, |settings| {
            if length > 32 {
                return Err(Fault::argument("session ID too large"));
            }
            settings.session_id = id.get(length).unwrap_or_default().to_vec();
            Ok(())
        })
    }

    /// `int tls_config_set_session_lifetime(struct tls_config *config, int lifetime)`
    fn tls_config_set_session_lifetime(config: Handle, lifetime: c_int) -> c_int {
        change(config, |settings| {
            settings.session_lifetime = match u64::try_from(lifetime) {
                Ok(86_401..) => return Err(Fault::argument("session lifetime too large")),
                Ok(seconds @ (0 | 4..)) => seconds,
                _ => return Err(Fault::argument("session lifetime too small")),
            };
            Ok(())
        })
    }

    /// `int tls_config_add_ticket_key(struct tls_config *config, uint32_t keyrev, unsigned char *key,
    /// size_t len)`
    fn tls_config_add_ticket_key(
        config: Handle,
        revision: u32,
        key: Bytes,
        length: usize,
    ) -> c_int {
        on(config, |config| config.ring.add(revision, key.get(length).unwrap_or_default()))
    }
}

/// The names in a list for ALPN.
fn names(list: &[u8]) -> Outcome<Vec<Vec<u8>>> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    // What the extension has room for (RFC 7301 §3.1).
    if list.len() + 1 > usize::from(u16::MAX) {
        return Err(Fault::argument("alpn too large"));
    }
    let names = list.split(|byte| *byte == b',').map(|name| match name.len() {
        0 => Err(Fault::argument("alpn protocol with zero length")),
        1..=255 => Ok(name.to_vec()),
        _ => Err(Fault::argument("alpn protocol too long")),
    });
    names.collect()
}
