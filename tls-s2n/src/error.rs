//! s2n's errors, named in the core's terms.
//!
//! By the names of its constants, which are its interface: their numbers shift from release to
//! release and the crate does not tell them, and their texts are for people.

use std::error::Error as StdError;

use s2n_tls::enums::Mode;
use s2n_tls::error::{Error as S2nError, ErrorType};
use tls_core::{Alert, CertificateError, Error, ErrorKind};

use crate::NAME;

pub(crate) fn config_error(e: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::from_backend(ErrorKind::Config, NAME, e)
}

pub(crate) fn backend_error(e: S2nError) -> Error {
    Error::from_backend(ErrorKind::Backend, NAME, e)
}

/// What a failed call on a connection means. `alert` is what the peer has sent, if anything.
pub(crate) fn kind(e: &S2nError, mode: Mode, alert: Option<u8>) -> ErrorKind {
    match e.kind() {
        ErrorType::Alert => ErrorKind::AlertReceived(Alert(alert.unwrap_or(Alert::CLOSE_NOTIFY.0))),
        ErrorType::ConnectionClosed => ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY),
        ErrorType::ProtocolError => protocol_kind(e, mode),
        // What s2n cannot parse or compute is often an error of its safety checks. They are met on
        // the way of bytes from the peer; what is wrong on this side is found when it is configured.
        ErrorType::InternalError | ErrorType::UsageError => protocol_kind(e, mode),
        _ => ErrorKind::Backend,
    }
}

fn protocol_kind(e: &S2nError, mode: Mode) -> ErrorKind {
    match e.name() {
        "S2N_ERR_DECRYPT" | "S2N_ERR_CBC_VERIFY" => ErrorKind::BadRecord,
        // A client says so of an answer that it did not ask for.
        "S2N_ERR_CIPHER_NOT_SUPPORTED" if mode == Mode::Server => ErrorKind::NoSharedCipher,
        "S2N_ERR_MISSING_CLIENT_CERT" => ErrorKind::NoPeerCertificate,
        "S2N_ERR_PROTOCOL_VERSION_UNSUPPORTED" => ErrorKind::NoSharedVersion,
        "S2N_ERR_NO_VALID_SIGNATURE_SCHEME" => ErrorKind::NoSharedSignature,
        "S2N_ERR_NO_APPLICATION_PROTOCOL" => ErrorKind::NoSharedAlpn,
        "S2N_ERR_ALLOC" | "S2N_ERR_NOMEM" => ErrorKind::Backend,
        name if is_verdict(name) => ErrorKind::Certificate(CertificateError::Other),
        _ => ErrorKind::Protocol,
    }
}

/// Whether an error is about the peer's certificates.
fn is_verdict(name: &str) -> bool {
    name.starts_with("S2N_ERR_CERT_") || name == "S2N_ERR_DECODE_CERTIFICATE"
}

/// The alert that goes with an error (RFC 8446 §6.2), which s2n may know better than its kind.
pub(crate) fn alert(kind: ErrorKind, e: Option<&S2nError>) -> Option<Alert> {
    Some(match (kind, e.map_or("", S2nError::name)) {
        // What the peer has ended needs no answer.
        (ErrorKind::AlertReceived(_), _) => return None,
        (_, "S2N_ERR_BAD_MESSAGE") => Alert::UNEXPECTED_MESSAGE,
        (_, "S2N_ERR_STUFFER_OUT_OF_DATA") => Alert::DECODE_ERROR,
        (_, "S2N_ERR_VERIFY_SIGNATURE") => Alert::DECRYPT_ERROR,
        (_, "S2N_ERR_CERT_EXPIRED" | "S2N_ERR_CERT_NOT_YET_VALID") => Alert::CERTIFICATE_EXPIRED,
        (_, "S2N_ERR_CERT_INTENT_INVALID") => Alert::UNSUPPORTED_CERTIFICATE,
        (_, "S2N_ERR_CERT_UNTRUSTED") => Alert::UNKNOWN_CA,
        (ErrorKind::BadRecord, _) => Alert::BAD_RECORD_MAC,
        (ErrorKind::Certificate(_), _) => Alert::BAD_CERTIFICATE,
        (
            ErrorKind::NoPeerCertificate
            | ErrorKind::NoSharedCipher
            | ErrorKind::NoSharedGroup
            | ErrorKind::NoSharedSignature,
            _,
        ) => Alert::HANDSHAKE_FAILURE,
        (ErrorKind::NoSharedAlpn, _) => Alert::NO_APPLICATION_PROTOCOL,
        (ErrorKind::NoSharedVersion, _) => Alert::PROTOCOL_VERSION,
        (ErrorKind::Protocol, _) => Alert::ILLEGAL_PARAMETER,
        _ => Alert::INTERNAL_ERROR,
    })
}
