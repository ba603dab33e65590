//! One error for every backend: a kind to act on, words and a source to read.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::sync::Arc;
use std::{fmt, io};

use tls_pki::{CertificateError, Malformed};

use crate::{Alert, Capability};

/// The result of a TLS operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed TLS operation.
///
/// Match on [`kind`](Self::kind): it means the same on every backend. What it displays, and the
/// [`source`](StdError::source) chain, are for people; the types in the chain belong to the
/// backend and may change in any release. An error is one pointer wide and cheap to clone.
#[derive(Clone)]
pub struct Error(Arc<Repr>);

struct Repr {
    kind: ErrorKind,
    backend: Option<&'static str>,
    detail: Option<Cow<'static, str>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, in terms that mean the same for every backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer gave up, and said why with this alert.
    #[error("the peer sent the alert {0}")]
    AlertReceived(Alert),
    /// The library underneath failed in a way that has no kind of its own.
    #[error("the TLS library failed")]
    Backend,
    /// A record did not decrypt: its bytes were changed or made up on the way.
    #[error("a record from the peer did not decrypt")]
    BadRecord,
    /// The peer's certificate was refused.
    #[error("the peer's certificate was refused: {0}")]
    Certificate(CertificateError),
    /// The configuration, or an input of it such as a key file, is unusable.
    #[error("unusable configuration")]
    Config,
    /// The file that was to be sent cannot be, or ends before the range that was to be sent does. The
    /// connection is as it was.
    #[error("the file cannot be sent")]
    File,
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Io(io::ErrorKind),
    /// A call came at a time when it cannot work. Never caused by the peer.
    #[error("the call came at the wrong time")]
    Misuse,
    /// The peer had to present a certificate, and did not.
    #[error("the peer presented no certificate")]
    NoPeerCertificate,
    /// The peer offers no application protocol (ALPN) that the configuration accepts.
    #[error("no application protocol in common")]
    NoSharedAlpn,
    /// The peers have no cipher suite in common.
    #[error("no cipher suite in common")]
    NoSharedCipher,
    /// The peers have no key-exchange group in common.
    #[error("no key-exchange group in common")]
    NoSharedGroup,
    /// The peers have no signature scheme in common that fits the certificate.
    #[error("no signature scheme in common")]
    NoSharedSignature,
    /// The peers have no protocol version in common.
    #[error("no protocol version in common")]
    NoSharedVersion,
    /// The peer does not speak TLS: its first bytes are no TLS record.
    #[error("the peer does not speak TLS")]
    NotTls,
    /// The peer broke the protocol.
    #[error("the peer broke the TLS protocol")]
    Protocol,
    /// A deadline of the caller's passed.
    #[error("the deadline passed")]
    Timeout,
    /// The transport ended without a closing alert: the data may be cut short.
    #[error("the connection ended without a closing alert")]
    UnexpectedEof,
    /// The backend cannot do this.
    #[error("{0} is not supported")]
    Unsupported(Capability),
}

impl ErrorKind {
    /// The stable name used by the CLI and in reports, such as `unexpected-eof`.
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::AlertReceived(alert) => format!("alert-received({alert})").into(),
            Self::Backend => "backend".into(),
            Self::BadRecord => "bad-record".into(),
            Self::Certificate(why) => format!("certificate({})", why.name()).into(),
            Self::Config => "config".into(),
            Self::File => "file".into(),
            Self::Io(kind) => format!("io({kind})").into(),
            Self::Misuse => "misuse".into(),
            Self::NoPeerCertificate => "no-peer-certificate".into(),
            Self::NoSharedAlpn => "no-shared-alpn".into(),
            Self::NoSharedCipher => "no-shared-cipher".into(),
            Self::NoSharedGroup => "no-shared-group".into(),
            Self::NoSharedSignature => "no-shared-signature".into(),
            Self::NoSharedVersion => "no-shared-version".into(),
            Self::NotTls => "not-tls".into(),
            Self::Protocol => "protocol".into(),
            Self::Timeout => "timeout".into(),
            Self::UnexpectedEof => "unexpected-eof".into(),
            Self::Unsupported(what) => format!("unsupported({what})").into(),
        }
    }
}

