//! Lists of revoked certificates, as a program gives them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use pki_types::pem::PemObject;
use pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};

use crate::identity::{config_error, pem_text, read_file};
use crate::resumption::Fingerprint;
use crate::x509::{Algorithms, Listed, RevocationList};
use crate::{CertificateError, Result};

/// Lists of revoked certificates (CRLs, RFC 5280 §5), and what is asked of them.
///
/// Once any list is given, every certificate of a chain but the root needs one of its issuer that is
/// not out of date; [`leaf_only`](Self::leaf_only), [`tolerate_missing`](Self::tolerate_missing) and
/// [`tolerate_expired`](Self::tolerate_expired) ask for less. A certificate that a list revokes is
/// refused in any case. Cheap to clone.
#[derive(Clone, Default)]
pub struct RevocationLists {
    lists: Arc<Vec<Arc<RevocationList>>>,
    leaf_only: bool,
    tolerate_expired: bool,
    tolerate_missing: bool,
}

impl RevocationLists {
    /// No list yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the lists in PEM text (RFC 7468, `X509 CRL` sections).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind) if there is none or one cannot be used.
    pub fn with_pem(self, text: &[u8]) -> Result<Self> {
        self.with_pem_from(text, "revocation list PEM")
    }

    /// Adds the lists in a file: PEM, or the DER of one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind), naming the file, if it cannot be read, has no list, or
    /// one that cannot be used.
    pub fn with_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let (bytes, from) = (read_file(path)?, path.display().to_string());
        // What begins like the SEQUENCE that a list is, is no text.
        match bytes.first() {
            Some(0x30) => self.with_list(&bytes, &from),
            _ => self.with_pem_from(&bytes, &from),
        }
    }

    /// Adds one list in DER.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind) if it cannot be used.
    pub fn with_der(self, der: &[u8]) -> Result<Self> {
        self.with_list(der, "revocation list")
    }

    fn with_pem_from(mut self, text: &[u8], from: &str) -> Result<Self> {
        let before = self.lists.len();
        for section in CertificateRevocationListDer::pem_slice_iter(pem_text(text, from)?) {
            let section = section.map_err(|e| {
                let why = format!("not valid PEM after list {}", self.lists.len() - before);
                config_error(from, &why).with_source(e)
            })?;
            self = self.with_list(&section, from)?;
        }
        match self.lists.len() == before {
            true => Err(config_error(from, "no list of revoked certificates (X509 CRL) found")),
            false => Ok(self),
        }
    }

    fn with_list(mut self, der: &[u8], from: &str) -> Result<Self> {
        let list = RevocationList::read(der)
            .map_err(|e| config_error(from, &format!("unusable list: {e}")).with_source(e))?;
        Arc::make_mut(&mut self.lists).push(Arc::new(list));
        Ok(self)
    }

    /// Only asks about the peer's own certificate, not about its issuers.
    #[must_use]
    pub fn leaf_only(mut self) -> Self {
        self.leaf_only = true;
        self
    }

    /// Accepts a certificate for which there is no list.
    #[must_use]
    pub fn tolerate_missing(mut self) -> Self {
        self.tolerate_missing = true;
        self
    }

    /// Believes a list that is out of date as if it were not.
    #[must_use]
    pub fn tolerate_expired(mut self) -> Self {
        self.tolerate_expired = true;
        self
    }

    /// Adds the lists and what is asked of them to a fingerprint.
    pub(crate) fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        let words =
            format!("{} {} {}", self.leaf_only, self.tolerate_expired, self.tolerate_missing);
        let fingerprint = fingerprint.with(words.as_bytes());
        self.lists.iter().fold(fingerprint, |so_far, list| so_far.with(list.signature()))
    }

    /// Asks about each certificate of a verified path, the peer's own first. A revoked certificate
    /// counts for more than a missing list, wherever it stands.
    pub(crate) fn check(
        &self,
        path: &[CertificateDer<'_>],
        now: Option<UnixTime>,
        algorithms: Algorithms<'_>,
    ) -> Result<(), CertificateError> {
        let links = path.windows(2).take(if self.leaf_only { 1 } else { usize::MAX });
        let mut verdict = Ok(());
        for link in links {
            let said =
                self.lists.iter().map(|list| list.lookup(&link[0], &link[1], now, algorithms));
            match gravest(said) {
                Listed::Revoked => return Err(CertificateError::Revoked),
                Listed::Expired if !self.tolerate_expired => {
                    verdict = verdict.and(Err(CertificateError::RevocationExpired));
                }
                Listed::NotCovered if !self.tolerate_missing => {
                    verdict = verdict.and(Err(CertificateError::RevocationUnknown));
                }
                Listed::Expired | Listed::NotCovered | Listed::Good => {}
            }
        }
        verdict
    }
}

/// What several lists say together of one certificate: one good list makes up for old ones.
fn gravest(said: impl Iterator<Item = Listed>) -> Listed {
    said.fold(Listed::NotCovered, |so_far, listed| match (so_far, listed) {
        (Listed::Revoked, _) | (_, Listed::Revoked) => Listed::Revoked,
        (Listed::Good, _) | (_, Listed::Good) => Listed::Good,
        (Listed::Expired, _) | (_, Listed::Expired) => Listed::Expired,
        (Listed::NotCovered, Listed::NotCovered) => Listed::NotCovered,
    })
}

impl fmt::Debug for RevocationLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationLists")
            .field("lists", &self.lists.len())
            .field("leaf_only", &self.leaf_only)
            .field("tolerate_expired", &self.tolerate_expired)
            .field("tolerate_missing", &self.tolerate_missing)
            .finish()
    }
}
