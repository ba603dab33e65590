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
use boring::x509::store::{X509Store, X509StoreBuilder};
use boring::x509::verify::X509VerifyFlags;
use boring::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyError};
use tls_core::pki_types::CertificateDer;
use tls_core::x509::{self, CertificateFacts, Purpose};
use tls_core::{CertificateError, Result, Roots, danger};
use tls_libssl::{Findings, MAX_INTERMEDIATES, Trusted, boringssl_fault, verify_result};

use crate::error::config_error;
use crate::ffi;

/// Makes `context` verify its peers against `roots`, and gives those.
pub(crate) fn set(
    context: &mut SslContextBuilder,
    roots: &Roots,
    mode: SslVerifyMode,
    skip: danger::Skip,
) -> Result<Trusted> {
    // Roots that nobody will ask need not be there.
    let (store, trusted) = match skip.skips_chain() {
        true => load(&Roots::empty(), skip)?,
        false => load(roots, skip)?,
    };
    context.set_cert_store(store);
    context.set_verify_depth(MAX_INTERMEDIATES);
    context.set_verify_callback(mode, note);
    context.set_cert_verify_callback(conclude);
    Ok(trusted)
}

fn load(roots: &Roots, skip: danger::Skip) -> Result<(X509Store, Trusted)> {
    let mut store = X509StoreBuilder::new().map_err(config_error)?;
    // What is trusted is trusted as it is, root or not.
    let mut flags = X509VerifyFlags::PARTIAL_CHAIN;
    if skip.skips_time() {
        flags |= X509VerifyFlags::from_bits_retain(boring_sys::X509_V_FLAG_NO_CHECK_TIME as _);
    }
    store.try_set_flags(flags).map_err(config_error)?;
    let mut add = |der: &CertificateDer<'_>| X509::from_der(der).and_then(|c| store.add_cert(c));
    let mut trusted = roots.given().to_vec();
    for der in &trusted {
        add(der).map_err(|e| config_error(e).because("a given root certificate is unusable"))?;
    }
    // Public lists hold some that not every library knows.
    trusted.extend(roots.base()?.into_iter().filter(|der| add(der).is_ok()));
    Ok((store.build(), trusted.into()))
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
    ssl.set_ex_data(*index, Arc::new(Findings::new(skip, trusted)));
    Ok(())
}

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
            findings.note(named(chain), chain.error_depth());
        }
        chain.set_error(Ok(()));
    }
    true
}

/// Whether BoringSSL stopped at a name constraint of a kind that it does not know, and the name is
/// of the peer's own certificate. It looks at the subject first, then at the alternative names.
fn is_unknown_constraint(chain: &X509StoreContextRef) -> bool {
    let unknown = X509VerifyError::UNSUPPORTED_CONSTRAINT_TYPE.as_raw();
    chain.error_depth() == 0 && chain.verify_result().is_err_and(|e| e.as_raw() == unknown)
}

/// Whether every issuer permits the alternative names of the peer's own certificate.
fn permits_names(chain: &X509StoreContextRef) -> bool {
    let der = |certificate: &X509Ref| certificate.to_der().unwrap_or_default().into();
    let path = chain.chain().into_iter().flatten().map(der).collect::<Vec<CertificateDer<'_>>>();
    let Some((leaf, issuers)) = path.split_first() else { return false };
    issuers.iter().all(|issuer| x509::permits_names(issuer, leaf))
}

/// Names the fault that was met, also where BoringSSL only says that it has found no issuer.
fn named(chain: &X509StoreContextRef) -> CertificateError {
    let Err(result) = chain.verify_result() else { return CertificateError::Other };
    let fault = boringssl_fault(result.as_raw());
    let untrusted_root = X509VerifyError::SELF_SIGNED_CERT_IN_CHAIN.as_raw();
    let path = chain.chain().filter(|_| result.as_raw() != untrusted_root);
    match path {
        Some(path) if fault == CertificateError::UnknownIssuer => {
            if path.len() >= MAX_INTERMEDIATES as usize + 2 {
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
    candidates.filter(passed_over).take(MAX_INTERMEDIATES as usize).any(signed)
}

/// Verifies a chain, and gives the verdict and the alert that goes with it.
fn conclude(chain: &mut X509StoreContextRef) -> bool {
    // Every session is prepared; without a place for faults there is no verdict.
    let Some(findings) = ssl_of(chain).and_then(findings).cloned() else { return false };
    let leaf = chain.cert().map(|leaf| (leaf.to_der().unwrap_or_default(), ffi::is_ca(leaf)));
    if leaf.as_ref().is_some_and(|(der, _)| findings.trusts(der)) {
        ffi::forget_untrusted(chain);
    }
    let completed = chain.verify_cert().unwrap_or(false);
    note_use(&findings, chain);
    let fault = findings.conclude(completed, leaf.as_ref().map(|(der, is_ca)| (&der[..], *is_ca)));
    chain.set_error(fault.map_or(Ok(()), |fault| ffi::verify_result(verify_result(fault))));
    fault.is_none()
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
        let der = certificate.to_der().unwrap_or_default();
        let fits = CertificateFacts::read(&der.into()).map(|facts| match depth.checked_sub(1) {
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
