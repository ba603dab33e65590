//! BoringSSL errors, named in the core's terms.

use std::error::Error as StdError;

use boring::error::ErrorStack;
use boring::ssl::{ErrorCode, SslRef, SslVersion};
use tls_core::{Alert, CertificateError, Error, ErrorKind, Progress, Result};
use tls_libssl::{Reason, boringssl_reason, gravest};

use crate::{NAME, signer, verify};

pub(crate) fn config_error(e: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::from_backend(ErrorKind::Config, NAME, e)
}

pub(crate) fn backend_error(e: ErrorStack) -> Error {
    Error::from_backend(ErrorKind::Backend, NAME, e)
}

/// Tells "not yet" from "no", after a failed call on `ssl`. `alert` is what was read last, if it
/// was an alert in clear.
pub(crate) fn progress<T>(
    e: boring::ssl::Error,
    ssl: &SslRef,
    alert: Option<Alert>,
) -> Result<Progress<T>> {
    let unsigned = match e.code() {
        ErrorCode::SSL => signer::take_failure(ssl),
        _ => None,
    };
    if let Some(failure) = unsigned {
        return Err(failure);
    }
    let kind = match e.code() {
        ErrorCode::WANT_READ => return Ok(Progress::WantRead),
        ErrorCode::WANT_WRITE => return Ok(Progress::WantWrite),
        ErrorCode::WANT_PRIVATE_KEY_OPERATION => return Ok(Progress::WantSignature),
        ErrorCode::ZERO_RETURN => ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY),
        ErrorCode::SSL => match (library_kind(&e, ssl), alert) {
            // A client that gives up before it has the keys can only say so in clear, and OpenSSL
            // does so a little longer. BoringSSL takes that for a record that does not decrypt.
            (ErrorKind::BadRecord, Some(alert)) if ssl.is_server() && !ssl.is_init_finished() => {
                ErrorKind::AlertReceived(alert)
            }
            (kind, _) => kind,
        },
        _ => ErrorKind::Backend,
    };
    // Where it was not the library that refused a certificate, it has no words for it.
    let words = verify::findings(ssl).and_then(|findings| findings.take_words());
    Err(match words {
        Some(words) if matches!(kind, ErrorKind::Certificate(_)) => {
            Error::from_backend(kind, NAME, words)
        }
        Some(_) | None => Error::from_backend(kind, NAME, e),
    })
}

fn library_kind(e: &boring::ssl::Error, ssl: &SslRef) -> ErrorKind {
    let stack = e.ssl_error().map(ErrorStack::errors).unwrap_or_default();
    // The last entry is the outermost.
    let reasons = stack.iter().rev();
    let reasons = reasons.filter_map(|e| boringssl_reason(e.library_code(), e.reason_code()));
    let findings = verify::findings(ssl);
    let tls12 = ssl.version2() == Some(SslVersion::TLS1_2);
    gravest(reasons.map(|reason| match reason {
        Reason::CertificateVerifyFailed => {
            let fault = findings.and_then(|findings| findings.fault());
            ErrorKind::Certificate(fault.unwrap_or(CertificateError::Other))
        }
        Reason::Kind(kind) => kind,
        Reason::WrongCurve if !(tls12 && ssl.is_server()) => ErrorKind::Protocol,
        Reason::NoSharedCipher | Reason::WrongCurve => match findings.filter(|_| tls12) {
            Some(findings) if findings.signatures_apart() => ErrorKind::NoSharedSignature,
            Some(findings) if findings.groups_apart() => ErrorKind::NoSharedGroup,
            Some(_) | None => ErrorKind::NoSharedCipher,
        },
    }))
}
