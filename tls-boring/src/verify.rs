//! The certificate checks, on BoringSSL's, with each part to be left out on its own.
//!
//! BoringSSL stops at the first fault it meets, in an order of its own. Here it is let run to the
//! end, all faults are noted, and the one that the core's order puts first is the verdict.

use std::sync::{Arc, LazyLock};

use boring::error::ErrorStack;
use boring::ex_data::Index;
use boring::nid::Nid;
use boring::pkey::{HasPublic, Id, PKeyRef};
use boring::ssl::{Ssl, SslContextBuilder, SslRef, SslVerifyMode};
use boring::stack::StackRef;
use boring::x509::store::{X509Store, X509StoreBuilder};
use boring::x509::verify::X509VerifyFlags;
use boring::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyError};
use tls_core::pki_types::CertificateDer;
use tls_core::x509::{self, CertificateFacts, Purpose};
use tls_core::{CertificateError, Judge, Result, Roots, ServerName};
use tls_libssl::{Findings, Peer, Trusted, boringssl_fault, verify_result};

use crate::error::config_error;
use crate::ffi;

/// What peers are verified against, loaded once for all contexts.
pub(crate) struct Anchors {
    certificates: Vec<X509>,
    store: X509Store,
    pub(crate) trusted: Trusted,
}

impl Anchors {
    pub(crate) fn load(roots: &Roots, judge: &Judge) -> Result<Self> {
        let mut store = X509StoreBuilder::new().map_err(config_error)?;
        // What is trusted is trusted as it is, root or not.
        let mut flags = X509VerifyFlags::PARTIAL_CHAIN;
        if judge.skip().skips_time() {
            flags |= X509VerifyFlags::from_bits_retain(boring_sys::X509_V_FLAG_NO_CHECK_TIME as _);
        }
        store.try_set_flags(flags).map_err(config_error)?;
        let mut certificates = Vec::new();
        let mut add = |der: &CertificateDer<'_>| {
            let certificate = X509::from_der(der)?;
            store.add_cert(&certificate)?;
            certificates.push(certificate);
            Ok(())
        };
        let mut trusted = roots.given().to_vec();
        for der in &trusted {
            add(der).map_err(|e: ErrorStack| {
                config_error(e).because("a given root certificate is unusable")
            })?;
        }
        // Public lists hold some that not every library knows.
        trusted.extend(roots.base()?.into_iter().filter(|der| add(der).is_ok()));
        Ok(Self { certificates, store: store.build(), trusted: trusted.into() })
    }

    /// The certificates, as BoringSSL has them.
    pub(crate) fn certificates(&self) -> &[X509] {
        &self.certificates
    }

    /// Makes `context` verify its peers against them, in the way that `judge` asks for.
    pub(crate) fn set(&self, context: &mut SslContextBuilder, mode: SslVerifyMode, judge: &Judge) {
        context.set_cert_store_ref(&self.store);
        // Six at most.
        context.set_verify_depth(judge.max_intermediates() as u32);
        context.set_verify_callback(mode, note);
        context.set_cert_verify_callback(conclude);
    }
}

/// Where an `SSL` keeps its [`Findings`].
static FINDINGS: LazyLock<Result<Index<Ssl, Arc<Findings>>, ErrorStack>> =
    LazyLock::new(Ssl::new_ex_index);

/// Gives `ssl` a place for findings, and `judge`'s time.
///
/// `name` is the server that a client means to reach, `trusted` what its peer is verified against.
pub(crate) fn prepare(
    ssl: &mut SslRef,
    judge: &Judge,
    name: Option<&ServerName>,
    trusted: Trusted,
) -> Result<(), ErrorStack> {
    let index = FINDINGS.as_ref().map_err(Clone::clone)?;
    let findings = Findings::new(judge, name.cloned(), trusted);
    if let Some(now) = findings.instant() {
        // Only where there are 32 bits of time it can be too long.
        let now = now.as_secs().min(LAST_SECOND).try_into().unwrap_or(i32::MAX.into());
        ssl.param_mut().set_time(now);
    }
    ssl.set_ex_data(*index, Arc::new(findings));
    Ok(())
}

/// The last second of the year 9999, after which no certificate can be valid (RFC 5280 §4.1.2.5).
const LAST_SECOND: u64 = 253_402_300_799;

