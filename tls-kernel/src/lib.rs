//! Sockets whose records the kernel encrypts and decrypts (kTLS), and `sendfile(2)`.
//!
//! Linux has it, in the module `tls`. Elsewhere, and where the module is missing, each call says so and
//! changes nothing. Whoever calls has made the handshake, and gives the keys.
//!
//! A socket that has been [attached](attach) is as good as before until its [keys are set](set_keys);
//! once the keys of what it sends are set, what is written to it is plaintext. **Keys cannot be taken
//! back**: where those of one direction could not be set after the other's, the connection is at its end.

#[cfg(target_os = "linux")]
mod crypto_info;
mod fault;
#[cfg(target_os = "linux")]
mod ffi;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;
mod support;

pub use fault::Fault;
#[cfg(target_os = "linux")]
pub use linux::{attach, receive_record, send_file, send_record, set_keys};
#[cfg(all(unix, not(target_os = "linux")))]
pub use other::{attach, receive_record, send_file, send_record, set_keys};
pub use support::{Support, support};

/// A version of the protocol that kernels know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl Version {
    const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];
}

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-256-GCM.
    Aes256Gcm,
    /// ChaCha20-Poly1305.
    Chacha20Poly1305,
}

impl Suite {
    const ALL: [Self; 3] = [Self::Aes128Gcm, Self::Aes256Gcm, Self::Chacha20Poly1305];

    /// How many bytes a key has.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::Chacha20Poly1305 => 32,
        }
    }
}

/// A direction of a connection, as its socket sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What is written to the socket.
    Send,
    /// What is read from it.
    Receive,
}

/// The keys of one direction.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// The negotiated version.
    pub version: Version,
    /// The cipher of the negotiated suite.
    pub suite: Suite,
    /// As many bytes as the suite has.
    pub key: &'a [u8],
    /// In TLS 1.3, and with ChaCha20-Poly1305 in TLS 1.2, the write IV (RFC 8446 §5.3, RFC 7905 §2). With
    /// AES-GCM in TLS 1.2 the implicit part of the nonce, and after it the explicit part that the next
    /// record is to have (RFC 5288 §3).
    pub iv: &'a [u8; 12],
    /// The number of the next record.
    pub sequence: u64,
}
