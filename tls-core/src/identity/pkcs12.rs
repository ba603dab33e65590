//! Keys and certificates in one file: PKCS#12 (RFC 7292).

// The crate, not this module.
use ::pkcs12::cert_type::CertBag;
use ::pkcs12::mac_data::MacData;
use ::pkcs12::pfx::Pfx;
use ::pkcs12::safe_bag::{SafeBag, SafeContents};
use cms::content_info::ContentInfo;
use cms::encrypted_data::EncryptedData;
use hmac::{Mac, SimpleHmac};
use pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::digest::core_api::BlockSizeUser;
use sha2::{Sha256, Sha384, Sha512};
use x509_cert::der::asn1::{Any, OctetString, OctetStringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{self, Decode};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::{Zeroize, Zeroizing};

use super::key::PrivateKey;
use super::pem::open_pkcs8;
use super::sealed::{self, Fault, Secret, Usage, Work, bmp, pkcs12_key, rounds};
use crate::x509::CertificateFacts;

/// The chain, leaf first, and the key of its leaf.
type Read = (Vec<CertificateDer<'static>>, PrivateKey);

pub(super) fn read(file: &[u8], password: &str) -> Result<Read, Fault> {
    let mut work = Work::new();
    let pfx = Pfx::from_der(file)?;
    if pfx.auth_safe.content_type != DATA {
        return Err(Fault::Unsupported("a signature in place of a password".into()));
    }
    let safe = pfx.auth_safe.content.decode_as::<OctetStringRef<'_>>()?;
    if let Some(mac) = &pfx.mac_data {
        check_mac(mac, safe.as_bytes(), password, &mut work)?;
    }
    let mut found = Found::default();
    for content in Vec::<ContentInfo>::from_der(safe.as_bytes())? {
        let bags = open_content(&content, password, &mut work)?;
        for mut bag in SafeContents::from_der(&bags)? {
            let taken = found.take(&bag, password, &mut work);
            bag.bag_value.zeroize(); // perhaps a key
            taken?;
        }
    }
    if work.is_untouched() && !password.is_empty() {
        return Err(Fault::Unprotected);
    }
    found.chain_and_key()
}

/// Checks that nobody has changed the file who does not know the password (RFC 7292 §5.1).
fn check_mac(data: &MacData, safe: &[u8], password: &str, work: &mut Work) -> Result<(), Fault> {
    let rounds = rounds(data.iterations)?;
    work.spend(rounds.into())?;
    let is_right = match data.mac.algorithm.oid {
        SHA1 => is_right::<Sha1>,
        SHA256 => is_right::<Sha256>,
        SHA384 => is_right::<Sha384>,
        SHA512 => is_right::<Sha512>,
        other => return Err(Fault::Unsupported(format!("a checksum by {other}"))),
    };
    let bmp = bmp(password);
    // Where nothing was typed some programs take an empty text, others no text at all.
    let right = is_right(data, safe, &bmp, rounds)
        || password.is_empty() && is_right(data, safe, &[], rounds);
    if right { Ok(()) } else { Err(Fault::WrongPassword) }
}

fn is_right<D>(data: &MacData, safe: &[u8], password: &[u8], rounds: u32) -> bool
where
    D: Digest + BlockSizeUser + Clone,
{
    let mut key = Zeroizing::new(vec![0; <D as Digest>::output_size()]);
    pkcs12_key::<D>(Usage::Mac, password, data.mac_salt.as_bytes(), rounds, &mut key);
    let Ok(mac) = SimpleHmac::<D>::new_from_slice(&key) else { return false };
    mac.chain_update(safe).verify_slice(data.mac.digest.as_bytes()).is_ok()
}

fn open_content(content: &ContentInfo, password: &str, work: &mut Work) -> Result<Secret, Fault> {
    match content.content_type {
        DATA => {
            let data = content.content.decode_as::<OctetStringRef<'_>>()?;
            Ok(Zeroizing::new(data.as_bytes().to_vec()))
        }
        ENCRYPTED_DATA => {
            let data = content.content.decode_as::<EncryptedData>()?.enc_content_info;
            let algorithm = AlgorithmIdentifierRef {
                oid: data.content_enc_alg.oid,
                parameters: data.content_enc_alg.parameters.as_ref().map(Into::into),
            };
            let sealed = data.encrypted_content.as_ref().map_or(&[][..], OctetString::as_bytes);
            sealed::open(algorithm, sealed, password, work)
        }
        other => Err(Fault::Unsupported(format!("content of type {other}"))),
    }
}

/// What is in a file, with the marks that bind a key and its certificate.
#[derive(Default)]
struct Found {
    key: Option<(PrivateKey, Option<Any>)>,
    certificates: Vec<(CertificateDer<'static>, Option<Any>)>,
}

impl Found {
    fn take(&mut self, bag: &SafeBag, password: &str, work: &mut Work) -> Result<(), Fault> {
        let mark = || {
            let attributes = bag.bag_attributes.iter().flat_map(|all| all.iter());
            let mut marks = attributes.filter(|attribute| attribute.oid == LOCAL_KEY_ID);
            marks.next().and_then(|mark| mark.values.get(0).cloned())
        };
        match bag.bag_id {
            KEY_BAG | SHROUDED_KEY_BAG => {
                let value = inside(&bag.bag_value)?;
                let opened = match bag.bag_id {
                    KEY_BAG => Zeroizing::new(value.to_vec()),
                    _ => open_pkcs8(value, password, work)?,
                };
                let key = PrivatePkcs8KeyDer::from(&opened[..]).clone_key().into();
                if self.key.replace((PrivateKey::new(key), mark())).is_some() {
                    return Err(Fault::Unsupported("several private keys in one file".into()));
                }
            }
            CERTIFICATE_BAG => {
                let bag = CertBag::from_der(inside(&bag.bag_value)?)?;
                if self.certificates.len() == MOST_CERTIFICATES {
                    let what = format!("more than {MOST_CERTIFICATES} certificates");
                    return Err(Fault::Unsupported(what));
                }
                if bag.cert_id == X509 {
                    let certificate = bag.cert_value.into_bytes().into();
                    self.certificates.push((certificate, mark()));
                }
            }
            // Lists of revoked certificates and secrets of another kind are no part of an identity.
            _ => {}
        }
        Ok(())
    }

    fn chain_and_key(self) -> Result<Read, Fault> {
        let Some((key, mark)) = self.key else {
            return Err(Fault::Unsupported("it has no private key".into()));
        };
        let mut rest = Vec::new();
        for (certificate, own) in self.certificates {
            let facts = CertificateFacts::read(&certificate);
            let facts = facts.map_err(|e| Fault::Unsupported(e.to_string()))?;
            rest.push((certificate, facts, own));
        }
        let marked = rest.iter().position(|(_, _, own)| mark.is_some() && *own == mark);
        let issued_none = |at: usize, facts: &CertificateFacts| {
            let mut others = rest.iter().enumerate().filter(|(other, _)| *other != at);
            others.all(|(_, (_, other, _))| other.issuer_der() != facts.subject_der())
        };
        let leaf = marked
            .or_else(|| rest.iter().enumerate().position(|(at, (_, f, _))| issued_none(at, f)));
        // Without a certificate the identity is refused, by the one who knows its name.
        let mut chain = Vec::new();
        let mut next = leaf;
        while let Some(at) = next {
            let (certificate, facts, _) = rest.swap_remove(at);
            chain.push(certificate);
            let is_issuer = |other: &CertificateFacts| other.subject_der() == facts.issuer_der();
            next = match facts.is_self_issued() {
                true => None,
                false => rest.iter().position(|(_, other, _)| is_issuer(other)),
            };
        }
        Ok((chain, key))
    }
}

/// What is in the tag `[0]` around each value.
fn inside(value: &[u8]) -> der::Result<&[u8]> {
    let outer = der::AnyRef::from_der(value)?;
    Ok(outer.value())
}

/// A chain has a few; who carries this many carries something else.
const MOST_CERTIFICATES: usize = 100;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERTIFICATE_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const X509: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