/// What has been found out about the peer of `ssl`.
pub(crate) fn findings(ssl: &SslRef) -> Option<&Arc<Findings>> {
    ssl.ex_data(*FINDINGS.as_ref().ok()?)
}

/// BoringSSL's verify callback for each fault, and for each certificate without one: notes the
/// fault and lets BoringSSL go on.
fn note(ok: bool, chain: &mut X509StoreContextRef) -> bool {
    if !ok {
        let known = is_unknown_constraint(chain) && permits_names(chain);
        if let Some(findings) = ssl_of(chain).and_then(findings).filter(|_| !known) {
            let fault = named(chain, findings.judge().max_intermediates());
            if fault != CertificateError::Expired || !is_in_its_last_second(findings, chain) {
                findings.note(fault, chain.error_depth());
            }
        }
        chain.set_error(Ok(()));
    }
    true
}

fn is_in_its_last_second(findings: &Findings, chain: &X509StoreContextRef) -> bool {
    chain.current_cert().is_some_and(|current| findings.is_in_its_last_second(&der(current)))
}

/// Whether BoringSSL stopped at a name constraint of a kind that it does not know, and the name is
/// of the peer's own certificate. It looks at the subject first, then at the alternative names.
fn is_unknown_constraint(chain: &X509StoreContextRef) -> bool {
    let unknown = X509VerifyError::UNSUPPORTED_CONSTRAINT_TYPE.as_raw();
    chain.error_depth() == 0 && chain.verify_result().is_err_and(|e| e.as_raw() == unknown)
}

/// Whether every issuer permits the alternative names of the peer's own certificate.
fn permits_names(chain: &X509StoreContextRef) -> bool {
    let path = list(chain.chain());
    let Some((leaf, issuers)) = path.split_first() else { return false };
    issuers.iter().all(|issuer| x509::permits_names(issuer, leaf))
}

/// Names the fault that was met, also where BoringSSL only says that it has found no issuer.
fn named(chain: &X509StoreContextRef, most: usize) -> CertificateError {
    let Err(result) = chain.verify_result() else { return CertificateError::Other };
    let fault = boringssl_fault(result.as_raw());
    let untrusted_root = X509VerifyError::SELF_SIGNED_CERT_IN_CHAIN.as_raw();
    let path = chain.chain().filter(|_| result.as_raw() != untrusted_root);
    match path {
        Some(path) if fault == CertificateError::UnknownIssuer => {
            if path.len() >= most + 2 {
                CertificateError::ChainTooLong
            } else if path.iter().next_back().is_some_and(|last| is_misused(last, chain)) {
                CertificateError::Purpose
            } else {
                fault
            }
        }
        Some(_) | None => fault,
    }
}

/// Whether `certificate` has an issuer at hand that BoringSSL passed over, because it may not sign
/// certificates.
fn is_misused(certificate: &X509Ref, chain: &X509StoreContextRef) -> bool {
    let passed_over = |issuer: &&X509Ref| {
        let may_not = X509VerifyError::KEYUSAGE_NO_CERTSIGN.as_raw();
        issuer.issued(certificate).is_err_and(|e| e.as_raw() == may_not)
    };
    let signed = |issuer: &X509Ref| {
        issuer.public_key().is_ok_and(|key| certificate.verify(&key).unwrap_or(false))
    };
    let trusted = ffi::trusted_by_name(chain, certificate.issuer_name());
    let candidates = trusted.iter().flatten().chain(chain.untrusted().into_iter().flatten());
    // The peer could send many, and have each of its signatures looked at.
    candidates.filter(passed_over).take(x509::MAX_INTERMEDIATES).any(signed)
}

/// Gives the verdict on a chain, and the alert that goes with it.
fn conclude(chain: &mut X509StoreContextRef) -> bool {
    // Every session is prepared; without a place for faults there is no verdict.
    let Some(findings) = ssl_of(chain).and_then(findings).cloned() else { return false };
    let Some(leaf) = chain.cert() else { return false };
    let (leaf, is_ca) = (der(leaf), ffi::is_ca(leaf));
    if findings.judge().asks_library() {
        verify(&findings, chain, &leaf, is_ca);
    }
    let (sent, path) = (|| list(chain.untrusted()), || list(chain.chain()));
    let verdict = findings.judge_chain(&Peer { leaf, sent: &sent, path: &path });
    chain.set_error(match verdict {
        Ok(()) => Ok(()),
        Err(why) => ffi::verify_result(verify_result(why)),
    });
    verdict.is_ok()
}

