//! The certificate checks, on OpenSSL's, with each part to be left out on its own.
//!
//! OpenSSL stops at the first fault it meets, in an order of its own. Here it is let run to the
//! end, all faults are noted, and the one that the core's order puts first is the verdict.

use std::sync::{Arc, LazyLock};

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslContextBuilder, SslRef, SslVerifyMode};
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use tls_core::pki_types::CertificateDer;
use tls_core::{Result, Roots, danger};
use tls_libssl::{Findings, MAX_INTERMEDIATES, Trusted, openssl_fault, verify_result};

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

/// OpenSSL's verify callback for each fault, and for each certificate without one: notes the
/// fault and lets OpenSSL go on.
fn note(ok: bool, chain: &mut X509StoreContextRef) -> bool {
    if !ok {
        if let Some(findings) = findings_of(chain) {
            findings.note(openssl_fault(chain.error().as_raw()), chain.error_depth());
        }
        chain.set_error(X509VerifyResult::OK);
    }
    true
}

/// The verdict on a chain that OpenSSL has looked at, and the alert that goes with it.
pub(crate) fn conclude(chain: &mut X509StoreContextRef, completed: bool) -> bool {
    // Every session is prepared; without a place for faults there is no verdict.
    let Some(findings) = findings_of(chain) else { return false };
    let leaf = chain.chain().and_then(|chain| chain.get(0));
    let leaf = leaf.map(|leaf| (leaf.to_der().unwrap_or_default(), ffi::is_ca(leaf)));
    let fault = findings.conclude(completed, leaf.as_ref().map(|(der, is_ca)| (&der[..], *is_ca)));
    let result = fault.map(|fault| ffi::verify_result(verify_result(fault)));
    chain.set_error(result.unwrap_or(X509VerifyResult::OK));
    fault.is_none()
}

/// Whether `leaf` is one of the trusted certificates, and so trusted as it is.
pub(crate) fn is_trusted(chain: &X509StoreContextRef, leaf: &X509Ref) -> bool {
    let der = leaf.to_der().unwrap_or_default();
    findings_of(chain).is_some_and(|findings| findings.trusts(&der))
}

fn findings_of(chain: &X509StoreContextRef) -> Option<Arc<Findings>> {
    let ssl = X509StoreContext::ssl_idx().ok().and_then(|index| chain.ex_data(index));
    ssl.and_then(findings).cloned()
}
