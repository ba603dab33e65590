//! [rustls](https://docs.rs/rustls) as a [`Backend`] of polytls.
//!
//! rustls is driven by its unbuffered interface, straight over the buffers of the wire. The
//! cryptography provider is an explicit value of the backend; the process-wide default provider is
//! neither read nor set, so any number of providers may be compiled in.

mod aside;
mod config;
mod early;
mod error;
mod kernel;
mod provider;
mod resumption;
mod secrets;
mod session;
mod signer;
mod verify;

use std::fmt;
use std::sync::Arc;

use tls_core::x509::Algorithms;
use tls_core::{
    Acceptor, Backend, Capabilities, Capability, ClientConfig, Connector, Group, Result,
    ServerConfig, Supported,
};

use crate::provider::{Provider, has_group};

type Modify<C> = Arc<dyn Fn(&mut C) + Send + Sync>;

/// rustls with one cryptography provider.
#[derive(Clone)]
pub struct Rustls {
    name: &'static str,
    provider: Provider,
    modify_client: Option<Modify<rustls::ClientConfig>>,
    modify_server: Option<Modify<rustls::ServerConfig>>,
}

impl Rustls {
    const fn with(name: &'static str, provider: Provider) -> Self {
        Self { name, provider, modify_client: None, modify_server: None }
    }

    /// rustls with a provider of the caller's.
    pub fn with_provider(provider: rustls::crypto::CryptoProvider) -> Self {
        Self::with(NAME, Provider::Custom(Arc::new(provider)))
    }

    /// Runs `modify` last on every client configuration, in rustls' own terms.
    ///
    /// An escape hatch: what it changes is outside the promises of the shared suite.
    #[must_use]
    pub fn modify_client(
        mut self,
        modify: impl Fn(&mut rustls::ClientConfig) + Send + Sync + 'static,
    ) -> Self {
        self.modify_client = Some(Arc::new(modify));
        self
    }

    /// Runs `modify` last on every server configuration, in rustls' own terms.
    ///
    /// An escape hatch: what it changes is outside the promises of the shared suite.
    #[must_use]
    pub fn modify_server(
        mut self,
        modify: impl Fn(&mut rustls::ServerConfig) + Send + Sync + 'static,
    ) -> Self {
        self.modify_server = Some(Arc::new(modify));
        self
    }
}

impl fmt::Debug for Rustls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rustls").field("provider", &self.provider).finish_non_exhaustive()
    }
}

pub(crate) const NAME: &str = "rustls";

impl Backend for Rustls {
    fn name(&self) -> &'static str {
        self.name
    }

    fn library(&self) -> String {
        format!("rustls 0.23 with {}", self.provider.name())
    }

    fn fips(&self) -> Option<bool> {
        Some(self.provider.load().fips())
    }

    fn capabilities(&self) -> Capabilities {
        const ALWAYS: Capabilities = Capabilities::of(&[
            Capability::AlpnBytes,
            Capability::AlpnClient,
            Capability::AlpnServer,
            Capability::AlpnServerPolicy,
            Capability::CertificateReasons,
            Capability::CipherSuites,
            Capability::ClientIdentity,
            Capability::ClientOrder,
            Capability::CommonNames,
            Capability::CustomVerification,
            Capability::DefaultSuites,
            Capability::EarlyDataClient,
            Capability::Ed25519,
            Capability::EncryptedAlerts,
            Capability::Exporter,
            Capability::ExternalSigner,
            Capability::Groups,
            Capability::KeyLog,
            Capability::KeyUpdate,
            Capability::LimitChain,
            Capability::LimitRecords,
            Capability::OmitServerName,
            Capability::PartialChains,
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
            Capability::RevocationLists,
            Capability::SendStaple,
            Capability::SessionCache,
            Capability::SignatureSchemes,
            Capability::SkipAllVerification,
            Capability::SkipChainVerification,
            Capability::SkipNameVerification,
            Capability::SkipTimeVerification,
            Capability::TicketsOff,
            Capability::Tls12Client,
            Capability::Tls12HalfClose,
            Capability::Tls12Server,
            Capability::Tls13Client,
            Capability::Tls13Server,
            Capability::UniformVerification,
            Capability::UnverifiedClients,
            Capability::VerificationTime,
        ]);
        let provider = self.provider.load();
        let gives_tickets = resumption::aead(&provider).is_some();
        let tells_keys = provider.cipher_suites.iter().any(|suite| kernel::tells_keys(*suite));
        let sometimes = [
            (tells_keys, Capability::KernelTls),
            (provider.fips(), Capability::FipsModule),
            (has_group(&provider, Group::X25519MLKEM768), Capability::PostQuantum),
            (gives_tickets, Capability::EarlyDataLimit),
            (gives_tickets, Capability::EarlyDataServer),
            (gives_tickets, Capability::ResumeServer),
            (gives_tickets, Capability::TicketCount),
        ];
        let has = sometimes.into_iter().filter(|(has, _)| *has).map(|(_, what)| what);
        ALWAYS.union(has.collect())
    }

    fn signature_algorithms(&self) -> Algorithms<'static> {
        self.provider.signature_algorithms()
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        Ok(Box::new(config::client(&config, self)?))
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        Ok(Box::new(config::server(&config, self)?))
    }
}
