//! OCSP as libtls shows it.

use std::ffi::CString;

use polytls::ocsp::{
    self, CertStatus, OcspError, Outcome as Said, Query, Response, ResponseStatus,
};
use polytls::pki_types::{CertificateDer, UnixTime};
use polytls::x509::CertificateFacts;
use polytls::{Negotiated, Roots};

use super::client::{backend, roots};
use super::error::{Fault, Outcome};
use super::peer::{seconds, text};
use super::settings::Settings;

/// What is known of the revocation of a peer's certificate.
#[derive(Default)]
pub(super) struct Ocsp {
    chain: Vec<CertificateDer<'static>>,
    roots: Option<Roots>,
    pub(super) url: Option<CString>,
    pub(super) result: Option<Shown>,
}

/// What a response has said.
pub(super) struct Shown {
    pub(super) response_status: i32,
    pub(super) cert_status: i32,
    pub(super) crl_reason: i32,
    pub(super) this_update: i64,
    pub(super) next_update: i64,
    pub(super) revocation_time: i64,
    pub(super) text: CString,
}

impl Ocsp {
    pub(super) fn of_client(settings: &Settings) -> Self {
        let roots = settings.verify_cert.then(|| roots(settings).ok()).flatten();
        Self { roots, ..Self::default() }
    }

    pub(super) fn set_peer(&mut self, negotiated: &Negotiated) {
        self.chain = negotiated.peer_chain.clone();
        let facts = self.chain.first().and_then(|leaf| CertificateFacts::read(leaf).ok());
        self.url = facts.and_then(|facts| Some(text(facts.ocsp_urls().first()?.as_str())));
    }

    /// A staple that the handshake has found good.
    pub(super) fn take_staple(&mut self, staple: &[u8]) {
        let Some(leaf) = self.chain.first() else { return };
        let said = Response::parse(staple).and_then(|response| response.about(leaf));
        if let Ok(Some(said)) = said {
            self.result = Some(Shown::new(&said));
        }
    }

    /// `tls_ocsp_process_response`.
    pub(super) fn process(&mut self, response: &[u8]) -> Outcome<()> {
        let Some(leaf) = self.chain.first().cloned() else {
            return Err(Fault::context("no peer certificate for OCSP"));
        };
        Response::parse(response).map_err(|_| Fault::new("unable to parse OCSP response"))?;
        let issuer = self.issuer(&leaf);
        let issuer = issuer.ok_or_else(|| Fault::new("ocsp verify failed: issuer not found"))?;
        let query = Query::new(&leaf, &issuer, backend()?);
        match ocsp::process_response(response, &query) {
            Ok(said) => {
                let shown = Shown::new(&said);
                let refused = revoked(&said);
                self.result = Some(shown);
                refused.map_or(Ok(()), Err)
            }
            Err(OcspError::Unsuccessful(status)) => {
                self.result = Some(Shown::unsuccessful(status));
                Err(Fault::new(format!("ocsp verify failed: {status}")))
            }
            Err(e) => Err(failed(&e)),
        }
    }

    /// Who has issued a certificate: the next in the chain, or one that is trusted.
    fn issuer(&self, leaf: &CertificateDer<'_>) -> Option<CertificateDer<'static>> {
        let wanted = CertificateFacts::read(leaf).ok()?.issuer_der();
        let is_it = |der: &&CertificateDer<'static>| {
            CertificateFacts::read(der).is_ok_and(|facts| facts.subject_der() == wanted)
        };
        if let Some(found) = self.chain.iter().find(is_it) {
            return Some(found.clone());
        }
        let roots = self.roots.as_ref()?;
        let given = roots.given().iter().find(is_it).cloned();
        given.or_else(|| roots.base().ok()?.iter().find(is_it).cloned())
    }

    /// What a staple says for which the handshake was refused; `None` if it was refused for something
    /// else. The certificate that it is about is not known then.
    pub(super) fn take_refusal(&mut self, staple: &[u8]) -> Option<Fault> {
        let said = Response::parse(staple).ok()?.answers().into_iter().find(is_revoked)?;
        self.result = Some(Shown::new(&said));
        revoked(&said)
    }

    /// Why a staple was not believed, as far as it says so itself.
    pub(super) fn disbelieve(&mut self, staple: &[u8]) -> Fault {
        let response = match Response::parse(staple) {
            Ok(response) => response,
            Err(_) => return Fault::new("unable to parse OCSP response"),
        };
        if response.status() != ResponseStatus::Successful {
            self.result = Some(Shown::unsuccessful(response.status()));
            return Fault::new(format!("ocsp verify failed: {}", response.status()));
        }
        let now = UnixTime::now().as_secs();
        let answers = response.answers();
        let is_current = |said: &Said| {
            let skew = ocsp::SKEW.as_secs();
            let begun = said.this_update().is_some_and(|time| time <= now + skew);
            let lasts = said.last_use(ocsp::MAX_AGE).is_some_and(|time| now <= time + skew);
            begun && lasts
        };
        match answers.iter().any(is_current) || answers.is_empty() {
            true => Fault::new("ocsp verify failed"),
            false => failed(&OcspError::Expired),
        }
    }
}

fn is_revoked(said: &Said) -> bool {
    said.cert_status() == Some(CertStatus::Revoked)
}

fn revoked(said: &Said) -> Option<Fault> {
    is_revoked(said)
        .then(|| Fault::new(format!("ocsp verify failed: revoked cert - {}", said.result())))
}

fn failed(e: &OcspError) -> Fault {
    let why = match e {
        OcspError::OtherCertificate => "no result for cert".to_owned(),
        OcspError::NotYetValid | OcspError::Expired | OcspError::TooOld => {
            "ocsp response not current".to_owned()
        }
        other => other.to_string(),
    };
    Fault::new(format!("ocsp verify failed: {why}"))
}

impl Shown {
    fn new(said: &Said) -> Self {
        let time = |time: Option<u64>| time.map_or(-1, seconds);
        Self {
            response_status: said.response_status().code().into(),
            cert_status: said.cert_status().map_or(-1, |status| status.code().into()),
            crl_reason: said.crl_reason().map_or(0, |reason| reason.code().into()),
            this_update: time(said.this_update()),
            next_update: time(said.next_update()),
            revocation_time: time(said.revocation_time()),
            text: text(said.result()),
        }
    }

    fn unsuccessful(status: ResponseStatus) -> Self {
        Self {
            response_status: status.code().into(),
            cert_status: -1,
            crl_reason: -1,
            this_update: -1,
            next_update: -1,
            revocation_time: -1,
            text: text(status.name()),
        }
    }
}
