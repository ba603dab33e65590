//! The certificate checks, on OpenSSL's, with each part to be left out on its own.
//!
//! OpenSSL stops at the first fault it meets, in an order of its own. Here it is let run to the
//! end, all faults are noted, and the one that the core's order puts first is the verdict.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslContextBuilder, SslRef, SslVerifyMode};
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use tls_core::pki_types::CertificateDer;
use tls_core::x509::CertificateFacts;
use tls_core::{CertificateError, Result, Roots, danger};

use crate::error::{certificate_error, config_error};
use crate::ffi;

/// As many intermediate certificates as webpki allows.
const MAX_INTERMEDIATES: u32 = 6;

/// The certificates of a set of roots.
pub(crate) type Trusted = Arc<[CertificateDer<'static>]>;

/// Makes `context` verify its peers against `roots`, and gives those.
pub(crate) fn set(
    context: &mut SslContextBuilder,
    roots: &Roots,
    mode: SslVerifyMode,
    skip: danger::Skip,
) -> Result<Trusted> {
    // Roots that nobody will ask need not be there.
    let (store, trusted) = match skip.skips_chain() {
        true => load(&Roots::empty())?,
        false => load(roots)?,
    };
    context.set_cert_store(store);
    let mut set = || {
        // What is trusted is trusted as it is, root or not.
        let mut flags = X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::TRUSTED_FIRST;
        if skip.skips_time() {
            flags |= X509VerifyFlags::NO_CHECK_TIME;
        }
        context.verify_param_mut().set_flags(flags)?;
        context.set_verify_depth(MAX_INTERMEDIATES);
        context.set_verify_callback(mode, note);
        ffi::conclude_verification(context);
        Ok(())
    };
    set().map_err(|e: ErrorStack| config_error(e))?;
    Ok(trusted)
}

fn load(roots: &Roots) -> Result<(X509Store, Trusted)> {
    let mut store = X509StoreBuilder::new().map_err(config_error)?;
    let mut add = |der: &CertificateDer<'_>| X509::from_der(der).and_then(|c| store.add_cert(c));
    let mut trusted = roots.given().to_vec();
    for der in &trusted {
        add(der).map_err(|e| config_error(e).because("a given root certificate is unusable"))?;
    }
    // Public lists hold some that not every library knows.
    trusted.extend(roots.base()?.into_iter().filter(|der| add(der).is_ok()));
    Ok((store.build(), trusted.into()))
}

/// What was found out during one handshake.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// One more than the index in [`ORDER`] of the verdict so far; zero if there is no fault.
    fault: AtomicUsize,
    requested: AtomicBool,
    /// Whether the peer's own certificate is one of the trusted, and so trusted as it is.
    leaf_trusted: AtomicBool,
    skip: danger::Skip,
    trusted: Trusted,
}

/// The faults, in the order in which the core wants them named: the first is the verdict.
const ORDER: [(CertificateError, Place); 17] = [
    (CertificateError::NotYetValid, Place::Leaf),
    (CertificateError::Expired, Place::Leaf),
    (CertificateError::SelfSigned, Place::Leaf),
    (CertificateError::BadEncoding, Place::Anywhere),
    (CertificateError::Purpose, Place::Leaf),
    (CertificateError::UnhandledCriticalExtension, Place::Anywhere),
    (CertificateError::NotYetValid, Place::Anywhere),
    (CertificateError::Expired, Place::Anywhere),
    (CertificateError::Purpose, Place::Anywhere),
    (CertificateError::BadSignature, Place::Anywhere),
    (CertificateError::WeakAlgorithm, Place::Anywhere),
    (CertificateError::Revoked, Place::Anywhere),
    (CertificateError::ChainTooLong, Place::Anywhere),
    (CertificateError::UnknownIssuer, Place::Anywhere),
    (CertificateError::SelfSigned, Place::Anywhere),
    (CertificateError::Other, Place::Anywhere),
    (CertificateError::NameMismatch, Place::Anywhere),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Leaf,
    Anywhere,
}

impl Findings {
    /// The gravest fault of the peer's certificate, if there is one.
    pub(crate) fn fault(&self) -> Option<CertificateError> {
        let at = self.fault.load(Ordering::Relaxed).checked_sub(1)?;
        Some(ORDER[at].0)
    }

    /// Whether the server asked this client for a certificate.
    pub(crate) fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    pub(crate) fn note_request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    fn note(&self, fault: CertificateError, depth: u32) {
        let place = |(known, place): &(CertificateError, Place)| {
            *known == fault && (*place == Place::Anywhere || depth == 0)
        };
        // Every fault that `certificate_error` gives is in the list.
        let rank = ORDER.iter().position(place).unwrap_or(ORDER.len() - 2) + 1;
        // Calls for one connection come one after the other.
        let before = self.fault.load(Ordering::Relaxed);
        if before == 0 || rank < before {
            self.fault.store(rank, Ordering::Relaxed);
        }
    }
}

/// Where an `SSL` keeps its [`Findings`].
static FINDINGS: LazyLock<Result<Index<Ssl, Arc<Findings>>, ErrorStack>> =
    LazyLock::new(Ssl::new_ex_index);

