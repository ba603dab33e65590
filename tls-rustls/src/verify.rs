//! The certificate checks, on webpki, with each part to be left out on its own.

mod untimed;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use tls_core::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use tls_core::x509::{CertificateFacts, Purpose};
use tls_core::{CertificateError, Result, Roots, danger};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use crate::aside;
use crate::error::{certificate_error, config_error, refusal};

type Verdict = std::result::Result<(), CertificateError>;

/// Decides whether a chain ends in a trusted certificate.
#[derive(Debug)]
pub(crate) struct Chain {
    roots: Vec<Root>,
    anchors: Vec<TrustAnchor<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
    /// An interval in which every root is valid, so that the common case looks at none of them.
    all_valid: (UnixTime, UnixTime),
}

#[derive(Debug)]
struct Root {
    der: CertificateDer<'static>,
    facts: CertificateFacts,
}

impl Chain {
    pub(crate) fn new(roots: &Roots, provider: &CryptoProvider) -> Result<Self> {
        let mut chain = Self {
            roots: Vec::new(),
            anchors: Vec::new(),
            algorithms: provider.signature_verification_algorithms,
            all_valid: (
                UnixTime::since_unix_epoch(std::time::Duration::ZERO),
                UnixTime::since_unix_epoch(std::time::Duration::MAX),
            ),
        };
        for der in roots.given() {
            let anchor = webpki::anchor_from_trusted_cert(der)
                .map_err(|e| config_error(e).because("a given root certificate is unusable"))?;
            chain.add(CertificateFacts::read(der)?, anchor.to_owned(), der.clone());
        }
        for der in roots.base()? {
            // Public lists hold some that not every library knows.
            let Ok(anchor) = webpki::anchor_from_trusted_cert(&der) else { continue };
            let Ok(facts) = CertificateFacts::read(&der) else { continue };
            chain.add(facts, anchor.to_owned(), der.clone());
        }
        Ok(chain)
    }

    fn add(
        &mut self,
        facts: CertificateFacts,
        anchor: TrustAnchor<'static>,
        der: CertificateDer<'static>,
    ) {
        let (from, to) = self.all_valid;
        self.all_valid = (from.max(facts.not_before()), to.min(facts.not_after()));
        self.anchors.push(anchor);
        self.roots.push(Root { der, facts });
    }

    /// Judges a chain, in the order in which the core wants the faults named.
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: Option<UnixTime>,
        purpose: Purpose,
    ) -> Verdict {
        let facts = facts(leaf)?;
        check_dates(&facts, now)?;
        // What is trusted is trusted as it is, also as the peer's own.
        let trusted = self.roots.iter().any(|root| root.der == *leaf);
        let verdict = match facts.is_for(purpose) {
            true if trusted => parse(leaf).map(drop),
            true => self.verify(leaf, intermediates, now, purpose),
            false => Err(CertificateError::Purpose),
        };
        match verdict {
            // Under its own name, and nobody vouches for it: that says more than the rest.
            Err(_) if !trusted && facts.is_self_issued() => Err(CertificateError::SelfSigned),
            verdict => verdict,
        }
    }

    /// Looks for a path from `leaf` to a root.
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: Option<UnixTime>,
        purpose: Purpose,
    ) -> Verdict {
        let end_entity = parse(leaf)?;
        let usage = || match purpose {
            Purpose::ClientAuth => KeyUsage::client_auth(),
            Purpose::ServerAuth => KeyUsage::server_auth(),
        };
        let Some(now) = now else {
            return untimed::verify(self, leaf, &end_entity, intermediates, &usage, purpose);
        };
        let allowed = |path: &VerifiedPath<'_>| self.check_issuers(path, purpose);
        let build = |anchors: &[TrustAnchor<'_>]| {
            let algorithms = self.algorithms.all;
            end_entity
                .verify_for_usage(
                    algorithms,
                    anchors,
                    intermediates,
                    now,
                    usage(),
                    None,
                    Some(&allowed),
                )
                .map(drop)
                .map_err(named)
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
            Err(CertificateError::UnknownIssuer) if build(&self.anchors).is_ok() => {
                match build(&chosen(&|facts| now > facts.not_after())) {
                    Ok(()) => Err(CertificateError::Expired),
                    Err(_) => Err(CertificateError::NotYetValid),
                }
            }
            verdict => verdict,
        }
    }

    /// What webpki does not look at: the key usages of the issuers, and of a root more than its
    /// name, key, and name constraints.
    fn check_issuers(
        &self,
        path: &VerifiedPath<'_>,
        purpose: Purpose,
    ) -> Result<(), webpki::Error> {
        let mut below = 0;
        for issuer in path.intermediate_certificates() {
            let facts = CertificateFacts::read(&issuer.der()).map_err(|_| webpki::Error::BadDer)?;
            if !facts.may_issue(purpose, below) {
                return Err(webpki::Error::EndEntityUsedAsCa);
            }
            below += 1;
        }
        let anchor = path.anchor();
        let mut roots = self.anchors.iter().zip(&self.roots).filter(|(known, _)| {
            known.subject == anchor.subject
                && known.subject_public_key_info == anchor.subject_public_key_info
        });
        // There may be several certificates of one authority.
        match roots.any(|(_, root)| root.facts.may_issue(purpose, below)) {
            true => Ok(()),
            false => Err(webpki::Error::EndEntityUsedAsCa),
        }
    }
}

