//! The last word on a peer's certificates, after s2n has found a path to a root.

use s2n_tls::callbacks::VerifyHostNameCallback;
use s2n_tls::callbacks::{CertValidationCallbackSync, CertValidationInfo};
use s2n_tls::connection::Connection;
use s2n_tls::error::Error;
use tls_core::ServerName;
use tls_core::pki_types::CertificateDer;
use tls_core::x509::{CertificateFacts, Purpose};

/// What one connection asks of its peer's certificate. Kept at the connection.
#[derive(Debug)]
pub(crate) struct Demands {
    pub(crate) purpose: Purpose,
    /// What it must be for; `None` if the name does not matter.
    pub(crate) name: Option<ServerName>,
}

/// What the core asks and s2n does not: s2n has accepted the chain when this is called.
#[derive(Debug)]
pub(crate) struct LastWord {
    /// What is trusted as it is, also as the peer's own.
    pub(crate) trusted: Vec<CertificateDer<'static>>,
    /// Nothing is verified, so there is no chain to look at.
    pub(crate) skip_all: bool,
}

impl CertValidationCallbackSync for LastWord {
    // The crate turns an error, or a panic, in here into an abort; so there is none.
    fn handle_validation(
        &self,
        connection: &mut Connection,
        _: &mut CertValidationInfo,
    ) -> Result<bool, Error> {
        Ok(self.skip_all || self.accepts(connection).unwrap_or(false))
    }
}

impl LastWord {
    fn accepts(&self, connection: &Connection) -> Option<bool> {
        let demands = connection.application_context::<Demands>()?;
        let path = connection.peer_cert_chain().ok()?;
        let path = path.iter().map(|certificate| Some(certificate.ok()?.der().ok()?.to_vec()));
        let path = path.collect::<Option<Vec<_>>>()?;
        let leaf = CertificateDer::from(path.first()?.as_slice());
        let facts = CertificateFacts::read(&leaf).ok()?;
        let is_trusted = self.trusted.contains(&leaf);
        // A path of the leaf, the intermediates and what is trusted.
        let length = path.len().saturating_sub(2);
        // s2n takes what is trusted for good without a look at what it says of itself.
        let issuers = path.iter().skip(1).enumerate();
        for (below, der) in issuers {
            let issuer = CertificateFacts::read(&der.as_slice().into()).ok()?;
            if !issuer.may_issue(demands.purpose, below) {
                return None;
            }
        }
        Some(
            length <= MAX_INTERMEDIATES
                && facts.may_sign()
                && (is_trusted || !facts.is_authority())
                && facts.is_for(demands.purpose)
                && demands.name.as_ref().is_none_or(|name| facts.is_named(name)),
        )
    }
}

/// The most intermediate certificates, as with the other backends.
const MAX_INTERMEDIATES: usize = 6;

/// In place of s2n's own check of the name, which would take a common name for one, and does not
/// tell a name from an address.
#[derive(Debug)]
pub(crate) struct LeftToTheLastWord;

impl VerifyHostNameCallback for LeftToTheLastWord {
    fn verify_host_name(&self, _: &str) -> bool {
        true
    }
}
