//! OpenSSL, where the platform has no library of its own.

use std::error::Error as _;
use std::io;
use std::sync::LazyLock;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{ErrorCode, SslContext, SslMethod};
use openssl::x509::X509;
use tls_core::{
    Alert, Capabilities, Capability, CertificateError, Error, ErrorKind, Identity, Result,
};
use tls_libssl::{Reason, gravest, openssl_reason};

use crate::NAME;
use crate::error::config_error;

/// Whether there is a verification of the system's own: OpenSSL has only files.
pub(crate) const HAS_ROOTS: bool = false;

pub(crate) fn library() -> String {
    format!("native-tls over {}", openssl::version::version())
}

pub(crate) fn capabilities() -> Capabilities {
    let all = super::EVERYWHERE.union(Capabilities::of(&[
        Capability::AlpnServer,
        Capability::AlpnServerPolicy,
        Capability::Tls13Client,
    ]));
    match *HAS_POST_QUANTUM {
        true => all.with(Capability::PostQuantum),
        false => all,
    }
}

/// Takes out of OpenSSL's queue what other code on this thread has left there; it would be taken
/// for an error of the next call (SSL_get_error(3)).
pub(crate) fn forget_errors() {
    let _ = ErrorStack::get();
}

/// Refuses a key that does not belong to its certificate: native-tls would begin to serve with it.
pub(crate) fn check_identity(identity: &Identity) -> Result<()> {
    let own = identity.key()?;
    let check = || -> Result<bool, ErrorStack> {
        let key = PKey::private_key_from_der(own.secret_der())?;
        Ok(X509::from_der(identity.leaf())?.public_key()?.public_eq(&key))
    };
    match check() {
        Ok(true) => Ok(()),
        Ok(false) => {
            let why = "the private key does not belong to the certificate";
            Err(Error::from_backend(ErrorKind::Config, NAME, why).because(why))
        }
        Err(e) => Err(config_error(e).because("the certificate or the private key is unusable")),
    }
}

/// Names what ended a handshake.
pub(crate) fn handshake_kind(e: &native_tls::Error) -> Option<ErrorKind> {
    e.source()?.downcast_ref::<ErrorStack>().map(stack_kind)
}

/// Names what ended a connection.
pub(crate) fn io_kind(e: &io::Error) -> Option<ErrorKind> {
    let e = ssl_error(e)?;
    match e.code() {
        ErrorCode::ZERO_RETURN => Some(ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY)),
        _ => e.ssl_error().map(stack_kind),
    }
}

/// Whether OpenSSL cannot do it now for being in the middle of a handshake message.
pub(crate) fn is_in_handshake(e: &io::Error) -> bool {
    const SHUTDOWN_WHILE_IN_INIT: i32 = 407;
    let stack = ssl_error(e).and_then(openssl::ssl::Error::ssl_error);
    stack.is_some_and(|stack| {
        stack.errors().iter().any(|e| e.reason_code() == SHUTDOWN_WHILE_IN_INIT)
    })
}

fn ssl_error(e: &io::Error) -> Option<&openssl::ssl::Error> {
    e.get_ref()?.downcast_ref()
}

fn stack_kind(stack: &ErrorStack) -> ErrorKind {
    // The last entry is the outermost.
    let reasons = stack.errors().iter().rev();
    let reasons = reasons.filter_map(|e| openssl_reason(e.library_code(), e.reason_code()));
    gravest(reasons.map(|reason| match reason {
        // native-tls keeps the result of the verification to itself.
        Reason::CertificateVerifyFailed => ErrorKind::Certificate(CertificateError::Other),
        Reason::Kind(kind) => kind,
        Reason::NoSharedCipher => ErrorKind::NoSharedCipher,
        Reason::WrongCurve => ErrorKind::Protocol,
    }))
}

/// From OpenSSL 3.5 on it is among the default groups, but a build may leave it out.
static HAS_POST_QUANTUM: LazyLock<bool> = LazyLock::new(|| {
    SslContext::builder(SslMethod::tls())
        .is_ok_and(|mut context| context.set_groups_list("X25519MLKEM768").is_ok())
});
