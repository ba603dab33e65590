//! Records, encrypted and decrypted with keys that a library handed over.

use ring::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use tls_core::{KernelCipher, ReceiveError, TrafficKeys, Version};

/// The key of one direction, and how it is used.
pub(crate) struct Protection {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
    version: Version,
    /// In TLS 1.2, AES-GCM sends a part of the nonce, and counts it up.
    has_explicit: bool,
}

impl Protection {
    pub(crate) fn new(version: Version, cipher: KernelCipher, keys: &TrafficKeys) -> Self {
        let algorithm = match cipher {
            KernelCipher::Aes128Gcm => &AES_128_GCM,
            KernelCipher::Aes256Gcm => &AES_256_GCM,
            KernelCipher::Chacha20Poly1305 => &CHACHA20_POLY1305,
        };
        let key = UnboundKey::new(algorithm, &keys.key).expect("a key of the right length");
        let has_explicit = version == Version::Tls12 && cipher != KernelCipher::Chacha20Poly1305;
        let (iv, sequence) = (keys.iv, keys.sequence);
        Self { key: LessSafeKey::new(key), iv, sequence, version, has_explicit }
    }

    /// One record of this type.
    pub(crate) fn seal(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        let (mut explicit, mut body) = (Vec::new(), payload.to_vec());
        let nonce = if self.has_explicit {
            explicit.extend_from_slice(&self.iv[4..]);
            let next = u64::from_be_bytes(self.iv[4..].try_into().unwrap()).wrapping_add(1);
            let nonce = self.iv;
            self.iv[4..].copy_from_slice(&next.to_be_bytes());
            nonce
        } else {
            self.nonce()
        };
        let outer = match self.version {
            Version::Tls13 => {
                body.push(kind);
                DATA
            }
            _ => kind,
        };
        let len = explicit.len() + body.len() + TAG;
        let mut record = header(outer, len).to_vec();
        let aad = self.additional(outer, payload.len(), &record);
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad),
                &mut body,
            )
            .expect("sealing does not fail");
        record.extend_from_slice(&explicit);
        record.extend_from_slice(&body);
        self.sequence += 1;
        record
    }

    /// The type and the plaintext of a whole record.
    pub(crate) fn open(&mut self, record: &[u8]) -> Result<(u8, Vec<u8>), ReceiveError> {
        let (header, body) = record.split_at(HEADER);
        if header[1..3] != [3, 3] {
            return Err(ReceiveError::OtherVersion);
        }
        let explicit = if self.has_explicit { 8 } else { 0 };
        let Some(length) = body.len().checked_sub(explicit + TAG) else {
            return Err(ReceiveError::BadRecord);
        };
        let mut nonce = self.nonce();
        if self.has_explicit {
            nonce[..4].copy_from_slice(&self.iv[..4]);
            nonce[4..].copy_from_slice(&body[..8]);
        }
        let aad = self.additional(header[0], length, header);
        let mut plain = body[explicit..].to_vec();
        self.key
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut plain)
            .map_err(|_| ReceiveError::BadRecord)?;
        plain.truncate(length);
        self.sequence += 1;
        let kind = match self.version {
            Version::Tls13 => {
                while plain.last() == Some(&0) {
                    plain.pop();
                }
                plain.pop().ok_or(ReceiveError::BadRecord)?
            }
            _ => header[0],
        };
        match plain.len() > RECORD {
            true => Err(ReceiveError::TooLong),
            false => Ok((kind, plain)),
        }
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, of) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= of;
        }
        nonce
    }

    /// RFC 8446 §5.2, RFC 5246 §6.2.3.3.
    fn additional(&self, kind: u8, length: usize, whole: &[u8]) -> Vec<u8> {
        match self.version {
            Version::Tls13 => whole.to_vec(),
            _ => [&self.sequence.to_be_bytes()[..], &header(kind, length)].concat(),
        }
    }
}

fn header(kind: u8, len: usize) -> [u8; HEADER] {
    let [high, low] = (len as u16).to_be_bytes();
    [kind, 3, 3, high, low]
}

pub(crate) const HEADER: usize = 5;
const TAG: usize = 16;
const DATA: u8 = 23;

/// The most plaintext in one record (RFC 8446 §5.1).
pub(crate) const RECORD: usize = 16_384;
