//! The few facts about a certificate that the core itself has to know.
//!
//! The ASN.1 is read by the `x509-cert` crate; nothing here verifies anything.

mod constraints;

use std::net::IpAddr;
use std::time::Duration;

use pki_types::{CertificateDer, UnixTime};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::{Certificate, Version};

use crate::{Error, ErrorKind, Result, ServerName};

pub use constraints::permits_names;

/// What stands in one certificate.
#[derive(Clone, Debug)]
pub struct CertificateFacts {
    self_issued: bool,
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
}

/// What a peer's own certificate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To prove who a client is.
    ClientAuth,
    /// To prove who a server is.
    ServerAuth,
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
    /// [`ErrorKind::Config`] if it is not one.
    pub fn read(der: &CertificateDer<'_>) -> Result<Self> {
        let malformed = |e| {
            let e = Error::new(ErrorKind::Config).with_source(e);
            e.because("a certificate is not well-formed DER")
        };
        let certificate = Certificate::from_der(der).map_err(malformed)?.tbs_certificate;
        let mut facts = Self {
            self_issued: certificate.issuer == certificate.subject,
            is_v1: certificate.version == Version::V1,
            not_before: time(certificate.validity.not_before),
            not_after: time(certificate.validity.not_after),
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            public_key: certificate.subject_public_key_info.to_der().map_err(malformed)?,
            constraints: None,
            key_usage: None,
            purposes: None,
        };
        if let Some((_, names)) = certificate.get::<SubjectAltName>().map_err(malformed)? {
            facts.add_names(names);
        }
        if let Some((_, constraints)) = certificate.get::<BasicConstraints>().map_err(malformed)? {
            facts.constraints = Some(constraints);
        }
        if let Some((_, usage)) = certificate.get::<KeyUsage>().map_err(malformed)? {
            facts.key_usage = Some(usage);
        }
        if let Some((_, usage)) = certificate.get::<ExtendedKeyUsage>().map_err(malformed)? {
            facts.purposes = Some(usage.0);
        }
        Ok(facts)
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
        self.self_issued
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
    /// The common name never counts; `*` stands for one whole label, the left-most, and needs at
    /// least two labels after it.
    pub fn is_named(&self, name: &ServerName) -> bool {
        match (name.as_dns(), name.as_ip()) {
            (Some(dns), _) => match self.fit(dns) {
                Fit::Exact => true,
                Fit::Wildcard => dns.split('.').count() > 2,
                Fit::No => false,
            },
            (None, Some(ip)) => self.ip_addresses.contains(&ip),
            (None, None) => false,
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

    /// Whether its key is an Ed25519 key (RFC 8410).
    pub fn is_ed25519(&self) -> bool {
        // The only key with this algorithm has this length.
        self.public_key.starts_with(&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70])
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
        if self.is_v1 && self.self_issued {
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

    /// How well its dNSName entries fit `name`, a normalised DNS name (RFC 6125 §6.4).
    pub(crate) fn fit(&self, name: &str) -> Fit {
        if self.dns_names.iter().any(|own| own == name) {
            return Fit::Exact;
        }
        let Some((first, parent)) = name.split_once('.') else { return Fit::No };
        let wildcard = !first.is_empty()
            && self.dns_names.iter().any(|own| own.strip_prefix("*.") == Some(parent));
        if wildcard { Fit::Wildcard } else { Fit::No }
    }
}

/// Whether the leaf of a chain is issued under its own name; `false` if it cannot be read.
///
/// For backends whose library cannot tell a self-signed certificate from an unknown issuer.
pub fn is_self_issued(der: &CertificateDer<'_>) -> bool {
    CertificateFacts::read(der).is_ok_and(|facts| facts.self_issued)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    No,
    Wildcard,
    Exact,
}

fn time(time: x509_cert::time::Time) -> UnixTime {
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
            facts.is_named(&ServerName::parse(asked).unwrap())
        };
        for (names, asked) in [
            (&["a.test", "B.test"][..], "b.test"),
            (&["*.zone.test"], "a.zone.test"),
            (&["a.test", "192.0.2.1"], "192.0.2.1"),
            (&["2001:db8::1"], "[2001:db8::1]"),
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
