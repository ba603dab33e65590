//! PBES2 (RFC 8018 §6.2): a key derived by PBKDF2 or scrypt (RFC 7914), for AES or 3DES.

use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{AnyRef, Decode};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::sealed::{Cipher, Fault, MAX_KEY, Secret, Work, parameters};

/// Decrypts what was encrypted with these parameters.
pub(super) fn open(
    scheme: AnyRef<'_>,
    sealed: &[u8],
    password: &str,
    work: &mut Work,
) -> Result<Secret, Fault> {
    let (kdf, encryption) = scheme.sequence(|fields| {
        Ok((AlgorithmIdentifierRef::decode(fields)?, AlgorithmIdentifierRef::decode(fields)?))
    })?;
    let known = CIPHERS.iter().find(|(oid, ..)| *oid == encryption.oid);
    let Some(&(_, cipher, length)) = known else {
        return Err(Fault::Unsupported(format!("the cipher {}", encryption.oid)));
    };
    let iv = parameters(encryption)?.decode_as::<OctetStringRef<'_>>()?;
    let mut key = Zeroizing::new([0; MAX_KEY]);
    let key = &mut key[..length];
    match kdf.oid {
        PBKDF2 => pbkdf2(parameters(kdf)?, password, key, work)?,
        SCRYPT => scrypt(parameters(kdf)?, password, key, work)?,
        other => return Err(Fault::Unsupported(format!("the derivation {other}"))),
    }
    cipher.open(key, iv.as_bytes(), sealed).ok_or(Fault::WrongPassword)
}

/// `PBKDF2-params ::= SEQUENCE { salt, iterationCount, keyLength OPTIONAL, prf DEFAULT hmacWithSHA1 }`.
/// The parameters of `prf` are NULL, or nothing at all: GnuTLS writes none.
fn pbkdf2(
    params: AnyRef<'_>,
    password: &str,
    key: &mut [u8],
    work: &mut Work,
) -> Result<(), Fault> {
    let (salt, rounds, length, prf) = params.sequence(|fields| {
        let (salt, rounds) = (OctetStringRef::decode(fields)?, u32::decode(fields)?);
        let length = Option::<u16>::decode(fields)?;
        Ok((salt, rounds, length, Option::<AlgorithmIdentifierRef<'_>>::decode(fields)?))
    })?;
    check_length(length, key)?;
    let derive = match prf.map_or(HMAC_SHA1, |prf| prf.oid) {
        HMAC_SHA1 => pbkdf2::pbkdf2_hmac::<Sha1>,
        HMAC_SHA224 => pbkdf2::pbkdf2_hmac::<Sha224>,
        HMAC_SHA256 => pbkdf2::pbkdf2_hmac::<Sha256>,
        HMAC_SHA384 => pbkdf2::pbkdf2_hmac::<Sha384>,
        HMAC_SHA512 => pbkdf2::pbkdf2_hmac::<Sha512>,
        other => return Err(Fault::Unsupported(format!("the hash {other}"))),
    };
    if rounds == 0 {
        return Err(Fault::Unsupported("no iteration at all".into()));
    }
    work.spend(rounds.into())?;
    derive(password.as_bytes(), salt.as_bytes(), rounds, key);
    Ok(())
}

/// `scrypt-params ::= SEQUENCE { salt, N, r, p, keyLength OPTIONAL }` (RFC 7914 §7.1).
fn scrypt(
    params: AnyRef<'_>,
    password: &str,
    key: &mut [u8],
    work: &mut Work,
) -> Result<(), Fault> {
    let (salt, (n, r, p), length) = params.sequence(|fields| {
        let salt = OctetStringRef::decode(fields)?;
        let cost = (u64::decode(fields)?, u32::decode(fields)?, u32::decode(fields)?);
        Ok((salt, cost, Option::<u16>::decode(fields)?))
    })?;
    check_length(length, key)?;
    let blocks = n.checked_mul(r.into()).filter(|blocks| *blocks <= MAX_SCRYPT_BLOCKS);
    let blocks = blocks.ok_or(Fault::Expensive)?;
    work.spend(blocks.saturating_mul(p.into()))?;
    let unfit = || Fault::Unsupported(format!("scrypt with N={n}, r={r}, p={p}"));
    if n < 2 || !n.is_power_of_two() {
        return Err(unfit());
    }
    let params = scrypt::Params::new(n.ilog2() as u8, r, p, key.len()).map_err(|_| unfit())?;
    scrypt::scrypt(password.as_bytes(), salt.as_bytes(), &params, key).map_err(|_| unfit())
}

fn check_length(stated: Option<u16>, key: &[u8]) -> Result<(), Fault> {
    match stated.is_none_or(|stated| usize::from(stated) == key.len()) {
        true => Ok(()),
        false => Err(Fault::Unsupported("a key whose length is not its cipher's".into())),
    }
}

/// The most that scrypt may fill, in blocks of 128 bytes: 256 MiB. OpenSSL itself stops at 32 MiB.
const MAX_SCRYPT_BLOCKS: u64 = 1 << 21;

pub(super) const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const PBKDF2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
const SCRYPT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.4.11");
const HMAC_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.7");
const HMAC_SHA224: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.8");
const HMAC_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
const HMAC_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.10");
const HMAC_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.11");

/// The ciphers, and how long their keys are.
const CIPHERS: [(ObjectIdentifier, Cipher, usize); 4] = [
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2"), Cipher::Aes128, 16),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22"), Cipher::Aes192, 24),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42"), Cipher::Aes256, 32),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.3.7"), Cipher::Des3, 24),
];
