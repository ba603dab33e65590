//! What stands in one certificate. Nothing here verifies anything.

use std::net::IpAddr;
use std::time::Duration;

use pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use x509_cert::der::asn1::{Any, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoRef;
use x509_cert::{Certificate, Version};

use crate::{CertificateError, Malformed};

/// What stands in one certificate.
#[derive(Clone, Debug)]
pub struct CertificateFacts {
    subject: Name,
    issuer: Name,
    serial: Vec<u8>,
    /// Of the first version, which has no extensions.
    is_v1: bool,
    not_before: UnixTime,
    not_after: UnixTime,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    public_key: Vec<u8>,
    /// What it says of itself as an authority, if anything.
    constraints: Option<BasicConstraints>,
    /// The key usage, if there is one.
    key_usage: Option<KeyUsage>,
    /// The extended key usage, if there is one.
    purposes: Option<Vec<ObjectIdentifier>>,
    must_staple: bool,
    ocsp_urls: Vec<String>,
}

/// What a peer's own certificate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To prove who a client is.
    ClientAuth,
    /// To prove who a server is.
    ServerAuth,
}

/// The kinds of keys that sign handshakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// ECDSA on P-256 (RFC 5480).
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// ECDSA on P-521.
    EcdsaP521,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSA (RFC 3279).
    Rsa,
    /// Any other.
    Other,
}

impl KeyKind {
    /// Reads the algorithm of a SubjectPublicKeyInfo (DER).
    fn of(public_key: &[u8]) -> Self {
        let Ok(key) = SubjectPublicKeyInfoRef::from_der(public_key) else { return Self::Other };
        let curve = key.algorithm.parameters_oid().ok();
        let is = |known: &&(ObjectIdentifier, Option<ObjectIdentifier>, Self)| {
            known.0 == key.algorithm.oid && (known.1.is_none() || known.1 == curve)
        };
        KEY_KINDS.iter().find(is).map_or(Self::Other, |(_, _, kind)| *kind)
    }
}

impl Purpose {
    /// The object identifier in the extended key usage (RFC 5280 §4.2.1.12).
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::ClientAuth => ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
            Self::ServerAuth => ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
        }
    }
}

impl CertificateFacts {
    /// Reads the DER of a certificate (RFC 5280 §4.1).
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not one.
    pub fn read(der: &CertificateDer<'_>) -> Result<Self, Malformed> {
        let malformed = Malformed::because("a certificate");
        let certificate = Certificate::from_der(der).map_err(&malformed)?.tbs_certificate;
        let mut facts = Self {
            subject: Name::default(),
            issuer: Name::default(),
            serial: certificate.serial_number.as_bytes().to_vec(),
            is_v1: certificate.version == Version::V1,
            not_before: time(certificate.validity.not_before),
            not_after: time(certificate.validity.not_after),
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            public_key: certificate.subject_public_key_info.to_der().map_err(&malformed)?,
            constraints: None,
            key_usage: None,
            purposes: None,
            must_staple: false,
            ocsp_urls: Vec::new(),
        };
        if let Some((_, names)) = certificate.get::<SubjectAltName>().map_err(&malformed)? {
            facts.add_names(names);
        }
        if let Some((_, constraints)) = certificate.get::<BasicConstraints>().map_err(&malformed)? {
            facts.constraints = Some(constraints);
        }
        if let Some((_, usage)) = certificate.get::<KeyUsage>().map_err(&malformed)? {
            facts.key_usage = Some(usage);
        }
        if let Some((_, usage)) = certificate.get::<ExtendedKeyUsage>().map_err(&malformed)? {
            facts.purposes = Some(usage.0);
        }
        if let Some((_, access)) =
            certificate.get::<AuthorityInfoAccessSyntax>().map_err(&malformed)?
        {
            facts.add_urls(access);
        }
        if let Some((_, features)) = certificate.get::<TlsFeatures>().map_err(&malformed)? {
            facts.must_staple = features.0.contains(&STATUS_REQUEST);
        }
        (facts.subject, facts.issuer) = (certificate.subject, certificate.issuer);
        Ok(facts)
    }

