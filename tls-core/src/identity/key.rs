//! The private key of an identity, or who has it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use pki_types::PrivateKeyDer;
use zeroize::Zeroize;

use super::config_error;
use super::signer::{AsyncSigner, Signer};
use crate::Result;

/// Where signatures come from.
pub(crate) enum Key {
    AsyncSigner(Arc<dyn AsyncSigner>),
    /// Empty once it has been cleared.
    Private(RwLock<Option<PrivateKey>>),
    Signer(Arc<dyn Signer>),
}

impl Key {
    pub(crate) fn private(key: PrivateKey) -> Self {
        Self::Private(RwLock::new(Some(key)))
    }

    pub(crate) fn get(&self) -> Result<PrivateKey> {
        match self {
            Self::Private(key) => match &*key.read().unwrap_or_else(PoisonError::into_inner) {
                Some(key) => Ok(key.clone()),
                None => Err(config_error("key", "it has been cleared")),
            },
            Self::AsyncSigner(_) | Self::Signer(_) => {
                Err(config_error("key", "it stays with an external signer"))
            }
        }
    }

    pub(crate) fn clear(&self) {
        if let Self::Private(key) = self {
            // Dropped, and wiped by that.
            key.write().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// A private key in DER: PKCS#8 (RFC 5208), PKCS#1 (RFC 8017) or SEC1 (RFC 5915). Wiped when it is
/// dropped, and never printed.
pub struct PrivateKey(PrivateKeyDer<'static>);

impl PrivateKey {
    pub(super) fn new(key: PrivateKeyDer<'static>) -> Self {
        Self(key)
    }
}

impl Clone for PrivateKey {
    fn clone(&self) -> Self {
        Self(self.0.clone_key())
    }
}

impl Deref for PrivateKey {
    type Target = PrivateKeyDer<'static>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}
