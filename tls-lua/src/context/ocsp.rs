//! What OCSP says of the peer.

use polytls::ocsp::{CertStatus, OcspError, Outcome, Query, Response, process_response};
use polytls::pki_types::CertificateDer;
use polytls::x509::CertificateFacts;

use super::{Context, Roots, Told};
use crate::reply;

/// What has been said so far.
#[derive(Default)]
pub(super) struct Responses {
    /// Whether the staple has been looked at.
    looked: bool,
    last: Option<Outcome>,
}

impl Context {
    /// Judges a response about the peer's certificate; a good one that revokes it is kept, and an error.
    pub(super) fn process_response(&mut self, der: &[u8]) -> Told {
        self.look();
        let outcome = self.judge(der)?;
        let told = match (outcome.cert_status(), outcome.crl_reason()) {
            (Some(CertStatus::Revoked), reason) => {
                let reason = reason.map_or("unspecified", |reason| reason.name());
                Err(format!("ocsp verify failed: revoked cert - {reason}"))
            }
            (None, _) => Err(format!("ocsp verify failed: {}", outcome.result())),
            (Some(CertStatus::Good | CertStatus::Unknown), _) => Ok(()),
        };
        if let Some(connection) = &mut self.connection {
            connection.responses.last = Some(outcome);
        }
        told
    }

    /// What the last good response has said; the staple's, until another was processed.
    pub(super) fn said(&mut self) -> Result<Outcome, String> {
        self.look();
        let said = self.connection.as_ref().and_then(|known| known.responses.last.clone());
        said.ok_or_else(|| "no OCSP response".into())
    }

    /// Where the peer's certificate says to ask.
    pub(super) fn ocsp_url(&self) -> Option<String> {
        CertificateFacts::read(&self.leaf()?).ok()?.ocsp_urls().first().cloned()
    }

    /// Looks at the staple, once there is one.
    fn look(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if connection.responses.looked || !connection.stream.is_established() {
            return;
        }
        connection.responses.looked = true;
        let staple = connection.stream.staple();
        let is_verified = self.roots.is_some();
        // The handshake has refused one that is not good, where it is verified at all.
        if let Some(Ok(outcome)) = staple.filter(|_| is_verified).map(|staple| self.judge(&staple))
        {
            if let Some(connection) = &mut self.connection {
                connection.responses.last = Some(outcome);
            }
        }
    }

    fn judge(&self, der: &[u8]) -> Result<Outcome, String> {
        let chain = self.negotiated().map(|known| known.peer_chain).unwrap_or_default();
        let leaf = chain.first().ok_or("no peer certificate for OCSP")?;
        let issuer = self.issuer_of(&chain).ok_or("no issuer certificate for OCSP")?;
        match process_response(der, &Query::new(leaf, &issuer, self.backend)) {
            Ok(outcome) => Ok(outcome),
            Err(OcspError::Unsuccessful(_)) => {
                let said = Response::parse(der).and_then(|response| response.about(leaf));
                said.ok().flatten().ok_or_else(|| "unable to parse OCSP response".into())
            }
            Err(OcspError::Malformed(_) | OcspError::TooLarge | OcspError::UnknownType(_)) => {
                Err("unable to parse OCSP response".into())
            }
            Err(OcspError::OtherCertificate) => {
                Err("ocsp verify failed: no result for cert".into())
            }
            Err(OcspError::Expired | OcspError::TooOld | OcspError::NotYetValid) => {
                Err("ocsp verify failed: ocsp response not current".into())
            }
            Err(e) => Err(format!("ocsp verify failed: {}", reply::told(&e))),
        }
    }

    /// Who issued the peer's certificate: what it sent along, or one of the roots.
    fn issuer_of(&self, chain: &[CertificateDer<'static>]) -> Option<CertificateDer<'static>> {
        let wanted = CertificateFacts::read(chain.first()?).ok()?.issuer_der();
        let is_it = |der: &&CertificateDer<'static>| {
            CertificateFacts::read(der).is_ok_and(|facts| facts.subject_der() == wanted)
        };
        if let Some(sent) = chain.iter().skip(1).find(is_it) {
            return Some(sent.clone());
        }
        let roots = self.roots.clone().unwrap_or_else(Roots::system);
        if let Some(given) = roots.given().iter().find(is_it) {
            return Some(given.clone());
        }
        roots.base().ok()?.iter().find(is_it).cloned()
    }
}
