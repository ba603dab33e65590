//! The Security framework, up to TLS 1.2.

use std::io;

use tls_core::{Capabilities, Capability, Error, ErrorKind, Identity, Result};

use crate::NAME;

/// Whether there is a verification of the system's own.
pub(crate) const HAS_ROOTS: bool = true;

pub(crate) fn library() -> String {
    "native-tls over the Security framework".into()
}

/// A server's protocols (ALPN) are ignored by native-tls here, and TLS 1.3 is not spoken.
pub(crate) fn capabilities() -> Capabilities {
    match cfg!(target_os = "macos") {
        true => super::EVERYWHERE,
        false => super::EVERYWHERE.without(Capabilities::of(&[Capability::ClientIdentity])),
    }
}

/// The framework keeps no errors for later.
pub(crate) fn forget_errors() {}

/// The framework finds the key by its certificate. Elsewhere than on macOS native-tls cannot load
/// one, and would panic.
pub(crate) fn check_identity(_: &Identity) -> Result<()> {
    if cfg!(target_os = "macos") {
        return Ok(());
    }
    let why = "an identity can be loaded on macOS only";
    Err(Error::from_backend(ErrorKind::Config, NAME, why).because(why))
}

/// The number is in the text only, so there is no kind.
pub(crate) fn handshake_kind(_: &native_tls::Error) -> Option<ErrorKind> {
    None
}

/// The number is in a type of a crate that is not used here, so there is no kind.
pub(crate) fn io_kind(_: &io::Error) -> Option<ErrorKind> {
    None
}

/// The framework closes at any time.
pub(crate) fn is_in_handshake(_: &io::Error) -> bool {
    false
}
