//! [OpenSSL](https://docs.rs/openssl) 3.0 or newer as a [`Backend`] of polytls.
//!
//! An `SSL` owns an empty wire, and the real one is swapped in for the length of each call: no
//! pointers travel through C. The few functions that the `openssl` crate lacks are in `ffi.rs`,
//! the only file with `unsafe`.
//!
//! From 3.6 on OpenSSL reads stapled OCSP responses itself. A client of it refuses one that is none
//! before the core sees it, also where the core would only hand it over; a server of it sends one that
//! is about its own certificate, and nothing in place of any other.
//!
//! A key cannot stay with an external signer: OpenSSL 3 leaves that to providers, which are written in
//! C against tables of functions that the `openssl` crate does not have, and the methods of old, with
//! which a key could be given other functions, are deprecated and may go.

mod config;
mod error;
mod ffi;
mod kernel;
mod parameters;
mod resumption;
mod session;
mod signatures;
mod verify;

use std::fmt;
use std::sync::{Arc, LazyLock};

use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod};
use tls_core::x509::Algorithms;
use tls_core::{
    Acceptor, Backend, Capabilities, Capability, ClientConfig, Connector, Result, ServerConfig,
    Supported,
};

type Modify = Arc<dyn Fn(&mut SslContextBuilder) -> Result<(), ErrorStack> + Send + Sync>;

/// OpenSSL, the system's or, with the feature `vendored`, one built along.
#[derive(Clone, Default)]
pub struct Openssl {
    modify: Option<Modify>,
}

impl Openssl {
    /// The OpenSSL that this program is linked with.
    pub const fn new() -> Self {
        Self { modify: None }
    }

    /// Runs `modify` last on every context, in OpenSSL's own terms.
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

impl fmt::Debug for Openssl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Openssl").field("modified", &self.modify.is_some()).finish()
    }
}

pub(crate) const NAME: &str = "openssl";

impl Backend for Openssl {
    fn name(&self) -> &'static str {
        NAME
    }

    fn library(&self) -> String {
        openssl::version::version().to_owned()
    }

    fn fips(&self) -> Option<bool> {
        Some(ffi::is_fips())
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
            Capability::DheSuites,
            Capability::EarlyDataClient,
            Capability::EarlyDataLimit,
            Capability::EarlyDataServer,
            Capability::Ed25519,
            Capability::EncryptedAlerts,
            Capability::Exporter,
            Capability::ExportSessions,
            Capability::Groups,
            Capability::KernelTls,
            Capability::KeyLog,
            Capability::KeyUpdate,
            Capability::LegacySuites,
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
        let sometimes = [
            (ffi::is_fips(), Capability::FipsModule),
            (*HAS_POST_QUANTUM, Capability::PostQuantum),
        ];
        let has = sometimes.into_iter().filter(|(has, _)| *has).map(|(_, what)| what);
        ALWAYS.union(has.collect())
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

/// X25519MLKEM768 came with OpenSSL 3.5, but a build may leave it out: the library is asked.
static HAS_POST_QUANTUM: LazyLock<bool> = LazyLock::new(|| {
    SslContext::builder(SslMethod::tls())
        .is_ok_and(|mut context| context.set_groups_list("X25519MLKEM768").is_ok())
});
