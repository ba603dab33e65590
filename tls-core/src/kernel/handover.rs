//! What a library gives away when the kernel takes its records over.

use std::fmt;

use zeroize::Zeroizing;

use crate::{CipherSuite, Result, Version};

/// For authors of a backend: the keys of an established connection, which its session does not use again.
#[derive(Debug)]
pub struct HandedOver {
    /// The negotiated version.
    pub version: Version,
    /// The negotiated cipher suite, with AES-GCM or ChaCha20-Poly1305.
    pub cipher_suite: CipherSuite,
    /// What this side encrypts with.
    pub send: TrafficKeys,
    /// What the peer encrypts with.
    pub receive: TrafficKeys,
    /// What comes after.
    pub later: Box<dyn LaterKeys>,
}

/// The key of one direction.
pub struct TrafficKeys {
    /// 16 or 32 bytes.
    pub key: Zeroizing<Vec<u8>>,
    /// What nonces are made of. In TLS 1.3, and with ChaCha20-Poly1305 in TLS 1.2, the write IV
    /// (RFC 8446 §5.3, RFC 7905 §2). With AES-GCM in TLS 1.2 the implicit part of the nonce, and after it
    /// the explicit part that the next record is to have (RFC 5288 §3): none that was used before.
    pub iv: [u8; 12],
    /// The number of the next record.
    pub sequence: u64,
}

impl fmt::Debug for TrafficKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrafficKeys").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

/// For authors of a backend: what a library still has to do for records that the kernel decrypts.
pub trait LaterKeys: fmt::Debug + Send {
    /// The next key of what this side sends (RFC 8446 §7.2). Called in TLS 1.3 only.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn next_send(&mut self) -> Result<TrafficKeys>;

    /// The next key of what the peer sends. Called in TLS 1.3 only.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn next_receive(&mut self) -> Result<TrafficKeys>;

    /// On a client: takes the body of a NewSessionTicket (RFC 8446 §4.6.1). A library that cannot keep it
    /// any more lets it go.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection.
    fn ticket(&mut self, body: &[u8]) -> Result<()>;
}
