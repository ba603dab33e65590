//! The core's part in the verification of a peer, so that it means the same on every backend.

use std::fmt;
use std::sync::Arc;

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};

use crate::config::danger::Skip;
use crate::config::{Checks, Clock, Presented, StaplePolicy, Verification};
use crate::x509::{
    Algorithms, CertificateFacts, Chain, Path, Purpose, Question, Refusal, common_algorithms,
};
use crate::{CertificateError, Result, Roots, ServerName, ocsp};

/// For backends: the core's part in the verification of a peer.
///
/// A backend has its library verify the chain against the roots, if [`asks_library`] says so, without
/// a look at the name, and then calls [`chain`], whose word is final: it looks at the name, the lists
/// of revoked certificates, the pins, and asks the application's verifier. Where [`awaits_staple`]
/// says so, it calls [`staple`] as soon as the server's OCSP response has come or is known not to
/// come. What either refuses ends the handshake: with the alert that fits the kind in the first case
/// (RFC 8446 §6.2), with `bad_certificate_status_response` in the second.
///
/// [`asks_library`]: Self::asks_library
/// [`chain`]: Self::chain
/// [`awaits_staple`]: Self::awaits_staple
/// [`staple`]: Self::staple
#[derive(Clone, Debug)]
pub struct Judge(Arc<Inner>);

struct Inner {
    accept_any: bool,
    algorithms: Vec<&'static dyn SignatureVerificationAlgorithm>,
    checks: Checks,
    purpose: Purpose,
    skip: Skip,
    staple: StaplePolicy,
    /// Set for [`Verification::Uniform`].
    uniform: Option<Chain>,
}

/// What a backend knows of a peer when it asks for a verdict.
pub struct Evidence<'a> {
    /// The peer's own certificate.
    pub leaf: &'a CertificateDer<'a>,
    /// Gives the peer's certificates as it sent them, its own first.
    pub sent: &'a dyn Fn() -> Vec<CertificateDer<'static>>,
    /// Gives the path that the library found good: the peer's own, its issuers, and what is trusted.
    /// Not called if the library was not asked, or has refused.
    pub path: &'a dyn Fn() -> Path,
    /// The server that a client means to reach; `None` on a server.
    pub name: Option<pki_types::ServerName<'a>>,
    /// The stapled OCSP response, if one has come.
    pub staple: Option<&'a [u8]>,
}

impl Judge {
    pub(crate) fn new(
        checks: &Checks,
        purpose: Purpose,
        skip: Skip,
        staple: StaplePolicy,
        roots: Option<&Roots>,
        algorithms: Algorithms<'_>,
    ) -> Result<Self> {
        let algorithms = common_algorithms(algorithms);
        let uniform = match (checks.decided_by(), roots) {
            (Verification::Uniform, Some(roots)) => Some(roots.to_chain(&algorithms)?),
            _ => None,
        };
        let checks = checks.clone();
        let accept_any = false;
        Ok(Self(Arc::new(Inner { accept_any, algorithms, checks, purpose, skip, staple, uniform })))
    }

    /// The same for a server that takes whatever certificate a client has.
    pub(crate) fn accepting_any() -> Self {
        Self(Arc::new(Inner {
            accept_any: true,
            algorithms: Vec::new(),
            checks: Checks::default(),
            purpose: Purpose::ClientAuth,
            skip: Skip::everything(),
            staple: StaplePolicy::Off,
            uniform: None,
        }))
    }

    /// Whether the library has to verify the chain. If not, its verdict does not matter, and the
    /// backend lets the peer's certificates come to [`chain`](Self::chain) as they are.
    pub fn asks_library(&self) -> bool {
        !self.0.accept_any
            && matches!(self.0.checks.decided_by(), Verification::Library | Verification::Follow(_))
    }

    /// Which parts of its verification the library leaves out.
    pub fn skip(&self) -> Skip {
        self.0.skip
    }

    /// The most intermediate certificates that the library lets a path go through.
    pub fn max_intermediates(&self) -> usize {
        self.0.checks.max_intermediates()
    }

    /// What time it is, for the library's verification too.
    pub fn clock(&self) -> &Clock {
        self.0.checks.clock_in_use()
    }

    /// Whether a client asks for a staple and calls [`staple`](Self::staple) when it knows what came.
    pub fn awaits_staple(&self) -> bool {
        self.0.staple != StaplePolicy::Off
    }

