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
    /// The certificate that was given as the issuer's has another name than the issuer.
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
    /// It is signed with an algorithm that is weak or unknown, or that the backend does not lend.
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
