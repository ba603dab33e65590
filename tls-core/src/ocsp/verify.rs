//! Whether a response is to be believed (RFC 6960 §3.2).

use std::time::Duration;

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use x509_cert::der::Encode;
use x509_ocsp::{ResponderId, SingleResponse};

use super::id::{IdHash, Named, key_bits};
use super::response::Basic;
use super::status::seconds;
use super::{OcspError, Outcome, Response};
use crate::Backend;
use crate::x509::{
    Algorithms, CertificateFacts, SignatureError, common_algorithms, verify_certificate,
    verify_signature,
};

/// How far clocks may be apart, if nothing else is said: a minute.
pub const SKEW: Duration = Duration::from_secs(60);

/// How old the news in a response may be, if nothing else is said: 14 days.
pub const MAX_AGE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What is asked of a response: which certificate it has to be about, and what makes it good.
#[derive(Clone, Debug)]
#[must_use]
pub struct Query<'a> {
    leaf: &'a CertificateDer<'a>,
    issuer: &'a CertificateDer<'a>,
    algorithms: Vec<&'static dyn SignatureVerificationAlgorithm>,
    now: Option<UnixTime>,
    skew: Duration,
    max_age: Duration,
    nonce: Option<&'a [u8]>,
    /// Whether a verified chain says that the issuer is the issuer.
    issuer_is_known: bool,
}

impl<'a> Query<'a> {
    /// Asks about `leaf`, now, with the signatures that `backend` can check.
    ///
    /// `issuer` is the certificate of who issued it. That it did is checked; whether it is to be trusted
    /// is not.
    pub fn new(
        leaf: &'a CertificateDer<'a>,
        issuer: &'a CertificateDer<'a>,
        backend: &dyn Backend,
    ) -> Self {
        let algorithms = common_algorithms(backend.signature_algorithms());
        let query = Self::lent(leaf, issuer, &algorithms, Some(UnixTime::now()));
        Self { issuer_is_known: false, ..query }
    }

    /// For a certificate and its issuer in a verified chain.
    pub(super) fn lent(
        leaf: &'a CertificateDer<'a>,
        issuer: &'a CertificateDer<'a>,
        algorithms: Algorithms<'_>,
        now: Option<UnixTime>,
    ) -> Self {
        let algorithms = algorithms.to_vec();
        Self {
            leaf,
            issuer,
            algorithms,
            now,
            skew: SKEW,
            max_age: MAX_AGE,
            nonce: None,
            issuer_is_known: true,
        }
    }

