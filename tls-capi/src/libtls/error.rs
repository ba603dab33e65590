//! What went wrong, in libtls' words.

use std::cell::RefCell;
use std::error::Error as _;
use std::ffi::{CStr, CString, c_int};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use errno::Errno;
use polytls::{CertificateError, Error, ErrorKind};

use crate::boundary::OutText;

/// The codes of libtls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Unknown = 0x0000,
    OutOfMemory = 0x1000,
    InvalidContext = 0x2000,
    InvalidArgument = 0x2001,
}

/// An error for `tls_error` and `tls_config_error`.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    code: Code,
    text: String,
}

pub(super) type Outcome<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { code: Code::Unknown, text: text.into() }
    }

    /// A call on a context of the wrong kind, or at the wrong time.
    pub(super) fn context(text: impl Into<String>) -> Self {
        Self { code: Code::InvalidContext, text: text.into() }
    }

    /// An argument that cannot be.
    pub(super) fn argument(text: impl Into<String>) -> Self {
        Self { code: Code::InvalidArgument, text: text.into() }
    }

    pub(super) fn memory(text: impl Into<String>) -> Self {
        Self { code: Code::OutOfMemory, text: text.into() }
    }

    /// What the system said, after `text`.
    pub(super) fn system(text: impl Into<String>, e: &io::Error) -> Self {
        Self::new(format!("{}: {}", text.into(), system_words(e)))
    }

    /// What polytls said, after `text`.
    pub(super) fn of(text: &str, e: &Error) -> Self {
        Self::new(format!("{text}: {}", words(e)))
    }
}

/// The words of the C library for an error of the system's.
pub(super) fn system_words(e: &io::Error) -> String {
    match e.raw_os_error() {
        Some(number) => Errno(number).to_string(),
        None => e.to_string(),
    }
}

/// An error in one line: with all that caused it where that is the program's doing or the system's. What a
/// library says of a peer differs from library to library, and the kind says it already.
pub(super) fn words(e: &Error) -> String {
    if let ErrorKind::Io(_) = e.kind() {
        if let Some(system) = e.source().and_then(|e| e.downcast_ref::<io::Error>()) {
            return system_words(system);
        }
    }
    let mut text = e.to_string();
    let mut next = match e.kind() {
        ErrorKind::Backend | ErrorKind::Config | ErrorKind::Io(_) => e.source(),
        _ => None,
    };
    while let Some(e) = next {
        let more = e.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = e.source();
    }
    text
}

/// The words of `X509_verify_cert_error_string(3)`, as far as there are any.
pub(super) fn certificate_words(why: CertificateError) -> String {
    let words = match why {
        CertificateError::BadSignature => "certificate signature failure",
        CertificateError::ChainTooLong => "certificate chain too long",
        CertificateError::Expired => "certificate has expired",
        CertificateError::NotYetValid => "certificate is not yet valid",
        CertificateError::Purpose => "unsuitable certificate purpose",
        CertificateError::RevocationExpired => "CRL has expired",
        CertificateError::RevocationUnknown => "unable to get certificate CRL",
        CertificateError::Revoked => "certificate revoked",
        CertificateError::SelfSigned => "self-signed certificate",
        CertificateError::UnhandledCriticalExtension => "unhandled critical extension",
        CertificateError::UnknownIssuer => "unable to get local issuer certificate",
        CertificateError::WeakAlgorithm => "CA signature digest algorithm too weak",
        other => return other.to_string(),
    };
    words.to_owned()
}

/// The last error of one object. What C was told of it stays in place until there is another: a program may
/// well print it after one more call.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    last: Option<(Code, CString)>,
    is_over: bool,
}

impl Slot {
    /// There is no error any more.
    pub(super) fn clear(&self) {
        self.told().is_over = true;
    }

    pub(super) fn set(&self, fault: Fault) {
        *self.told() = Told { last: Some(told(fault)), is_over: false };
    }

    pub(super) fn text(&self) -> OutText {
        let told = self.told();
        OutText::of(told.now().map(|(_, text)| &**text))
    }

    pub(super) fn code(&self) -> c_int {
        self.told().now().map_or(Code::Unknown, |(code, _)| *code) as c_int
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the fault of a call, and returns -1 for it.
    pub(super) fn status(&self, outcome: Outcome<()>) -> c_int {
        match outcome {
            Ok(()) => 0,
            Err(fault) => {
                self.set(fault);
                -1
            }
        }
    }
}

impl Told {
    fn now(&self) -> Option<&(Code, CString)> {
        self.last.as_ref().filter(|_| !self.is_over)
    }
}

fn told(fault: Fault) -> (Code, CString) {
    // The text may quote what a peer or a program gave.
    let text = CString::new(fault.text.replace('\0', "\\0")).unwrap_or_default();
    (fault.code, text)
}

thread_local! {
    static HOMELESS: RefCell<Option<(Code, CString)>> = const { RefCell::new(None) };
}

/// Keeps an error that belongs to no object, for this thread: the handle was none.
pub(super) fn set_homeless(fault: Fault) {
    HOMELESS.with(|slot| *slot.borrow_mut() = Some(told(fault)));
}

/// The text of that error.
pub(super) fn homeless_text() -> OutText {
    HOMELESS.with(|slot| OutText::of(slot.borrow().as_ref().map(|(_, text)| -> &CStr { text })))
}

/// The code of that error.
pub(super) fn homeless_code() -> c_int {
    HOMELESS.with(|slot| slot.borrow().as_ref().map_or(Code::Unknown, |(code, _)| *code)) as c_int
}
