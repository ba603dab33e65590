//! The certificate checks, on OpenSSL's, with each part to be left out on its own.
//!
//! OpenSSL stops at the first fault it meets, in an order of its own. Here it is let run to the
//! end, all faults are noted, and the one that the core's order puts first is the verdict.

use std::sync::{Arc, LazyLock};

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslContextBuilder, SslRef, SslVerifyMode};
use openssl::stack::StackRef;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use tls_core::pki_types::CertificateDer;
use tls_core::{CertificateError, Judge, Result, Roots, ServerName};
use tls_libssl::{Findings, Peer, Trusted, openssl_fault, verify_result};

use crate::error::config_error;
use crate::ffi;

/// What peers are verified against, loaded once for all contexts.
pub(crate) struct Anchors {
    certificates: Vec<X509>,
    store: X509Store,
    pub(crate) trusted: Trusted,
}

impl Anchors {
    pub(crate) fn load(roots: &Roots) -> Result<Self> {
        let mut store = X509StoreBuilder::new().map_err(config_error)?;
        let mut certificates = Vec::new();
        let mut add = |der: &CertificateDer<'_>| {
            let certificate = X509::from_der(der)?;
            store.add_cert(certificate.clone())?;
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

    /// The certificates, as OpenSSL has them.
    pub(crate) fn certificates(&self) -> &[X509] {
        &self.certificates
    }

    /// Makes `context` verify its peers against them, in the way that `judge` asks for.
    pub(crate) fn set(
        &self,
        context: &mut SslContextBuilder,
        mode: SslVerifyMode,
        judge: &Judge,
    ) -> Result<(), ErrorStack> {
        context.set_cert_store(ffi::share(&self.store));
        // What is trusted is trusted as it is, root or not.
        let mut flags = X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::TRUSTED_FIRST;
        if judge.skip().skips_time() {
            flags |= X509VerifyFlags::NO_CHECK_TIME;
        }
        context.verify_param_mut().set_flags(flags)?;
        // Six at most.
        context.set_verify_depth(judge.max_intermediates() as u32);
        context.set_verify_callback(mode, note);
        ffi::set_cert_verify_callback(context);
        Ok(())
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

/// OpenSSL's verify callback for each fault, and for each certificate without one: notes the
/// fault and lets OpenSSL go on.
fn note(ok: bool, chain: &mut X509StoreContextRef) -> bool {
    if !ok {
        let fault = openssl_fault(chain.error().as_raw());
        if let Some(findings) = ssl_of(chain).and_then(findings) {
            if fault != CertificateError::Expired || !is_in_its_last_second(findings, chain) {
                findings.note(fault, chain.error_depth());
            }
        }
        chain.set_error(X509VerifyResult::OK);
    }
    true
}

fn is_in_its_last_second(findings: &Findings, chain: &X509StoreContextRef) -> bool {
    chain.current_cert().is_some_and(|current| findings.is_in_its_last_second(&der(current)))
}

/// Gives the verdict on a chain, and the alert that goes with it. Called in place of
/// `X509_verify_cert(3)`.
pub(crate) fn conclude(chain: &mut X509StoreContextRef) -> bool {
    // Every session is prepared; without a place for faults there is no verdict.
    let Some(findings) = ssl_of(chain).and_then(findings).cloned() else { return false };
    let Some(leaf) = ffi::leaf(chain) else { return false };
    let (leaf, is_ca) = (der(leaf), ffi::is_ca(leaf));
    if findings.judge().asks_library() {
        verify(&findings, chain, &leaf, is_ca);
    }
    let (sent, path) = (|| list(ffi::untrusted(chain)), || list(chain.chain()));
    let verdict = findings.judge_chain(&Peer { leaf, sent: &sent, path: &path });
    chain.set_error(match verdict {
        Ok(()) => X509VerifyResult::OK,
        Err(why) => ffi::verify_result(verify_result(why)),
    });
    verdict.is_ok()
}

/// OpenSSL's own part.
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
    findings.conclude(completed.unwrap_or(false), leaf, is_ca);
}

/// Gives the verdict on the staple of a server whose chain is good, or on that none has come.
pub(crate) fn judge_staple(ssl: &mut SslRef) -> Result<bool, ErrorStack> {
    if ssl.session_reused() {
        // It was asked when the session was made, and nobody has proved anything since.
        return Ok(true);
    }
    let verdict = findings(ssl).map(|findings| findings.judge_staple(&sent(ssl), staple(ssl)));
    Ok(verdict.is_some_and(|verdict| verdict.is_ok()))
}

/// The staple that a server has sent.
pub(crate) fn staple(ssl: &SslRef) -> Option<&[u8]> {
    // On a server this would be its own.
    ssl.ocsp_status().filter(|response| !ssl.is_server() && !response.is_empty())
}

/// The peer's certificates as it sent them, its own first. On a server OpenSSL keeps that one apart, and
/// in a session it keeps no other.
pub(crate) fn sent(ssl: &SslRef) -> Vec<CertificateDer<'static>> {
    let apart = ssl.is_server() || ssl.peer_cert_chain().is_none();
    let own = ssl.peer_certificate().filter(|_| apart);
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

fn ssl_of(chain: &X509StoreContextRef) -> Option<&SslRef> {
    X509StoreContext::ssl_idx().ok().and_then(|index| chain.ex_data(index))
}
