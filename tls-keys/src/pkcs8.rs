//! Encrypted keys in PKCS#8.

use pki_types::PrivatePkcs8KeyDer;
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::error::KeyError;
use super::key::PrivateKey;
use super::sealed::{self, Secret, Work};

/// Opens a key in PKCS#8 that is encrypted, `EncryptedPrivateKeyInfo ::= SEQUENCE { algorithm,
/// OCTET STRING }` (RFC 5958 §3).
///
/// By PBES2 (RFC 8018: AES or 3DES in CBC mode, PBKDF2 or scrypt) or one of the schemes of PKCS#12 with
/// SHA-1 (RFC 7292 appendix C). To derive its key may take some seconds of work and 256 MiB.
///
/// # Errors
///
/// [`KeyError`]: also if it asks for more.
pub fn open_pkcs8(sealed: &[u8], password: &str) -> Result<PrivateKey, KeyError> {
    let opened = open_pkcs8_with(sealed, password, &mut Work::new())?;
    Ok(PrivateKey::new(PrivatePkcs8KeyDer::from(&opened[..]).clone_key().into()))
}

/// The same, on an account that is open already.
pub(super) fn open_pkcs8_with(
    sealed: &[u8],
    password: &str,
    work: &mut Work,
) -> Result<Secret, KeyError> {
    let (algorithm, data) = SliceReader::new(sealed)?.sequence(|fields| {
        Ok((AlgorithmIdentifierRef::decode(fields)?, OctetStringRef::decode(fields)?))
    })?;
    sealed::open(algorithm, data.as_bytes(), password, work)
}