    fn add_urls(&mut self, access: AuthorityInfoAccessSyntax) {
        for description in access.0 {
            if let (OCSP, GeneralName::UniformResourceIdentifier(url)) =
                (description.access_method, description.access_location)
            {
                self.ocsp_urls.push(url.to_string());
            }
        }
    }

    fn add_names(&mut self, names: SubjectAltName) {
        for name in names.0 {
            match name {
                GeneralName::DnsName(name) => {
                    self.dns_names.push(name.as_str().to_ascii_lowercase())
                }
                GeneralName::IpAddress(bytes) => match *bytes.as_bytes() {
                    [a, b, c, d] => self.ip_addresses.push([a, b, c, d].into()),
                    ref bytes => {
                        if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
                            self.ip_addresses.push(bytes.into());
                        }
                    }
                },
                _ => {}
            }
        }
    }

    /// Whether issuer and subject are the same name.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// The name it is about, as RFC 4514 writes it, last part first.
    pub fn subject(&self) -> String {
        self.subject.to_string()
    }

    /// The name of who signed it, as RFC 4514 writes it, last part first.
    pub fn issuer(&self) -> String {
        self.issuer.to_string()
    }

    /// The DER of the name it is about (RFC 5280 §4.1.2.6).
    pub fn subject_der(&self) -> Vec<u8> {
        self.subject.to_der().unwrap_or_default() // it was read from DER
    }

    /// The DER of the name of who signed it (RFC 5280 §4.1.2.4).
    pub fn issuer_der(&self) -> Vec<u8> {
        self.issuer.to_der().unwrap_or_default() // it was read from DER
    }

    /// Its number, unique to its issuer: big-endian, as in DER, with the sign's leading zero.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The common names in its subject, in order.
    pub fn common_names(&self) -> Vec<String> {
        let parts = self.subject.0.iter().flat_map(|part| part.0.iter());
        parts.filter(|part| part.oid == COMMON_NAME).filter_map(|part| text(&part.value)).collect()
    }

    /// The instant its validity begins.
    pub fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The last instant of its validity.
    pub fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// Whether it says that it is an authority's (RFC 5280 §4.2.1.9).
    pub fn is_authority(&self) -> bool {
        self.constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }

    /// Whether it is for this server: a dNSName or iPAddress entry is its name (RFC 6125 §6.4).
    ///
    /// `name` is in lower case and without a trailing dot. The common name does not count; `*` stands
    /// for one whole label, the left-most, and needs at least two labels after it.
    pub fn is_named(&self, name: &ServerName<'_>) -> bool {
        match name {
            ServerName::DnsName(name) => is_for(&self.dns_names, name.as_ref()),
            ServerName::IpAddress(ip) => self.ip_addresses.contains(&IpAddr::from(*ip)),
            _ => false,
        }
    }

    /// Whether it is for this server by its common name, having no dNSName or iPAddress entry at all:
    /// the practice of old that RFC 6125 §6.4.4 describes, by the rules of [`is_named`](Self::is_named).
    ///
    /// Of several common names none counts.
    pub fn is_named_of_old(&self, name: &ServerName<'_>) -> bool {
        let [common_name] = &mut self.common_names()[..] else { return false };
        if !self.dns_names.is_empty() || !self.ip_addresses.is_empty() {
            return false;
        }
        common_name.make_ascii_lowercase();
        match name {
            ServerName::DnsName(name) => is_for(std::slice::from_ref(common_name), name.as_ref()),
            ServerName::IpAddress(ip) => common_name.parse() == Ok(IpAddr::from(*ip)),
            _ => false,
        }
    }

    /// Checks its dates alone; `now` is `None` if they do not matter.
    ///
    /// # Errors
    ///
    /// [`CertificateError::NotYetValid`] or [`CertificateError::Expired`].
    pub fn check_dates(&self, now: Option<UnixTime>) -> Result<(), CertificateError> {
        match now {
            Some(now) if now < self.not_before => Err(CertificateError::NotYetValid),
            Some(now) if now > self.not_after => Err(CertificateError::Expired),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether `now` lies in its validity (RFC 5280 §4.1.2.5).
    pub fn is_valid_at(&self, now: UnixTime) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// Its dNSName entries, in lower case; the left-most label may be `*`.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// Its iPAddress entries.
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.ip_addresses
    }

    /// The DER of its SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The SHA-256 of its SubjectPublicKeyInfo: what pins name (RFC 7469 §2.4).
    pub fn spki_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.public_key).into()
    }

    /// Whether its server must staple an OCSP response to it (RFC 7633 §4.2.3.1).
    pub fn must_staple(&self) -> bool {
        self.must_staple
    }

    /// Where to ask whether it has been revoked, by OCSP (RFC 5280 §4.2.2.1).
    pub fn ocsp_urls(&self) -> &[String] {
        &self.ocsp_urls
    }

    /// What kind of key it is for.
    pub fn key_kind(&self) -> KeyKind {
        KeyKind::of(&self.public_key)
    }

    /// Whether its key is an Ed25519 key (RFC 8410).
    pub fn is_ed25519(&self) -> bool {
        self.key_kind() == KeyKind::Ed25519
    }

    /// Whether it may be a peer's own certificate, used for `purpose`.
    ///
    /// It has no extended key usage, or one that names the purpose (RFC 5280 §4.2.1.12);
    /// `anyExtendedKeyUsage` does not count, as in every TLS library. And its key may sign
    /// handshakes, see [`may_sign`](Self::may_sign).
    pub fn is_for(&self, purpose: Purpose) -> bool {
        self.may_sign() && self.purposes.as_ref().is_none_or(|list| list.contains(&purpose.oid()))
    }

    /// Whether its key may sign handshakes: it has no key usage, or one with digitalSignature
    /// (RFC 8446 §4.4.2.2; every suite of TLS 1.2 on offer here signs too).
    pub fn may_sign(&self) -> bool {
        self.key_usage.is_none_or(|usage| usage.digital_signature())
    }

    /// Whether it may issue for a chain of this purpose with `below` other authorities under it
    /// (RFC 5280 §6.1.4 k to n): it is an authority, for no other purposes, its key may sign
    /// certificates, and the chain is not longer than it allows.
    ///
    /// Also for roots, whether they are given or the system's. Dates and name constraints are
    /// not looked at here.
    pub fn may_issue(&self, purpose: Purpose, below: usize) -> bool {
        if self.is_v1 && self.is_self_issued() {
            return true; // an old root, which had no way to say so
        }
        let Some(BasicConstraints { ca: true, path_len_constraint: most }) = self.constraints
        else {
            return false;
        };
        most.is_none_or(|most| below <= most.into())
            && self.key_usage.is_none_or(|usage| usage.key_cert_sign())
            && self.purposes.as_ref().is_none_or(|list| list.contains(&purpose.oid()))
    }

    /// Whether its key may sign lists of revoked certificates: it has no key usage, or one with cRLSign
    /// (RFC 5280 §6.3.3 f).
    pub fn may_sign_lists(&self) -> bool {
        self.key_usage.is_none_or(|usage| usage.crl_sign())
    }

    /// Whether its issuer lets its key sign OCSP responses: its extended key usage names OCSPSigning
    /// (RFC 6960 §4.2.2.2; nothing else counts), and its key may [sign](Self::may_sign).
    pub fn may_sign_ocsp(&self) -> bool {
        self.may_sign() && self.purposes.as_ref().is_some_and(|list| list.contains(&OCSP_SIGNING))
    }

    /// How well its dNSName entries fit `name`, a normalised DNS name (RFC 6125 §6.4).
    pub fn fit(&self, name: &str) -> Fit {
        fit(&self.dns_names, name)
    }
}

