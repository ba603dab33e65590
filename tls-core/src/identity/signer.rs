//! Keys that stay elsewhere: in a security module, or in another process.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use crate::Result;

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
pub struct Completion(Arc<Pending>);

/// A signature that is awaited.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    answer: Option<Result<Vec<u8>>>,
    waker: Option<Waker>,
}

impl Completion {
    /// Gives the signature, or why there is none, and wakes the handshake.
    pub fn complete(self, signature: Result<Vec<u8>>) {
        self.0.answer(signature);
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        let why = crate::Error::new(crate::ErrorKind::Backend);
        self.0.answer(Err(why.because("the external signer gave no answer")));
    }
}

impl Pending {
    fn answer(&self, answer: Result<Vec<u8>>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the first answer counts.
        state.answer.get_or_insert(answer);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}
