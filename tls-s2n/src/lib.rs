//! [s2n-tls](https://docs.rs/s2n-tls) as a [`Backend`] of polytls.
//!
//! A connection's I/O is a wire of its own, and the real one is swapped in for the length of each
//! call. The callbacks by which C reaches it are in `ffi.rs`, the only file with `unsafe`.

mod config;
mod error;
mod ffi;
mod policy;
mod records;
mod session;
mod verify;

use tls_core::{
    Acceptor, Backend, Capabilities, Capability, ClientConfig, Connector, Result, ServerConfig,
    Supported,
};

/// s2n-tls, built along and linked statically with AWS-LC.
#[derive(Clone, Debug, Default)]
pub struct S2n {}

impl S2n {
    /// The library that this program is linked with.
    pub const fn new() -> Self {
        Self {}
    }
}

pub(crate) const NAME: &str = "s2n";

impl Backend for S2n {
    fn name(&self) -> &'static str {
        NAME
    }

    fn library(&self) -> String {
        // It does not tell its version.
        "s2n-tls".to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of(&[
            Capability::AlpnClient,
            Capability::AlpnServer,
            Capability::AlpnServerPolicy,
            Capability::ClientIdentity,
            Capability::CommonNames,
            Capability::KeyLog,
            Capability::LimitChain,
            Capability::OmitServerName,
            Capability::PartialChains,
            Capability::PostQuantum,
            Capability::ReportCipherSuite,
            Capability::ReportGroup,
            Capability::ReportLocalCertificate,
            Capability::ReportResumed,
            Capability::ReportServerName,
            Capability::ReportSignatureScheme,
            Capability::ReportVersion,
            Capability::RequestClientCertificate,
            Capability::SkipAllVerification,
            Capability::SkipNameVerification,
            Capability::TicketsOff,
            Capability::Tls12Client,
            Capability::Tls12Server,
            Capability::Tls13Client,
            Capability::Tls13Server,
            Capability::VerificationTime,
        ])
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        Ok(Box::new(config::client(&config)?))
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        Ok(Box::new(config::server(&config)?))
    }
}
