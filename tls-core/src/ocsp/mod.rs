//! OCSP (RFC 6960): requests, responses, and whether a response is to be believed.
//!
//! The same for every backend: the ASN.1 is read by the crate `x509-ocsp`, and signatures are checked
//! with the algorithms that the backend lends. Nothing in here opens a connection.
//!
//! - [`process_response`] judges a response from anywhere: stapled, fetched, or out of a file.
//! - [`Response`] shows what stands in one, whether it is to be believed or not.
//! - [`Request`] is what a responder is asked.

mod error;
mod id;
mod request;
mod response;
mod status;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod verify;

use pki_types::{CertificateDer, UnixTime};

use crate::CertificateError;
use crate::x509::Algorithms;

pub use error::OcspError;
pub use id::IdHash;
pub use request::{NONCE_LENGTH, Request};
pub use response::{MAX_RESPONSE, Response};
pub use status::{CertStatus, CrlReason, Outcome, ResponseStatus};
pub use verify::{MAX_AGE, Query, SKEW};

/// Judges an OCSP response (DER): whether it may be believed, and what it says then.
///
/// That a certificate [has been revoked](CertStatus::Revoked) or is
/// [not known](CertStatus::Unknown) is no error here: it is what a good response says.
///
/// # Errors
///
/// [`OcspError`], saying which check failed: [`OcspError::Unsuccessful`] if the responder gave no
/// answer.
pub fn process_response(der: &[u8], query: &Query<'_>) -> Result<Outcome, OcspError> {
    Response::parse(der)?.verify(query)
}

/// Whether a stapled response speaks for `leaf`.
pub(crate) fn check_staple(
    response: &[u8],
    leaf: &CertificateDer<'_>,
    issuer: &CertificateDer<'_>,
    now: Option<UnixTime>,
    must_be_known: bool,
    algorithms: Algorithms<'_>,
) -> Result<(), CertificateError> {
    let query = Query::lent(leaf, issuer, algorithms, now);
    let outcome =
        process_response(response, &query).map_err(|_| CertificateError::StapleInvalid)?;
    match outcome.cert_status() {
        Some(CertStatus::Good) => Ok(()),
        Some(CertStatus::Revoked) => Err(CertificateError::Revoked),
        Some(CertStatus::Unknown) if !must_be_known => Ok(()),
        Some(CertStatus::Unknown) | None => Err(CertificateError::StapleInvalid),
    }
}
