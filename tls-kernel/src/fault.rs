//! What the kernel says of a peer's records.

use std::io;

/// What is wrong with a record that the kernel was to decrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not decrypt. Afterwards nothing can be sent either, not even an alert.
    BadRecord,
    /// It holds more than a record may (RFC 8446 §5.2).
    TooLong,
    /// It says another version of itself.
    OtherVersion,
    /// It comes after a key update, and its keys have not been set.
    NoKeys,
}

impl Fault {
    /// What an error of [`receive_record`](crate::receive_record) means, if it is about a record.
    pub fn of(e: &io::Error) -> Option<Self> {
        #[cfg(target_os = "linux")]
        return match e.raw_os_error()? {
            libc::EBADMSG => Some(Self::BadRecord),
            libc::EMSGSIZE => Some(Self::TooLong),
            libc::EINVAL => Some(Self::OtherVersion),
            libc::EKEYEXPIRED => Some(Self::NoKeys),
            _ => None,
        };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = e;
            None
        }
    }
}
