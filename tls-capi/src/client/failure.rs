//! What went wrong, as the caller is told: a code and a sentence.

use std::cell::RefCell;
use std::error::Error as _;
use std::ffi::{CStr, CString};
use std::io;

use polytls::{Error, ErrorKind};

use super::ffi;
use crate::boundary::OutText;

/// A code, which is compared, and a text, which is read.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    code: &'static CStr,
    text: String,
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(super) fn new(code: &'static CStr, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// What the system said to `doing`.
    pub(super) fn io(code: &'static CStr, doing: &str, e: &io::Error) -> Self {
        Self::new(code, format!("{doing}: {e}"))
    }

    /// The same under another code, where that says more.
    pub(super) fn coded(self, code: &'static CStr) -> Self {
        Self { code, ..self }
    }

    /// The code as a symbol, and the text, which stays until this thread is told of another failure.
    pub(super) fn tell(&self) -> (OutText, OutText) {
        thread_local! {
            static LAST: RefCell<CString> = RefCell::default();
        }
        // A NUL would end the text early: what a peer put there does not hide the rest.
        let text = CString::new(self.text.replace('\0', "\u{fffd}")).unwrap_or_default();
        let text = LAST.with(|last| {
            let mut last = last.borrow_mut();
            *last = text;
            OutText::of(Some(&last))
        });
        (ffi::symbol(self.code), text)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let code = match e.kind() {
            ErrorKind::AlertReceived(_) => c"TLS_ALERT_RECEIVED",
            ErrorKind::BadRecord => c"TLS_BAD_RECORD",
            ErrorKind::Certificate(_) | ErrorKind::NoPeerCertificate => c"TLS_CERTIFICATE_ERROR",
            ErrorKind::Config | ErrorKind::Unsupported(_) => c"TLS_CONFIG_ERROR",
            ErrorKind::Io(_) | ErrorKind::Timeout => c"TCP_ERROR",
            ErrorKind::NoSharedAlpn
            | ErrorKind::NoSharedCipher
            | ErrorKind::NoSharedGroup
            | ErrorKind::NoSharedSignature
            | ErrorKind::NoSharedVersion => c"TLS_CONNECT_ERROR",
            ErrorKind::NotTls => c"TLS_NOT_TLS",
            ErrorKind::Protocol => c"TLS_PROTOCOL_ERROR",
            ErrorKind::UnexpectedEof => c"TLS_UNEXPECTED_EOF",
            // `ErrorKind` may grow.
            _ => c"TLS_LIBRARY_ERROR",
        };
        let mut text = e.to_string();
        let mut source = e.source();
        while let Some(e) = source {
            text = format!("{text}: {e}");
            source = e.source();
        }
        Self::new(code, text)
    }
}
