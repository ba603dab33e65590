//! Why an OCSP response is not believed.

use x509_cert::der::oid::ObjectIdentifier;

use super::{MAX_RESPONSE, ResponseStatus};
use crate::x509::Malformed;

/// Why an OCSP response is not believed, or a request cannot be made.
///
/// Checks come in the order in which they are listed here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OcspError {
    /// It is larger than any response has reason to be: more than [`MAX_RESPONSE`] bytes.
    #[error("the response has more than {} KiB", MAX_RESPONSE >> 10)]
    TooLarge,
    /// The response, or a certificate that it is about, is not well-formed.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is of another type than the basic one, the only one there is (RFC 6960 §4.2.1).
    #[error("the response is of the unknown type {0}")]
    UnknownType(ObjectIdentifier),
    /// The responder gave no answer, and said why (RFC 6960 §4.2.1).
    #[error("the responder gave no answer: {0}")]
    Unsuccessful(ResponseStatus),
    /// The backend [lends](crate::Backend::signature_algorithms) no signatures to check it with.
    #[error("the backend lends no signatures to check the response with")]
    NothingLent,
    /// The certificate was not signed with the key of what is given as its issuer, or names another.
    #[error("the certificate was not issued by the issuer that is given")]
    NotItsIssuer,
    /// It is about other certificates: no certificate id (RFC 6960 §4.1.1) in it has issuer name,
    /// issuer key and serial number of this one.
    #[error("the response is about other certificates")]
    OtherCertificate,
    /// It has a critical extension that is not known here (RFC 6960 §4.4).
    #[error("the response has a critical extension ({0}) that is not known here")]
    UnknownExtension(ObjectIdentifier),
    /// It has not the nonce that was sent (RFC 9654), and may be an old one.
    #[error("the response does not have the nonce that was sent")]
    NonceMismatch,
    /// Who signed it is neither the issuer nor somebody whom the issuer lets sign OCSP responses now
    /// (RFC 6960 §4.2.2.2).
    #[error("the response is not signed by the issuer, nor for it")]
    UntrustedResponder,
    /// It is signed with an algorithm that is weak or unknown, or that not every backend has.
    #[error("the algorithm of the response's signature is weak or unknown")]
    WeakAlgorithm,
    /// Its signature is wrong.
    #[error("the response's signature is wrong")]
    BadSignature,
    /// Its dates are still to come: those of its making, or of its news.
    #[error("the response is from the future")]
    NotYetValid,
    /// News were due before now (its nextUpdate is over), or before its own.
    #[error("the response is out of date")]
    Expired,
    /// Its news (its thisUpdate) are older than the maximum age.
    #[error("the response is older than the maximum age")]
    TooOld,
    /// No random numbers were to be had, for a nonce.
    #[error("no random numbers for a nonce")]
    NoRandomness,
}

impl OcspError {
    /// The stable name used by the CLI and in reports, such as `bad-signature`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Malformed(_) => "malformed",
            Self::UnknownType(_) => "unknown-type",
            Self::Unsuccessful(status) => status.name(),
            Self::NothingLent => "nothing-lent",
            Self::NotItsIssuer => "not-its-issuer",
            Self::OtherCertificate => "other-certificate",
            Self::UnknownExtension(_) => "unknown-extension",
            Self::NonceMismatch => "nonce-mismatch",
            Self::UntrustedResponder => "untrusted-responder",
            Self::WeakAlgorithm => "weak-algorithm",
            Self::BadSignature => "bad-signature",
            Self::NotYetValid => "not-yet-valid",
            Self::Expired => "expired",
            Self::TooOld => "too-old",
            Self::NoRandomness => "no-randomness",
        }
    }
}
