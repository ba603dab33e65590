//! Why a chain was refused, with webpki's words for people.

use std::error::Error as StdError;

use crate::{CertificateError, Malformed};

/// Why a chain was refused.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    why: CertificateError,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Refusal {
    /// The reason, to act on.
    pub fn why(&self) -> CertificateError {
        self.why
    }

    /// What lies underneath, in words, if there is something.
    pub fn into_source(self) -> Option<Box<dyn StdError + Send + Sync>> {
        self.source
    }

    /// The same for another reason, without the words, which would not fit.
    pub(crate) fn renamed(self, why: CertificateError) -> Self {
        if self.why == why { self } else { why.into() }
    }
}

impl From<CertificateError> for Refusal {
    fn from(why: CertificateError) -> Self {
        Self { why, source: None }
    }
}

impl From<Malformed> for Refusal {
    fn from(e: Malformed) -> Self {
        Self { why: CertificateError::BadEncoding, source: Some(Box::new(e)) }
    }
}

impl From<webpki::Error> for Refusal {
    fn from(e: webpki::Error) -> Self {
        Self { why: named(&e), source: Some(Box::new(e)) }
    }
}

/// Names why webpki refused a certificate.
fn named(e: &webpki::Error) -> CertificateError {
    use webpki::Error as Pki;

    match e {
        Pki::CertExpired { .. } | Pki::InvalidCertValidity => CertificateError::Expired,
        Pki::CertNotValidYet { .. } => CertificateError::NotYetValid,
        Pki::CertNotValidForName(_) => CertificateError::NameMismatch,
        Pki::CertRevoked => CertificateError::Revoked,
        Pki::UnknownIssuer => CertificateError::UnknownIssuer,
        Pki::InvalidSignatureForPublicKey | Pki::SignatureAlgorithmMismatch => {
            CertificateError::BadSignature
        }
        Pki::CaUsedAsEndEntity
        | Pki::EndEntityUsedAsCa
        | Pki::NameConstraintViolation
        | Pki::PathLenConstraintViolated
        | Pki::RequiredEkuNotFoundContext(_) => CertificateError::Purpose,
        Pki::MaximumNameConstraintComparisonsExceeded
        | Pki::MaximumPathBuildCallsExceeded
        | Pki::MaximumPathDepthExceeded
        | Pki::MaximumSignatureChecksExceeded => CertificateError::ChainTooLong,
        Pki::UnsupportedCriticalExtension => CertificateError::UnhandledCriticalExtension,
        Pki::UnsupportedSignatureAlgorithmContext(_)
        | Pki::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateError::WeakAlgorithm
        }
        Pki::BadDer
        | Pki::BadDerTime
        | Pki::ExtensionValueInvalid
        | Pki::InvalidSerialNumber
        | Pki::MalformedDnsIdentifier
        | Pki::MalformedExtensions
        | Pki::MalformedNameConstraint
        | Pki::TrailingData(_)
        | Pki::UnsupportedCertVersion => CertificateError::BadEncoding,
        _ => CertificateError::Other,
    }
}
