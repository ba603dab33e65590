//! Private keys out of files, as PKCS#8 in PEM: what `tls_load_file` gives for a password.

use pem::{EncodeConfig, LineEnding, Pem};
use polytls::Identity;
use polytls::pki_types::PrivateKeyDer;
use x509_cert::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode, Encode, Header, Reader, SliceReader, Tag};
use x509_cert::spki::AlgorithmIdentifier;
use zeroize::Zeroizing;

use super::keypair::pem_of;

/// The first private key in `text`, encrypted or not; `None` if there is none, or the password is wrong.
pub(super) fn open(text: &[u8], password: &str) -> Option<Zeroizing<Vec<u8>>> {
    // Keys are read together with a certificate. Any will do: nobody compares them here.
    let chain = pem_of(&Identity::self_signed(["localhost"]).ok()?);
    let identity = Identity::from_pem_encrypted(chain.as_bytes(), text, password)
        .or_else(|_| Identity::from_pem(chain.as_bytes(), text))
        .ok()?;
    let key = identity.key().ok()?;
    let der = match &*key {
        PrivateKeyDer::Pkcs8(key) => Zeroizing::new(key.secret_pkcs8_der().to_vec()),
        PrivateKeyDer::Pkcs1(key) => wrap(RSA, AnyRef::NULL, key.secret_pkcs1_der())?,
        PrivateKeyDer::Sec1(key) => {
            let curve = curve(key.secret_sec1_der())?;
            wrap(EC, AnyRef::from(&curve), key.secret_sec1_der())?
        }
        _ => return None,
    };
    let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
    let text = pem::encode_config(&Pem::new("PRIVATE KEY", &der[..]), lines);
    Some(Zeroizing::new(text.into_bytes()))
}

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// PrivateKeyInfo (RFC 5208 §5): `SEQUENCE { INTEGER 0, algorithm, OCTET STRING }`.
fn wrap(oid: ObjectIdentifier, parameters: AnyRef<'_>, key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let algorithm = AlgorithmIdentifier { oid, parameters: Some(parameters) };
    let algorithm = algorithm.to_der().ok()?;
    let key = Zeroizing::new(OctetStringRef::new(key).ok()?.to_der().ok()?);
    let body: Zeroizing<Vec<u8>> = Zeroizing::new([VERSION, &algorithm, &key].concat());
    let length = x509_cert::der::Length::try_from(body.len()).ok()?;
    let mut der = Zeroizing::new(Header::new(Tag::Sequence, length).ok()?.to_der().ok()?);
    der.reserve(body.len());
    der.extend_from_slice(&body);
    Some(der)
}

/// `INTEGER 0`.
const VERSION: &[u8] = &[2, 1, 0];

/// The curve in an ECPrivateKey (RFC 5915 §3): `SEQUENCE { INTEGER, OCTET STRING, [0] OID, … }`.
fn curve(key: &[u8]) -> Option<ObjectIdentifier> {
    let mut reader = SliceReader::new(key).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    header.tag.assert_eq(Tag::Sequence).ok()?;
    reader.tlv_bytes().ok()?;
    reader.tlv_bytes().ok()?;
    let parameters = Header::decode(&mut reader).ok()?;
    match parameters.tag {
        Tag::ContextSpecific { number, .. } if number.value() == 0 => {
            ObjectIdentifier::decode(&mut reader).ok()
        }
        _ => None,
    }
}
