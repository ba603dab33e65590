//! A backend that lies about its capabilities, to find out whether the real one does.

use tls_core::x509::Algorithms;
use tls_core::{
    Acceptor, Backend, Capabilities, ClientConfig, Connector, Result, ServerConfig, Supported,
};

/// A backend with another set of capabilities than its own.
#[derive(Debug)]
pub struct Claiming<'a> {
    backend: &'a dyn Backend,
    capabilities: Capabilities,
}

impl<'a> Claiming<'a> {
    /// `backend`, claiming `capabilities`.
    pub fn new(backend: &'a dyn Backend, capabilities: Capabilities) -> Self {
        Self { backend, capabilities }
    }

    /// `backend`, claiming everything.
    pub(crate) fn everything(backend: &'a dyn Backend) -> Self {
        Self::new(backend, Capabilities::ALL)
    }
}

impl Backend for Claiming<'_> {
    fn name(&self) -> &'static str {
        self.backend.name()
    }

    fn library(&self) -> String {
        self.backend.library()
    }

    fn fips(&self) -> Option<bool> {
        self.backend.fips()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn signature_algorithms(&self) -> Algorithms<'static> {
        self.backend.signature_algorithms()
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        self.backend.connector(config)
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        self.backend.acceptor(config)
    }
}
