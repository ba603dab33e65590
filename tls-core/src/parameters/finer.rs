//! What few programs ask for.

use crate::{
    Capability, ClientConfig, ClientConfigBuilder, Error, ErrorKind, KernelTls, Result,
    ServerConfig, ServerConfigBuilder, SignatureScheme,
};

/// Whose order of cipher suites decides, where both sides have several in common.
///
/// Which group and which signature scheme are used is not decided by it: some libraries let the same side
/// choose those too, and some do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SuiteOrder {
    /// The server's own.
    #[default]
    Server,
    /// The client's, which may know better what its machine does fast. Requires
    /// [`Capability::ClientOrder`](crate::Capability::ClientOrder).
    Client,
}

/// The numbers of finite-field Diffie-Hellman that a server has for [`CipherSuite::DHE`].
///
/// [`CipherSuite::DHE`]: crate::CipherSuite::DHE
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DhParams {
    /// None: no such suite can be in the list.
    #[default]
    None,
    /// Of a size that fits the server's key, at least 2048 bits.
    Auto,
}

/// What a client and a server have in common here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finer {
    pub(crate) dh_params: DhParams,
    pub(crate) kernel_tls: KernelTls,
    pub(crate) needs_extended_master_secret: bool,
    pub(crate) needs_fips_module: bool,
    pub(crate) record_limit: Option<usize>,
    pub(crate) signature_schemes: Vec<SignatureScheme>,
    pub(crate) suite_order: SuiteOrder,
}

impl Finer {
    /// What the parts need, each with whether it is on.
    pub(crate) fn needed(&self) -> impl Iterator<Item = (bool, Capability)> {
        let Self {
            dh_params: _, // the suites say it
            kernel_tls,
            needs_extended_master_secret,
            needs_fips_module,
            record_limit,
            signature_schemes,
            suite_order,
        } = self;
        let needed = [
            (*suite_order == SuiteOrder::Client, Capability::ClientOrder),
            (*needs_extended_master_secret, Capability::Exporter),
            (*needs_fips_module, Capability::FipsModule),
            (*kernel_tls == KernelTls::Required, Capability::KernelTls),
            (record_limit.is_some(), Capability::LimitRecords),
            (!signature_schemes.is_empty(), Capability::SignatureSchemes),
        ];
        needed.into_iter()
    }

