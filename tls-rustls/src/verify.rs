//! The certificate checks, on webpki, with each part to be left out on its own.

mod untimed;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use tls_core::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use tls_core::x509::{CertificateFacts, Purpose, is_self_issued};
use tls_core::{CertificateError, Result, Roots, danger};
use webpki::{EndEntityCert, KeyUsage};

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

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: Option<UnixTime>,
        purpose: Purpose,
    ) -> Verdict {
        // A given certificate is trusted as it is, also as the peer's own.
        if self.roots.iter().any(|root| root.der == *leaf) {
            let facts = facts(leaf)?;
            check_dates(&facts, now)?;
            return match facts.is_for(purpose) {
                true => Ok(()),
                false => Err(CertificateError::Purpose),
            };
        }
        let end_entity = EndEntityCert::try_from(leaf).map_err(|e| certificate_error(&e))?;
        let usage = || match purpose {
            Purpose::ClientAuth => KeyUsage::client_auth(),
            Purpose::ServerAuth => KeyUsage::server_auth(),
        };
        let Some(now) = now else {
            return untimed::verify(self, leaf, &end_entity, intermediates, &usage, purpose);
        };
        let build = |anchors: &[TrustAnchor<'_>]| {
            let algorithms = self.algorithms.all;
            end_entity
                .verify_for_usage(algorithms, anchors, intermediates, now, usage(), None, None)
                .map(drop)
                .map_err(|e| certificate_error(&e))
        };
        if (self.all_valid.0..=self.all_valid.1).contains(&now) {
            return build(&self.anchors);
        }
        // webpki does not look at a root's dates, so those that are over are left out.
        let roots = self.anchors.iter().zip(&self.roots);
        let valid: Vec<_> = roots
            .filter(|(_, root)| root.facts.is_valid_at(now))
            .map(|(anchor, _)| anchor.clone())
            .collect();
        match build(&valid) {
            // Would the chain be good but for the root's dates?
            Err(CertificateError::UnknownIssuer) if build(&self.anchors).is_ok() => {
                Err(CertificateError::Expired)
            }
            verdict => verdict,
        }
    }

    /// As [`verify`](Self::verify), naming a self-signed certificate as such.
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: Option<UnixTime>,
        purpose: Purpose,
    ) -> Verdict {
        self.verify(leaf, intermediates, now, purpose).map_err(|why| match why {
            CertificateError::UnknownIssuer | CertificateError::Purpose if is_self_issued(leaf) => {
                CertificateError::SelfSigned
            }
            why => why,
        })
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
        let leaf = EndEntityCert::try_from(leaf).map_err(|e| certificate_error(&e))?;
        leaf.verify_is_valid_for_subject_name(name).map_err(|e| certificate_error(&e))
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
        aside::leave(|aside| aside.refusal = Some(why));
        refusal(why).into()
    })
}

fn facts(certificate: &CertificateDer<'_>) -> Result<CertificateFacts, CertificateError> {
    CertificateFacts::read(certificate).map_err(|_| CertificateError::BadEncoding)
}

fn check_dates(facts: &CertificateFacts, now: Option<UnixTime>) -> Verdict {
    match now {
        Some(now) if now < facts.not_before() => Err(CertificateError::NotYetValid),
        Some(now) if now > facts.not_after() => Err(CertificateError::Expired),
        Some(_) | None => Ok(()),
    }
}