/// Whether the leaf of a chain is issued under its own name; `false` if it cannot be read.
///
/// For backends whose library cannot tell a self-signed certificate from an unknown issuer.
pub fn is_self_issued(der: &CertificateDer<'_>) -> bool {
    CertificateFacts::read(der).is_ok_and(|facts| facts.is_self_issued())
}

/// How well a certificate fits a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Not at all.
    No,
    /// By a wildcard.
    Wildcard,
    /// By the name itself.
    Exact,
}

fn fit(names: &[String], name: &str) -> Fit {
    if names.iter().any(|own| own == name) {
        return Fit::Exact;
    }
    let Some((first, parent)) = name.split_once('.') else { return Fit::No };
    let wildcard =
        !first.is_empty() && names.iter().any(|own| own.strip_prefix("*.") == Some(parent));
    if wildcard { Fit::Wildcard } else { Fit::No }
}

fn is_for(names: &[String], name: &str) -> bool {
    match fit(names, name) {
        Fit::Exact => true,
        Fit::Wildcard => name.split('.').count() > 2,
        Fit::No => false,
    }
}

/// The kinds of keys, by their algorithms and curves.
const KEY_KINDS: [(ObjectIdentifier, Option<ObjectIdentifier>, KeyKind); 5] = {
    const fn oid(text: &str) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(text)
    }
    const EC: ObjectIdentifier = oid("1.2.840.10045.2.1");
    [
        (oid("1.2.840.113549.1.1.1"), None, KeyKind::Rsa),
        (oid("1.3.101.112"), None, KeyKind::Ed25519),
        (EC, Some(oid("1.2.840.10045.3.1.7")), KeyKind::EcdsaP256),
        (EC, Some(oid("1.3.132.0.34")), KeyKind::EcdsaP384),
        (EC, Some(oid("1.3.132.0.35")), KeyKind::EcdsaP521),
    ]
};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");

