//! new-lib as a [`Backend`] of polytls.

mod config;
mod error;
mod session;

use tls_core::{
    Acceptor, Backend, Capabilities, Capability, ClientConfig, Connector, Result, ServerConfig,
    Supported,
};

/// new-lib.
#[derive(Clone, Debug, Default)]
pub struct NewLib {}

impl NewLib {
    /// The library that this program is linked with.
    pub const fn new() -> Self {
        Self {}
    }
}

pub(crate) const NAME: &str = "new-lib";

impl Backend for NewLib {
    fn name(&self) -> &'static str {
        NAME
    }

    // As the library calls itself, with its version, once it is a dependency.
    fn library(&self) -> String {
        "new-lib, not written yet".to_owned()
    }

    // What is in the set must work, and what is not must not: the suite finds out both. It begins
    // with what every connection needs; the others follow as they are written.
    fn capabilities(&self) -> Capabilities {
        Capabilities::of(&[
            Capability::Tls12Client,
            Capability::Tls12Server,
            Capability::Tls13Client,
            Capability::Tls13Server,
        ])
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        Ok(Box::new(config::client(&config)?))
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        Ok(Box::new(config::server(&config)?))
    }
}
