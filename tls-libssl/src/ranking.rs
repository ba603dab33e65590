//! Which of the faults that a library met on its way is the verdict.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tls_core::pki_types::CertificateDer;
use tls_core::x509::{CertificateFacts, Path};
use tls_core::{CertificateError, danger};

use crate::Trusted;

/// The faults of one peer's certificates.
///
/// Both libraries stop at the first fault they meet, each in an order of its own. They are let run
/// to the end instead, all faults are noted, and the one that the core's order puts first is the
/// verdict. Calls for one connection come one after the other.
#[derive(Debug, Default)]
pub(crate) struct Ranking {
    /// One more than the index in [`ORDER`] of the verdict so far; zero if there is no fault.
    fault: AtomicUsize,
    /// Whether the peer's own certificate is one of the trusted, and so trusted as it is.
    leaf_trusted: AtomicBool,
    skip: danger::Skip,
    trusted: Trusted,
}

/// The faults, in the order in which the core wants them named: the first is the verdict.
const ORDER: [(CertificateError, Place); 17] = [
    (CertificateError::NotYetValid, Place::Leaf),
    (CertificateError::Expired, Place::Leaf),
    (CertificateError::SelfSigned, Place::Leaf),
    (CertificateError::BadEncoding, Place::Anywhere),
    (CertificateError::Purpose, Place::Leaf),
    (CertificateError::UnhandledCriticalExtension, Place::Anywhere),
    (CertificateError::NotYetValid, Place::Anywhere),
    (CertificateError::Expired, Place::Anywhere),
    (CertificateError::Purpose, Place::Anywhere),
    (CertificateError::BadSignature, Place::Anywhere),
    (CertificateError::WeakAlgorithm, Place::Anywhere),
    (CertificateError::Revoked, Place::Anywhere),
    (CertificateError::ChainTooLong, Place::Anywhere),
    (CertificateError::UnknownIssuer, Place::Anywhere),
    (CertificateError::SelfSigned, Place::Anywhere),
    (CertificateError::Other, Place::Anywhere),
    (CertificateError::NameMismatch, Place::Anywhere),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Leaf,
    Anywhere,
}

impl Ranking {
    /// No fault yet, of a peer that is verified against `trusted` but for what `skip` leaves out.
    pub(crate) fn new(skip: danger::Skip, trusted: Trusted) -> Self {
        Self { skip, trusted, ..Self::default() }
    }

    /// Takes note of the peer's own certificate, and says whether it is one of the trusted, and so
    /// trusted as it is. Faults are noted accordingly from now on.
    pub(crate) fn trusts(&self, leaf: &[u8]) -> bool {
        let trusted = self.is_trusted(leaf);
        self.leaf_trusted.store(trusted, Ordering::Relaxed);
        trusted
    }

    /// Takes note of a fault of the certificate at `depth`, the peer's own being at zero, if it
    /// matters.
    pub(crate) fn note(&self, fault: CertificateError, depth: u32) {
        // What is above a certificate that is trusted as it is does not matter.
        let above = depth > 0 && self.leaf_trusted.load(Ordering::Relaxed);
        if !above && counts(fault, depth, self.skip) {
            self.rank(fault, depth);
        }
    }

    /// The verdict, once the library has looked at the whole chain. `completed` is whether it got to
    /// the end of it, `leaf` the peer's own certificate, `is_ca` whether that says that it is a CA's.
    pub(crate) fn conclude(
        &self,
        completed: bool,
        leaf: &CertificateDer<'_>,
        is_ca: bool,
    ) -> Option<CertificateError> {
        if !completed {
            self.rank(CertificateError::Other, 0);
        }
        if !self.skip.skips_chain() {
            self.note_use(leaf, is_ca);
        }
        self.fault()
    }

    /// The gravest fault, if there is one.
    pub(crate) fn fault(&self) -> Option<CertificateError> {
        let at = self.fault.load(Ordering::Relaxed).checked_sub(1)?;
        Some(ORDER[at].0)
    }

    /// A path that a library found, up to the first certificate that is trusted. Libraries go on from
    /// there as long as they know who issued it.
    pub(crate) fn cut(&self, mut path: Path) -> Path {
        if let Some(at) = path.iter().position(|certificate| self.is_trusted(certificate)) {
            path.truncate(at + 1);
        }
        path
    }

    fn is_trusted(&self, certificate: &[u8]) -> bool {
        self.trusted.iter().any(|known| known.as_ref() == certificate)
    }

