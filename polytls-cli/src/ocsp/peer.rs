//! `connect --ocsp-response`: a response from elsewhere, for the certificate of the server.

use std::path::{Path, PathBuf};

use polytls::ocsp::{CertStatus, OcspError, Outcome, Query, Response};
use polytls::pki_types::CertificateDer;
use polytls::{Backend, CertificateError, ClientConfig, Clock, Error, ErrorKind, Negotiated};

use super::{lends, read, unreadable};
use crate::failure::{Failure, Result};

/// A response that was obtained elsewhere.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    response: Response,
    path: PathBuf,
    /// Who may be the issuer if the server does not send it.
    trusted: Vec<CertificateDer<'static>>,
    clock: Clock,
    backend: &'static dyn Backend,
}

impl Elsewhere {
    pub(crate) fn read(
        path: &Path,
        config: &ClientConfig,
        backend: &'static dyn Backend,
    ) -> Result<Self> {
        lends(backend)?;
        let bytes = read(path)?;
        let response = Response::parse(&bytes).map_err(|e| unreadable(path, &e.to_string()))?;
        let trusted = [config.roots().given().to_vec(), config.roots().base()?].concat();
        let clock = config.checks().clock_in_use().clone();
        Ok(Self { response, path: path.to_owned(), trusted, clock, backend })
    }

    /// Verifies it for the server's certificate, and gives what it says.
    pub(crate) fn verify(&self, negotiated: &Negotiated) -> Result<Outcome> {
        let Some(leaf) = negotiated.peer_certificate() else {
            return Err(Error::new(ErrorKind::NoPeerCertificate).into());
        };
        let sent = negotiated.peer_chain.iter().skip(1);
        let mut verdict = Err(OcspError::NotItsIssuer);
        for issuer in sent.chain(&self.trusted) {
            let query = Query::new(leaf, issuer, self.backend).at(self.clock.now());
            verdict = self.response.verify(&query);
            if verdict != Err(OcspError::NotItsIssuer) {
                break;
            }
        }
        let outcome = verdict.map_err(|e| {
            Failure::Report(format!("ocsp({}): {e} ({})", e.name(), self.path.display()))
        })?;
        match outcome.cert_status() {
            Some(CertStatus::Revoked) => {
                let kind = ErrorKind::Certificate(CertificateError::Revoked);
                let reason = outcome.result();
                let why = format!("{reason}, says {}", self.path.display());
                Err(Error::new(kind).because(why).into())
            }
            Some(CertStatus::Good | CertStatus::Unknown) | None => Ok(outcome),
        }
    }
}

/// What the staple of a finished handshake says of the server's certificate.
pub(crate) fn of_peer(negotiated: &Negotiated) -> Option<Outcome> {
    let response = Response::parse(negotiated.staple.as_ref()?).ok()?;
    response.about(negotiated.peer_certificate()?).ok()?
}
