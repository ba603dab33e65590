//! What of a configuration a session is bound to.

use sha2::{Digest, Sha256};

/// A hash over parts, each with its length, so that no two lists of parts give the same.
#[derive(Clone, Debug)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    pub(crate) fn new(of: &str) -> Self {
        Self(Sha256::new()).with(of.as_bytes())
    }

    #[must_use]
    pub(crate) fn with(mut self, part: &[u8]) -> Self {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