    /// Asks as of this instant.
    pub fn at(mut self, now: UnixTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Lets clocks be this far apart, in place of [`SKEW`].
    pub fn skew(mut self, skew: Duration) -> Self {
        self.skew = skew;
        self
    }

    /// Believes no older news than this, in place of [`MAX_AGE`], whatever the response says itself.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Asks for this nonce, which was sent with the request (RFC 9654).
    pub fn nonce(mut self, nonce: &'a [u8]) -> Self {
        self.nonce = Some(nonce);
        self
    }

    fn check_issuer(&self, issuer: &CertificateFacts) -> Result<(), OcspError> {
        let signed = || verify_certificate(&self.algorithms, issuer.public_key(), self.leaf);
        match self.issuer_is_known || signed().is_ok() {
            true => Ok(()),
            false => Err(OcspError::NotItsIssuer),
        }
    }

    /// RFC 6960 §3.2 points 5 and 6, and the maximum age.
    fn check_dates(&self, basic: &Basic, single: &SingleResponse) -> Result<(), OcspError> {
        let Some(now) = self.now.map(|now| now.as_secs()) else { return Ok(()) };
        let (this, next) = (seconds(single.this_update), single.next_update.map(seconds));
        let skew = self.skew.as_secs();
        let latest = now.saturating_add(skew);
        if this > latest || basic.made_at() > latest {
            return Err(OcspError::NotYetValid);
        }
        if next.is_some_and(|next| now > next.saturating_add(skew) || next < this) {
            return Err(OcspError::Expired);
        }
        match now > this.saturating_add(self.max_age.as_secs()) {
            true => Err(OcspError::TooOld),
            false => Ok(()),
        }
    }

    /// RFC 6960 §3.2 points 2 to 4: the signature is that of the issuer, or of somebody to whom the
    /// issuer itself has given a certificate for it.
    fn check_signature(&self, basic: &Basic, issuer: &CertificateFacts) -> Result<(), OcspError> {
        let responder = &basic.data.responder_id;
        let mut verdict = Err(OcspError::UntrustedResponder);
        if fits(responder, issuer) {
            match self.check_signed_with(basic, issuer) {
                Ok(()) => return Ok(()),
                Err(e) => verdict = Err(e),
            }
        }
        for certificate in basic.certificates.iter().take(MOST_RESPONDERS) {
            let Ok(facts) = CertificateFacts::read(certificate) else { continue };
            if !fits(responder, &facts) || !self.is_delegate(certificate, &facts, issuer) {
                continue;
            }
            match self.check_signed_with(basic, &facts) {
                Ok(()) => return Ok(()),
                Err(e) => verdict = Err(e),
            }
        }
        verdict
    }

    fn check_signed_with(&self, basic: &Basic, signer: &CertificateFacts) -> Result<(), OcspError> {
        let Basic { algorithm, signed, signature, .. } = basic;
        let key = signer.public_key();
        verify_signature(&self.algorithms, key, algorithm, signed, signature).map_err(|e| match e {
            SignatureError::Malformed | SignatureError::Wrong => OcspError::BadSignature,
            SignatureError::Unsupported => OcspError::WeakAlgorithm,
        })
    }

    /// RFC 6960 §4.2.2.2. That the delegate's own certificate may have been revoked is passed over, as
    /// if it had the extension ocsp-nocheck: there would be nobody to ask but itself.
    fn is_delegate(
        &self,
        certificate: &CertificateDer<'_>,
        facts: &CertificateFacts,
        issuer: &CertificateFacts,
    ) -> bool {
        facts.issuer_der() == issuer.subject_der()
            && facts.may_sign_ocsp()
            && facts.check_dates(self.now).is_ok()
            && verify_certificate(&self.algorithms, issuer.public_key(), certificate).is_ok()
    }
}

impl Response {
    /// Judges it, as [`process_response`](super::process_response) does.
    ///
    /// # Errors
    ///
    /// [`OcspError`], saying which check failed.
    pub fn verify(&self, query: &Query<'_>) -> Result<Outcome, OcspError> {
        let Some(basic) = &self.basic else { return Err(OcspError::Unsuccessful(self.status)) };
        if query.algorithms.is_empty() {
            return Err(OcspError::NothingLent);
        }
        let named = Named::read(query.leaf, query.issuer)?;
        query.check_issuer(&named.issuer)?;
        let single = basic.single(|id| named.is(id)).ok_or(OcspError::OtherCertificate)?;
        if let Some(unknown) = basic.unknown_extension(single) {
            return Err(OcspError::UnknownExtension(unknown));
        }
        if query.nonce.is_some_and(|sent| self.nonce().as_deref() != Some(sent)) {
            return Err(OcspError::NonceMismatch);
        }
        query.check_signature(basic, &named.issuer)?;
        query.check_dates(basic, single)?;
        let url = named.leaf.ocsp_urls().first();
        Ok(Outcome::new(self.status, Some((single, basic.made_at())), url))
    }
}

/// Whether the response names this certificate as its signer's (RFC 6960 §4.2.2.3; the hash of a key
/// is always SHA-1).
fn fits(responder: &ResponderId, certificate: &CertificateFacts) -> bool {
    match responder {
        ResponderId::ByName(name) => {
            name.to_der().is_ok_and(|name| name == certificate.subject_der())
        }
        ResponderId::ByKey(hash) => key_bits(certificate.public_key())
            .is_ok_and(|key| hash.as_bytes() == IdHash::Sha1.digest(key)),
    }
}

/// How many certificates in a response are looked at: one is needed.
const MOST_RESPONDERS: usize = 8;
