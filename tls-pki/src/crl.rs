//! Lists of revoked certificates (CRLs, RFC 5280 §5).

use std::collections::HashSet;
use std::sync::OnceLock;

use pki_types::{CertificateDer, UnixTime};
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{CrlDistributionPoints, IssuingDistributionPoint};
use x509_cert::{Certificate, name::Name};

use crate::facts::time;
use crate::signature::{algorithm_der, signed_part};
use crate::{Algorithms, CertificateFacts, Malformed, verify_signature};

/// One list of revoked certificates, complete for its scope.
///
/// Delta lists and indirect lists (RFC 5280 §5.2.4, §5.2.5) are not known here.
#[derive(Debug)]
pub struct RevocationList {
    issuer: Name,
    this_update: UnixTime,
    next_update: Option<UnixTime>,
    serials: HashSet<Box<[u8]>>,
    scope: Scope,
    /// The signed part, the algorithm and the signature.
    signed: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
    /// The key by which the signature was found good once.
    verified: OnceLock<Box<[u8]>>,
}

/// Which certificates of its issuer a list speaks of (RFC 5280 §5.2.5).
#[derive(Debug, Default)]
struct Scope {
    /// Only those that name one of these places; any if empty.
    places: Vec<GeneralName>,
    authorities_only: bool,
    users_only: bool,
}

/// What one list says of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It has been revoked.
    Revoked,
    /// It had not been when the list was made, and the list is not out of date.
    Good,
    /// The list is out of date.
    Expired,
    /// The list does not speak of it.
    NotCovered,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableList {
    /// It is not well-formed, or of the first version.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It has a critical extension that is not known here, as delta lists and indirect lists have.
    #[error("the list has a critical extension ({0}) that is not known here")]
    UnknownExtension(ObjectIdentifier),
    /// It is an indirect list, or one for some reasons only.
    #[error("the list is not complete for the certificates of its own issuer")]
    Incomplete,
}

impl RevocationList {
    /// Reads the DER of a CertificateList of version 2 (RFC 5280 §5.1).
    ///
    /// # Errors
    ///
    /// [`UnusableList`], saying why it cannot be used.
    pub fn read(der: &[u8]) -> Result<Self, UnusableList> {
        let malformed = Malformed::because("a list of revoked certificates");
        let list = CertificateList::from_der(der).map_err(&malformed)?;
        let algorithm = algorithm_der(&list.signature_algorithm).unwrap_or_default();
        let signed = signed_part(der).unwrap_or_default().to_vec();
        let signature = list.signature.as_bytes().unwrap_or_default().to_vec();
        let list = list.tbs_cert_list;
        let mut scope = Scope::default();
        for extension in list.crl_extensions.iter().flatten() {
            if extension.extn_id == ISSUING_DISTRIBUTION_POINT {
                let point = IssuingDistributionPoint::from_der(extension.extn_value.as_bytes());
                scope = Scope::of(point.map_err(&malformed)?)?;
            } else {
                known(extension)?;
            }
        }
        let mut serials = HashSet::new();
        for entry in list.revoked_certificates.into_iter().flatten() {
            entry.crl_entry_extensions.iter().flatten().try_for_each(known)?;
            serials.insert(entry.serial_number.as_bytes().into());
        }
        Ok(Self {
            issuer: list.issuer,
            this_update: time(list.this_update),
            next_update: list.next_update.map(time),
            serials,
            scope,
            signed,
            algorithm,
            signature,
            verified: OnceLock::new(),
        })
    }

