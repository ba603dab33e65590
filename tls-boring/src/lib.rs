//! [BoringSSL](https://docs.rs/boring) as a [`Backend`] of polytls.
//!
//! An `SSL` owns an empty wire, and the real one is swapped in for the length of each call: no
//! pointers travel through C. The few functions that the `boring` crate lacks are in `ffi.rs`,
//! the only file with `unsafe`.
//!
//! A server of BoringSSL takes 14,336 bytes of early data, or none; and it would take the same ones again,
//! if the core did not see to it.
//!
//! BoringSSL and OpenSSL give their functions the same names. A program that is to hold both
//! backends has to build BoringSSL with a prefix, as this project's own workspace does.

mod config;
mod error;
mod ffi;
mod kernel;
mod parameters;
mod resumption;
mod session;
mod signatures;
mod signer;
mod verify;

use std::fmt;
use std::sync::Arc;

use boring::error::ErrorStack;
use boring::ssl::SslContextBuilder;
use tls_core::x509::Algorithms;
use tls_core::{
    Acceptor, Backend, Capabilities, Capability, ClientConfig, Connector, Result, ServerConfig,
    Supported,
};

type Modify = Arc<dyn Fn(&mut SslContextBuilder) -> Result<(), ErrorStack> + Send + Sync>;

/// BoringSSL, built along and linked statically.
#[derive(Clone, Default)]
pub struct Boring {
    modify: Option<Modify>,
}

impl Boring {
    /// The BoringSSL that this program is linked with.
    pub const fn new() -> Self {
        Self { modify: None }
    }

    /// Runs `modify` last on every context, in BoringSSL's own terms.
    ///
    /// An escape hatch: what it changes is outside the promises of the shared suite.
    #[must_use]
    pub fn modify(
        mut self,
        modify: impl Fn(&mut SslContextBuilder) -> Result<(), ErrorStack> + Send + Sync + 'static,
    ) -> Self {
        self.modify = Some(Arc::new(modify));
        self
    }
}

impl fmt::Debug for Boring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Boring").field("modified", &self.modify.is_some()).finish()
    }
}

pub(crate) const NAME: &str = "boring";

impl Backend for Boring {
    fn name(&self) -> &'static str {
        NAME
    }

    fn library(&self) -> String {
        boring::version::version().to_owned()
    }

    fn fips(&self) -> Option<bool> {
        Some(boring::fips::enabled())
    }

    fn capabilities(&self) -> Capabilities {
        const ALWAYS: Capabilities = Capabilities::of(&[
            Capability::AlpnBytes,
            Capability::AlpnClient,
            Capability::AlpnServer,
            Capability::AlpnServerPolicy,
            Capability::AsyncSigner,
            Capability::CertificateReasons,
            Capability::CipherSuites,
            Capability::ClientIdentity,
            Capability::ClientOrder,
            Capability::CommonNames,
            Capability::CustomVerification,
            Capability::DefaultSuites,
            Capability::EarlyDataClient,
            Capability::EarlyDataServer,
            Capability::Ed25519,
            Capability::EncryptedAlerts,
            Capability::Exporter,
            Capability::ExportSessions,
            Capability::ExternalSigner,
            Capability::Groups,
            Capability::KernelTls,
            Capability::KeyLog,
            Capability::KeyUpdate,
            Capability::LegacySuites,
            Capability::LimitChain,
            Capability::LimitRecords,
            Capability::OmitServerName,
            Capability::PartialChains,
            Capability::PostQuantum,
            Capability::ReportCipherSuite,
            Capability::ReportGroup,
            Capability::ReportLocalCertificate,
            Capability::ReportPeerChain,
            Capability::ReportResumed,
            Capability::ReportServerName,
            Capability::ReportSignatureScheme,
            Capability::ReportVersion,
            Capability::RequestClientCertificate,
            Capability::RequestStaple,
            Capability::ResumeClient,
            Capability::ResumeServer,
            Capability::RevocationLists,
            Capability::SendStaple,
            Capability::SessionCache,
            Capability::SignatureSchemes,
            Capability::SkipAllVerification,
            Capability::SkipChainVerification,
            Capability::SkipNameVerification,
            Capability::SkipTimeVerification,
            Capability::TicketCount,
            Capability::TicketsOff,
            Capability::TlsUnique,
            Capability::Tls12Client,
            Capability::Tls12HalfClose,
            Capability::Tls12Server,
            Capability::Tls13Client,
            Capability::Tls13Server,
            Capability::UniformVerification,
            Capability::UnverifiedClients,
            Capability::VerificationTime,
        ]);
        match boring::fips::enabled() {
            true => ALWAYS.with(Capability::FipsModule),
            false => ALWAYS,
        }
    }

    fn signature_algorithms(&self) -> Algorithms<'static> {
        signatures::ALGORITHMS
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        Ok(Box::new(config::client(&config, self)?))
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        Ok(Box::new(config::server(&config, self)?))
    }
}