/// BoringSSL's own part.
fn verify(
    findings: &Findings,
    chain: &mut X509StoreContextRef,
    leaf: &CertificateDer<'_>,
    is_ca: bool,
) {
    let completed = match findings.trusts(leaf) {
        true => ffi::without_untrusted(chain, X509StoreContextRef::verify_cert),
        false => chain.verify_cert(),
    };
    note_use(findings, chain);
    findings.conclude(completed.unwrap_or(false), leaf, is_ca);
}

/// Gives the verdict on the staple of a server whose chain is good, or on that none has come.
pub(crate) fn judge_staple(ssl: &mut SslRef) -> Result<bool, ErrorStack> {
    let verdict = findings(ssl).map(|findings| findings.judge_staple(&sent(ssl), staple(ssl)));
    Ok(verdict.is_some_and(|verdict| verdict.is_ok()))
}

/// The staple that a server has sent.
pub(crate) fn staple(ssl: &SslRef) -> Option<&[u8]> {
    // On a server this would be its own.
    ssl.ocsp_status().filter(|response| !ssl.is_server() && !response.is_empty())
}

/// The peer's certificates as it sent them, its own first. On a server BoringSSL keeps that one apart.
pub(crate) fn sent(ssl: &SslRef) -> Vec<CertificateDer<'static>> {
    let own = ssl.peer_certificate().filter(|_| ssl.is_server());
    let own = own.map(|certificate| der(&certificate));
    own.into_iter().chain(list(ssl.peer_cert_chain())).collect()
}

fn list(stack: Option<&StackRef<X509>>) -> Vec<CertificateDer<'static>> {
    stack.into_iter().flatten().map(der).collect()
}

fn der(certificate: &X509Ref) -> CertificateDer<'static> {
    // Empty only without memory; then nobody accepts it.
    certificate.to_der().unwrap_or_default().into()
}

/// What the other backends look at and BoringSSL does not: how strong the keys and signatures are,
/// and whether a certificate that is trusted may be used like this.
fn note_use(findings: &Findings, chain: &X509StoreContextRef) {
    let purpose = match ssl_of(chain).is_some_and(SslRef::is_server) {
        true => Purpose::ClientAuth,
        false => Purpose::ServerAuth,
    };
    let Some(path) = chain.chain() else { return };
    let last = path.len().saturating_sub(1);
    for (depth, certificate) in path.iter().enumerate() {
        let note = |fault| findings.note(fault, depth as u32);
        if ffi::has_unknown_critical_extension(certificate) {
            note(CertificateError::UnhandledCriticalExtension);
        }
        let key_is_weak = certificate.public_key().is_ok_and(|key| is_weak(&key));
        // Nobody has to believe the signature on what is trusted.
        if key_is_weak || depth < last && is_signed_weakly(certificate) {
            note(CertificateError::WeakAlgorithm);
        }
        let fits =
            CertificateFacts::read(&der(certificate)).map(|facts| match depth.checked_sub(1) {
                None => facts.is_for(purpose),
                Some(below) => facts.may_issue(purpose, below),
            });
        match fits {
            Ok(true) => {}
            Ok(false) => note(CertificateError::Purpose),
            Err(_) => note(CertificateError::BadEncoding),
        }
    }
}

/// Whether a key has less than 112 bits of strength. BoringSSL knows no weak curve.
pub(crate) fn is_weak<T: HasPublic>(key: &PKeyRef<T>) -> bool {
    key.id() == Id::RSA && key.bits() < 2048
}

fn is_signed_weakly(certificate: &X509Ref) -> bool {
    let signature = certificate.signature_algorithm().object().nid();
    matches!(signature, Nid::SHA1WITHRSAENCRYPTION | Nid::ECDSA_WITH_SHA1)
}

fn ssl_of(chain: &X509StoreContextRef) -> Option<&SslRef> {
    X509StoreContext::ssl_idx().ok().and_then(|index| chain.ex_data(index))
}
