//! What the core asks of a server's certificate beyond what the platform does.

use std::sync::Arc;

use tls_core::pki_types::CertificateDer;
use tls_core::x509::{CertificateFacts, Purpose};
use tls_core::{Alert, CertificateError, ClientConfig, Error, ErrorKind, Result, ServerName};

/// What a server's own certificate has to be, whatever the platform's library accepts.
#[derive(Clone, Debug)]
pub(crate) struct Demands {
    skip_all: bool,
    skip_name: bool,
    /// Trusted as they are, also if they are authorities'.
    trusted: Arc<[CertificateDer<'static>]>,
}

impl Demands {
    pub(crate) fn new(config: &ClientConfig, roots: &[CertificateDer<'static>]) -> Self {
        let skip = config.danger();
        let (skip_all, skip_name) = (skip.skips_everything(), skip.skips_name());
        Self { skip_all, skip_name, trusted: roots.into() }
    }

    /// Whether a server has to have a certificate that is looked at here.
    pub(crate) fn any(&self) -> bool {
        !self.skip_all
    }

    /// Looks at `leaf`, the certificate of a server that is meant to be `name`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and the alert that tells the server. The kind is the one that the
    /// library's own refusals have: it has no reasons to give.
    pub(crate) fn check(
        &self,
        leaf: &CertificateDer<'_>,
        name: &ServerName,
    ) -> Result<(), (Alert, Error)> {
        if self.skip_all {
            return Ok(());
        }
        let Ok(facts) = CertificateFacts::read(leaf) else {
            return refuse(Alert::BAD_CERTIFICATE, "it is not well-formed");
        };
        let trusted = self.trusted.iter().any(|known| known == leaf);
        if facts.is_authority() && !trusted {
            return refuse(Alert::UNSUPPORTED_CERTIFICATE, "it is an authority's");
        }
        if !facts.is_for(Purpose::ServerAuth) {
            return refuse(Alert::UNSUPPORTED_CERTIFICATE, "it is not meant for servers");
        }
        // The library may go by the common name, or by wider wildcards (RFC 6125 §6.4).
        if !self.skip_name && !facts.is_named(&name.as_pki()) {
            return refuse(Alert::BAD_CERTIFICATE, "it is for another name");
        }
        Ok(())
    }
}

fn refuse(alert: Alert, why: &'static str) -> Result<(), (Alert, Error)> {
    let e = Error::new(ErrorKind::Certificate(CertificateError::Other));
    Err((alert, e.because(why)))
}
