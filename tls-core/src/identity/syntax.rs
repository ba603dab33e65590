//! The syntaxes of private keys.

use pki_types::PrivateKeyDer;
use x509_cert::der::{self, Decode, Encode, Reader, SliceReader};
use zeroize::Zeroizing;

use super::key::PrivateKey;

/// A key in the newer syntax of PKCS#8 (RFC 5958) without its public key, which makes it one in the
/// older syntax (RFC 5208): not every library reads the newer one. Any other key as it is.
pub(super) fn in_old_syntax(key: PrivateKey) -> PrivateKey {
    let PrivateKeyDer::Pkcs8(pkcs8) = &*key else { return key };
    match without_public_key(pkcs8.secret_pkcs8_der()) {
        Ok(Some(old)) => PrivateKey::new(PrivateKeyDer::Pkcs8(old.into())),
        // What no one can read is refused by the library, in its own words.
        Ok(None) | Err(_) => key,
    }
}

/// Rewrites `OneAsymmetricKey ::= SEQUENCE { version, algorithm, key, [0] attributes OPTIONAL,
/// [1] publicKey OPTIONAL }`; `None` if its version is not v2.
fn without_public_key(der: &[u8]) -> der::Result<Option<Vec<u8>>> {
    SliceReader::new(der)?.sequence(|fields| {
        if u8::decode(fields)? != 1 {
            fields.read_slice(fields.remaining_len())?;
            return Ok(None);
        }
        let mut kept = Zeroizing::new(0_u8.to_der()?);
        while !fields.is_finished() {
            let field = fields.tlv_bytes()?;
            if field[0] != PUBLIC_KEY {
                // Grown by hand: a plain `extend` would leave copies of the key behind.
                let mut longer = Zeroizing::new(Vec::with_capacity(kept.len() + field.len()));
                longer.extend_from_slice(&kept);
                longer.extend_from_slice(field);
                kept = longer;
            }
        }
        let header = der::Header::new(der::Tag::Sequence, kept.len())?.to_der()?;
        let mut old = Vec::with_capacity(header.len() + kept.len());
        old.extend_from_slice(&header);
        old.extend_from_slice(&kept);
        Ok(Some(old))
    })
}

/// Writes `PrivateKeyInfo ::= SEQUENCE { version, algorithm, key OCTET STRING }`. The algorithm is
/// that of the certificate's own key, the first field of its SubjectPublicKeyInfo.
pub(super) fn in_pkcs8(bare: &[u8], public_key: &[u8]) -> der::Result<Zeroizing<Vec<u8>>> {
    let algorithm = SliceReader::new(public_key)?.sequence(|fields| {
        let algorithm = fields.tlv_bytes()?.to_vec();
        fields.read_slice(fields.remaining_len())?;
        Ok(algorithm)
    })?;
    let before = [0_u8.to_der()?, algorithm].concat();
    let octets = der::Header::new(der::Tag::OctetString, bare.len())?.to_der()?;
    let length = before.len() + octets.len() + bare.len();
    let header = der::Header::new(der::Tag::Sequence, length)?.to_der()?;
    let parts = [&header, &before, &octets, bare];
    let mut all = Zeroizing::new(Vec::with_capacity(header.len() + length));
    parts.iter().for_each(|part| all.extend_from_slice(part));
    Ok(all)
}

/// The tag `[1]`, primitive (RFC 5958 §2: IMPLICIT).
const PUBLIC_KEY: u8 = 0x81;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    #[test]
    fn keys_in_the_newer_syntax_become_older_ones() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let params = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
        let (chain, key) = (params.self_signed(&key).unwrap().der().clone(), key.serialize_der());
        assert_eq!(key[2..5], [2, 1, 1], "the version is v2");
        let identity = Identity::from_der([chain], &key).unwrap();
        let older = identity.key().unwrap();
        let older = older.secret_der();
        assert_eq!(older[2..5], [2, 1, 0], "the version is v1");
        // The algorithm and the key are the same, and nothing follows them.
        assert_eq!(older[5..], key[5..older.len()]);
        assert_eq!(usize::from(older[1]) + 2, older.len());
    }

    #[test]
    fn a_bare_key_gets_the_syntax_that_names_its_algorithm() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
        let chain = params.self_signed(&key).unwrap().der().clone();
        let whole = key.serialize_der();
        // `SEQUENCE { version, algorithm, OCTET STRING { the key in SEC1 } }`
        let bare = SliceReader::new(&whole)
            .unwrap()
            .sequence(|fields| {
                fields.tlv_bytes()?;
                fields.tlv_bytes()?;
                let octets = der::asn1::OctetStringRef::decode(fields)?;
                Ok(octets.as_bytes().to_vec())
            })
            .unwrap();
        let identity = Identity::from_der([chain], &bare).unwrap();
        assert!(matches!(*identity.key().unwrap(), PrivateKeyDer::Sec1(_)));
        assert_eq!(*identity.pkcs8_key().unwrap(), whole);
    }

    #[test]
    fn other_keys_and_junk_stay_as_they_are() {
        let older = rcgen::KeyPair::generate().unwrap().serialize_der();
        for cut in 0..=older.len() {
            assert!(!matches!(without_public_key(&older[..cut]), Ok(Some(_))));
        }
        for junk in [&b"\x30\x03\x02\x01"[..], b"\x30\x80\x02\x01\x01", b"\x04\x00"] {
            assert!(without_public_key(junk).is_err());
        }
    }
}
