//! OpenSSL errors, named in the core's terms. By numbers: the texts differ between releases.

use std::error::Error as StdError;

use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, SslRef, SslVersion};
use openssl::x509::X509VerifyResult;
use tls_core::{Alert, CertificateError, Error, ErrorKind, Progress, Result};

use crate::{NAME, ffi, verify};

pub(crate) fn config_error(e: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::from_backend(ErrorKind::Config, NAME, e)
}

pub(crate) fn backend_error(e: ErrorStack) -> Error {
    Error::from_backend(ErrorKind::Backend, NAME, e)
}

/// Tells "not yet" from "no", after a failed call on `ssl`.
pub(crate) fn progress<T>(e: openssl::ssl::Error, ssl: &SslRef) -> Result<Progress<T>> {
    let kind = match e.code() {
        ErrorCode::WANT_READ => return Ok(Progress::WantRead),
        ErrorCode::WANT_WRITE => return Ok(Progress::WantWrite),
        ErrorCode::ZERO_RETURN => ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY),
        ErrorCode::SSL => library_kind(&e, ssl),
        _ => ErrorKind::Backend,
    };
    Err(Error::from_backend(kind, NAME, e))
}

/// `ERR_LIB_SSL`.
const LIB_SSL: i32 = 20;

fn library_kind(e: &openssl::ssl::Error, ssl: &SslRef) -> ErrorKind {
    let stack = e.ssl_error().map(ErrorStack::errors).unwrap_or_default();
    // The last entry is the outermost; an entry of the SSL library says more than one of the
    // ASN.1 or cryptography code underneath.
    let reasons = stack.iter().rev().filter(|e| e.library_code() == LIB_SSL);
    let kinds = reasons.map(|e| reason_kind(e.reason_code(), ssl)).collect::<Vec<_>>();
    let specific = kinds.iter().find(|kind| **kind != ErrorKind::Protocol);
    specific.or(kinds.first()).copied().unwrap_or(ErrorKind::Backend)
}

/// Names an `SSL_R_…` reason.
fn reason_kind(reason: i32, ssl: &SslRef) -> ErrorKind {
    match reason {
        1000..=1255 => ErrorKind::AlertReceived(Alert((reason - 1000) as u8)),
        101 | 295 => ErrorKind::NoSharedGroup, // NO_SUITABLE_KEY_SHARE, NO_SUITABLE_GROUPS
        // NO_SUITABLE_SIGNATURE_ALGORITHM, NO_SHARED_SIGNATURE_ALGORITHMS
        118 | 376 => ErrorKind::NoSharedSignature,
        // CERTIFICATE_VERIFY_FAILED
        134 => {
            let fault = verify::findings(ssl).and_then(|findings| findings.fault());
            ErrorKind::Certificate(fault.unwrap_or(CertificateError::Other))
        }
        147 | 281 => ErrorKind::BadRecord, // DECRYPTION_FAILED, DECRYPTION_FAILED_OR_BAD_RECORD_MAC
        // NO_SHARED_CIPHER, in TLS 1.2 also if there is no group for any of them.
        193 if is_tls12(ssl) && ffi::no_shared_group(ssl) => ErrorKind::NoSharedGroup,
        193 => ErrorKind::NoSharedCipher,
        199 => ErrorKind::NoPeerCertificate, // PEER_DID_NOT_RETURN_A_CERTIFICATE
        235 => ErrorKind::NoSharedAlpn,      // NO_APPLICATION_PROTOCOL
        258 => ErrorKind::NoSharedVersion,   // UNSUPPORTED_PROTOCOL
        _ => ErrorKind::Protocol,
    }
}

fn is_tls12(ssl: &SslRef) -> bool {
    ssl.version2() == Some(SslVersion::TLS1_2)
}

/// Names an `X509_V_ERR_…` result.
pub(crate) fn certificate_error(result: X509VerifyResult) -> CertificateError {
    match result.as_raw() {
        9 => CertificateError::NotYetValid,
        10 => CertificateError::Expired,
        2 | 19 | 20 | 21 | 27 | 28 => CertificateError::UnknownIssuer,
        18 => CertificateError::SelfSigned,
        4..=6 | 13..=16 | 24 | 41 => CertificateError::BadEncoding,
        7 | 77 | 78 => CertificateError::BadSignature,
        22 => CertificateError::ChainTooLong,
        23 => CertificateError::Revoked,
        // Path length, purpose, key usage, name constraints, invalid CA.
        25 | 26 | 32 | 37 | 39 | 46..=53 | 79 | 80 => CertificateError::Purpose,
        34 => CertificateError::UnhandledCriticalExtension,
        62..=64 => CertificateError::NameMismatch,
        66..=68 | 76 => CertificateError::WeakAlgorithm,
        _ => CertificateError::Other,
    }
}
