//! What a password protects: PBES2 (RFC 8018 §6.2), the older schemes of PKCS#12 (RFC 7292 appendix B)
//! and those of old PEM files (RFC 1421).
//!
//! A key that was derived and what it decrypts are wiped when they are dropped.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipher, BlockDecryptMut, KeyInit, KeyIvInit};
use des::{TdesEde2, TdesEde3};
use md5::Md5;
use pkcs12::pbe_params::Pkcs12PbeParams;
use rc2::Rc2;
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::digest::core_api::BlockSizeUser;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{self, AnyRef, Decode, Tagged};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::{Zeroize, Zeroizing};

use super::input::config_error;
use super::pbes2::{self, PBES2};
use crate::Error;

/// Bytes that are wiped when they are dropped.
pub(super) type Secret = Zeroizing<Vec<u8>>;

/// Why something stays closed.
#[derive(Debug)]
pub(super) enum Fault {
    /// It asks for more work than a file may.
    Expensive,
    /// It is not what it should be.
    Malformed(der::Error),
    /// There is a password, and nothing that it protects.
    Unprotected,
    /// It needs what is not here.
    Unsupported(String),
    /// What comes out makes no sense.
    WrongPassword,
}

impl Fault {
    pub(super) fn at(self, from: &str, password: &str) -> Error {
        match self {
            Self::Expensive => config_error(
                from,
                "to derive its key takes more time or memory than a file may ask for",
            ),
            Self::Malformed(e) => config_error(from, "not well-formed DER").with_source(e),
            Self::Unsupported(what) => config_error(from, &format!("not supported: {what}")),
            Self::Unprotected => {
                config_error(from, "a password was given, but nothing in it is protected by one")
            }
            Self::WrongPassword if password.is_empty() => {
                config_error(from, "protected by a password, and none was given")
            }
            Self::WrongPassword => config_error(from, "the password is wrong, or it is damaged"),
        }
    }
}

impl From<der::Error> for Fault {
    fn from(e: der::Error) -> Self {
        Self::Malformed(e)
    }
}

/// How many hashes a file may still ask for: all that stand in it have one account, or a thousand small
/// demands would make a large one.
#[derive(Debug)]
pub(super) struct Work(u64);

impl Work {
    pub(super) fn new() -> Self {
        Self(MAX_WORK)
    }

    pub(super) fn spend(&mut self, hashes: u64) -> Result<(), Fault> {
        self.0 = self.0.checked_sub(hashes).ok_or(Fault::Expensive)?;
        Ok(())
    }

    /// Whether nothing was asked for.
    pub(super) fn is_untouched(&self) -> bool {
        self.0 == MAX_WORK
    }
}

/// Some seconds; OpenSSL writes keys that take 2048, and the most careful advice is some 600 000.
const MAX_WORK: u64 = 10_000_000;

/// Decrypts what was encrypted by this algorithm.
pub(super) fn open(
    algorithm: AlgorithmIdentifierRef<'_>,
    sealed: &[u8],
    password: &str,
    work: &mut Work,
) -> Result<Secret, Fault> {
    if algorithm.oid == PBES2 {
        return pbes2::open(parameters(algorithm)?, sealed, password, work);
    }
    let known = PKCS12_SCHEMES.iter().find(|(oid, ..)| *oid == algorithm.oid);
    let Some(&(_, cipher, length)) = known else {
        return Err(Fault::Unsupported(format!("the algorithm {}", algorithm.oid)));
    };
    let Pkcs12PbeParams { salt, iterations } = parameters(algorithm)?.decode_as()?;
    // Each hash makes 20 bytes.
    let rounds = rounds(iterations)?;
    work.spend(u64::from(rounds) * (length.div_ceil(20) as u64 + 1))?;
    let bmp = bmp(password);
    // Where nothing was typed some programs take an empty text, others no text at all.
    let attempts = [&bmp[..], &[]];
    let attempts = &attempts[..if password.is_empty() { 2 } else { 1 }];
    let mut opened = attempts.iter().filter_map(|password| {
        let mut key = Zeroizing::new([0; MAX_KEY]);
        let mut iv = [0; 8];
        pkcs12_key::<Sha1>(Usage::Key, password, salt.as_bytes(), rounds, &mut key[..length]);
        pkcs12_key::<Sha1>(Usage::Iv, password, salt.as_bytes(), rounds, &mut iv);
        cipher.open(&key[..length], &iv, sealed)
    });
    opened.next().ok_or(Fault::WrongPassword)
}

