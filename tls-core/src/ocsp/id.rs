//! Which certificate a request or a response is about (RFC 6960 §4.1.1).

use pki_types::CertificateDer;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::{Null, OctetString};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{self, Decode};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef};
use x509_ocsp::CertId;

use super::OcspError;
use crate::x509::{CertificateFacts, Malformed};

/// The hash by which a certificate id names the issuer. Its strength does not matter: who could make
/// two issuers of one hash would have to be both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdHash {
    /// SHA-1, which every responder knows (RFC 5019 §2.1.1).
    #[default]
    Sha1,
    /// SHA-256, which some do not know.
    Sha256,
}

impl IdHash {
    fn of(algorithm: &AlgorithmIdentifierOwned) -> Option<Self> {
        [Self::Sha1, Self::Sha256].into_iter().find(|hash| hash.oid() == algorithm.oid)
    }

    const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha1 => ObjectIdentifier::new_unwrap("1.3.14.3.2.26"),
            Self::Sha256 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"),
        }
    }

    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
        }
    }
}

/// A certificate and its issuer, as an id names them.
pub(super) struct Named {
    pub(super) leaf: CertificateFacts,
    pub(super) issuer: CertificateFacts,
}

impl Named {
    pub(super) fn read(
        leaf: &CertificateDer<'_>,
        issuer: &CertificateDer<'_>,
    ) -> Result<Self, OcspError> {
        let (leaf, issuer) = (CertificateFacts::read(leaf)?, CertificateFacts::read(issuer)?);
        match leaf.issuer_der() == issuer.subject_der() {
            true => Ok(Self { leaf, issuer }),
            false => Err(OcspError::NotItsIssuer),
        }
    }

    /// Whether `id` is this certificate's: issuer name, issuer key and serial number.
    pub(super) fn is(&self, id: &CertId) -> bool {
        let Some(hash) = IdHash::of(&id.hash_algorithm) else { return false };
        id.serial_number.as_bytes() == self.leaf.serial()
            && id.issuer_name_hash.as_bytes() == hash.digest(&self.leaf.issuer_der())
            && key_bits(self.issuer.public_key())
                .is_ok_and(|key| id.issuer_key_hash.as_bytes() == hash.digest(key))
    }

    pub(super) fn id(&self, hash: IdHash) -> Result<CertId, Malformed> {
        let make = || {
            Ok(CertId {
                hash_algorithm: AlgorithmIdentifierOwned {
                    oid: hash.oid(),
                    parameters: Some(Null.into()),
                },
                issuer_name_hash: OctetString::new(hash.digest(&self.leaf.issuer_der()))?,
                issuer_key_hash: OctetString::new(
                    hash.digest(key_bits(self.issuer.public_key())?),
                )?,
                serial_number: SerialNumber::new(self.leaf.serial())?,
            })
        };
        make().map_err(Malformed::because("a certificate"))
    }
}

/// Whether `id` has the issuer name and the serial number of this certificate. The issuer's key, which
/// the id has too, does not stand in it.
pub(super) fn is_like(id: &CertId, certificate: &CertificateFacts) -> bool {
    id.serial_number.as_bytes() == certificate.serial()
        && IdHash::of(&id.hash_algorithm).is_some_and(|hash| {
            id.issuer_name_hash.as_bytes() == hash.digest(&certificate.issuer_der())
        })
}

/// The bits of the key in a SubjectPublicKeyInfo, without the count of unused ones: what is hashed.
pub(super) fn key_bits(public_key: &[u8]) -> der::Result<&[u8]> {
    Ok(SubjectPublicKeyInfoRef::from_der(public_key)?.subject_public_key.raw_bytes())
}
