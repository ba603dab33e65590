//! What may be wrong with a certificate.

/// Why a certificate was refused.
///
/// Where a certificate has several faults, every backend reports the same one: first the dates of
/// the peer's own certificate, then that it is self-signed and not trusted, then its purpose, then
/// the chain above it, then the name; and of a certificate without any of these first its
/// revocation (by lists, then by a staple), then the pins, then what the application's own verifier
/// says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// It is not well-formed DER, or breaks RFC 5280.
    #[error("it is malformed")]
    BadEncoding,
    /// The signature of a certificate in the chain is wrong.
    #[error("a signature in its chain is wrong")]
    BadSignature,
    /// More intermediate certificates than a chain may have.
    #[error("its chain is too long")]
    ChainTooLong,
    /// The validity of a certificate in the chain has ended.
    #[error("it has expired")]
    Expired,
    /// It is for another name.
    #[error("it is for another name")]
    NameMismatch,
    /// The validity of a certificate in the chain has not begun.
    #[error("it is not yet valid")]
    NotYetValid,
    /// Refused for a reason that has no variant of its own.
    #[error("the TLS library did not accept it")]
    Other,
    /// No key in its chain is one of those that are pinned.
    #[error("no key in its chain is pinned")]
    PinMismatch,
    /// A certificate in the chain is not meant for what it is used for.
    #[error("it is not meant for this purpose")]
    Purpose,
    /// The application's own verifier refused it.
    #[error("the application refused it")]
    Rejected,
    /// The list that would tell whether a certificate in the chain has been revoked is out of date.
    #[error("the list of revoked certificates is out of date")]
    RevocationExpired,
    /// No list tells whether a certificate in the chain has been revoked.
    #[error("no list tells whether it has been revoked")]
    RevocationUnknown,
    /// A certificate in the chain has been revoked.
    #[error("it has been revoked")]
    Revoked,
    /// The peer's certificate is signed by itself and is not trusted.
    #[error("it is self-signed and not trusted")]
    SelfSigned,
    /// The stapled OCSP response is not one that can be believed: malformed, out of date, about another
    /// certificate, or not signed by whom it should be.
    #[error("its stapled OCSP response is not to be believed")]
    StapleInvalid,
    /// An OCSP response had to be stapled, and none was.
    #[error("no OCSP response is stapled to it")]
    StapleMissing,
    /// A certificate in the chain has a critical extension that the library does not know.
    #[error("it has a critical extension nobody here knows")]
    UnhandledCriticalExtension,
    /// No trusted root vouches for it.
    #[error("no trusted root vouches for it")]
    UnknownIssuer,
    /// A key or signature algorithm in the chain is too weak, or unknown.
    #[error("it uses a weak or unknown algorithm")]
    WeakAlgorithm,
}

impl CertificateError {
    /// The stable name used by the CLI and in reports, such as `unknown-issuer`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadEncoding => "bad-encoding",
            Self::BadSignature => "bad-signature",
            Self::ChainTooLong => "chain-too-long",
            Self::Expired => "expired",
            Self::NameMismatch => "name-mismatch",
            Self::NotYetValid => "not-yet-valid",
            Self::Other => "other",
            Self::PinMismatch => "pin-mismatch",
            Self::Purpose => "purpose",
            Self::Rejected => "rejected",
            Self::RevocationExpired => "revocation-expired",
            Self::RevocationUnknown => "revocation-unknown",
            Self::Revoked => "revoked",
            Self::SelfSigned => "self-signed",
            Self::StapleInvalid => "staple-invalid",
            Self::StapleMissing => "staple-missing",
            Self::UnhandledCriticalExtension => "unhandled-critical-extension",
            Self::UnknownIssuer => "unknown-issuer",
            Self::WeakAlgorithm => "weak-algorithm",
        }
    }
}

/// Bytes that are not the certificate, list or response that they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not well-formed DER: {source}")]
pub struct Malformed {
    what: &'static str,
    source: x509_cert::der::Error,
}

impl Malformed {
    /// For `map_err`: what should have been there.
    pub fn because(what: &'static str) -> impl Fn(x509_cert::der::Error) -> Self {
        move |source| Self { what, source }
    }
}
