//! Keys that stay elsewhere, as BoringSSL's private key methods.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::Waker;

use boring::error::ErrorStack;
use boring::ex_data::Index;
use boring::ssl::{
    PrivateKeyMethod, PrivateKeyMethodError, Ssl, SslContextBuilder, SslRef, SslSignatureAlgorithm,
};
use tls_core::{
    Alert, AsyncSigner, Awaited, Error, ErrorKind, Identity, Result, SignatureScheme, Signer,
};

use crate::error::config_error;
use crate::parameters::scheme_list;
use crate::{NAME, ffi};

/// Makes `context` sign with the signer of `identity`; `false` if it has none.
///
/// `wanted` are the schemes of the configuration, in whose order the signer's come then.
pub(crate) fn set(
    context: &mut SslContextBuilder,
    identity: &Identity,
    wanted: &[SignatureScheme],
) -> Result<bool> {
    let signer = match (identity.signer(), identity.async_signer()) {
        (Some(signer), _) => External::AtOnce(signer.clone()),
        (None, Some(signer)) => External::Later(signer.clone()),
        (None, None) => return Ok(false),
    };
    let own = signer.schemes().iter().map(|scheme| scheme.0).collect::<Vec<_>>();
    let known = scheme_list(wanted);
    let (order, others) = if wanted.is_empty() { (own, known) } else { (known, own) };
    let shared = order.into_iter().filter(|scheme| others.contains(scheme));
    let schemes = shared.collect::<Vec<_>>();
    if schemes.is_empty() {
        let why = "the external signer knows no signature scheme that BoringSSL knows";
        return Err(Error::from_backend(ErrorKind::Config, NAME, why).because(why));
    }
    ffi::set_signing_schemes(context, &schemes).map_err(config_error)?;
    context.set_private_key_method(signer);
    Ok(true)
}

#[derive(Debug)]
enum External {
    AtOnce(Arc<dyn Signer>),
    Later(Arc<dyn AsyncSigner>),
}

impl External {
    fn schemes(&self) -> &[SignatureScheme] {
        match self {
            Self::AtOnce(signer) => signer.schemes(),
            Self::Later(signer) => signer.schemes(),
        }
    }
}

impl PrivateKeyMethod for External {
    fn sign(
        &self,
        ssl: &mut SslRef,
        message: &[u8],
        scheme: SslSignatureAlgorithm,
        output: &mut [u8],
    ) -> Result<usize, PrivateKeyMethodError> {
        let scheme = self.schemes().iter().find(|own| SslSignatureAlgorithm::from(own.0) == scheme);
        // One of those that were set.
        let scheme = *scheme.ok_or(PrivateKeyMethodError::FAILURE)?;
        begin(ssl)?;
        let answer = match self {
            Self::AtOnce(signer) => caught(ssl, || Some(signer.sign(scheme, message))),
            Self::Later(signer) => caught(ssl, || {
                let awaited = Awaited::begin(&**signer, scheme, message);
                let answer = awaited.take();
                with(ssl, |signing| signing.awaited = Some(awaited));
                answer
            }),
        };
        put(ssl, answer, output)
    }

    fn decrypt(
        &self,
        _: &mut SslRef,
        _: &[u8],
        _: &mut [u8],
    ) -> Result<usize, PrivateKeyMethodError> {
        // Only for key exchanges by RSA, which the core lets no signer do.
        Err(PrivateKeyMethodError::FAILURE)
    }

    fn complete(
        &self,
        ssl: &mut SslRef,
        output: &mut [u8],
    ) -> Result<usize, PrivateKeyMethodError> {
        let answer = with(ssl, |signing| signing.awaited.as_ref()?.take()).flatten();
        put(ssl, answer, output)
    }
}

/// Gives BoringSSL the answer of a signer.
fn put(
    ssl: &mut SslRef,
    answer: Option<Result<Vec<u8>>>,
    output: &mut [u8],
) -> Result<usize, PrivateKeyMethodError> {
    let failure = match answer {
        None => return Err(PrivateKeyMethodError::RETRY),
        Some(Ok(signature)) => match output.get_mut(..signature.len()) {
            Some(place) => {
                place.copy_from_slice(&signature);
                return Ok(signature.len());
            }
            None => {
                let why = "the external signer's signature is longer than its key allows";
                Error::from_backend(ErrorKind::Backend, NAME, why).because(why)
            }
        },
        Some(Err(e)) => e,
    };
    with(ssl, |signing| signing.failure = Some(failure));
    // BoringSSL itself says nothing.
    ffi::send_alert(ssl, Alert::INTERNAL_ERROR);
    Err(PrivateKeyMethodError::FAILURE)
}

/// Asks a signer, and keeps a panic of its from going through C.
fn caught(ssl: &SslRef, ask: impl FnOnce() -> Option<Result<Vec<u8>>>) -> Option<Result<Vec<u8>>> {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or_else(|panic| {
        with(ssl, |signing| signing.panic = Some(panic));
        Some(Err(Error::new(ErrorKind::Backend)))
    })
}

/// What is going on between one connection and its external signer.
#[derive(Default)]
struct Signing {
    awaited: Option<Awaited>,
    failure: Option<Error>,
    panic: Option<Box<dyn Any + Send>>,
}

/// Where an `SSL` keeps it.
static SIGNING: LazyLock<Result<Index<Ssl, Mutex<Signing>>, ErrorStack>> =
    LazyLock::new(Ssl::new_ex_index);

/// Gives `ssl` a place for it.
fn begin(ssl: &mut SslRef) -> Result<(), PrivateKeyMethodError> {
    let index = SIGNING.as_ref().map_err(|_| PrivateKeyMethodError::FAILURE)?;
    ssl.set_ex_data(*index, Mutex::default());
    Ok(())
}

fn with<T>(ssl: &SslRef, act: impl FnOnce(&mut Signing) -> T) -> Option<T> {
    let signing = ssl.ex_data(*SIGNING.as_ref().ok()?)?;
    Some(act(&mut signing.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Has `waker` woken once the signature is there, or says that it is there already.
pub(crate) fn wake(ssl: &SslRef, waker: &Waker) -> bool {
    let awaited = with(ssl, |signing| signing.awaited.as_ref().map(|awaited| awaited.wake(waker)));
    awaited.flatten().unwrap_or(true)
}

/// Why there is no signature: once.
///
/// # Panics
///
/// If the signer has.
pub(crate) fn take_failure(ssl: &SslRef) -> Option<Error> {
    let (failure, panic) = with(ssl, |signing| (signing.failure.take(), signing.panic.take()))?;
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
    failure
}
