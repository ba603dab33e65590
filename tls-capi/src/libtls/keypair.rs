//! Certificates, their keys, and their staples, as a program has given them.

use polytls::pki_types::PrivateKeyDer;
use polytls::{Error, ErrorKind, Identity, PrivateKey, Staple};
use x509_cert::der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use x509_cert::der::{Decode, Reader, SliceReader, Tag, Tagged};
use zeroize::Zeroizing;

use super::error::{Fault, Outcome};

/// What a program has given of one certificate; it is looked at when a context is configured.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Keypair {
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) key: Option<Zeroizing<Vec<u8>>>,
    pub(super) staple: Option<Vec<u8>>,
}

impl Keypair {
    /// The identity, or none if neither certificate nor key are there.
    pub(super) fn identity(&self) -> Outcome<Option<Identity>> {
        let (certificate, key) = match (&self.certificate, &self.key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            _ => return Err(Fault::new("private/public key mismatch")),
        };
        // Which of the two is at fault: the key is tried with a certificate that is good.
        let identity = Identity::from_pem(certificate, key).map_err(|e| {
            let made = Identity::self_signed(["localhost"]);
            let good = made.ok().map(|own| pem_of(&own));
            match good.map(|good| Identity::from_pem(good.as_bytes(), key)) {
                Some(Err(_)) => Fault::new("failed to read private key"),
                _ => Fault::of("failed to load certificate", &e),
            }
        })?;
        Ok(Some(match &self.staple {
            Some(staple) => identity.with_staple(Staple::new(staple.clone())),
            None => identity,
        }))
    }

    /// Wipes the key.
    pub(super) fn clear_key(&mut self) {
        self.key = None;
    }
}

/// That a key is another certificate's, if that is why a backend has refused an identity.
pub(super) fn mismatch<'a>(
    mut identities: impl Iterator<Item = &'a Identity>,
    e: &Error,
) -> Option<Fault> {
    let is_another = |identity: &Identity| {
        let public = public_part(&identity.key().ok()?)?;
        // The public key in the certificate is written with the same bytes.
        let certified = identity.leaf_facts().public_key();
        Some(!certified.windows(public.len()).any(|bytes| bytes == public))
    };
    let found = e.kind() == ErrorKind::Config
        && identities.any(|identity| is_another(identity).unwrap_or_default());
    found.then(|| Fault::new("private/public key mismatch"))
}

/// What a private key says of its public key: the modulus of RSA, the point of an elliptic curve, or nothing.
fn public_part(key: &PrivateKey) -> Option<Vec<u8>> {
    let der = match &**key {
        PrivateKeyDer::Pkcs1(key) => key.secret_pkcs1_der(),
        PrivateKeyDer::Sec1(key) => key.secret_sec1_der(),
        PrivateKeyDer::Pkcs8(key) => inner(key.secret_pkcs8_der())?,
        _ => return None,
    };
    let mut reader = fields(der)?;
    let version = UintRef::decode(&mut reader).ok()?;
    match version.as_bytes() {
        // RSAPrivateKey (RFC 8017 §A.1.2).
        [0] => Some(UintRef::decode(&mut reader).ok()?.as_bytes().to_vec()),
        // ECPrivateKey (RFC 5915 §3), where the public key may be left out.
        [1] => {
            reader.tlv_bytes().ok()?;
            while !reader.is_finished() {
                let part = AnyRef::decode(&mut reader).ok()?;
                if part.tag().number().value() == 1 {
                    let point = BitStringRef::from_der(part.value()).ok()?;
                    return Some(point.as_bytes()?.to_vec());
                }
            }
            None
        }
        _ => None,
    }
}

/// The key inside of PKCS#8 (RFC 5208 §5).
fn inner(der: &[u8]) -> Option<&[u8]> {
    let mut reader = fields(der)?;
    UintRef::decode(&mut reader).ok()?;
    reader.tlv_bytes().ok()?;
    Some(OctetStringRef::decode(&mut reader).ok()?.as_bytes())
}

/// What is in a SEQUENCE.
fn fields(der: &[u8]) -> Option<SliceReader<'_>> {
    let sequence = AnyRef::from_der(der).ok().filter(|any| any.tag() == Tag::Sequence)?;
    SliceReader::new(sequence.value()).ok()
}

/// The chain of an identity, as PEM.
pub(super) fn pem_of(identity: &Identity) -> String {
    let sections = identity.chain().iter().map(|der| pem::Pem::new("CERTIFICATE", der.to_vec()));
    sections.map(|section| pem::encode(&section)).collect()
}