/// What a client checks of a server.
#[derive(Debug)]
pub(crate) struct ServerVerifier {
    chain: Chain,
    skip: danger::Skip,
}

impl ServerVerifier {
    pub(crate) fn new(chain: Chain, skip: danger::Skip) -> Self {
        Self { chain, skip }
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Verdict {
        let now = (!self.skip.skips_time()).then_some(now);
        match self.skip.skips_chain() {
            false => self.chain.judge(leaf, intermediates, now, Purpose::ServerAuth)?,
            true => check_dates(&facts(leaf)?, now)?,
        }
        if self.skip.skips_name() {
            return Ok(());
        }
        let leaf = parse(leaf)?;
        leaf.verify_is_valid_for_subject_name(name).map_err(named)
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        tell(self.judge(leaf, intermediates, name, now))?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.chain.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.chain.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.algorithms.supported_schemes()
    }
}

/// What a server checks of a client.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    chain: Chain,
    mandatory: bool,
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    pub(crate) fn new(chain: Chain, mandatory: bool) -> Self {
        let hints =
            chain.anchors.iter().map(|anchor| DistinguishedName::in_sequence(&anchor.subject));
        let hints = hints.collect();
        Self { chain, mandatory, hints }
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        tell(self.chain.judge(leaf, intermediates, Some(now), Purpose::ClientAuth))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.chain.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.chain.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.algorithms.supported_schemes()
    }
}

/// Leaves the exact reason for the session, and gives rustls an error with the right alert.
fn tell(verdict: Verdict) -> Result<(), rustls::Error> {
    verdict.map_err(|why| {
        aside::leave(|aside| {
            aside.refusal = Some(why);
            // It may have been about another path than the verdict is.
            aside.cause.take_if(|cause| certificate_error(cause) != why);
        });
        refusal(why).into()
    })
}

/// Names what webpki says, and keeps its words for people.
fn named(e: webpki::Error) -> CertificateError {
    let why = certificate_error(&e);
    aside::leave(|aside| aside.cause = Some(e));
    why
}

fn facts(certificate: &CertificateDer<'_>) -> Result<CertificateFacts, CertificateError> {
    CertificateFacts::read(certificate).map_err(|_| CertificateError::BadEncoding)
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<EndEntityCert<'a>, CertificateError> {
    EndEntityCert::try_from(certificate).map_err(named)
}

fn check_dates(facts: &CertificateFacts, now: Option<UnixTime>) -> Verdict {
    match now {
        Some(now) if now < facts.not_before() => Err(CertificateError::NotYetValid),
        Some(now) if now > facts.not_after() => Err(CertificateError::Expired),
        Some(_) | None => Ok(()),
    }
}
