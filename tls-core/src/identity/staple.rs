//! An OCSP response that a server staples to its certificate.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// An OCSP response (DER, RFC 6960) that a server staples to its certificate (RFC 6066 §8).
///
/// A handle: all clones are one, and what [`replace`](Self::replace) puts in place goes out with the
/// handshakes that begin from then on, without a restart. What it holds is sent as it is; the helper
/// that keeps it fresh checks it first.
#[derive(Clone, Default)]
pub struct Staple(Arc<RwLock<Option<Arc<[u8]>>>>);

impl Staple {
    /// No response yet: nothing is stapled.
    pub fn empty() -> Self {
        Self::default()
    }

    /// This response.
    pub fn new(response: impl Into<Arc<[u8]>>) -> Self {
        Self(Arc::new(RwLock::new(Some(response.into()))))
    }

    /// Puts another response, or none, in place.
    pub fn replace(&self, response: Option<Arc<[u8]>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = response;
    }

    /// The response to send now.
    pub fn get(&self) -> Option<Arc<[u8]>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Staple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Staple").field(&self.get().map(|response| response.len())).finish()
    }
}
