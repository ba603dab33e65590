//! Authorities that issue certificates and answer as OCSP responders, for the tests.

use std::time::Duration;

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256, SerialNumber, SigningKey, date_time_ymd,
};
use x509_cert::Certificate;
use x509_cert::der::asn1::{BitString, GeneralizedTime, Null, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::CrlReason;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::ext::Nonce;
use x509_ocsp::{
    AsResponseBytes, BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspResponse, ResponderId,
    ResponseData, RevokedInfo, SingleResponse, Version,
};

use super::id::{Named, key_bits};
use super::{IdHash, Query};
use crate::x509::{Algorithms, CertificateFacts};
use crate::{
    Acceptor, Backend, Capabilities, ClientConfig, Connector, Error, ErrorKind, Result,
    ServerConfig, Supported,
};

/// The instant of all tests: in the validity of what is issued here.
pub(super) const NOW: u64 = 1_750_000_000;

pub(super) const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] =
    &[webpki::ring::ECDSA_P256_SHA256];

pub(super) const URL: &str = "http://ocsp.test/a";

/// An authority, also one that lets others answer.
pub(super) struct Authority {
    pub(super) certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// Who answers, and with which certificate in the response.
pub(super) struct Responder {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: KeyPair,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = params(name, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    pub(super) fn issue(&self, serial: u64) -> CertificateDer<'static> {
        self.issue_with(&params("leaf", serial)).certificate
    }

    pub(super) fn issue_with(&self, params: &CertificateParams) -> Responder {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Responder { certificate, key }
    }

    pub(super) fn delegate(&self) -> Responder {
        let mut params = params("responder", 99);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        self.issue_with(&params)
    }

    pub(super) fn key(&self) -> &KeyPair {
        self.issuer.key()
    }
}

pub(super) fn params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2026, 1, 1);
    // SEQUENCE { SEQUENCE { id-ad-ocsp, [6] URL } }
    let oid = b"\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01";
    let access = [&oid[..], b"\x86", &[URL.len() as u8], URL.as_bytes()].concat();
    let access = [b"\x30", &[access.len() as u8][..], &access].concat();
    let access = [b"\x30", &[access.len() as u8][..], &access].concat();
    let aia = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access);
    params.custom_extensions = vec![aia];
    params
}

/// A response in the making.
pub(super) struct Draft {
    pub(super) data: ResponseData,
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

pub(super) fn at(seconds: u64) -> OcspGeneralizedTime {
    GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)).unwrap().into()
}

pub(super) fn good() -> CertStatus {
    CertStatus::Good(Null)
}

pub(super) fn revoked(reason: Option<CrlReason>) -> CertStatus {
    CertStatus::Revoked(RevokedInfo { revocation_time: at(NOW - 5000), revocation_reason: reason })
}

/// News of an hour ago about `leaf`, good for an hour more.
pub(super) fn single(
    leaf: &CertificateDer<'_>,
    authority: &Authority,
    hash: IdHash,
    cert_status: CertStatus,
) -> SingleResponse {
    SingleResponse {
        cert_id: Named::read(leaf, &authority.certificate).unwrap().id(hash).unwrap(),
        cert_status,
        this_update: at(NOW - 3600),
        next_update: Some(at(NOW + 3600)),
        single_extensions: None,
    }
}

impl Draft {
    /// Of the authority itself, by its name.
    pub(super) fn new(authority: &Authority, responses: Vec<SingleResponse>) -> Self {
        let data = ResponseData {
            version: Version::V1,
            responder_id: by_name(&authority.certificate),
            produced_at: at(NOW - 3600),
            responses,
            response_extensions: None,
        };
        Self { data, certificates: Vec::new() }
    }

    /// Of a delegate, by its name, with its certificate.
    pub(super) fn by(mut self, responder: &Responder) -> Self {
        self.data.responder_id = by_name(&responder.certificate);
        self.certificates = vec![responder.certificate.clone()];
        self
    }

    pub(super) fn nonce(mut self, nonce: &[u8]) -> Self {
        let inner = Nonce::new(nonce).unwrap().to_der().unwrap();
        self.data.response_extensions = Some(vec![x509_cert::ext::Extension {
            extn_id: "1.3.6.1.5.5.7.48.1.2".parse().unwrap(),
            critical: false,
            extn_value: OctetString::new(inner).unwrap(),
        }]);
        self
    }

    pub(super) fn signed(self, key: &KeyPair) -> Vec<u8> {
        assert!(key.is_compatible(&PKCS_ECDSA_P256_SHA256));
        let signature = key.sign(&self.data.to_der().unwrap()).unwrap();
        let parse = |der: &CertificateDer<'_>| Certificate::from_der(der).unwrap();
        let basic = BasicOcspResponse {
            tbs_response_data: self.data,
            signature_algorithm: AlgorithmIdentifierOwned {
                oid: "1.2.840.10045.4.3.2".parse().unwrap(),
                parameters: None,
            },
            signature: BitString::from_bytes(&signature).unwrap(),
            certs: match self.certificates.is_empty() {
                true => None,
                false => Some(self.certificates.iter().map(parse).collect()),
            },
        };
        OcspResponse {
            response_status: x509_ocsp::OcspResponseStatus::Successful,
            response_bytes: Some(basic.to_response_bytes().unwrap()),
        }
        .to_der()
        .unwrap()
    }
}

pub(super) fn by_name(certificate: &CertificateDer<'_>) -> ResponderId {
    ResponderId::ByName(Certificate::from_der(certificate).unwrap().tbs_certificate.subject)
}

pub(super) fn by_key(certificate: &CertificateDer<'_>) -> ResponderId {
    let facts = CertificateFacts::read(certificate).unwrap();
    let hash = IdHash::Sha1.digest(key_bits(facts.public_key()).unwrap());
    ResponderId::ByKey(OctetString::new(hash).unwrap())
}

pub(super) fn query<'a>(leaf: &'a CertificateDer<'a>, authority: &'a Authority) -> Query<'a> {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    Query::lent(leaf, &authority.certificate, ALGORITHMS, Some(now))
}

/// A backend that only lends.
#[derive(Debug)]
pub(super) struct Lender;

impl Backend for Lender {
    fn name(&self) -> &'static str {
        "lender"
    }

    fn library(&self) -> String {
        self.name().to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn signature_algorithms(&self) -> Algorithms<'static> {
        ALGORITHMS
    }

    fn connector(&self, _: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        Err(Error::new(ErrorKind::Misuse))
    }

    fn acceptor(&self, _: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        Err(Error::new(ErrorKind::Misuse))
    }
}
