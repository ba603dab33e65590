//! The check of a chain whose dates do not matter.
//!
//! webpki checks all certificates of a path at one instant, and there may be none at which all of
//! them are valid. So the path is walked here link by link: webpki checks the leaf under each
//! certificate above it (signature, purpose, name constraints) at an instant of the leaf's own
//! validity, and the signatures further up; what remains are the rules for issuers of RFC 5280 §6.1.

use pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::EndEntityCert;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::chain::{Path, Question, Verdict, usage};
use crate::{
    CertificateError, CertificateFacts, Chain, Malformed, SignatureError, verify_certificate,
};

/// As many signatures as webpki checks before it gives up.
const MAX_SIGNATURES: usize = 100;

pub(crate) fn verify(
    chain: &Chain,
    question: &Question<'_>,
    end_entity: &EndEntityCert<'_>,
) -> Verdict<Path> {
    let at = CertificateFacts::read(question.leaf)?.not_before();
    let walk = Walk { chain, end_entity, question, at };
    let mut path = walk.climb(question.leaf, None, 0, &mut { MAX_SIGNATURES })?;
    path.reverse();
    Ok(path)
}

struct Walk<'a> {
    chain: &'a Chain,
    end_entity: &'a EndEntityCert<'a>,
    question: &'a Question<'a>,
    /// An instant at which the leaf is valid.
    at: UnixTime,
}

impl Walk<'_> {
    /// Looks for an issuer of `child`, and so on up to a root. Gives the path, the root first.
    ///
    /// `parent` is the issuer of the leaf, once there is one; `above` counts the certificates
    /// between the leaf and `child`.
    fn climb(
        &self,
        child: &CertificateDer<'_>,
        parent: Option<&TrustAnchor<'_>>,
        above: usize,
        signatures: &mut usize,
    ) -> Verdict<Path> {
        let issuer_name = parse(child)?.tbs_certificate.issuer;
        let mut verdict = Err(CertificateError::UnknownIssuer.into());
        let roots = self.chain.roots.iter().map(|root| (&root.der, true));
        let given = self.question.intermediates.iter().map(|der| (der, false));
        for (issuer, is_root) in roots.chain(given) {
            let Ok(parsed) = parse(issuer) else { continue };
            if parsed.tbs_certificate.subject != issuer_name || issuer == child {
                continue;
            }
            if *signatures == 0 {
                return Err(CertificateError::ChainTooLong.into());
            }
            *signatures -= 1;
            let next = self.link(child, issuer, parent).and_then(|parent| {
                let may_issue =
                    CertificateFacts::read(issuer)?.may_issue(self.question.purpose, above);
                match may_issue {
                    false => Err(CertificateError::Purpose.into()),
                    true if is_root => Ok(vec![issuer.clone().into_owned()]),
                    true if above == self.question.most => {
                        Err(CertificateError::ChainTooLong.into())
                    }
                    true => self.climb(issuer, Some(&parent), above + 1, signatures),
                }
            });
            match (next, &verdict) {
                (Ok(mut path), _) => {
                    path.push(child.clone().into_owned());
                    return Ok(path);
                }
                // What is wrong with a path says more than that another leads nowhere.
                (Err(e), Err(before)) if is_nowhere(before) => verdict = Err(e),
                (Err(_), _) => {}
            }
        }
        verdict
    }

    /// Checks that `issuer` signed `child` and that its name constraints allow the leaf. Gives the
    /// issuer of the leaf.
    fn link(
        &self,
        child: &CertificateDer<'_>,
        issuer: &CertificateDer<'_>,
        parent: Option<&TrustAnchor<'_>>,
    ) -> Verdict<TrustAnchor<'static>> {
        let anchor = webpki::anchor_from_trusted_cert(issuer)?;
        let under = match parent {
            None => anchor.to_owned(),
            Some(parent) => {
                self.check_signature(child, issuer)?;
                // The leaf's issuer, with the constraints of the certificate higher up.
                let name_constraints = anchor.name_constraints.clone();
                TrustAnchor { name_constraints, ..parent.clone() }.to_owned()
            }
        };
        let usage = usage(self.question.purpose);
        let algorithms = &self.chain.algorithms;
        self.end_entity.verify_for_usage(algorithms, &[under], &[], self.at, usage, None, None)?;
        Ok(parent.map_or_else(|| anchor.to_owned(), TrustAnchor::to_owned))
    }

    fn check_signature(
        &self,
        child: &CertificateDer<'_>,
        issuer: &CertificateDer<'_>,
    ) -> Result<(), CertificateError> {
        let issuer = CertificateFacts::read(issuer).map_err(|_| CertificateError::BadEncoding)?;
        let check = verify_certificate(&self.chain.algorithms, issuer.public_key(), child);
        check.map_err(|e| match e {
            SignatureError::Malformed => CertificateError::BadEncoding,
            SignatureError::Unsupported => CertificateError::WeakAlgorithm,
            SignatureError::Wrong => CertificateError::BadSignature,
        })
    }
}

fn is_nowhere(e: &crate::Refusal) -> bool {
    e.why() == CertificateError::UnknownIssuer
}

fn parse(der: &CertificateDer<'_>) -> Result<Certificate, Malformed> {
    Certificate::from_der(der).map_err(Malformed::because("a certificate"))
}
