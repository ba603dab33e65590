//! OCSP (RFC 6960).

use pki_types::{CertificateDer, UnixTime};

use crate::CertificateError;
use crate::x509::Algorithms;

/// Whether a stapled response speaks for `leaf`.
pub(crate) fn check_staple(
    _response: &[u8],
    _leaf: &CertificateDer<'_>,
    _issuer: &CertificateDer<'_>,
    _now: Option<UnixTime>,
    _must_be_known: bool,
    _algorithms: Algorithms<'_>,
) -> Result<(), CertificateError> {
    Err(CertificateError::StapleInvalid)
}