/// Gives `ssl` a place for findings.
///
/// `skip` is what the verification leaves out, `trusted` what its peers are verified against.
pub(crate) fn prepare(
    ssl: &mut SslRef,
    skip: danger::Skip,
    trusted: Trusted,
) -> Result<(), ErrorStack> {
    let index = FINDINGS.as_ref().map_err(Clone::clone)?;
    ssl.set_ex_data(*index, Arc::new(Findings { skip, trusted, ..Findings::default() }));
    Ok(())
}

/// What has been found out about the peer of `ssl`.
pub(crate) fn findings(ssl: &SslRef) -> Option<&Arc<Findings>> {
    ssl.ex_data(*FINDINGS.as_ref().ok()?)
}

/// OpenSSL's verify callback for each fault, and for each certificate without one: notes the
/// fault and lets OpenSSL go on.
fn note(ok: bool, chain: &mut X509StoreContextRef) -> bool {
    if !ok {
        let fault = certificate_error(chain.error());
        if let Some(findings) = findings_of(chain) {
            let depth = chain.error_depth();
            // What is above a certificate that is trusted as it is does not matter.
            let above = depth > 0 && findings.leaf_trusted.load(Ordering::Relaxed);
            if !above && counts(fault, depth, findings.skip) {
                findings.note(fault, depth);
            }
        }
        chain.set_error(X509VerifyResult::OK);
    }
    true
}

/// The verdict on a chain that OpenSSL has looked at, and the alert that goes with it.
pub(crate) fn conclude(chain: &mut X509StoreContextRef, completed: bool) -> bool {
    // Every session is prepared; without a place for faults there is no verdict.
    let Some(findings) = findings_of(chain) else { return false };
    if !completed {
        findings.note(CertificateError::Other, 0);
    }
    if !findings.skip.skips_chain() {
        check_use(&findings, chain);
    }
    let fault = findings.fault();
    chain.set_error(fault.map_or(X509VerifyResult::OK, alert_for));
    fault.is_none()
}

/// What the core and webpki ask of the peer's own certificate, and OpenSSL does not.
fn check_use(findings: &Findings, chain: &X509StoreContextRef) {
    let Some(leaf) = chain.chain().and_then(|chain| chain.get(0)) else { return };
    if !findings.leaf_trusted.load(Ordering::Relaxed) && ffi::is_ca(leaf) {
        findings.note(CertificateError::Purpose, 0);
    }
    let facts = leaf.to_der().ok().and_then(|der| CertificateFacts::read(&der.into()).ok());
    match facts {
        None => findings.note(CertificateError::BadEncoding, 0),
        Some(facts) if !facts.may_sign() => findings.note(CertificateError::Purpose, 0),
        Some(_) => {}
    }
}

/// Whether `leaf` is one of the trusted certificates, and so trusted as it is. The faults of
/// `chain` are noted accordingly from now on.
pub(crate) fn is_trusted(chain: &X509StoreContextRef, leaf: &X509Ref) -> bool {
    let Some(findings) = findings_of(chain) else { return false };
    let der = leaf.to_der().unwrap_or_default();
    let trusted = findings.trusted.iter().any(|known| known.as_ref() == der);
    findings.leaf_trusted.store(trusted, Ordering::Relaxed);
    trusted
}

fn findings_of(chain: &X509StoreContextRef) -> Option<Arc<Findings>> {
    let ssl = X509StoreContext::ssl_idx().ok().and_then(|index| chain.ex_data(index));
    ssl.and_then(findings).cloned()
}

/// Whether a fault matters, given what is left out.
fn counts(fault: CertificateError, depth: u32, skip: danger::Skip) -> bool {
    match fault {
        CertificateError::NameMismatch => !skip.skips_name(),
        CertificateError::Expired | CertificateError::NotYetValid => {
            !skip.skips_time() && (depth == 0 || !skip.skips_chain())
        }
        _ => !skip.skips_chain(),
    }
}

/// The result from which OpenSSL derives the alert that fits (RFC 8446 §6.2).
fn alert_for(fault: CertificateError) -> X509VerifyResult {
    const CERT_SIGNATURE_FAILURE: i32 = 7; // decrypt_error
    const CERT_HAS_EXPIRED: i32 = 10; // certificate_expired
    const UNABLE_TO_GET_ISSUER_CERT_LOCALLY: i32 = 20; // unknown_ca
    const CERT_REVOKED: i32 = 23; // certificate_revoked
    const INVALID_PURPOSE: i32 = 26; // unsupported_certificate
    const HOSTNAME_MISMATCH: i32 = 62; // bad_certificate
    const UNLISTED: i32 = 1000; // certificate_unknown
    let code = match fault {
        CertificateError::BadEncoding
        | CertificateError::NameMismatch
        | CertificateError::UnhandledCriticalExtension => HOSTNAME_MISMATCH,
        CertificateError::BadSignature => CERT_SIGNATURE_FAILURE,
        CertificateError::Expired | CertificateError::NotYetValid => CERT_HAS_EXPIRED,
        CertificateError::Purpose => INVALID_PURPOSE,
        CertificateError::Revoked => CERT_REVOKED,
        CertificateError::ChainTooLong
        | CertificateError::SelfSigned
        | CertificateError::UnknownIssuer => UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        _ => UNLISTED,
    };
    ffi::verify_result(code)
}
