//! OpenSSL errors, named in the core's terms.

use std::error::Error as StdError;

use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, SslRef, SslVersion};
use tls_core::{Alert, CertificateError, Error, ErrorKind, Progress, Result};
use tls_libssl::{Reason, gravest, openssl_reason};

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
    // Where it was not the library that refused a certificate, it has no words for it.
    let words = verify::findings(ssl).and_then(|findings| findings.take_words());
    Err(match words {
        Some(words) if matches!(kind, ErrorKind::Certificate(_)) => {
            Error::from_backend(kind, NAME, words)
        }
        Some(_) | None => Error::from_backend(kind, NAME, e),
    })
}

fn library_kind(e: &openssl::ssl::Error, ssl: &SslRef) -> ErrorKind {
    let stack = e.ssl_error().map(ErrorStack::errors).unwrap_or_default();
    // The last entry is the outermost.
    let reasons = stack.iter().rev();
    let reasons = reasons.filter_map(|e| openssl_reason(e.library_code(), e.reason_code()));
    gravest(reasons.map(|reason| match reason {
        Reason::CertificateVerifyFailed => {
            let fault = verify::findings(ssl).and_then(|findings| findings.fault());
            ErrorKind::Certificate(fault.unwrap_or(CertificateError::Other))
        }
        // Only clients send this alert, so that a client has not received it: OpenSSL 3.6 reads the
        // staple before the core does, and says like this that it cannot.
        Reason::Kind(ErrorKind::AlertReceived(Alert::BAD_CERTIFICATE_STATUS_RESPONSE))
            if !ssl.is_server() =>
        {
            ErrorKind::Certificate(CertificateError::StapleInvalid)
        }
        Reason::Kind(kind) => kind,
        Reason::NoSharedCipher if is_tls12(ssl) && ffi::no_shared_group(ssl) => {
            ErrorKind::NoSharedGroup
        }
        Reason::NoSharedCipher => ErrorKind::NoSharedCipher,
        Reason::WrongCurve => ErrorKind::Protocol,
    }))
}

fn is_tls12(ssl: &SslRef) -> bool {
    ssl.version2() == Some(SslVersion::TLS1_2)
}
