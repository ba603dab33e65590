//! Lists of revoked certificates (CRLs), made afresh, and wrong where they are asked to be.

use rcgen::{
    CertificateParams, CertificateRevocationListParams, Issuer, KeyIdMethod, RevokedCertParams,
    SerialNumber, SigningKey,
};
use time::{Duration, OffsetDateTime};
use tls_core::pki_types::CertificateDer;
use tls_core::x509::CertificateFacts;
use x509_cert::crl::{CertificateList, TbsCertList};
use x509_cert::der::asn1::{BitString, Ia5String, OctetString};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

use crate::certs::Authority;

/// A list of revoked certificates in the making; with nothing said, it revokes nothing and is valid from
/// an hour ago on for a week.
pub struct List {
    params: CertificateRevocationListParams,
    scope: Option<IssuingDistributionPoint>,
    edits: Vec<fn(&mut TbsCertList)>,
}

impl Default for List {
    fn default() -> Self {
        let now = OffsetDateTime::now_utc();
        let params = CertificateRevocationListParams {
            this_update: now - Duration::hours(1),
            next_update: now + Duration::days(7),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Self { params, scope: None, edits: Vec::new() }
    }
}

impl List {
    /// A list without faults that revokes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, revoking this certificate.
    #[must_use]
    pub fn revoking(self, certificate: &CertificateDer<'_>) -> Self {
        let facts = CertificateFacts::read(certificate).unwrap();
        self.revoking_number(SerialNumber::from_slice(facts.serial()))
    }

    /// The same, revoking whatever certificate has this number.
    #[must_use]
    pub fn revoking_number(mut self, serial_number: SerialNumber) -> Self {
        self.params.revoked_certs.push(RevokedCertParams {
            serial_number,
            revocation_time: self.params.this_update,
            reason_code: None,
            invalidity_date: None,
        });
        self
    }

    /// The same, valid in these days from now.
    #[must_use]
    pub fn days(mut self, from: i64, to: i64) -> Self {
        let now = OffsetDateTime::now_utc();
        self.params.this_update = now + Duration::days(from);
        self.params.next_update = now + Duration::days(to);
        self
    }

    /// The same, for the certificates of authorities only (RFC 5280 §5.2.5).
    #[must_use]
    pub fn authorities_only(self) -> Self {
        self.scoped(|scope| scope.only_contains_ca_certs = true)
    }

    /// The same, for the certificates of others than authorities only (RFC 5280 §5.2.5).
    #[must_use]
    pub fn users_only(self) -> Self {
        self.scoped(|scope| scope.only_contains_user_certs = true)
    }

    /// The same, for certificates that say that their list is at this address (RFC 5280 §5.2.5).
    #[must_use]
    pub fn found_at(self, url: &str) -> Self {
        let url = GeneralName::UniformResourceIdentifier(Ia5String::new(url).unwrap());
        let place = DistributionPointName::FullName(vec![url]);
        self.scoped(|scope| scope.distribution_point = Some(place))
    }

    /// The same, for the certificates of other issuers too (RFC 5280 §5.2.5).
    #[must_use]
    pub fn indirect(self) -> Self {
        self.scoped(|scope| scope.indirect_crl = true)
    }

    /// The same, as what has changed since another list (RFC 5280 §5.2.4).
    #[must_use]
    pub fn delta(self) -> Self {
        const DELTA: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
        self.edited(|list| {
            let base = OctetString::new([2, 1, 1]).unwrap(); // INTEGER 1
            let extension = Extension { extn_id: DELTA, critical: true, extn_value: base };
            list.crl_extensions.get_or_insert_default().push(extension);
        })
    }

    /// The same, without a word on when the next comes.
    #[must_use]
    pub fn without_next_update(self) -> Self {
        self.edited(|list| list.next_update = None)
    }

    fn edited(mut self, edit: fn(&mut TbsCertList)) -> Self {
        self.edits.push(edit);
        self
    }

    fn scoped(mut self, limit: impl FnOnce(&mut IssuingDistributionPoint)) -> Self {
        limit(self.scope.get_or_insert(IssuingDistributionPoint {
            distribution_point: None,
            only_contains_user_certs: false,
            only_contains_ca_certs: false,
            only_some_reasons: None,
            indirect_crl: false,
            only_contains_attribute_certs: false,
        }));
        self
    }

    /// It in DER, signed by this authority, whether or not that may sign lists.
    pub fn signed_by(&self, authority: &Authority) -> Vec<u8> {
        // The usages of the authority's key are left out, so that rcgen does not ask for one.
        let mut signer = CertificateParams::default();
        signer.distinguished_name = authority.name().clone();
        let issuer = Issuer::from_params(&signer, authority.key());
        let plain = self.params.signed_by(&issuer).unwrap().der().to_vec();
        if self.scope.is_none() && self.edits.is_empty() {
            return plain;
        }
        let mut list = CertificateList::from_der(&plain).unwrap();
        if let Some(scope) = &self.scope {
            list.tbs_cert_list.crl_extensions.get_or_insert_default().push(Extension {
                extn_id: ObjectIdentifier::new_unwrap("2.5.29.28"),
                critical: true,
                extn_value: OctetString::new(scope.to_der().unwrap()).unwrap(),
            });
        }
        self.edits.iter().for_each(|edit| edit(&mut list.tbs_cert_list));
        let signature = authority.key().sign(&list.tbs_cert_list.to_der().unwrap()).unwrap();
        list.signature = BitString::from_bytes(&signature).unwrap();
        list.to_der().unwrap()
    }

    /// `der` as PEM.
    pub fn pem(der: &[u8]) -> String {
        pem::encode(&pem::Pem::new("X509 CRL", der))
    }
}
