//! Certificates made on the spot.
//!
//! With cryptography in Rust: the core has no C code, whatever the backends have.

use std::net::IpAddr;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::rand_core::{OsRng, RngCore};
use p256::pkcs8::EncodePrivateKey;
use pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SanType, SerialNumber, SignatureAlgorithm,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use super::input::config_error;
use super::key::PrivateKey;
use crate::{Error, ErrorKind, Result, ServerName};

pub(super) fn self_signed<N: AsRef<str>>(
    names: impl IntoIterator<Item = N>,
) -> Result<(CertificateDer<'static>, PrivateKey)> {
    let names = names.into_iter().map(|name| san(name.as_ref())).collect::<Result<Vec<_>>>()?;
    let failed = |e: rcgen::Error| config_error(SUBJECT, "it cannot be made").with_source(e);
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
    let certificate = params.self_signed(&key).map_err(failed)?;

    let secret = p256::SecretKey::from(&key.secret).to_pkcs8_der();
    let secret = secret.map_err(|_| config_error(SUBJECT, "its key cannot be written"))?;
    let key = PrivatePkcs8KeyDer::from(secret.as_bytes()).clone_key();
    Ok((certificate.der().clone(), PrivateKey::new(key.into())))
}

/// The common name is the first name, if it fits (RFC 5280 appendix A.1: 64 characters).
fn subject(names: &[SanType]) -> Result<DistinguishedName> {
    let common_name = match names.first() {
        None => return Err(config_error(SUBJECT, "it needs a name")),
        Some(SanType::DnsName(name)) if name.as_str().len() <= 64 => name.as_str().to_owned(),
        Some(SanType::IpAddress(ip)) => ip.to_string(),
        Some(_) => SUBJECT.to_owned(),
    };
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, common_name);
    Ok(subject)
}

/// Checks a name that goes into a certificate, where it may also be a wildcard.
fn san(name: &str) -> Result<SanType> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(ip));
    }
    let (prefix, parent) = match name.strip_prefix("*.") {
        Some(parent) => ("*.", ServerName::parse(parent)?),
        None => ("", ServerName::parse(name)?),
    };
    match (parent.as_dns(), parent.as_ip()) {
        (Some(dns), _) => format!("{prefix}{dns}").try_into().map(SanType::DnsName).map_err(|e| {
            config_error(SUBJECT, "a name cannot stand in a certificate").with_source(e)
        }),
        (None, Some(ip)) if prefix.is_empty() => Ok(SanType::IpAddress(ip)),
        (None, _) => {
            let why =
                format!("'{}': a wildcard stands before a DNS name only", name.escape_debug());
            Err(config_error(SUBJECT, &why))
        }
    }
}

/// A positive number of 16 bytes that no other certificate has.
fn serial() -> Result<[u8; 16]> {
    let mut serial = [0; 16];
    random(&mut serial)?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

fn random(bytes: &mut [u8]) -> Result<()> {
    OsRng.try_fill_bytes(bytes).map_err(|e| {
        let why = "the system gives no random numbers";
        Error::new(ErrorKind::Backend).because(why).with_source(e)
    })
}

struct Key {
    secret: SigningKey,
    /// The point, not compressed.
    public: Vec<u8>,
}

impl Key {
    fn new() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        // One number in four thousand millions is too large to be a key.
        for _ in 0..8 {
            random(&mut *bytes)?;
            if let Ok(secret) = SigningKey::from_slice(&*bytes) {
                let public = secret.verifying_key().to_encoded_point(false).as_bytes().to_vec();
                return Ok(Self { secret, public });
            }
        }
        Err(Error::new(ErrorKind::Backend).because("the system's random numbers are not random"))
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
