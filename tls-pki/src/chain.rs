//! Whether a chain ends in a trusted certificate, by webpki and what webpki leaves to others.

use std::time::Duration;

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use crate::{Algorithms, CertificateError, CertificateFacts, Purpose, Refusal, untimed};

/// As many intermediate certificates as webpki allows.
pub const MAX_INTERMEDIATES: usize = 6;

/// A chain that was found good: the peer's own certificate, its issuers, and what is trusted.
pub type Path = Vec<CertificateDer<'static>>;

pub(crate) type Verdict<T> = Result<T, Refusal>;

/// Decides whether a chain ends in a trusted certificate.
#[derive(Debug)]
pub struct Chain {
    pub(crate) roots: Vec<Root>,
    anchors: Vec<TrustAnchor<'static>>,
    pub(crate) algorithms: Vec<&'static dyn SignatureVerificationAlgorithm>,
    /// An interval in which every root is valid, so that the common case looks at none of them.
    all_valid: (UnixTime, UnixTime),
}

#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) der: CertificateDer<'static>,
    facts: CertificateFacts,
}

/// What is asked about a chain.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The peer's own certificate.
    pub leaf: &'a CertificateDer<'a>,
    /// What the peer sent along, in any order.
    pub intermediates: &'a [CertificateDer<'a>],
    /// The instant at which all of it has to be valid; `None` if dates do not matter.
    pub now: Option<UnixTime>,
    /// What the peer's own certificate is used for.
    pub purpose: Purpose,
    /// The most intermediate certificates that a path may go through, up to [`MAX_INTERMEDIATES`].
    pub most: usize,
}

impl Chain {
    /// Trusts nothing yet; signatures are checked with `algorithms`.
    pub fn new(algorithms: Algorithms<'_>) -> Self {
        Self {
            roots: Vec::new(),
            anchors: Vec::new(),
            algorithms: algorithms.to_vec(),
            all_valid: (
                UnixTime::since_unix_epoch(Duration::ZERO),
                UnixTime::since_unix_epoch(Duration::MAX),
            ),
        }
    }

    /// Trusts `certificate` as it is: as an issuer, and as a peer's own.
    ///
    /// # Errors
    ///
    /// [`CertificateError::BadEncoding`] or another reason if webpki cannot use it.
    pub fn trust(&mut self, certificate: CertificateDer<'static>) -> Result<(), Refusal> {
        let anchor = webpki::anchor_from_trusted_cert(&certificate)?.to_owned();
        let facts = CertificateFacts::read(&certificate)?;
        let (from, to) = self.all_valid;
        self.all_valid = (from.max(facts.not_before()), to.min(facts.not_after()));
        self.anchors.push(anchor);
        self.roots.push(Root { der: certificate, facts });
        Ok(())
    }

    /// Judges a chain, and gives the path on which it is good.
    ///
    /// # Errors
    ///
    /// The gravest fault, in the order that [`CertificateError`] describes. The name is not looked at.
    pub fn judge(&self, question: &Question<'_>) -> Result<Path, Refusal> {
        let leaf = question.leaf;
        let facts = CertificateFacts::read(leaf)?;
        facts.check_dates(question.now)?;
        // What is trusted is trusted as it is, also as the peer's own.
        let trusted = self.roots.iter().any(|root| root.der == *leaf);
        let verdict = match facts.is_for(question.purpose) {
            true if trusted => EndEntityCert::try_from(leaf)
                .map(|_| vec![leaf.clone().into_owned()])
                .map_err(Refusal::from),
            true => self.verify(question),
            false => Err(CertificateError::Purpose.into()),
        };
        match verdict {
            // Under its own name, and nobody vouches for it: that says more than the rest.
            Err(e) if !trusted && facts.is_self_issued() => {
                Err(e.renamed(CertificateError::SelfSigned))
            }
            verdict => verdict,
        }
    }

    /// Looks for a path from the leaf to a root.
    fn verify(&self, question: &Question<'_>) -> Verdict<Path> {
        let end_entity = EndEntityCert::try_from(question.leaf)?;
        let Some(now) = question.now else {
            return untimed::verify(self, question, &end_entity);
        };
        let allowed = |path: &VerifiedPath<'_>| self.check_issuers(path, question);
        let build = |anchors: &[TrustAnchor<'_>]| -> Verdict<Path> {
            let path = end_entity.verify_for_usage(
                &self.algorithms,
                anchors,
                question.intermediates,
                now,
                usage(question.purpose),
                None,
                Some(&allowed),
            )?;
            Ok(self.path(question.leaf, &path))
        };
        if (self.all_valid.0..=self.all_valid.1).contains(&now) {
            return build(&self.anchors);
        }
        // webpki does not look at a root's dates, so those that are over are left out.
        let chosen = |wanted: &dyn Fn(&CertificateFacts) -> bool| -> Vec<_> {
            let roots = self.anchors.iter().zip(&self.roots);
            let chosen = roots.filter(|(_, root)| wanted(&root.facts));
            chosen.map(|(anchor, _)| anchor.clone()).collect()
        };
        match build(&chosen(&|facts| facts.is_valid_at(now))) {
            // Would the chain be good but for the root's dates?
            Err(e)
                if e.why() == CertificateError::UnknownIssuer && build(&self.anchors).is_ok() =>
            {
                match build(&chosen(&|facts| now > facts.not_after())) {
                    Ok(_) => Err(CertificateError::Expired.into()),
                    Err(_) => Err(CertificateError::NotYetValid.into()),
                }
            }
            verdict => verdict,
        }
    }

    /// What webpki does not look at: how many issuers there are, their key usages, and of a root more
    /// than its name, key, and name constraints.
    fn check_issuers(
        &self,
        path: &VerifiedPath<'_>,
        question: &Question<'_>,
    ) -> Result<(), webpki::Error> {
        let mut below = 0;
        for issuer in path.intermediate_certificates() {
            let facts = CertificateFacts::read(&issuer.der()).map_err(|_| webpki::Error::BadDer)?;
            if !facts.may_issue(question.purpose, below) {
                return Err(webpki::Error::EndEntityUsedAsCa);
            }
            below += 1;
        }
        if below > question.most {
            return Err(webpki::Error::MaximumPathDepthExceeded);
        }
        // There may be several certificates of one authority.
        let mut roots = self.roots_at(path.anchor());
        match roots.any(|root| root.facts.may_issue(question.purpose, below)) {
            true => Ok(()),
            false => Err(webpki::Error::EndEntityUsedAsCa),
        }
    }

    fn roots_at<'a>(&'a self, anchor: &'a TrustAnchor<'_>) -> impl Iterator<Item = &'a Root> {
        let roots = self.anchors.iter().zip(&self.roots).filter(|(known, _)| {
            known.subject == anchor.subject
                && known.subject_public_key_info == anchor.subject_public_key_info
        });
        roots.map(|(_, root)| root)
    }

    fn path(&self, leaf: &CertificateDer<'_>, path: &VerifiedPath<'_>) -> Path {
        let issuers = path.intermediate_certificates().map(|issuer| issuer.der().into_owned());
        let root = self.roots_at(path.anchor()).next().map(|root| root.der.clone());
        std::iter::once(leaf.clone().into_owned()).chain(issuers).chain(root).collect()
    }
}

pub(crate) fn usage(purpose: Purpose) -> KeyUsage {
    match purpose {
        Purpose::ClientAuth => KeyUsage::client_auth(),
        Purpose::ServerAuth => KeyUsage::server_auth(),
    }
}
