//! What is found out about a peer during one handshake, and the verdict on its certificates.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tls_core::pki_types::{CertificateDer, UnixTime};
use tls_core::x509::{CertificateFacts, Path};
use tls_core::{CertificateError, Evidence, Judge, ServerName, SignatureScheme};

use crate::ranking::Ranking;
use crate::scheme_of_server;

/// The certificates of a set of roots.
pub type Trusted = Arc<[CertificateDer<'static>]>;

/// What was found out during one handshake.
///
/// A library notes the faults that it meets, if it is asked, and what it knows of the peer then goes
/// to the core's judge. Calls for one connection come one after the other.
#[derive(Debug)]
pub struct Findings {
    ranking: Ranking,
    judge: Judge,
    /// The server that a client means to reach.
    name: Option<ServerName>,
    /// What takes the place of the system's time.
    instant: Option<UnixTime>,
    /// The path that was found good, as long as the staple that it is for may come.
    path: OnceLock<Path>,
    /// Whether the judge was asked about the chain, and about the staple.
    judged: [AtomicBool; 2],
    /// What the judge refused.
    refusal: OnceLock<CertificateError>,
    /// The judge's reason in words, if there are some.
    words: Mutex<Option<Box<dyn Error + Send + Sync>>>,
    /// What the application's part in the verdict panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    requested: AtomicBool,
    /// How the server has signed the handshake.
    signed: OnceLock<SignatureScheme>,
    groups_apart: AtomicBool,
    signatures_apart: AtomicBool,
}

/// What a library knows of a peer.
pub struct Peer<'a> {
    /// The peer's own certificate.
    pub leaf: CertificateDer<'a>,
    /// Gives the peer's certificates as it sent them, its own first.
    pub sent: &'a dyn Fn() -> Vec<CertificateDer<'static>>,
    /// Gives the path that the library found, from the peer's own certificate up.
    pub path: &'a dyn Fn() -> Path,
}

impl Findings {
    /// Nothing found yet, of a peer that is verified against `trusted` by what `judge` asks for.
    /// `name` is the server that a client means to reach.
    pub fn new(judge: &Judge, name: Option<ServerName>, trusted: Trusted) -> Self {
        Self {
            ranking: Ranking::new(judge.skip(), trusted),
            judge: judge.clone(),
            name,
            instant: judge.clock().instead_of_system(),
            path: OnceLock::new(),
            judged: Default::default(),
            refusal: OnceLock::new(),
            words: Mutex::default(),
            panic: Mutex::default(),
            requested: AtomicBool::default(),
            signed: OnceLock::new(),
            groups_apart: AtomicBool::default(),
            signatures_apart: AtomicBool::default(),
        }
    }

    /// The core's part in the verification.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The instant of the verification, if it is not now.
    pub fn instant(&self) -> Option<UnixTime> {
        self.instant
    }

    /// Whether `certificate`, of which a library says that it has expired, is in its last second. Both
    /// take that for the first one after its validity (RFC 5280 §4.1.2.5 includes it).
    pub fn is_in_its_last_second(&self, certificate: &CertificateDer<'_>) -> bool {
        let now = self.instant.unwrap_or_else(UnixTime::now);
        CertificateFacts::read(certificate).is_ok_and(|facts| facts.not_after() == now)
    }

    /// Takes note of the peer's own certificate, and says whether it is one of the trusted, and so
    /// trusted as it is. Faults are noted accordingly from now on.
    pub fn trusts(&self, leaf: &[u8]) -> bool {
        self.ranking.trusts(leaf)
    }

    /// Takes note of a fault of the certificate at `depth`, the peer's own being at zero, if it
    /// matters.
    pub fn note(&self, fault: CertificateError, depth: u32) {
        self.ranking.note(fault, depth);
    }

    /// Takes note of a handshake message of the server's.
    pub fn note_message(&self, message: &[u8]) {
        if let Some(scheme) = scheme_of_server(message) {
            self.signed.get_or_init(|| scheme);
        }
    }

    /// How the server has signed the handshake, if it has.
    pub fn signature_scheme(&self) -> Option<SignatureScheme> {
        self.signed.get().copied()
    }

    /// The library has looked at the whole chain: `completed` is whether it got to the end of it,
    /// `is_ca` whether the peer's own certificate says that it is a CA's.
    pub fn conclude(&self, completed: bool, leaf: &CertificateDer<'_>, is_ca: bool) {
        self.ranking.conclude(completed, leaf, is_ca);
    }