/// The parameters of an algorithm that has some.
pub(super) fn parameters(algorithm: AlgorithmIdentifierRef<'_>) -> Result<AnyRef<'_>, Fault> {
    let missing = || Fault::Unsupported(format!("{} without parameters", algorithm.oid));
    algorithm.parameters.ok_or_else(missing)
}

/// Decrypts the body of an old PEM section, by what stands in its `DEK-Info`.
pub(super) fn open_dek(dek: &str, sealed: &[u8], password: &str) -> Result<Secret, Fault> {
    let unsupported = || Fault::Unsupported(dek.escape_debug().to_string());
    let (name, iv) = dek.split_once(',').ok_or_else(unsupported)?;
    let (cipher, length, block) = match name.trim() {
        "AES-128-CBC" => (Cipher::Aes128, 16, 16),
        "AES-192-CBC" => (Cipher::Aes192, 24, 16),
        "AES-256-CBC" => (Cipher::Aes256, 32, 16),
        "DES-EDE3-CBC" => (Cipher::Des3, 24, 8),
        _ => return Err(unsupported()),
    };
    let iv = crate::hex::decode(iv.trim()).filter(|iv| iv.len() == block);
    let iv = iv.ok_or_else(unsupported)?;
    // OpenSSL's EVP_BytesToKey, once around: the salt is the beginning of the vector.
    let mut key = Zeroizing::new([0; MAX_KEY]);
    let mut last = Zeroizing::new([0; 16]);
    for (i, part) in key[..length].chunks_mut(last.len()).enumerate() {
        let hash = Md5::new().chain_update(if i == 0 { &[][..] } else { &last[..] });
        *last = hash.chain_update(password).chain_update(&iv[..8]).finalize().into();
        part.copy_from_slice(&last[..part.len()]);
    }
    cipher.open(&key[..length], &iv, sealed).ok_or(Fault::WrongPassword)
}

/// What a derived key is for (RFC 7292 appendix B.3).
#[derive(Clone, Copy, Debug)]
pub(super) enum Usage {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// Derives a key as PKCS#12 does (RFC 7292 appendix B.2).
pub(super) fn pkcs12_key<D: Digest + BlockSizeUser>(
    usage: Usage,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    key: &mut [u8],
) {
    let block = D::block_size();
    let (salt_length, length) =
        (salt.len().next_multiple_of(block), password.len().next_multiple_of(block));
    let mut input = Zeroizing::new(Vec::with_capacity(salt_length + length));
    input.extend(salt.iter().cycle().take(salt_length));
    input.extend(password.iter().cycle().take(length));
    for part in key.chunks_mut(<D as Digest>::output_size()) {
        let hash = D::new().chain_update(vec![usage as u8; block]);
        let mut hash = hash.chain_update(&input[..]).finalize();
        for _ in 1..rounds {
            hash = D::digest(&hash);
        }
        part.copy_from_slice(&hash[..part.len()]);
        // Each block of the input, as a number, grows by the hash and one.
        for block in input.chunks_mut(block) {
            let mut carry = 1;
            for (i, byte) in block.iter_mut().enumerate().rev() {
                carry += u16::from(*byte) + u16::from(hash[i % hash.len()]);
                *byte = carry as u8;
                carry >>= 8;
            }
        }
        hash.as_mut_slice().zeroize();
    }
}

/// A password as PKCS#12 wants it: UTF-16, with the zero at its end (RFC 7292 appendix B.1).
pub(super) fn bmp(password: &str) -> Secret {
    let mut bmp = Zeroizing::new(Vec::with_capacity(2 * password.len() + 2));
    bmp.extend(password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
    bmp
}

/// A number of iterations, which is at least one.
pub(super) fn rounds(iterations: i32) -> Result<u32, Fault> {
    let rounds = u32::try_from(iterations).ok().filter(|rounds| *rounds > 0);
    rounds.ok_or_else(|| Fault::Unsupported(format!("{iterations} iterations")))
}

/// The ciphers, all in the mode CBC.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    Des2,
    Des3,
    Rc2,
}

impl Cipher {
    /// Decrypts what must be one SEQUENCE of DER. What a wrong password decrypts has a right padding once
    /// in 256 times, and this next to never.
    pub(super) fn open(self, key: &[u8], iv: &[u8], sealed: &[u8]) -> Option<Secret> {
        let opened = match self {
            Self::Aes128 => decrypt::<Aes128>(key, iv, sealed),
            Self::Aes192 => decrypt::<Aes192>(key, iv, sealed),
            Self::Aes256 => decrypt::<Aes256>(key, iv, sealed),
            Self::Des2 => decrypt::<TdesEde2>(key, iv, sealed),
            Self::Des3 => decrypt::<TdesEde3>(key, iv, sealed),
            Self::Rc2 => decrypt::<Rc2>(key, iv, sealed),
        };
        let is_sequence =
            |der: &[u8]| AnyRef::from_der(der).is_ok_and(|any| any.tag() == der::Tag::Sequence);
        opened.filter(|opened| is_sequence(opened))
    }
}

/// `None` if a length or the padding is wrong.
fn decrypt<C: BlockDecryptMut + BlockCipher + KeyInit>(
    key: &[u8],
    iv: &[u8],
    sealed: &[u8],
) -> Option<Secret> {
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let mut opened = Zeroizing::new(sealed.to_vec());
    let length = cipher.decrypt_padded_mut::<Pkcs7>(&mut opened).ok()?.len();
    opened.truncate(length);
    Some(opened)
}

/// The longest key of them.
pub(super) const MAX_KEY: usize = 32;

/// The schemes of PKCS#12 with SHA-1 (RFC 7292 appendix C), and how long their keys are.
const PKCS12_SCHEMES: [(ObjectIdentifier, Cipher, usize); 4] = {
    const fn oid(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }
    [
        (oid("1.2.840.113549.1.12.1.3"), Cipher::Des3, 24),
        (oid("1.2.840.113549.1.12.1.4"), Cipher::Des2, 16),
        (oid("1.2.840.113549.1.12.1.5"), Cipher::Rc2, 16),
        (oid("1.2.840.113549.1.12.1.6"), Cipher::Rc2, 5),
    ]
};
