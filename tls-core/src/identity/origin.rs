//! Where the signatures of an identity come from.

use std::sync::{Arc, PoisonError, RwLock};

use tls_keys::PrivateKey;

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