    /// What the core and webpki ask of the peer's own certificate, and OpenSSL does not.
    fn note_use(&self, leaf: &CertificateDer<'_>, is_ca: bool) {
        if is_ca && !self.leaf_trusted.load(Ordering::Relaxed) {
            self.rank(CertificateError::Purpose, 0);
        }
        match CertificateFacts::read(leaf) {
            Err(_) => self.rank(CertificateError::BadEncoding, 0),
            Ok(facts) if !facts.may_sign() => self.rank(CertificateError::Purpose, 0),
            Ok(_) => {}
        }
    }

    fn rank(&self, fault: CertificateError, depth: u32) {
        let place = |(known, place): &(CertificateError, Place)| {
            *known == fault && (*place == Place::Anywhere || depth == 0)
        };
        // Every fault that the tables give is in the list.
        let rank = ORDER.iter().position(place).unwrap_or(ORDER.len() - 2) + 1;
        let before = self.fault.load(Ordering::Relaxed);
        if before == 0 || rank < before {
            self.fault.store(rank, Ordering::Relaxed);
        }
    }
}

/// Whether a fault matters, given what is left out.
fn counts(fault: CertificateError, depth: u32, skip: danger::Skip) -> bool {
    match fault {
        CertificateError::NameMismatch => !skip.skips_name(),
        CertificateError::Expired | CertificateError::NotYetValid => {
            !skip.skips_time() && (depth == 0 || !skip.skips_chain())
        }
        _ => !skip.skips_chain(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{boringssl_fault, openssl_fault};

    #[test]
    fn every_fault_of_the_tables_has_its_rank() {
        for fault in (1..=100).flat_map(|n| [openssl_fault(n), boringssl_fault(n)]) {
            for depth in [0, 1] {
                let ranking = Ranking::default();
                ranking.note(fault, depth);
                assert_eq!(ranking.fault(), Some(fault));
            }
        }
    }

    #[test]
    fn the_gravest_fault_is_the_verdict_whatever_came_first() {
        let faults = [
            (CertificateError::NameMismatch, 0),
            (CertificateError::UnknownIssuer, 0),
            (CertificateError::Expired, 1),
            (CertificateError::Purpose, 0),
            (CertificateError::Expired, 0),
        ];
        let (forth, back) = (Ranking::default(), Ranking::default());
        for (i, (fault, depth)) in faults.into_iter().enumerate() {
            forth.note(fault, depth);
            assert_eq!(forth.fault(), Some(fault));
            let (fault, depth) = faults[faults.len() - 1 - i];
            back.note(fault, depth);
        }
        assert_eq!(back.fault(), Some(CertificateError::Expired));
    }

    #[test]
    fn above_a_trusted_certificate_nothing_matters() {
        let trusted: Trusted = [CertificateDer::from(vec![1, 2, 3])].into();
        let ranking = Ranking::new(danger::Skip::nothing(), trusted);
        assert!(!ranking.trusts(&[1, 2]));
        assert!(ranking.trusts(&[1, 2, 3]));
        ranking.note(CertificateError::Expired, 1);
        assert_eq!(ranking.fault(), None);
        ranking.note(CertificateError::Expired, 0);
        assert_eq!(ranking.fault(), Some(CertificateError::Expired));
    }

    #[test]
    fn a_chain_that_was_not_looked_at_to_the_end_is_refused() {
        let leaf = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        let leaf = leaf.cert.der();
        let conclude = |completed, leaf: &[u8], is_ca| {
            Ranking::default().conclude(completed, &leaf.into(), is_ca)
        };
        assert_eq!(conclude(true, leaf, false), None);
        assert_eq!(conclude(false, leaf, false), Some(CertificateError::Other));
        assert_eq!(conclude(true, leaf, true), Some(CertificateError::Purpose));
        assert_eq!(conclude(true, b"junk", false), Some(CertificateError::BadEncoding));
    }

    #[test]
    fn a_path_ends_with_the_first_certificate_that_is_trusted() {
        let [leaf, issuer, root] = [1, 2, 3].map(|n| CertificateDer::from(vec![n]));
        let ranking = Ranking::new(danger::Skip::nothing(), [root.clone(), issuer.clone()].into());
        let path = vec![leaf.clone(), issuer.clone(), root.clone()];
        assert_eq!(ranking.cut(path), [leaf.clone(), issuer]);
        assert_eq!(ranking.cut(vec![leaf.clone()]), [leaf]);
    }
}
