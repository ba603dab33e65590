//! The kernel's side of a transport.

use std::fs::File;
use std::io;
use std::task::{Context, Poll};

use crate::{CipherSuite, Result, TrafficKeys, Version};

/// For authors of a [`Transport`](crate::Transport): a socket whose records the kernel can encrypt and
/// decrypt.
///
/// A connection [attaches](Self::attach) once, sets the keys of what it sends and then of what it
/// receives, and from there on moves plaintext in records, by their content type. Sockets of `std` and of
/// the adapters have it; a program has no call for it.
pub trait KernelTransport {
    /// Whether the kernel can encrypt and decrypt records of this cipher in this version.
    ///
    /// # Errors
    ///
    /// Why the kernel has no TLS at all.
    fn knows(&self, version: Version, cipher: KernelCipher) -> Result<bool, io::ErrorKind>;

    /// Whether keys can be set again, as a key update asks for (RFC 8446 §4.6.3).
    fn rekeys(&self) -> bool;

    /// Prepares the socket. Nothing that it sends or receives changes before its keys are set.
    ///
    /// # Errors
    ///
    /// Whatever the kernel says. The socket is as good as before.
    fn attach(&mut self) -> io::Result<()>;

    /// Sets the keys of one direction. Nothing of the next record has been sent, or received.
    ///
    /// # Errors
    ///
    /// Whatever the kernel says. The connection is of no more use.
    fn set_keys(
        &mut self,
        direction: Direction,
        version: Version,
        cipher: KernelCipher,
        keys: &TrafficKeys,
    ) -> io::Result<()>;

    /// Sends plaintext in a record of this content type (RFC 8446 §5.1), and says how much was taken.
    fn poll_send_record(
        &mut self,
        cx: &mut Context<'_>,
        kind: u8,
        payload: &[u8],
    ) -> Poll<io::Result<usize>>;

    /// Receives plaintext of one content type, and says of which; a record may come in several pieces.
    /// No bytes and no type are the end of the transport.
    fn poll_receive_record(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(Option<u8>, usize), ReceiveError>>;

    /// Sends a part of `file` as data, and says how much was taken; `0` if the file ends at `offset`.
    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: u64,
    ) -> Poll<io::Result<u64>>;
}

/// One of the two directions of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What this side sends.
    Send,
    /// What the peer sends.
    Receive,
}

/// How a kernel protects records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KernelCipher {
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256-GCM.
    Aes256Gcm,
    /// ChaCha20-Poly1305.
    Chacha20Poly1305,
}

impl KernelCipher {
    /// The cipher of a suite; `None` if no kernel is asked for it.
    pub fn of(suite: CipherSuite) -> Option<Self> {
        let name = suite.name()?;
        let all = [
            ("_AES_128_GCM_SHA256", Self::Aes128Gcm),
            ("_AES_256_GCM_SHA384", Self::Aes256Gcm),
            ("_CHACHA20_POLY1305_SHA256", Self::Chacha20Poly1305),
        ];
        all.into_iter().find(|(end, _)| name.ends_with(end)).map(|(_, cipher)| cipher)
    }

    /// How many bytes a key has.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::Chacha20Poly1305 => 32,
        }
    }
}

/// Why nothing more is received.
#[derive(Debug)]
pub enum ReceiveError {
    /// A record did not decrypt. Afterwards the kernel sends nothing either, not even an alert.
    BadRecord,
    /// A record holds more than it may (RFC 8446 §5.2).
    TooLong,
    /// A record says another version of itself.
    OtherVersion,
    /// A record comes after a key update, and its keys have not been set.
    NoKeys,
    /// The socket failed.
    Io(io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_are_known_by_the_names_of_suites() {
        for (suite, cipher) in [
            (0x1301, Some(KernelCipher::Aes128Gcm)),
            (0x1302, Some(KernelCipher::Aes256Gcm)),
            (0x1303, Some(KernelCipher::Chacha20Poly1305)),
            (0x1304, None), // CCM
            (0x009c, Some(KernelCipher::Aes128Gcm)),
            (0xc030, Some(KernelCipher::Aes256Gcm)),
            (0xcca9, Some(KernelCipher::Chacha20Poly1305)),
            (0xc023, None), // CBC
            (0xffff, None),
        ] {
            assert_eq!(KernelCipher::of(CipherSuite(suite)), cipher, "{suite:x}");
        }
    }
}