    /// What a session made under other rules must not get around; nothing if there are no such rules.
    pub(crate) fn for_sessions(&self) -> String {
        let Self {
            dh_params: _, // of no concern to a session
            kernel_tls: _,
            needs_extended_master_secret,
            needs_fips_module: _, // where it is, all sessions are made by it
            record_limit: _,
            signature_schemes,
            suite_order: _,
        } = self;
        match (signature_schemes.is_empty(), needs_extended_master_secret) {
            (true, false) => String::new(),
            _ => format!(" {signature_schemes:?} {needs_extended_master_secret}"),
        }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        match self.record_limit {
            Some(n) if !RECORD_LIMITS.contains(&n) => {
                Err(Error::new(ErrorKind::Config).because(format!(
                    "a limit of {n} bytes to a record: expected {} to {}",
                    RECORD_LIMITS.start(),
                    RECORD_LIMITS.end()
                )))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What every library that has such a limit takes.
const RECORD_LIMITS: std::ops::RangeInclusive<usize> = 512..=16_384;

impl ClientConfig {
    /// Whether TLS 1.2 is refused without the extended master secret.
    pub fn requires_extended_master_secret(&self) -> bool {
        self.finer.needs_extended_master_secret
    }

    /// Whether the library has to run in its FIPS mode.
    pub fn requires_fips_module(&self) -> bool {
        self.finer.needs_fips_module
    }

    /// The most bytes that a record holds which this side sends, if that is limited.
    pub fn record_limit(&self) -> Option<usize> {
        self.finer.record_limit
    }

    /// The signature schemes to sign with and to accept, best first; all of the backend's if empty.
    pub fn signature_schemes(&self) -> &[SignatureScheme] {
        &self.finer.signature_schemes
    }
}

impl ClientConfigBuilder {
    /// Refuses a server that speaks TLS 1.2 without the extended master secret (RFC 7627), as
    /// [`Profile::Fips`](crate::Profile::Fips) does. Off by default: it is used where the server has it. Requires
    /// [`Capability::Exporter`].
    ///
    /// The connection fails with [`ErrorKind::Protocol`], before any data is sent.
    pub fn require_extended_master_secret(mut self, require: bool) -> Self {
        self.finer.needs_extended_master_secret = require;
        self
    }

    /// Refuses a backend whose library does not run in its FIPS mode. Off by default, also with
    /// [`Profile::Fips`](crate::Profile::Fips), which is about algorithms. Requires
    /// [`Capability::FipsModule`].
    pub fn require_fips_module(mut self, require: bool) -> Self {
        self.finer.needs_fips_module = require;
        self
    }

    /// Lets no record that this side sends hold more than so many bytes, 512 to 16384, from the first on:
    /// for peers with little memory. What the peer sends is not limited by it, nor is the peer told
    /// (no RFC 6066 §4, no RFC 8449). Requires [`Capability::LimitRecords`].
    pub fn record_limit(mut self, bytes: usize) -> Self {
        self.finer.record_limit = Some(bytes);
        self
    }

    /// The signature schemes of handshakes, best first, out of [`SignatureScheme::DEFAULT`]: those that the
    /// client accepts of a server, and those that it signs with if it has an identity. Who may have signed
    /// certificates is for the [checks](crate::Checks). Requires [`Capability::SignatureSchemes`].
    pub fn signature_schemes(mut self, schemes: impl IntoIterator<Item = SignatureScheme>) -> Self {
        self.finer.signature_schemes = schemes.into_iter().collect();
        self
    }
}

impl ServerConfig {
    /// The numbers for finite-field Diffie-Hellman.
    pub fn dh_params(&self) -> DhParams {
        self.finer.dh_params
    }

    /// Whether TLS 1.2 is refused without the extended master secret.
    pub fn requires_extended_master_secret(&self) -> bool {
        self.finer.needs_extended_master_secret
    }

    /// Whether the library has to run in its FIPS mode.
    pub fn requires_fips_module(&self) -> bool {
        self.finer.needs_fips_module
    }

    /// The most bytes that a record holds which this side sends, if that is limited.
    pub fn record_limit(&self) -> Option<usize> {
        self.finer.record_limit
    }

    /// The signature schemes to sign with and to accept, best first; all of the backend's if empty.
    pub fn signature_schemes(&self) -> &[SignatureScheme] {
        &self.finer.signature_schemes
    }

    /// Whose order of cipher suites decides.
    pub fn suite_order(&self) -> SuiteOrder {
        self.finer.suite_order
    }
}

impl ServerConfigBuilder {
    /// The numbers for finite-field Diffie-Hellman; none by default. A list of cipher suites that has
    /// some of [`CipherSuite::DHE`](crate::CipherSuite::DHE) needs them, and any other has no use for them.
    pub fn dh_params(mut self, params: DhParams) -> Self {
        self.finer.dh_params = params;
        self
    }

    /// Refuses a client that speaks TLS 1.2 without the extended master secret (RFC 7627), as
    /// [`Profile::Fips`](crate::Profile::Fips) does. Off by default: it is used where the client has it. Requires
    /// [`Capability::Exporter`].
    ///
    /// The connection fails with [`ErrorKind::Protocol`], before any data is sent.
    pub fn require_extended_master_secret(mut self, require: bool) -> Self {
        self.finer.needs_extended_master_secret = require;
        self
    }

    /// Refuses a backend whose library does not run in its FIPS mode. Off by default, also with
    /// [`Profile::Fips`](crate::Profile::Fips), which is about algorithms. Requires
    /// [`Capability::FipsModule`].
    pub fn require_fips_module(mut self, require: bool) -> Self {
        self.finer.needs_fips_module = require;
        self
    }

    /// Lets no record that this side sends hold more than so many bytes, 512 to 16384, from the first on:
    /// for peers with little memory. What the peer sends is not limited by it, nor is the peer told
    /// (no RFC 6066 §4, no RFC 8449). Requires [`Capability::LimitRecords`].
    pub fn record_limit(mut self, bytes: usize) -> Self {
        self.finer.record_limit = Some(bytes);
        self
    }

    /// The signature schemes of handshakes, best first, out of [`SignatureScheme::DEFAULT`]: those that the
    /// server signs with, in its own order, and those that it accepts of clients. Who may have signed
    /// certificates is for the [checks](crate::Checks). Requires [`Capability::SignatureSchemes`].
    pub fn signature_schemes(mut self, schemes: impl IntoIterator<Item = SignatureScheme>) -> Self {
        self.finer.signature_schemes = schemes.into_iter().collect();
        self
    }

    /// Whose order of cipher suites decides; the server's by default.
    pub fn suite_order(mut self, order: SuiteOrder) -> Self {
        self.finer.suite_order = order;
        self
    }
}
