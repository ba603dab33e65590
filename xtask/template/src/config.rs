//! Core configurations, loaded into the library once, for many connections.

use tls_core::pki_types::CertificateDer;
use tls_core::{
    Acceptor, ClientConfig, Connector, Judge, Result, Roots, ServerConfig, ServerName, Session,
    Supported,
};

use crate::error::config_error;
use crate::session::NewLibSession;

#[derive(Debug)]
pub(crate) struct NewLibConnector {
    judge: Judge,
    send_name: bool,
}

#[derive(Debug)]
pub(crate) struct NewLibAcceptor {}

// Each of these belongs in the library's context: `versions`, `roots`, and, by the capabilities
// that are claimed, `alpn`, `cipher_suites`, `groups`, `identity`, `danger`. What is empty means
// the defaults of the core, not of the library; its own roots, its sessions and tickets, and its
// check of the name go. The judge is asked once the library has verified a chain, in the middle of the
// handshake, and has the last word: on names, and whatever else `checks` ask for.
pub(crate) fn client(config: &Supported<'_, ClientConfig>) -> Result<NewLibConnector> {
    let _trusted = load(config.roots())?;
    let judge = config.judge().clone();
    Ok(NewLibConnector { judge, send_name: config.send_server_name() })
}

// Likewise `versions`, `identities` and, by the capabilities that are claimed, `alpn`,
// `cipher_suites`, `client_auth`, `groups`. A key that does not belong to its certificate, or is
// no key, is found here and not by the first client. The core chooses among the identities.
pub(crate) fn server(config: &Supported<'_, ServerConfig>) -> Result<NewLibAcceptor> {
    let _own = config.identities()[0].leaf();
    Ok(NewLibAcceptor {})
}

/// The trusted certificates. What was given must be usable; public lists hold some that not every
/// library knows.
fn load(roots: &Roots) -> Result<Vec<CertificateDer<'static>>> {
    for der in roots.given() {
        if !is_usable(der) {
            let why = "a given root certificate is unusable";
            return Err(config_error(why).because(why));
        }
    }
    let public = roots.base()?.into_iter().filter(is_usable);
    Ok(roots.given().iter().cloned().chain(public).collect())
}

// For the library to say.
fn is_usable(der: &CertificateDer<'_>) -> bool {
    tls_core::x509::CertificateFacts::read(der).is_ok()
}

impl Connector for NewLibConnector {
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        // An IP address is verified, but never sent (RFC 6066 §3).
        let sent = name.as_dns().filter(|_| self.send_name);
        Ok(Box::new(NewLibSession::client(sent.map(Into::into), self.judge.clone())))
    }
}

impl Acceptor for NewLibAcceptor {
    fn session(&self, _identity: usize) -> Result<Box<dyn Session>> {
        Ok(Box::new(NewLibSession::server()))
    }
}
