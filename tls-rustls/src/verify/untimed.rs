//! The check of a chain whose dates do not matter.
//!
//! webpki checks all certificates of a path at one instant, and there may be none at which all of
//! them are valid. So the path is walked here link by link: webpki checks the leaf under each
//! certificate above it (signature, purpose, name constraints) at an instant of the leaf's own
//! validity, and the signatures further up; what remains are the rules for issuers of RFC 5280 §6.1.

use tls_core::CertificateError;
use tls_core::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor};
use tls_core::x509::Purpose;
use webpki::{EndEntityCert, KeyUsage};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode, Reader, SliceReader};

use super::{Chain, Verdict, facts};
use crate::error::certificate_error;

/// As many intermediate certificates as webpki allows.
const MAX_INTERMEDIATES: usize = 6;

/// As many signatures as webpki checks before it gives up.
const MAX_SIGNATURES: usize = 100;

pub(super) fn verify(
    chain: &Chain,
    leaf: &CertificateDer<'_>,
    end_entity: &EndEntityCert<'_>,
    intermediates: &[CertificateDer<'_>],
    usage: &dyn Fn() -> KeyUsage,
    purpose: Purpose,
) -> Verdict {
    let walk =
        Walk { chain, end_entity, intermediates, usage, purpose, at: facts(leaf)?.not_before() };
    walk.climb(leaf, None, 0, &mut { MAX_SIGNATURES })
}

struct Walk<'a> {
    chain: &'a Chain,
    end_entity: &'a EndEntityCert<'a>,
    intermediates: &'a [CertificateDer<'a>],
    usage: &'a dyn Fn() -> KeyUsage,
    purpose: Purpose,
    /// An instant at which the leaf is valid.
    at: tls_core::pki_types::UnixTime,
}

impl Walk<'_> {
    /// Looks for an issuer of `child`, and so on up to a root.
    ///
    /// `parent` is the issuer of the leaf, once there is one; `above` counts the certificates
    /// between the leaf and `child`.
    fn climb(
        &self,
        child: &CertificateDer<'_>,
        parent: Option<&TrustAnchor<'_>>,
        above: usize,
        signatures: &mut usize,
    ) -> Verdict {
        let issuer_name = parse(child)?.tbs_certificate.issuer;
        let mut verdict = Err(CertificateError::UnknownIssuer);
        let roots = self.chain.roots.iter().map(|root| (&root.der, true));
        let given = self.intermediates.iter().map(|der| (der, false));
        for (issuer, is_root) in roots.chain(given) {
            let Ok(parsed) = parse(issuer) else { continue };
            if parsed.tbs_certificate.subject != issuer_name || issuer == child {
                continue;
            }
            if *signatures == 0 {
                return Err(CertificateError::ChainTooLong);
            }
            *signatures -= 1;
            let next = self.link(child, issuer, parent).and_then(|parent| {
                match facts(issuer)?.may_issue(self.purpose, above) {
                    false => Err(CertificateError::Purpose),
                    true if is_root => Ok(()),
                    true if above == MAX_INTERMEDIATES => Err(CertificateError::ChainTooLong),
                    true => self.climb(issuer, Some(&parent), above + 1, signatures),
                }
            });
            match next {
                Ok(()) => return Ok(()),
                // What is wrong with a path says more than that another leads nowhere.
                Err(why) if verdict == Err(CertificateError::UnknownIssuer) => verdict = Err(why),
                Err(_) => {}
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
    ) -> Result<TrustAnchor<'static>, CertificateError> {
        let anchor = webpki::anchor_from_trusted_cert(issuer).map_err(|e| certificate_error(&e))?;
        let under = match parent {
            None => anchor.to_owned(),
            Some(parent) => {
                self.check_signature(child, issuer)?;
                // The leaf's issuer, with the constraints of the certificate higher up.
                let name_constraints = anchor.name_constraints.clone();
                TrustAnchor { name_constraints, ..parent.clone() }.to_owned()
            }
        };
        let algorithms = self.chain.algorithms.all;
        let anchors = [under];
        self.end_entity
            .verify_for_usage(algorithms, &anchors, &[], self.at, (self.usage)(), None, None)
            .map_err(|e| certificate_error(&e))?;
        Ok(parent.map_or_else(|| anchor.to_owned(), TrustAnchor::to_owned))
    }

    fn check_signature(&self, child: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> Verdict {
        let issuer = EndEntityCert::try_from(issuer).map_err(|e| certificate_error(&e))?;
        let parsed = parse(child)?;
        let signature = parsed.signature.as_bytes().ok_or(CertificateError::BadEncoding)?;
        let algorithm =
            parsed.signature_algorithm.to_der().map_err(|_| CertificateError::BadEncoding)?;
        let signed = signed_part(child)?;
        let fits = |known: &&&dyn SignatureVerificationAlgorithm| {
            // Ours comes with the header of its SEQUENCE, webpki's without.
            algorithm.ends_with(known.signature_alg_id().as_ref())
        };
        let mut verdict = Err(CertificateError::WeakAlgorithm);
        for known in self.chain.algorithms.all.iter().filter(fits) {
            match issuer.verify_signature(*known, signed, signature) {
                Ok(()) => return Ok(()),
                Err(webpki::Error::InvalidSignatureForPublicKey) => {
                    verdict = Err(CertificateError::BadSignature);
                }
                Err(_) => {} // not for a key of this type
            }
        }
        verdict
    }
}

fn parse(der: &CertificateDer<'_>) -> Result<Certificate, CertificateError> {
    Certificate::from_der(der).map_err(|_| CertificateError::BadEncoding)
}

/// The bytes under the signature, as they were received (RFC 5280 §4.1.1.3).
fn signed_part<'a>(der: &'a CertificateDer<'_>) -> Result<&'a [u8], CertificateError> {
    let mut reader = SliceReader::new(der).map_err(|_| CertificateError::BadEncoding)?;
    let part = reader.sequence(|certificate| {
        let part = certificate.tlv_bytes()?;
        certificate.read_slice(certificate.remaining_len())?;
        Ok(part)
    });
    part.map_err(|_: x509_cert::der::Error| CertificateError::BadEncoding)
}
