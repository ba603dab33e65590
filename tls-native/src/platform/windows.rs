//! SChannel.

use std::io;

use tls_core::{Capabilities, Capability, ErrorKind, Identity, Result};

/// Whether there is a verification of the system's own.
pub(crate) const HAS_ROOTS: bool = true;

pub(crate) fn library() -> String {
    "native-tls over SChannel".into()
}

/// Whether SChannel speaks TLS 1.3 depends on the release of Windows, and native-tls does not tell.
pub(crate) fn capabilities() -> Capabilities {
    super::EVERYWHERE
        .union(Capabilities::of(&[Capability::AlpnServer, Capability::AlpnServerPolicy]))
}

/// SChannel keeps no errors for later.
pub(crate) fn forget_errors() {}

/// SChannel compares the two itself when they are loaded.
pub(crate) fn check_identity(_: &Identity) -> Result<()> {
    Ok(())
}

/// The number is in the text only, so there is no kind.
pub(crate) fn handshake_kind(_: &native_tls::Error) -> Option<ErrorKind> {
    None
}

/// Names what ended a connection, by its HRESULT.
pub(crate) fn io_kind(e: &io::Error) -> Option<ErrorKind> {
    const SEC_E_DECRYPT_FAILURE: u32 = 0x8009_0330;
    const SEC_E_ILLEGAL_MESSAGE: u32 = 0x8009_0326;
    const SEC_E_INVALID_TOKEN: u32 = 0x8009_0308;
    const SEC_E_MESSAGE_ALTERED: u32 = 0x8009_030f;
    const SEC_E_OUT_OF_SEQUENCE: u32 = 0x8009_0310;
    match e.raw_os_error()? as u32 {
        SEC_E_DECRYPT_FAILURE | SEC_E_MESSAGE_ALTERED | SEC_E_OUT_OF_SEQUENCE => {
            Some(ErrorKind::BadRecord)
        }
        SEC_E_ILLEGAL_MESSAGE | SEC_E_INVALID_TOKEN => Some(ErrorKind::Protocol),
        _ => None,
    }
}

/// SChannel closes at any time.
pub(crate) fn is_in_handshake(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_record_is_known_by_its_number() {
        let kind = |code: u32| io_kind(&io::Error::from_raw_os_error(code as i32));
        assert_eq!(kind(0x8009_030f), Some(ErrorKind::BadRecord));
        assert_eq!(kind(0x8009_0326), Some(ErrorKind::Protocol));
        assert_eq!(kind(5), None);
        assert_eq!(io_kind(&io::Error::other("no number")), None);
    }
}