    /// Asks about `certificate`, which `issuer` has signed; `now` is `None` if dates do not matter.
    ///
    /// A list that was not signed with the issuer's key, or that the issuer may not sign, speaks of
    /// nothing.
    pub fn lookup(
        &self,
        certificate: &CertificateDer<'_>,
        issuer: &CertificateDer<'_>,
        now: Option<UnixTime>,
        algorithms: Algorithms<'_>,
    ) -> Listed {
        let Ok(parsed) = Certificate::from_der(certificate) else { return Listed::NotCovered };
        let (Ok(facts), Ok(issuer)) =
            (CertificateFacts::read(certificate), CertificateFacts::read(issuer))
        else {
            return Listed::NotCovered;
        };
        let speaks_of_it = self.issuer == parsed.tbs_certificate.issuer
            && self.scope.covers(&parsed, facts.is_authority())
            && issuer.may_sign_lists()
            && self.is_signed_with(issuer.public_key(), algorithms);
        if !speaks_of_it || now.is_some_and(|now| now < self.this_update) {
            Listed::NotCovered
        } else if self.serials.contains(facts.serial()) {
            Listed::Revoked
        } else if now.zip(self.next_update).is_some_and(|(now, next)| now > next) {
            Listed::Expired
        } else {
            Listed::Good
        }
    }

    /// The signature, which differs from that of any other list.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    fn is_signed_with(&self, public_key: &[u8], algorithms: Algorithms<'_>) -> bool {
        if let Some(known) = self.verified.get() {
            return **known == *public_key;
        }
        let check = verify_signature(
            algorithms,
            public_key,
            &self.algorithm,
            &self.signed,
            &self.signature,
        );
        if check.is_ok() {
            // Another thread may have been first, with the same.
            let _ = self.verified.set(public_key.into());
        }
        check.is_ok()
    }
}

impl Scope {
    fn of(point: IssuingDistributionPoint) -> Result<Self, UnusableList> {
        if point.indirect_crl
            || point.only_some_reasons.is_some()
            || point.only_contains_attribute_certs
        {
            return Err(UnusableList::Incomplete);
        }
        let places = match point.distribution_point {
            None => Vec::new(),
            Some(DistributionPointName::FullName(names)) => names,
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => {
                return Err(UnusableList::Incomplete);
            }
        };
        Ok(Self {
            places,
            authorities_only: point.only_contains_ca_certs,
            users_only: point.only_contains_user_certs,
        })
    }

    fn covers(&self, certificate: &Certificate, is_authority: bool) -> bool {
        if is_authority && self.users_only || !is_authority && self.authorities_only {
            return false;
        }
        if self.places.is_empty() {
            return true;
        }
        let Ok(Some((_, points))) = certificate.tbs_certificate.get::<CrlDistributionPoints>()
        else {
            return false;
        };
        points.0.into_iter().any(|point| match point.distribution_point {
            Some(DistributionPointName::FullName(names)) => {
                names.iter().any(|name| self.places.contains(name))
            }
            _ => false,
        })
    }
}

/// Accepts an extension that may be passed over.
fn known(extension: &Extension) -> Result<(), UnusableList> {
    match extension.critical {
        true => Err(UnusableList::UnknownExtension(extension.extn_id)),
        false => Ok(()),
    }
}

/// The number of the extension that limits a list (RFC 5280 §5.2.5). `x509-cert` 0.2 has that of another
/// beside its type.
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

#[cfg(test)]
mod tests {
    use rcgen::{
        CertificateParams, CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair,
        RevokedCertParams, SerialNumber, date_time_ymd,
    };

    use super::*;

    #[test]
    fn a_list_that_is_signed_by_no_key_at_hand_speaks_of_nothing() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["a.test".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.serial_number = Some(SerialNumber::from(7));
        params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2024, 2, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(7),
                revocation_time: date_time_ymd(2024, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = RevocationList::read(list.signed_by(&issuer).unwrap().der()).unwrap();
        assert_eq!(list.serials.len(), 1);
        assert_eq!(list.lookup(root.der(), root.der(), None, &[]), Listed::NotCovered);
    }

    #[test]
    fn junk_is_no_list() {
        assert!(matches!(RevocationList::read(&[0x30, 0]), Err(UnusableList::Malformed(_))));
        assert!(matches!(RevocationList::read(b"hello"), Err(UnusableList::Malformed(_))));
    }
}
