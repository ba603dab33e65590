//! The hash of a certificate that ties an authentication to a server (RFC 5929).

use pki_types::CertificateDer;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ContextSpecific, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, Reader, TagNumber};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::Malformed;

/// The hash of a certificate by the function that it is signed with, where SHA-256 takes the place of
/// MD5 and SHA-1 (`tls-server-end-point`, RFC 5929 §4.1); `None` if its signature has no hash function
/// of its own, as with Ed25519, or one unknown here.
///
/// # Errors
///
/// [`Malformed`] if it is no certificate.
pub fn server_end_point(certificate: &CertificateDer<'_>) -> Result<Option<Vec<u8>>, Malformed> {
    let malformed = Malformed::because("a certificate");
    let algorithm = Certificate::from_der(certificate).map_err(&malformed)?.signature_algorithm;
    let hash = match algorithm.oid == RSA_PSS {
        false => hash_of_signature(&algorithm.oid),
        true => {
            let parameters = algorithm.parameters.map(|any| any.to_der()).transpose();
            let parameters = parameters.map_err(&malformed)?;
            let hash = parameters.map(|der| PssHash::from_der(&der)).transpose();
            // SHA-1 is what stands for nothing (RFC 4055 §3.1).
            let hash = hash.map_err(&malformed)?.and_then(|PssHash(hash)| hash);
            hash.map_or(Some(Hash::Sha256), |hash| hash_by_name(&hash))
        }
    };
    Ok(hash.map(|hash| match hash {
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    }))
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The hash function of `RSASSA-PSS-params`, the first of its fields (RFC 4055 §3.1).
struct PssHash(Option<ObjectIdentifier>);

impl<'a> Decode<'a> for PssHash {
    fn decode<R: Reader<'a>>(reader: &mut R) -> x509_cert::der::Result<Self> {
        reader.sequence(|fields| {
            let hash = ContextSpecific::<AlgorithmIdentifierOwned>::decode_explicit(
                fields,
                TagNumber::N0,
            )?;
            fields.read_slice(fields.remaining_len())?;
            Ok(Self(hash.map(|hash| hash.value.oid)))
        })
    }
}

const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

fn hash_of_signature(signature: &ObjectIdentifier) -> Option<Hash> {
    const KNOWN: [(ObjectIdentifier, Hash); 9] = [
        (oid("1.2.840.113549.1.1.4"), Hash::Sha256), // MD5 with RSA
        (oid("1.2.840.113549.1.1.5"), Hash::Sha256), // SHA-1 with RSA
        (oid("1.2.840.10045.4.1"), Hash::Sha256),    // ECDSA with SHA-1
        (oid("1.2.840.113549.1.1.11"), Hash::Sha256),
        (oid("1.2.840.113549.1.1.12"), Hash::Sha384),
        (oid("1.2.840.113549.1.1.13"), Hash::Sha512),
        (oid("1.2.840.10045.4.3.2"), Hash::Sha256),
        (oid("1.2.840.10045.4.3.3"), Hash::Sha384),
        (oid("1.2.840.10045.4.3.4"), Hash::Sha512),
    ];
    KNOWN.iter().find(|(known, _)| known == signature).map(|(_, hash)| *hash)
}

fn hash_by_name(name: &ObjectIdentifier) -> Option<Hash> {
    const KNOWN: [(ObjectIdentifier, Hash); 5] = [
        (oid("1.2.840.113549.2.5"), Hash::Sha256), // MD5
        (oid("1.3.14.3.2.26"), Hash::Sha256),      // SHA-1
        (oid("2.16.840.1.101.3.4.2.1"), Hash::Sha256),
        (oid("2.16.840.1.101.3.4.2.2"), Hash::Sha384),
        (oid("2.16.840.1.101.3.4.2.3"), Hash::Sha512),
    ];
    KNOWN.iter().find(|(known, _)| known == name).map(|(_, hash)| *hash)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn signed_by(algorithm: &'static rcgen::SignatureAlgorithm) -> CertificateDer<'static> {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let params = CertificateParams::new(["a.test".to_owned()]).unwrap();
        params.self_signed(&key).unwrap().into()
    }

    #[test]
    fn the_hash_is_that_of_the_signature() {
        let made = |algorithm| server_end_point(&signed_by(algorithm)).unwrap();
        assert_eq!(made(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().len(), 32);
        assert_eq!(made(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap().len(), 48);
        assert_eq!(made(&rcgen::PKCS_ED25519), None);
        assert!(server_end_point(&CertificateDer::from(&b"junk"[..])).is_err());
    }

    /// A certificate that says of itself to be signed so. Nobody verifies it here.
    fn said_to_be_signed(signature: &str, parameters: Option<&[u8]>) -> CertificateDer<'static> {
        let mut made = Certificate::from_der(&signed_by(&rcgen::PKCS_ECDSA_P256_SHA256)).unwrap();
        made.signature_algorithm = AlgorithmIdentifierOwned {
            oid: signature.parse().unwrap(),
            parameters: parameters.map(|der| x509_cert::der::Any::from_der(der).unwrap()),
        };
        made.to_der().unwrap().into()
    }

    #[test]
    fn weak_hashes_give_way_and_others_stay() {
        let null = Some(&[5, 0][..]);
        for (signature, hash) in [
            ("1.2.840.113549.1.1.4", 32), // MD5 with RSA
            ("1.2.840.113549.1.1.5", 32), // SHA-1 with RSA
            ("1.2.840.10045.4.1", 32),    // ECDSA with SHA-1
            ("1.2.840.113549.1.1.11", 32),
            ("1.2.840.113549.1.1.12", 48),
            ("1.2.840.113549.1.1.13", 64),
            ("1.2.840.10045.4.3.4", 64),
        ] {
            let certificate = said_to_be_signed(signature, null);
            let binding = server_end_point(&certificate).unwrap().unwrap();
            let expected = match hash {
                32 => Sha256::digest(&certificate).to_vec(),
                48 => Sha384::digest(&certificate).to_vec(),
                _ => Sha512::digest(&certificate).to_vec(),
            };
            assert_eq!(binding, expected, "{signature}");
        }
        // Ed448, and SHA3-256 with RSA: none of its own, and none that is known here.
        for unknown in ["1.3.101.113", "2.16.840.1.101.3.4.3.14"] {
            assert_eq!(server_end_point(&said_to_be_signed(unknown, None)).unwrap(), None);
        }
    }

    #[test]
    fn the_hash_of_pss_stands_in_its_parameters() {
        const PSS: &str = "1.2.840.113549.1.1.10";
        // [0] { SEQUENCE { OID of a SHA-2, NULL } }, by the last byte of its OID.
        let named = |last: u8| {
            let oid = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last];
            [&[0x30, 17, 0xa0, 15, 0x30, 13][..], &oid, &[5, 0]].concat()
        };
        let length = |parameters: Option<&[u8]>| {
            let certificate = said_to_be_signed(PSS, parameters);
            server_end_point(&certificate).map(|binding| binding.map(|hash| hash.len()))
        };
        assert_eq!(length(Some(&named(1))).unwrap(), Some(32));
        assert_eq!(length(Some(&named(2))).unwrap(), Some(48));
        assert_eq!(length(Some(&named(3))).unwrap(), Some(64));
        assert_eq!(length(Some(&named(8))).unwrap(), None, "SHA3-256");
        // Nothing stands for SHA-1, in place of which SHA-256 is taken.
        assert_eq!(length(Some(&[0x30, 0])).unwrap(), Some(32));
        assert_eq!(length(None).unwrap(), Some(32));
        length(Some(&[5, 0])).unwrap_err();
    }
}
