//! rustls errors, named in the core's terms.

use std::error::Error as StdError;

use rustls::PeerIncompatible;
use tls_core::{Alert, CertificateError, Error, ErrorKind};

use crate::NAME;
use crate::aside::Aside;

pub(crate) fn config_error(e: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::from_backend(ErrorKind::Config, NAME, e)
}

/// Names what ended a connection; `aside` holds what the certificate verifier said, if it did.
pub(crate) fn session_error(e: rustls::Error, aside: Aside) -> Error {
    use rustls::Error as Rustls;

    if let Some(failure) = aside.failure {
        return failure;
    }
    let kind = match &e {
        Rustls::AlertReceived(alert) => ErrorKind::AlertReceived(Alert(u8::from(*alert))),
        Rustls::DecryptError => ErrorKind::BadRecord,
        Rustls::InvalidCertificate(_) => match aside.refusal {
            // What rustls says is only what our verifier told it, for the alert's sake.
            Some(why) => {
                let kind = ErrorKind::Certificate(why);
                return match aside.cause {
                    Some(cause) => Error::from_backend(kind, NAME, cause),
                    None => Error::new(kind),
                };
            }
            // Not the certificate: the signature over the handshake, made with its key.
            None => ErrorKind::Protocol,
        },
        Rustls::NoApplicationProtocol => ErrorKind::NoSharedAlpn,
        Rustls::NoCertificatesPresented => ErrorKind::NoPeerCertificate,
        Rustls::PeerIncompatible(why) => incompatible(why),
        // In TLS 1.2; in TLS 1.3 rustls has a name for it.
        Rustls::General(_) if aside.no_signature => ErrorKind::NoSharedSignature,
        Rustls::EncryptError
        | Rustls::FailedToGetCurrentTime
        | Rustls::FailedToGetRandomBytes
        | Rustls::General(_)
        | Rustls::InconsistentKeys(_)
        | Rustls::Other(_) => ErrorKind::Backend,
        // What is left is what a peer can do wrong.
        _ => ErrorKind::Protocol,
    };
    Error::from_backend(kind, NAME, e)
}

fn incompatible(why: &PeerIncompatible) -> ErrorKind {
    match why {
        PeerIncompatible::NoCipherSuitesInCommon => ErrorKind::NoSharedCipher,
        PeerIncompatible::NoKxGroupsInCommon => ErrorKind::NoSharedGroup,
        PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon
        | PeerIncompatible::NoSignatureSchemesInCommon => ErrorKind::NoSharedSignature,
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled => ErrorKind::NoSharedVersion,
        _ => ErrorKind::Protocol,
    }
}

/// The error to give rustls so that it sends the alert that fits (RFC 8446 §6.2).
pub(crate) fn refusal(why: CertificateError) -> rustls::CertificateError {
    use rustls::CertificateError as Rustls;

    match why {
        CertificateError::BadEncoding
        | CertificateError::NameMismatch
        | CertificateError::UnhandledCriticalExtension => Rustls::BadEncoding, // bad_certificate
        CertificateError::BadSignature => Rustls::BadSignature, // decrypt_error
        CertificateError::Expired | CertificateError::NotYetValid => Rustls::Expired,
        CertificateError::Purpose => Rustls::InvalidPurpose, // unsupported_certificate
        CertificateError::Revoked => Rustls::Revoked,
        CertificateError::ChainTooLong
        | CertificateError::SelfSigned
        | CertificateError::UnknownIssuer => Rustls::UnknownIssuer, // unknown_ca
        // `Other`, `WeakAlgorithm`, and what the core may add: certificate_unknown.
        _ => Rustls::Other(rustls::OtherError(std::sync::Arc::new(why))),
    }
}
