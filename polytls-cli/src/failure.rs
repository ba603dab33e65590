//! Why a command failed: what is printed, and the exit code.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use polytls::{Alert, CertificateError, Error, ErrorKind};

use crate::output;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Anything else, as `kind: what`: exit code 1.
    Report(String),
    /// TLS, the network, or a file; the exit code depends on the kind.
    Tls {
        /// What happened.
        error: Error,
        /// Where: appended in parentheses.
        place: Option<String>,
    },
    /// What was asked for makes no sense: exit code 2.
    Usage(String),
    /// An answer that has an exit code of its own, as `kind: what`.
    Verdict {
        /// What the answer is.
        what: String,
        /// The exit code.
        code: u8,
    },
}

pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// An error of the peer at `place`, or of the way there.
    pub(crate) fn at(place: impl Into<String>) -> impl FnOnce(Error) -> Self {
        let place = Some(place.into());
        move |error| Self::Tls { error, place }
    }

    /// A file that cannot be written.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |e| {
            let why = format!("{}: cannot be written: {e}", path.display());
            Error::new(ErrorKind::Config).because(why).into()
        }
    }

    /// Standard input that cannot be read.
    pub(crate) fn input(e: io::Error) -> Self {
        let why = format!("standard input: cannot be read: {e}");
        Error::new(ErrorKind::Config).because(why).into()
    }

    /// Standard output that does not take what is written.
    pub(crate) fn output(e: io::Error) -> Self {
        Self::Report(format!("{}: standard output: {e}", ErrorKind::Io(e.kind()).name()))
    }

    /// All on one line, for logs.
    pub(crate) fn one_line(&self) -> String {
        match self {
            Self::Report(what) => format!("error: {what}"),
            Self::Tls { error, place: None } => format!("error: {}", one_line(error)),
            Self::Tls { error, place: Some(place) } => {
                format!("error: {} ({place})", one_line(error))
            }
            Self::Usage(what) => format!("error: usage: {what}"),
            Self::Verdict { what, .. } => format!("error: {what}"),
        }
    }

    /// Prints the error, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (text, code) = match &self {
            Self::Report(_) => (self.one_line(), 1),
            Self::Tls { error, place } => (describe(error, place.as_deref()), exit_code(error)),
            Self::Usage(_) => (self.one_line(), 2),
            Self::Verdict { code, .. } => (self.one_line(), *code),
        };
        output::note(text);
        code.into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Tls { error, place: None }
    }
}

/// The whole chain in one line: `kind: what: cause`.
pub(crate) fn one_line(error: &Error) -> String {
    let mut line = format!("{}: {error}", error.kind().name());
    for cause in causes(error) {
        let _ = write!(line, ": {cause}");
    }
    line.replace(['\r', '\n'], " ")
}

fn describe(error: &Error, place: Option<&str>) -> String {
    let mut text = format!("error: {}: {error}", error.kind().name());
    if let Some(place) = place {
        let _ = write!(text, " ({place})");
    }
    for cause in causes(error) {
        let _ = write!(text, "\n  caused by: {cause}");
    }
    if let Some(hint) = hint(error.kind()) {
        let _ = write!(text, "\n  hint: {hint}");
    }
    text
}

/// What the errors underneath add to what has been said.
fn causes(error: &Error) -> Vec<String> {
    let mut said = error.to_string();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.contains(&text) {
            said.push_str(&text);
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

fn exit_code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Config | ErrorKind::Unsupported(_) => 2,
        _ => 1, // the enum is open; whatever is not about the configuration is a failure
    }
}

/// What to try, where that is not obvious.
fn hint(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::Certificate(CertificateError::UnknownIssuer | CertificateError::SelfSigned) => {
            "--ca FILE names a certificate to trust in place of the system's"
        }
        ErrorKind::Certificate(CertificateError::NameMismatch) => {
            "--servername NAME asks for, and expects, another name"
        }
        ErrorKind::Certificate(CertificateError::Expired | CertificateError::NotYetValid) => {
            "is the clock of this machine right?"
        }
        ErrorKind::AlertReceived(Alert::CERTIFICATE_REQUIRED) => {
            "the peer wants a client certificate: --cert FILE --key FILE"
        }
        ErrorKind::AlertReceived(Alert::UNKNOWN_CA) => {
            "the peer does not trust the authority that issued the certificate presented to it"
        }
        ErrorKind::AlertReceived(Alert::NO_APPLICATION_PROTOCOL) | ErrorKind::NoSharedAlpn => {
            "--alpn names the application protocols to offer"
        }
        ErrorKind::AlertReceived(Alert::PROTOCOL_VERSION) | ErrorKind::NoSharedVersion => {
            "--min-tls and --max-tls set the versions to offer"
        }
        ErrorKind::UnexpectedEof => {
            "the data may be cut short; --allow-truncation accepts such an end after the handshake"
        }
        _ => return None,
    })
}