/// The number of the extension by which a client asks for a staple (RFC 6066 §8).
const STATUS_REQUEST: u64 = 5;

/// `Features ::= SEQUENCE OF INTEGER` (RFC 7633 §4.1).
struct TlsFeatures(Vec<u64>);

impl AssociatedOid for TlsFeatures {
    const OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.24");
}

impl<'a> Decode<'a> for TlsFeatures {
    fn decode<R: x509_cert::der::Reader<'a>>(reader: &mut R) -> x509_cert::der::Result<Self> {
        Vec::<u64>::decode(reader).map(Self)
    }
}

/// The text of a DirectoryString (RFC 5280 §4.1.2.4); `None` in a type that nobody uses any more.
fn text(value: &Any) -> Option<String> {
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.to_string());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|text| text.to_string());
    let teletex = || value.decode_as::<TeletexStringRef<'_>>().map(|text| text.to_string());
    utf8.or_else(|_| printable()).or_else(|_| teletex()).ok()
}

pub(crate) fn time(time: x509_cert::time::Time) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(time.to_unix_duration().as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_the_names_in_it_and_no_other() {
        let is_named = |names: &[&str], asked: &str| {
            let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let made = rcgen::generate_simple_self_signed(names).unwrap();
            let facts = CertificateFacts::read(made.cert.der()).unwrap();
            facts.is_named(&ServerName::try_from(asked).unwrap())
        };
        for (names, asked) in [
            (&["a.test", "B.test"][..], "b.test"),
            (&["*.zone.test"], "a.zone.test"),
            (&["a.test", "192.0.2.1"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
        ] {
            assert!(is_named(names, asked), "{names:?} should cover {asked}");
        }
        for (names, asked) in [
            (&["a.test"][..], "b.a.test"),
            (&["*.test"], "a.test"),
            (&["*.zone.test"], "zone.test"),
            (&["*.zone.test"], "a.b.zone.test"),
            (&["f*.zone.test"], "foo.zone.test"),
            (&["192.0.2.1"], "192.0.2.2"),
            (&["192.0.2.1"], "a.test"),
            (&["a.test"], "192.0.2.1"),
        ] {
            assert!(!is_named(names, asked), "{names:?} should not cover {asked}");
        }
    }

    #[test]
    fn every_public_root_may_issue_for_servers() {
        for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            let facts = CertificateFacts::read(root).unwrap();
            assert!(facts.may_issue(Purpose::ServerAuth, 1), "{facts:?}");
        }
    }
}