impl Error {
    /// An error of `kind`, with nothing more to say yet.
    #[cold]
    pub fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(Repr { kind, backend: None, detail: None, source: None }))
    }

    /// For backends: an error of `kind` that `backend` met because of `source`.
    #[cold]
    pub fn from_backend(
        kind: ErrorKind,
        backend: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        let source = Some(source.into());
        Self(Arc::new(Repr { kind, backend: Some(backend), detail: None, source }))
    }

    /// Says in words what was wrong and where; shown after the kind.
    ///
    /// To be called on an error that was just made.
    #[cold]
    #[must_use]
    pub fn because(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        if let Some(repr) = Arc::get_mut(&mut self.0) {
            repr.detail = Some(detail.into());
        }
        self
    }

    /// Attaches the error underneath, for the [`source`](StdError::source) chain.
    ///
    /// To be called on an error that was just made.
    #[cold]
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        if let Some(repr) = Arc::get_mut(&mut self.0) {
            repr.source = Some(source.into());
        }
        self
    }

    /// The error of ours in the chain of `e`, which may be somebody else's.
    ///
    /// Errors of hyper's, tonic's or tokio-postgres' carry ours as a [source](StdError::source);
    /// an [`io::Error`] leaves the one inside of it out of its chain.
    pub fn find<'a>(e: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut next = Some(e);
        while let Some(e) = next {
            if let Some(ours) = e.downcast_ref() {
                return Some(ours);
            }
            next = match e.downcast_ref::<io::Error>() {
                Some(e) => e.get_ref().map(|inside| inside as _),
                None => e.source(),
            };
        }
        None
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was said of it in words.
    pub(crate) fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The backend that met the error, if it was not this crate itself.
    pub fn backend(&self) -> Option<&'static str> {
        self.0.backend
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        match &self.0.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("backend", &self.0.backend)
            .field("detail", &self.0.detail)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        let kind = match e.kind() {
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            kind => ErrorKind::Io(kind),
        };
        // An error of ours may have travelled through `std::io` and come back.
        match e.downcast::<Self>() {
            Ok(ours) => ours,
            Err(e) => Self::new(kind).with_source(e),
        }
    }
}

impl From<Error> for io::Error {
    fn from(e: Error) -> Self {
        let kind = match e.kind() {
            ErrorKind::Io(kind) => kind,
            ErrorKind::Timeout => io::ErrorKind::TimedOut,
            ErrorKind::UnexpectedEof => io::ErrorKind::UnexpectedEof,
            ErrorKind::Unsupported(_) => io::ErrorKind::Unsupported,
            ErrorKind::Config | ErrorKind::File | ErrorKind::Misuse => io::ErrorKind::InvalidInput,
            ErrorKind::Backend => io::ErrorKind::Other,
            ErrorKind::AlertReceived(_)
            | ErrorKind::BadRecord
            | ErrorKind::Certificate(_)
            | ErrorKind::NoPeerCertificate
            | ErrorKind::NoSharedAlpn
            | ErrorKind::NoSharedCipher
            | ErrorKind::NoSharedGroup
            | ErrorKind::NoSharedSignature
            | ErrorKind::NoSharedVersion
            | ErrorKind::NotTls
            | ErrorKind::Protocol => io::ErrorKind::InvalidData,
        };
        Self::new(kind, e)
    }
}

/// A certificate that a program gives is an input of its configuration.
impl From<Malformed> for Error {
    fn from(e: Malformed) -> Self {
        Self::new(ErrorKind::Config).because("it is not well-formed DER").with_source(e)
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_and_where_on_one_level() {
        let e = Error::new(ErrorKind::Config).because("key.pem: no private key");
        assert_eq!(e.to_string(), "unusable configuration: key.pem: no private key");
        assert!(e.source().is_none());
    }

    #[test]
    fn the_kind_survives_a_trip_through_io_error() {
        let e: io::Error = Error::new(ErrorKind::UnexpectedEof).into();
        assert_eq!(e.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(Error::from(e).kind(), ErrorKind::UnexpectedEof);
        let e = Error::from(io::Error::from(io::ErrorKind::ConnectionReset));
        assert_eq!(e.kind(), ErrorKind::Io(io::ErrorKind::ConnectionReset));
        assert_eq!(
            Error::from(io::Error::from(io::ErrorKind::TimedOut)).kind(),
            ErrorKind::Timeout
        );
    }

    #[test]
    fn ours_is_found_in_a_chain_of_others() {
        #[derive(Debug, thiserror::Error)]
        #[error("somebody else's")]
        struct Other(#[source] io::Error);

        let ours = || Error::new(ErrorKind::NotTls);
        let found = |e: &(dyn StdError + 'static)| Error::find(e).map(Error::kind);
        assert_eq!(found(&ours()), Some(ErrorKind::NotTls));
        assert_eq!(found(&io::Error::from(ours())), Some(ErrorKind::NotTls));
        let nested = Other(io::Error::other(Other(ours().into())));
        assert_eq!(found(&nested), Some(ErrorKind::NotTls));
        assert_eq!(found(&Other(io::ErrorKind::BrokenPipe.into())), None);
        // The outermost decides: what it was made of is for people.
        let outer = Error::new(ErrorKind::Config).with_source(ours());
        assert_eq!(found(&outer), Some(ErrorKind::Config));
    }

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