    /// The verdict on a chain, which the library has looked at if it is asked.
    ///
    /// # Errors
    ///
    /// Why the peer is refused.
    pub fn judge_chain(&self, peer: &Peer<'_>) -> Result<(), CertificateError> {
        self.judged[0].store(true, Ordering::Relaxed);
        let path = || self.ranking.cut((peer.path)());
        let library = match self.ranking.fault() {
            Some(fault) if self.judge.asks_library() => Err(fault),
            Some(_) | None => Ok(()),
        };
        let evidence = self.evidence(&peer.leaf, peer.sent, &path, None);
        self.keep(|| {
            self.judge.chain(&evidence, library).map_err(|e| {
                let why = e.why();
                *lock(&self.words) = e.into_source();
                why
            })
        })?;
        if self.judge.awaits_staple() && self.judge.asks_library() {
            self.path.get_or_init(path);
        }
        Ok(())
    }

    /// The verdict on a server's staple, or that none has come, after the one on its chain. `sent`
    /// are its certificates as it sent them.
    ///
    /// # Errors
    ///
    /// Why the peer is refused.
    pub fn judge_staple(
        &self,
        sent: &[CertificateDer<'static>],
        staple: Option<&[u8]>,
    ) -> Result<(), CertificateError> {
        self.judged[1].store(true, Ordering::Relaxed);
        let found = || self.path.get().cloned().unwrap_or_default();
        let again = || sent.to_vec();
        self.keep(|| {
            let leaf = sent.first().ok_or(CertificateError::Other)?;
            self.judge.staple(&self.evidence(leaf, &again, &found, staple))
        })
    }

    /// The server that a client means to reach; `None` on a server.
    pub fn name(&self) -> Option<&ServerName> {
        self.name.as_ref()
    }

    /// Takes note that the server asked this client for a certificate.
    pub fn note_request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    /// Takes note that the client listed groups, and none of them is one of this server's.
    pub fn note_groups_apart(&self) {
        self.groups_apart.store(true, Ordering::Relaxed);
    }

    /// Takes note that no signature scheme of the client's is one of this server's.
    pub fn note_signatures_apart(&self) {
        self.signatures_apart.store(true, Ordering::Relaxed);
    }

    /// Why the peer is refused, if it is.
    pub fn fault(&self) -> Option<CertificateError> {
        let refusal = self.refusal.get().copied();
        refusal.or_else(|| self.ranking.fault().filter(|_| self.judge.asks_library()))
    }

    /// Why the peer is refused, now that the handshake is done; `presented` is whether it had to prove who
    /// it is in this one. Nobody is accepted about whom the judge was not asked.
    pub fn last_word(&self, presented: bool) -> Option<CertificateError> {
        let [chain, staple] = &self.judged;
        let judged = chain.load(Ordering::Relaxed)
            && (staple.load(Ordering::Relaxed) || !self.judge.awaits_staple());
        self.fault().or((presented && !judged).then_some(CertificateError::Other))
    }

    /// Why the peer is refused, in words of the judge's, if there are some: once.
    pub fn take_words(&self) -> Option<Box<dyn Error + Send + Sync>> {
        lock(&self.words).take()
    }

    /// Whether the server asked this client for a certificate.
    pub fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Whether the client listed groups, and none of them is one of this server's.
    pub fn groups_apart(&self) -> bool {
        self.groups_apart.load(Ordering::Relaxed)
    }

    /// Whether no signature scheme of the client's is one of this server's.
    pub fn signatures_apart(&self) -> bool {
        self.signatures_apart.load(Ordering::Relaxed)
    }

    /// Goes on with a panic of the application's code, now that there is no C in between.
    ///
    /// # Panics
    ///
    /// If a verifier or a clock of the application's has.
    pub fn resume_panic(&self) {
        let caught = lock(&self.panic).take();
        if let Some(caught) = caught {
            resume_unwind(caught);
        }
    }

    fn evidence<'a>(
        &'a self,
        leaf: &'a CertificateDer<'a>,
        sent: &'a dyn Fn() -> Vec<CertificateDer<'static>>,
        path: &'a dyn Fn() -> Path,
        staple: Option<&'a [u8]>,
    ) -> Evidence<'a> {
        Evidence { leaf, sent, path, name: self.name.as_ref().map(ServerName::to_pki), staple }
    }

    /// Keeps what a verdict refuses, and what it panics with: a panic must not reach C.
    fn keep(
        &self,
        verdict: impl FnOnce() -> Result<(), CertificateError>,
    ) -> Result<(), CertificateError> {
        let verdict = catch_unwind(AssertUnwindSafe(verdict)).unwrap_or_else(|caught| {
            *lock(&self.panic) = Some(caught);
            Err(CertificateError::Other)
        });
        verdict.inspect_err(|why| {
            // The first counts.
            let _ = self.refusal.set(*why);
        })
    }
}

fn lock<T>(place: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