    /// The verdict on a chain, given what the library says of it.
    ///
    /// # Errors
    ///
    /// Why the peer is refused.
    pub fn chain(
        &self,
        evidence: &Evidence<'_>,
        library: Result<(), CertificateError>,
    ) -> Result<(), Refusal> {
        let judge = &*self.0;
        if judge.accept_any {
            return Ok(());
        }
        let now = judge.checks.clock_in_use().now();
        let path = match judge.checks.decided_by() {
            Verification::Library | Verification::Follow(_) => {
                library?;
                None
            }
            Verification::Uniform => Some(judge.uniform(evidence, now)?),
            Verification::Replace(_) => None,
        };
        if !matches!(judge.checks.decided_by(), Verification::Replace(_)) {
            judge.check_name(evidence)?;
        }
        let verified = judge.asks_for_chain();
        if let Some(lists) = judge.checks.lists().filter(|_| verified) {
            let found = path.clone().unwrap_or_else(|| (evidence.path)());
            let dates = (!judge.skip.skips_time()).then_some(now);
            lists.check(&found, dates, &judge.algorithms)?;
        }
        if !judge.checks.pinned().is_empty() {
            let found = match verified {
                true => path.unwrap_or_else(|| (evidence.path)()),
                false => vec![evidence.leaf.clone().into_owned()],
            };
            judge.check_pins(&found)?;
        }
        match judge.staple {
            StaplePolicy::Off => judge.ask_application(evidence, now).map_err(Into::into),
            StaplePolicy::Request | StaplePolicy::Require => Ok(()),
        }
    }

    /// The verdict on a server's stapled OCSP response, or that none came, after [`chain`](Self::chain)
    /// has accepted its certificates.
    ///
    /// # Errors
    ///
    /// Why the peer is refused.
    pub fn staple(&self, evidence: &Evidence<'_>) -> Result<(), CertificateError> {
        let judge = &*self.0;
        let now = judge.checks.clock_in_use().now();
        judge.check_staple(evidence, now)?;
        judge.ask_application(evidence, now)
    }
}

impl Inner {
    /// Whether somebody has found a path.
    fn asks_for_chain(&self) -> bool {
        !self.skip.skips_chain() && !matches!(self.checks.decided_by(), Verification::Replace(_))
    }

    fn uniform(&self, evidence: &Evidence<'_>, now: UnixTime) -> Result<Path, Refusal> {
        // Made with the judge, for this kind of verification.
        let Some(chain) = &self.uniform else { return Err(CertificateError::Other.into()) };
        let sent = (evidence.sent)();
        chain.judge(&Question {
            leaf: evidence.leaf,
            intermediates: sent.get(1..).unwrap_or_default(),
            now: (!self.skip.skips_time()).then_some(now),
            purpose: self.purpose,
            most: self.checks.max_intermediates(),
        })
    }

    fn check_name(&self, evidence: &Evidence<'_>) -> Result<(), CertificateError> {
        let Some(name) = evidence.name.as_ref().filter(|_| !self.skip.skips_name()) else {
            return Ok(());
        };
        let facts = CertificateFacts::read(evidence.leaf);
        let facts = facts.map_err(|_| CertificateError::BadEncoding)?;
        let of_old = || self.checks.accepts_common_name() && facts.is_named_of_old(name);
        match facts.is_named(name) || of_old() {
            true => Ok(()),
            false => Err(CertificateError::NameMismatch),
        }
    }

    fn check_pins(&self, path: &[CertificateDer<'_>]) -> Result<(), CertificateError> {
        let is_pinned = |certificate: &CertificateDer<'_>| {
            CertificateFacts::read(certificate).is_ok_and(|facts| {
                let hash = facts.spki_sha256();
                self.checks.pinned().iter().any(|pin| *pin.as_bytes() == hash)
            })
        };
        match path.iter().any(is_pinned) {
            true => Ok(()),
            false => Err(CertificateError::PinMismatch),
        }
    }

    fn check_staple(&self, evidence: &Evidence<'_>, now: UnixTime) -> Result<(), CertificateError> {
        if !self.asks_for_chain() {
            return match (self.staple, evidence.staple) {
                (StaplePolicy::Require, None) => Err(CertificateError::StapleMissing),
                _ => Ok(()),
            };
        }
        let facts = CertificateFacts::read(evidence.leaf);
        let must = facts.map_err(|_| CertificateError::BadEncoding)?.must_staple();
        let Some(response) = evidence.staple else {
            return match self.staple == StaplePolicy::Require || must {
                true => Err(CertificateError::StapleMissing),
                false => Ok(()),
            };
        };
        // Nobody kept the path of the uniform verifier, which finds the same again.
        let path = match self.uniform {
            Some(_) => self.uniform(evidence, now).map_err(|refusal| refusal.why())?,
            None => (evidence.path)(),
        };
        // What is trusted as it is has no issuer that could speak of it.
        let Some(issuer) = path.get(1) else { return Ok(()) };
        let now = (!self.skip.skips_time()).then_some(now);
        let known = self.staple == StaplePolicy::Require && must;
        ocsp::check_staple(response, evidence.leaf, issuer, now, known, &self.algorithms)
    }

    fn ask_application(
        &self,
        evidence: &Evidence<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        let (Verification::Follow(verifier) | Verification::Replace(verifier)) =
            self.checks.decided_by()
        else {
            return Ok(());
        };
        let name = evidence.name.as_ref().and_then(ServerName::from_pki);
        verifier.verify(&Presented {
            chain: &(evidence.sent)(),
            name: name.as_ref(),
            purpose: self.purpose,
            staple: evidence.staple,
            now,
        })
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("checks", &self.checks).finish_non_exhaustive()
    }
}

impl fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence").field("name", &self.name).finish_non_exhaustive()
    }
}
