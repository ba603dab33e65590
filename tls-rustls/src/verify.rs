//! The certificate checks, on webpki, with each part to be left out on its own.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, PeerMisbehaved, SignatureScheme};
use tls_core::pki_types::{CertificateDer, ServerName, UnixTime};
use tls_core::x509::{CertificateFacts, Chain, Path, Purpose, Question, Refusal};
use tls_core::{Evidence, Judge, Result, Roots};

use crate::aside;
use crate::error::refusal;
use crate::signer::numbers;

/// What is checked of a peer: its chain here, and the rest by the core.
#[derive(Debug)]
pub(crate) struct Checks {
    chain: Chain,
    judge: Judge,
    algorithms: WebPkiSupportedAlgorithms,
    purpose: Purpose,
    /// What the peer may sign the handshake with, best first.
    schemes: Box<[SignatureScheme]>,
}

impl Checks {
    pub(crate) fn new(
        roots: &Roots,
        judge: &Judge,
        purpose: Purpose,
        algorithms: WebPkiSupportedAlgorithms,
        schemes: &[tls_core::SignatureScheme],
    ) -> Result<Self> {
        // Roots that nobody will ask need not be there.
        let chain = match judge.asks_library() && !judge.skip().skips_chain() {
            true => roots.to_chain(algorithms.all)?,
            false => Chain::new(algorithms.all),
        };
        let schemes = match schemes {
            [] => algorithms.supported_schemes().into(),
            schemes => numbers(schemes),
        };
        Ok(Self { chain, judge: judge.clone(), algorithms, purpose, schemes })
    }

    /// The verdict on a peer. Leaves the exact reason of a refusal for the session, and gives rustls an
    /// error with the right alert.
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: Option<&ServerName<'_>>,
        staple: &[u8],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let now = self.judge.clock().instead_of_system().unwrap_or(now);
        let library = match self.judge.asks_library() {
            true => self.verify(leaf, intermediates, now),
            false => Ok(Path::new()),
        };
        let (path, library) = match library {
            Ok(path) => (path, Ok(())),
            Err(e) => {
                let why = e.why();
                aside::leave(|aside| aside.cause = e.into_source());
                (Path::new(), Err(why))
            }
        };
        let sent = || {
            let own = std::iter::once(leaf.clone().into_owned());
            own.chain(intermediates.iter().map(|der| der.clone().into_owned())).collect()
        };
        let evidence = Evidence {
            leaf,
            sent: &sent,
            path: &|| path.clone(),
            name: name.cloned(),
            staple: Some(staple).filter(|response| !response.is_empty()),
        };
        if let Err(e) = self.judge.chain(&evidence, library) {
            let why = e.why();
            aside::leave(|aside| {
                aside.refusal = Some(why);
                if let Some(cause) = e.into_source() {
                    aside.cause = Some(cause);
                }
            });
            return Err(refusal(why).into());
        }
        if self.judge.awaits_staple() {
            aside::leave(|aside| aside.staple = evidence.staple.map(Into::into));
            self.judge.staple(&evidence).map_err(|why| {
                aside::leave(|aside| aside.refusal = Some(why));
                rustls::Error::from(rustls::CertificateError::InvalidOcspResponse)
            })?;
        }
        Ok(())
    }

    /// Refuses a scheme that the peer was not told of: rustls looks at its own list only.
    fn check_scheme(&self, signed: &DigitallySignedStruct) -> Result<(), rustls::Error> {
        match self.schemes.contains(&signed.scheme) {
            true => Ok(()),
            false => Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()),
        }
    }

    /// rustls' own part, which is webpki's.
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Path, Refusal> {
        let skip = self.judge.skip();
        let now = (!skip.skips_time()).then_some(now);
        if skip.skips_chain() {
            let facts = CertificateFacts::read(leaf)?;
            facts.check_dates(now)?;
            return Ok(Path::new());
        }
        self.chain.judge(&Question {
            leaf,
            intermediates,
            now,
            purpose: self.purpose,
            most: self.judge.max_intermediates(),
        })
    }
}

/// What a client checks of a server.
#[derive(Debug)]
pub(crate) struct ServerVerifier(pub(crate) Checks);

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        staple: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0.judge(leaf, intermediates, Some(name), staple, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.check_scheme(signed)?;
        leave_scheme(signed);
        verify_tls12_signature(message, cert, signed, &self.0.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.check_scheme(signed)?;
        leave_scheme(signed);
        verify_tls13_signature(message, cert, signed, &self.0.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.schemes.to_vec()
    }
}

/// How the server has signed, for the session.
fn leave_scheme(signed: &DigitallySignedStruct) {
    let scheme = tls_core::SignatureScheme(signed.scheme.into());
    aside::leave(|aside| aside.scheme = Some(scheme));
}

/// What a server checks of a client.
#[derive(Debug)]
pub(crate) struct ClientVerifier {
    checks: Checks,
    mandatory: bool,
    hints: Vec<DistinguishedName>,
}

impl ClientVerifier {
    /// `welcome` are the authorities that clients are told of.
    pub(crate) fn new(checks: Checks, mandatory: bool, welcome: &[CertificateDer<'_>]) -> Self {
        let facts = welcome.iter().filter_map(|der| CertificateFacts::read(der).ok());
        let hints = facts.map(|facts| facts.subject_der().into()).collect();
        Self { checks, mandatory, hints }
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
        self.checks.judge(leaf, intermediates, None, &[], now)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.checks.check_scheme(signed)?;
        verify_tls12_signature(message, cert, signed, &self.checks.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.checks.check_scheme(signed)?;
        verify_tls13_signature(message, cert, signed, &self.checks.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.checks.schemes.to_vec()
    }
}
