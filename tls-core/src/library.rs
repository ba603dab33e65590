//! Which library a connection is with.

use std::sync::Arc;

use crate::{Backend, Negotiated};

/// What a backend says of its library, kept for the connections that it makes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Library {
    backend: &'static str,
    version: Arc<str>,
    fips: Option<bool>,
}

impl Library {
    pub(crate) fn of(backend: &dyn Backend) -> Self {
        let version = backend.library().into();
        Self { backend: backend.name(), version, fips: backend.fips() }
    }

    /// The short name of the backend; nothing if there is none yet.
    pub(crate) fn backend(&self) -> &'static str {
        self.backend
    }

    pub(crate) fn tell(&self, negotiated: &mut Negotiated) {
        negotiated.backend = self.backend;
        negotiated.library = self.version.clone();
        negotiated.fips = self.fips;
    }
}
