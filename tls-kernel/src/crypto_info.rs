//! Keys as `linux/tls.h` has them.

use std::io;

use zeroize::Zeroizing;

use crate::{Keys, Suite, Version};

/// `struct tls12_crypto_info_…`: version and cipher in the machine's order, IV, key, salt, and the number of
/// the next record, big-endian.
pub(crate) fn crypto_info(keys: &Keys<'_>) -> io::Result<Zeroizing<Vec<u8>>> {
    let Keys { version, suite, key, iv, sequence } = *keys;
    if key.len() != suite.key_len() {
        let why = format!("{suite:?} has keys of {} bytes, not {}", suite.key_len(), key.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let version: u16 = match version {
        Version::Tls12 => 0x0303,
        Version::Tls13 => 0x0304,
    };
    let (cipher, (salt, iv)): (u16, _) = match suite {
        Suite::Aes128Gcm => (TLS_CIPHER_AES_GCM_128, iv.split_at(4)),
        Suite::Aes256Gcm => (TLS_CIPHER_AES_GCM_256, iv.split_at(4)),
        Suite::Chacha20Poly1305 => (TLS_CIPHER_CHACHA20_POLY1305, iv.split_at(0)),
    };
    // All at once: a vector that grows leaves keys behind.
    let mut info = Zeroizing::new(Vec::with_capacity(64));
    for part in [&version.to_ne_bytes()[..], &cipher.to_ne_bytes(), iv, key, salt] {
        info.extend_from_slice(part);
    }
    info.extend_from_slice(&sequence.to_be_bytes());
    Ok(info)
}

const TLS_CIPHER_AES_GCM_128: u16 = 51;
const TLS_CIPHER_AES_GCM_256: u16 = 52;
const TLS_CIPHER_CHACHA20_POLY1305: u16 = 54;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_those_of_the_kernel() {
        let iv = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        for (suite, length, begin) in [
            (Suite::Aes128Gcm, 40, [5, 6]),
            (Suite::Aes256Gcm, 56, [5, 6]),
            (Suite::Chacha20Poly1305, 56, [1, 2]),
        ] {
            let key = vec![0xee; suite.key_len()];
            let keys = Keys { version: Version::Tls13, suite, key: &key, iv, sequence: 0x0102 };
            let info = crypto_info(&keys).unwrap();
            assert_eq!(info.len(), length, "{suite:?}");
            assert_eq!(info[..2], 0x0304_u16.to_ne_bytes());
            assert_eq!(info[4..6], begin);
            assert_eq!(info[length - 8..], [0, 0, 0, 0, 0, 0, 1, 2]);
            assert!(info.capacity() >= 56, "it has not grown");
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for length in [0, 16, 31, 33] {
            let key = vec![0; length];
            let (version, suite) = (Version::Tls12, Suite::Aes256Gcm);
            let keys = Keys { version, suite, key: &key, iv: &[0; 12], sequence: 0 };
            let e = crypto_info(&keys).unwrap_err();
            assert_eq!(e.kind(), io::ErrorKind::InvalidInput);
            assert!(e.to_string().contains("32 bytes"), "{e}");
        }
    }
}
