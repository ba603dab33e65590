//! Keys that stay elsewhere: in a security module, or in another process.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use crate::{Error, ErrorKind, Result};

/// A signature scheme, by its number (RFC 8446 §4.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignatureScheme(pub u16);

impl SignatureScheme {
    /// `ecdsa_secp256r1_sha256`
    pub const ECDSA_P256_SHA256: Self = Self(0x0403);
    /// `ecdsa_secp384r1_sha384`
    pub const ECDSA_P384_SHA384: Self = Self(0x0503);
    /// `ed25519`
    pub const ED25519: Self = Self(0x0807);
    /// `rsa_pkcs1_sha256`
    pub const RSA_PKCS1_SHA256: Self = Self(0x0401);
    /// `rsa_pkcs1_sha384`
    pub const RSA_PKCS1_SHA384: Self = Self(0x0501);
    /// `rsa_pkcs1_sha512`
    pub const RSA_PKCS1_SHA512: Self = Self(0x0601);
    /// `rsa_pss_rsae_sha256`
    pub const RSA_PSS_SHA256: Self = Self(0x0804);
    /// `rsa_pss_rsae_sha384`
    pub const RSA_PSS_SHA384: Self = Self(0x0805);
    /// `rsa_pss_rsae_sha512`
    pub const RSA_PSS_SHA512: Self = Self(0x0806);
}

/// Signs with a key that stays elsewhere, and answers at once.
pub trait Signer: fmt::Debug + Send + Sync {
    /// What it can do, best first; not empty.
    fn schemes(&self) -> &[SignatureScheme];

    /// Signs `message` (not its hash) by one of [`schemes`](Self::schemes).
    ///
    /// # Errors
    ///
    /// Why there is no signature; the handshake fails with this error's kind.
    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>>;
}

/// Signs with a key that stays elsewhere, and answers later.
pub trait AsyncSigner: fmt::Debug + Send + Sync {
    /// What it can do, best first; not empty.
    fn schemes(&self) -> &[SignatureScheme];

    /// Begins to sign `message` (not its hash) by one of [`schemes`](Self::schemes). Must not block:
    /// the answer goes to `done`, from any thread, now or later.
    fn sign(&self, scheme: SignatureScheme, message: &[u8], done: Completion);
}

/// Where an [`AsyncSigner`] puts its answer. Dropped without one, it says that there is none.
#[derive(Debug)]
pub struct Completion(Arc<Mutex<State>>);

/// For backends: a signature that is awaited.
#[derive(Debug)]
pub struct Awaited(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answer: Option<Result<Vec<u8>>>,
    waker: Option<Waker>,
}

impl Completion {
    /// Gives the signature, or why there is none, and wakes the handshake.
    pub fn complete(self, signature: Result<Vec<u8>>) {
        self.answer(signature);
    }

    fn answer(&self, answer: Result<Vec<u8>>) {
        let waker = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Only the first answer counts.
            state.answer.get_or_insert(answer);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        let none = Error::new(ErrorKind::Backend).because("the external signer gave no answer");
        self.answer(Err(none));
    }
}

impl Awaited {
    /// Asks `signer` to sign `message` by `scheme`.
    pub fn begin(signer: &dyn AsyncSigner, scheme: SignatureScheme, message: &[u8]) -> Self {
        let state = Arc::<Mutex<State>>::default();
        signer.sign(scheme, message, Completion(state.clone()));
        Self(state)
    }

    /// The answer, if it is there: once.
    pub fn take(&self) -> Option<Result<Vec<u8>>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.answer.take()
    }

    /// Has `waker` woken once the answer is there, or says that it is there already. Only the last
    /// waker counts.
    pub fn wake(&self, waker: &Waker) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = state.answer.is_some();
        if !ready {
            state.waker = Some(waker.clone());
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Debug, Default)]
    struct Later(Mutex<Option<Completion>>);

    impl AsyncSigner for Later {
        fn schemes(&self) -> &[SignatureScheme] {
            &[SignatureScheme::ED25519]
        }

        fn sign(&self, _: SignatureScheme, _: &[u8], done: Completion) {
            *self.0.lock().unwrap() = Some(done);
        }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn an_answer_wakes_who_waits_and_is_given_once() {
        let (signer, count) = (Later::default(), Arc::<Count>::default());
        let waker = Waker::from(count.clone());
        let awaited = Awaited::begin(&signer, SignatureScheme::ED25519, b"message");
        assert!(awaited.take().is_none() && !awaited.wake(&waker));
        let done = signer.0.lock().unwrap().take().unwrap();
        done.complete(Ok(vec![7]));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(awaited.wake(&waker));
        assert_eq!(awaited.take().unwrap().unwrap(), [7]);
        assert!(awaited.take().is_none());
    }

    #[test]
    fn a_signer_that_forgets_to_answer_has_answered() {
        let signer = Later::default();
        let awaited = Awaited::begin(&signer, SignatureScheme::ED25519, b"message");
        drop(signer);
        assert_eq!(awaited.take().unwrap().unwrap_err().kind(), ErrorKind::Backend);
    }
}
