//! How keys are derived: RFC 8446 §7 and RFC 5246 §5, on the library's HMAC.

use tls_core::{KernelCipher, TrafficKeys};
use zeroize::Zeroizing;

use super::Established;

/// A hash function that cipher suites name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256, of 32 bytes.
    Sha256,
    /// SHA-384, of 48 bytes.
    Sha384,
}

/// HMAC, as a library has it: of a key, and of a message. `None` if the library fails.
pub type Hmac = fn(Hash, &[u8], &[u8]) -> Option<Zeroizing<Vec<u8>>>;

/// The secret that comes after `secret` (RFC 8446 §7.2).
pub(super) fn updated(hmac: Hmac, secret: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    expand_label(hmac, secret, b"traffic upd", secret.len())
}

/// The keys of a secret (RFC 8446 §7.3).
pub(super) fn keys(hmac: Hmac, secret: &[u8], key: usize, sequence: u64) -> Option<TrafficKeys> {
    let iv = expand_label(hmac, secret, b"iv", 12)?;
    let key = expand_label(hmac, secret, b"key", key)?;
    Some(TrafficKeys { key, iv: iv[..].try_into().ok()?, sequence })
}

/// `HKDF-Expand-Label` without a context (RFC 8446 §7.1), of no more than one block. A secret is as long as
/// its hash.
fn expand_label(
    hmac: Hmac,
    secret: &[u8],
    label: &[u8],
    length: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    const PREFIX: &[u8] = b"tls13 ";
    let hash = match secret.len() {
        32 => Hash::Sha256,
        48 => Hash::Sha384,
        _ => return None,
    };
    let (label_length, first) = ([(PREFIX.len() + label.len()) as u8], [1]);
    let asked_for = (length as u16).to_be_bytes();
    let info = [&asked_for[..], &label_length, PREFIX, label, &[0], &first].concat();
    let mut block = hmac(hash, secret, &info)?;
    block.truncate(length);
    (block.len() == length).then_some(block)
}

/// The keys of the client and of the server out of the key block (RFC 5246 §6.3). Their nonces are made as
/// in TLS 1.3 with ChaCha20-Poly1305 (RFC 7905 §2), and of 4 bytes and a part of their own with AES-GCM
/// (RFC 5288 §3).
pub(super) fn key_block(
    hmac: Hmac,
    cipher: KernelCipher,
    of: &Established<'_>,
    sequences: (u64, u64),
) -> Option<(TrafficKeys, TrafficKeys)> {
    let (key, salt) =
        (cipher.key_len(), if cipher == KernelCipher::Chacha20Poly1305 { 12 } else { 4 });
    let hash = if cipher == KernelCipher::Aes256Gcm { Hash::Sha384 } else { Hash::Sha256 };
    let seed = [b"key expansion", of.server_random, of.client_random].concat();
    let block = prf(hmac, hash, of.master_secret, &seed, 2 * (key + salt))?;
    let (keys, ivs) = block.split_at_checked(2 * key)?;
    let side = |i: usize, sequence: u64| {
        let mut iv = [0; 12];
        iv[salt..].copy_from_slice(&of.nonce.to_be_bytes()[..12 - salt]);
        iv[..salt].copy_from_slice(&ivs[i * salt..][..salt]);
        let key = Zeroizing::new(keys[i * key..][..key].to_vec());
        TrafficKeys { key, iv, sequence }
    };
    Some((side(0, sequences.0), side(1, sequences.1)))
}

/// `P_hash` (RFC 5246 §5).
pub(super) fn prf(
    hmac: Hmac,
    hash: Hash,
    secret: &[u8],
    seed: &[u8],
    length: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(length + 48));
    let mut a = hmac(hash, secret, seed)?;
    while out.len() < length {
        let message = Zeroizing::new([&a[..], seed].concat());
        out.extend_from_slice(&hmac(hash, secret, &message)?);
        a = hmac(hash, secret, &a)?;
    }
    out.truncate(length);
    Some(out)
}
