//! Certificates made on the spot.
//!
//! With cryptography in Rust: there is no C code below the backends, whatever they have.

use std::net::IpAddr;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::rand_core::{OsRng, RngCore};
use p256::pkcs8::EncodePrivateKey;
use pki_types::PrivatePkcs8KeyDer;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SanType, SerialNumber, SignatureAlgorithm,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::error::KeyError;
use super::key::PrivateKey;
use super::pkcs12::Pair;

/// A name in a certificate, as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// A DNS name, perhaps a wildcard; only ASCII. Whether it is one that peers can have is for the
    /// caller to see to.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

/// Makes a key (ECDSA on P-256) and a certificate for these names that is signed by itself.
///
/// It is valid from an hour ago for a year, for servers and for clients.
///
/// # Errors
///
/// [`KeyError`]: if there is no name or one is none, or the system has no random numbers.
pub fn self_signed(names: &[Name]) -> Result<Pair, KeyError> {
    let names = names.iter().map(san).collect::<Result<Vec<_>, _>>()?;
    let unmade = |e: rcgen::Error| KeyError::Unmade(e.into());
    let key = Key::new()?;

    let mut params = CertificateParams::default();
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - Duration::HOUR, now - Duration::HOUR + VALIDITY);
    params.serial_number = Some(SerialNumber::from_slice(&serial()?));
    params.distinguished_name = subject(&names)?;
    params.subject_alt_names = names;
    // No key usage: with one that does not let it sign certificates, its own, libraries differ over
    // what is wrong with it where it is not trusted.
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.self_signed(&key).map_err(unmade)?;

    let secret = p256::SecretKey::from(&key.secret).to_pkcs8_der();
    let secret = secret.map_err(|e| KeyError::Unmade(e.into()))?;
    let key = PrivatePkcs8KeyDer::from(secret.as_bytes()).clone_key();
    Ok((vec![certificate.der().clone()], PrivateKey::new(key.into())))
}

/// The common name is the first name, if it fits (RFC 5280 appendix A.1: 64 characters).
fn subject(names: &[SanType]) -> Result<DistinguishedName, KeyError> {
    let common_name = match names.first() {
        None => return Err(KeyError::NoName),
        Some(SanType::DnsName(name)) if name.as_str().len() <= 64 => name.as_str().to_owned(),
        Some(SanType::IpAddress(ip)) => ip.to_string(),
        Some(_) => SUBJECT.to_owned(),
    };
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, common_name);
    Ok(subject)
}

fn san(name: &Name) -> Result<SanType, KeyError> {
    match name {
        Name::Dns(name) => match name.as_str().try_into() {
            Ok(name) => Ok(SanType::DnsName(name)),
            Err(e) => Err(KeyError::Name(rcgen::Error::into(e))),
        },
        Name::Ip(ip) => Ok(SanType::IpAddress(*ip)),
    }
}

/// A positive number of 16 bytes that no other certificate has.
fn serial() -> Result<[u8; 16], KeyError> {
    let mut serial = [0; 16];
    random(&mut serial)?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

fn random(bytes: &mut [u8]) -> Result<(), KeyError> {
    OsRng.try_fill_bytes(bytes).map_err(|e| KeyError::NoRandomness(e.into()))
}

struct Key {
    secret: SigningKey,
    /// The point, not compressed.
    public: Vec<u8>,
}

impl Key {
    fn new() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        // One number in four thousand millions is too large to be a key.
        for _ in 0..8 {
            random(&mut *bytes)?;
            if let Ok(secret) = SigningKey::from_slice(&*bytes) {
                let public = secret.verifying_key().to_encoded_point(false).as_bytes().to_vec();
                return Ok(Self { secret, public });
            }
        }
        Err(KeyError::NotRandom)
    }
}

impl rcgen::PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: Signature =
            self.secret.try_sign(message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

const SUBJECT: &str = "self-signed certificate";
const VALIDITY: Duration = Duration::days(365);
