//! OCSP responses, made afresh, and wrong where they are asked to be.

use rcgen::{ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256, SigningKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tls_core::pki_types::{CertificateDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::asn1::{BitString, GeneralizedTime, Null, OctetString};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::CrlReason;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    AsResponseBytes, BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspResponse,
    OcspResponseStatus, ResponderId, ResponseData, RevokedInfo, SingleResponse, Version,
};

use crate::certs::{Authority, Leaf, set_days};

/// Who signs OCSP responses in place of an authority (RFC 6960 §4.2.2.2).
pub struct Responder {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    /// Lets another sign OCSP responses.
    pub fn responder(&self) -> Responder {
        self.responder_with(vec![ExtendedKeyUsagePurpose::OcspSigning], 365)
    }

    /// Issues a certificate with these purposes to whoever signs, valid from yesterday on for so many
    /// days.
    pub fn responder_with(&self, purposes: Vec<ExtendedKeyUsagePurpose>, days: i64) -> Responder {
        let leaf = Leaf::client("responder").with(|params| {
            params.extended_key_usages = purposes;
            set_days(params, days.min(0) - 1, days);
        });
        let (mut chain, key) = self.issue_apart(leaf);
        Responder { certificate: chain.swap_remove(0), key }
    }
}

/// An OCSP response in the making; with nothing said, it is the issuer's, that the certificate is good,
/// from an hour ago on for a day.
pub struct Answer<'a> {
    issuer: &'a Authority,
    about: &'a CertificateDer<'a>,
    signer: (&'a KeyPair, &'a CertificateDer<'a>),
    sent_along: Vec<&'a CertificateDer<'a>>,
    status: CertStatus,
    this_update: i64,
    next_update: Option<i64>,
    by_sha256: bool,
    signer_by_key: bool,
    spoilt: bool,
}

impl<'a> Answer<'a> {
    /// That the certificate `about` of this issuer is good.
    pub fn good(issuer: &'a Authority, about: &'a CertificateDer<'a>) -> Self {
        Self {
            issuer,
            about,
            signer: (issuer.key(), issuer.certificate_ref()),
            sent_along: Vec::new(),
            status: CertStatus::Good(Null),
            this_update: -3600,
            next_update: Some(86_400),
            by_sha256: false,
            signer_by_key: false,
            spoilt: false,
        }
    }

    /// That it has been revoked, a day ago, because its key is not safe.
    pub fn revoked(issuer: &'a Authority, about: &'a CertificateDer<'a>) -> Self {
        let status = CertStatus::Revoked(RevokedInfo {
            revocation_time: in_seconds(-86_400),
            revocation_reason: Some(CrlReason::KeyCompromise),
        });
        Self { status, ..Self::good(issuer, about) }
    }

    /// That the responder knows no such certificate.
    pub fn unknown(issuer: &'a Authority, about: &'a CertificateDer<'a>) -> Self {
        Self { status: CertStatus::Unknown(Null), ..Self::good(issuer, about) }
    }

    /// The same, from so many hours from now on, until then.
    #[must_use]
    pub fn hours(self, from: i64, to: i64) -> Self {
        Self { this_update: from * 3600, next_update: Some(to * 3600), ..self }
    }

    /// The same, from so many seconds from now on, until then.
    #[must_use]
    pub fn seconds(self, from: i64, to: i64) -> Self {
        Self { this_update: from, next_update: Some(to), ..self }
    }

    /// The same, of so many hours from now, without a word on when the next comes.
    #[must_use]
    pub fn open_since(self, from: i64) -> Self {
        Self { this_update: from * 3600, next_update: None, ..self }
    }

    /// The same, naming the issuer by SHA-256 in place of SHA-1 (RFC 6960 §4.1.1).
    #[must_use]
    pub fn by_sha256(self) -> Self {
        Self { by_sha256: true, ..self }
    }

    /// The same, naming who signs by the hash of the key in place of the name (RFC 6960 §4.2.1).
    #[must_use]
    pub fn signer_by_key(self) -> Self {
        Self { signer_by_key: true, ..self }
    }

    /// The same, signed by another authority under its own name.
    #[must_use]
    pub fn signed_by(self, authority: &'a Authority) -> Self {
        Self { signer: (authority.key(), authority.certificate_ref()), ..self }
    }

    /// The same, signed by a responder, whose certificate goes with it.
    #[must_use]
    pub fn signed_for(self, responder: &'a Responder) -> Self {
        let certificate = &responder.certificate;
        Self { signer: (&responder.key, certificate), sent_along: vec![certificate], ..self }
    }

    /// The same with a signature that is well-formed and wrong.
    #[must_use]
    pub fn spoilt(self) -> Self {
        Self { spoilt: true, ..self }
    }

    /// It in DER.
    pub fn der(&self) -> Vec<u8> {
        let (key, certificate) = self.signer;
        assert!(key.is_compatible(&PKCS_ECDSA_P256_SHA256));
        let signer = parse(certificate).tbs_certificate;
        let data = ResponseData {
            version: Version::V1,
            responder_id: match self.signer_by_key {
                true => {
                    let bits = signer.subject_public_key_info.subject_public_key;
                    ResponderId::ByKey(octets(&Sha1::digest(bits.raw_bytes())))
                }
                false => ResponderId::ByName(signer.subject),
            },
            produced_at: in_seconds(self.this_update),
            responses: vec![SingleResponse {
                cert_id: self.id(),
                cert_status: self.status,
                this_update: in_seconds(self.this_update),
                next_update: self.next_update.map(in_seconds),
                single_extensions: None,
            }],
            response_extensions: None,
        };
        let mut signature = key.sign(&data.to_der().unwrap()).unwrap();
        if self.spoilt {
            *signature.last_mut().unwrap() ^= 1;
        }
        let certificates = self.sent_along.iter().map(|der| parse(der)).collect::<Vec<_>>();
        let basic = BasicOcspResponse {
            tbs_response_data: data,
            signature_algorithm: algorithm("1.2.840.10045.4.3.2", None), // ECDSA with SHA-256
            signature: BitString::from_bytes(&signature).unwrap(),
            certs: Some(certificates).filter(|all| !all.is_empty()),
        };
        let response = OcspResponse {
            response_status: OcspResponseStatus::Successful,
            response_bytes: Some(basic.to_response_bytes().unwrap()),
        };
        response.to_der().unwrap()
    }

    /// A response of a responder that has no answer now.
    pub fn later() -> Vec<u8> {
        OcspResponse { response_status: OcspResponseStatus::TryLater, response_bytes: None }
            .to_der()
            .unwrap()
    }

    fn id(&self) -> CertId {
        let issuer = parse(self.issuer.certificate_ref()).tbs_certificate;
        let hash = |bytes: &[u8]| match self.by_sha256 {
            true => octets(&Sha256::digest(bytes)),
            false => octets(&Sha1::digest(bytes)),
        };
        let oid = if self.by_sha256 { "2.16.840.1.101.3.4.2.1" } else { "1.3.14.3.2.26" };
        CertId {
            hash_algorithm: algorithm(oid, Some(Null)),
            issuer_name_hash: hash(&issuer.subject.to_der().unwrap()),
            issuer_key_hash: hash(issuer.subject_public_key_info.subject_public_key.raw_bytes()),
            serial_number: parse(self.about).tbs_certificate.serial_number,
        }
    }
}

fn parse(der: &CertificateDer<'_>) -> Certificate {
    Certificate::from_der(der).unwrap()
}

fn octets(bytes: &[u8]) -> OctetString {
    OctetString::new(bytes).unwrap()
}

fn algorithm(oid: &str, parameters: Option<Null>) -> AlgorithmIdentifierOwned {
    let oid = ObjectIdentifier::new_unwrap(oid);
    AlgorithmIdentifierOwned { oid, parameters: parameters.map(Into::into) }
}

/// So many seconds from now.
fn in_seconds(seconds: i64) -> OcspGeneralizedTime {
    let seconds = UnixTime::now().as_secs().saturating_add_signed(seconds);
    let since_1970 = std::time::Duration::from_secs(seconds);
    GeneralizedTime::from_unix_duration(since_1970).unwrap().into()
}
