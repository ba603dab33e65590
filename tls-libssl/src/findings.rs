//! The verdict on a peer's certificates, from the faults that a library met on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tls_core::pki_types::CertificateDer;
use tls_core::x509::CertificateFacts;
use tls_core::{CertificateError, danger};

/// The certificates of a set of roots.
pub type Trusted = Arc<[CertificateDer<'static>]>;

/// What was found out during one handshake.
///
/// Both libraries stop at the first fault they meet, each in an order of its own. They are let run
/// to the end instead, all faults are noted, and the one that the core's order puts first is the
/// verdict. Calls for one connection come one after the other.
#[derive(Debug, Default)]
pub struct Findings {
    /// One more than the index in [`ORDER`] of the verdict so far; zero if there is no fault.
    fault: AtomicUsize,
    requested: AtomicBool,
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

impl Findings {
    /// Nothing found yet, of a peer that is verified against `trusted` but for what `skip` leaves
    /// out.
    pub fn new(skip: danger::Skip, trusted: Trusted) -> Self {
        Self { skip, trusted, ..Self::default() }
    }

    /// Takes note of the peer's own certificate, and says whether it is one of the trusted, and so
    /// trusted as it is. Faults are noted accordingly from now on.
    pub fn trusts(&self, leaf: &[u8]) -> bool {
        let trusted = self.trusted.iter().any(|known| known.as_ref() == leaf);
        self.leaf_trusted.store(trusted, Ordering::Relaxed);
        trusted
    }

    /// Takes note of a fault of the certificate at `depth`, the peer's own being at zero, if it
    /// matters.
    pub fn note(&self, fault: CertificateError, depth: u32) {
        // What is above a certificate that is trusted as it is does not matter.
        let above = depth > 0 && self.leaf_trusted.load(Ordering::Relaxed);
        if !above && counts(fault, depth, self.skip) {
            self.rank(fault, depth);
        }
    }

    /// The verdict, once the library has looked at the whole chain. `completed` is whether it got to
    /// the end of it, `leaf` the peer's own certificate and whether it says that it is a CA's.
    pub fn conclude(
        &self,
        completed: bool,
        leaf: Option<(&[u8], bool)>,
    ) -> Option<CertificateError> {
        if !completed {
            self.rank(CertificateError::Other, 0);
        }
        if let Some((leaf, is_ca)) = leaf.filter(|_| !self.skip.skips_chain()) {
            self.note_use(leaf, is_ca);
        }
        self.fault()
    }

    /// What the core and webpki ask of the peer's own certificate, and OpenSSL does not.
    fn note_use(&self, leaf: &[u8], is_ca: bool) {
        if is_ca && !self.leaf_trusted.load(Ordering::Relaxed) {
            self.rank(CertificateError::Purpose, 0);
        }
        match CertificateFacts::read(&leaf.into()) {
            Err(_) => self.rank(CertificateError::BadEncoding, 0),
            Ok(facts) if !facts.may_sign() => self.rank(CertificateError::Purpose, 0),
            Ok(_) => {}
        }
    }

    /// Takes note that the server asked this client for a certificate.
    pub fn note_request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    /// The gravest fault of the peer's certificates, if there is one.
    pub fn fault(&self) -> Option<CertificateError> {
        let at = self.fault.load(Ordering::Relaxed).checked_sub(1)?;
        Some(ORDER[at].0)
    }

    /// Whether the server asked this client for a certificate.
    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
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
                let findings = Findings::default();
                findings.note(fault, depth);
                assert_eq!(findings.fault(), Some(fault));
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
        let (forth, back) = (Findings::default(), Findings::default());
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
        let findings = Findings::new(danger::Skip::nothing(), trusted);
        assert!(!findings.trusts(&[1, 2]));
        assert!(findings.trusts(&[1, 2, 3]));
        findings.note(CertificateError::Expired, 1);
        assert_eq!(findings.fault(), None);
        findings.note(CertificateError::Expired, 0);
        assert_eq!(findings.fault(), Some(CertificateError::Expired));
    }

    #[test]
    fn a_chain_that_was_not_looked_at_to_the_end_is_refused() {
        let findings = Findings::default();
        assert_eq!(findings.conclude(false, None), Some(CertificateError::Other));
        let findings = Findings::default();
        assert_eq!(
            findings.conclude(true, Some((b"junk", false))),
            Some(CertificateError::BadEncoding)
        );
        let findings = Findings::default();
        assert_eq!(findings.conclude(true, None), None);
    }
}
