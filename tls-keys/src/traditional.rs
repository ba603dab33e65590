//! Encrypted keys in old PEM files (RFC 1421).

use md5::Md5;
use pki_types::PrivateKeyDer;
use sha2::digest::Digest;
use zeroize::Zeroizing;

use super::error::KeyError;
use super::key::PrivateKey;
use super::sealed::{Cipher, MAX_KEY, Secret};

/// Opens the key in an old section of PEM (RFC 1421), from the bytes of its body and what stands in its
/// header `DEK-Info`: AES or 3DES in CBC mode, as OpenSSL wrote them.
///
/// # Errors
///
/// [`KeyError`].
pub fn open_traditional(
    dek_info: &str,
    sealed: &[u8],
    password: &str,
) -> Result<PrivateKey, KeyError> {
    let opened = open_dek(dek_info, sealed, password)?;
    let key = PrivateKeyDer::try_from(&opened[..]).map_err(|_| KeyError::closed_to(password))?;
    Ok(PrivateKey::new(key.clone_key()))
}

fn open_dek(dek: &str, sealed: &[u8], password: &str) -> Result<Secret, KeyError> {
    let unsupported = || KeyError::Unsupported(dek.escape_debug().to_string());
    let (name, iv) = dek.split_once(',').ok_or_else(unsupported)?;
    let (cipher, length, block) = match name.trim() {
        "AES-128-CBC" => (Cipher::Aes128, 16, 16),
        "AES-192-CBC" => (Cipher::Aes192, 24, 16),
        "AES-256-CBC" => (Cipher::Aes256, 32, 16),
        "DES-EDE3-CBC" => (Cipher::Des3, 24, 8),
        _ => return Err(unsupported()),
    };
    let iv = bytes(iv.trim()).filter(|iv| iv.len() == block);
    let iv = iv.ok_or_else(unsupported)?;
    // OpenSSL's EVP_BytesToKey, once around: the salt is the beginning of the vector.
    let mut key = Zeroizing::new([0; MAX_KEY]);
    let mut last = Zeroizing::new([0; 16]);
    for (i, part) in key[..length].chunks_mut(last.len()).enumerate() {
        let hash = Md5::new().chain_update(if i == 0 { &[][..] } else { &last[..] });
        *last = hash.chain_update(password).chain_update(&iv[..8]).finalize().into();
        part.copy_from_slice(&last[..part.len()]);
    }
    cipher.open(&key[..length], &iv, sealed).ok_or_else(|| KeyError::closed_to(password))
}

/// The bytes of these hexadecimal digits; `None` if one is no digit, or half a byte is left.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).map(|digit| digit as u8);
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}
