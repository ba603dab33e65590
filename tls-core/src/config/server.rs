//! What a server wants from its connections.

use std::sync::Arc;

use super::danger::{KeyLog, ReplayableEarlyData, Skip};
use super::{
    Checks, EndOfStream, StaplePolicy, check_parameters, parameters_required, versions_required,
};
use crate::connection::Rules;
use crate::resumption::Fingerprint;
use crate::x509::{Algorithms, Purpose};
use crate::{
    AlpnConfig, AlpnMismatch, AlpnPreference, Backend, Capabilities, Capability, CipherSuite,
    Error, ErrorKind, Group, Identities, Identity, Judge, Protocols, Result, Roots, TicketKeys,
    Tickets, Version, Versions,
};

/// Whether a server asks its clients for a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// It does not ask.
    #[default]
    None,
    /// It asks, verifies what it is given against these roots, and serves a client without one.
    Request(Roots),
    /// It asks, verifies what it is given against these roots, and refuses a client without one.
    Require(Roots),
    /// It asks, and hands over what it is given without a look at it: the application decides. That
    /// the client holds the key is still proved. Requires
    /// [`Capability::UnverifiedClients`](crate::Capability::UnverifiedClients).
    Unverified,
}

impl ClientAuth {
    /// The roots that client certificates are verified against, if they are.
    pub fn roots(&self) -> Option<&Roots> {
        match self {
            Self::None | Self::Unverified => None,
            Self::Request(roots) | Self::Require(roots) => Some(roots),
        }
    }
}

/// What a server wants from its connections: an immutable value, cheap to clone.
///
/// What is not set has a safe default: TLS 1.2 and 1.3, [`CipherSuite::DEFAULT`],
/// [`Group::DEFAULT`], no ALPN, no client certificates, and a missing close_notify is an error.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    alpn: AlpnConfig,
    checks: Checks,
    cipher_suites: Arc<[CipherSuite]>,
    client_auth: ClientAuth,
    early_data: ReplayableEarlyData,
    end_of_stream: EndOfStream,
    groups: Arc<[Group]>,
    identities: Identities,
    key_log: Option<KeyLog>,
    tickets: Tickets,
    versions: Versions,
}

impl ServerConfig {
    /// Begins the configuration of a server that is `identity`.
    pub fn builder(identity: Identity) -> ServerConfigBuilder {
        ServerConfigBuilder {
            alpn: Vec::new(),
            alpn_mismatch: AlpnMismatch::default(),
            alpn_preference: AlpnPreference::default(),
            checks: Checks::default(),
            cipher_suites: Vec::new(),
            client_auth: ClientAuth::default(),
            early_data: ReplayableEarlyData::none(),
            end_of_stream: EndOfStream::default(),
            groups: Vec::new(),
            identities: vec![identity],
            key_log: None,
            tickets: Tickets::Auto,
            versions: Versions::default(),
        }
    }

    /// What it does about application protocols.
    pub fn alpn(&self) -> &AlpnConfig {
        &self.alpn
    }

    /// What is checked of clients' certificates, besides the roots.
    pub fn checks(&self) -> &Checks {
        &self.checks
    }

    /// The cipher suites to accept, best first; [`CipherSuite::DEFAULT`] if empty.
    pub fn cipher_suites(&self) -> &[CipherSuite] {
        &self.cipher_suites
    }

    /// Whether it asks clients for a certificate.
    pub fn client_auth(&self) -> &ClientAuth {
        &self.client_auth
    }

    /// How much early data to take.
    pub fn early_data(&self) -> ReplayableEarlyData {
        self.early_data
    }

    /// What an end without close_notify means.
    pub fn end_of_stream(&self) -> EndOfStream {
        self.end_of_stream
    }

    /// The key-exchange groups to accept, best first; [`Group::DEFAULT`] if empty.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Who the server is; the first is the default. Never empty.
    pub fn identities(&self) -> &Identities {
        &self.identities
    }

    /// Where the secrets are logged.
    pub fn key_log(&self) -> Option<&KeyLog> {
        self.key_log.as_ref()
    }

    /// Whether clients may resume sessions, and under which keys.
    pub fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// Wipes the private keys of all identities, in all clones of them: to be called once every
    /// [`Server`](crate::Server) is made, which go on. To make another is an error from then on.
    pub fn clear_keys(&self) {
        self.identities.iter().for_each(Identity::clear_key);
    }

    /// The versions to accept.
    pub fn versions(&self) -> Versions {
        self.versions
    }

    /// The capabilities that a backend needs to honour every part of this configuration.
    pub fn required(&self) -> Capabilities {
        // Destructured in full, so that a new field cannot be forgotten here.
        let Self {
            alpn: AlpnConfig { protocols, preference, mismatch },
            checks,
            cipher_suites,
            client_auth,
            early_data,
            end_of_stream: _, // the core's own
            groups,
            identities,
            key_log,
            tickets,
            versions,
        } = self;
        let default_policy = (*preference, *mismatch) == Default::default();
        let needed = [
            (!protocols.is_empty(), Capability::AlpnServer),
            (!protocols.is_text(), Capability::AlpnBytes),
            (!protocols.is_empty() && !default_policy, Capability::AlpnServerPolicy),
            (*client_auth != ClientAuth::None, Capability::RequestClientCertificate),
            (early_data.is_on(), Capability::EarlyDataServer),
            (early_data.is_on(), Capability::ResumeServer),
            (early_data.is_on(), Capability::Tls13Server),
            (
                early_data.is_on() && early_data.limit() != ReplayableEarlyData::MAX,
                Capability::EarlyDataLimit,
            ),
            (client_auth.roots().is_some_and(Roots::has_partial), Capability::PartialChains),
            (identities.iter().any(|own| own.leaf_facts().is_ed25519()), Capability::Ed25519),
            (*client_auth == ClientAuth::Unverified, Capability::UnverifiedClients),
            (identities.iter().any(|own| own.signer().is_some()), Capability::ExternalSigner),
            (identities.iter().any(|own| own.async_signer().is_some()), Capability::AsyncSigner),
            (key_log.is_some(), Capability::KeyLog),
            (matches!(tickets, Tickets::Keys(_)), Capability::ResumeServer),
            (matches!(tickets, Tickets::Off), Capability::TicketsOff),
            (identities.iter().any(Identity::has_staple), Capability::SendStaple),
        ];
        versions_required(*versions, Capability::Tls12Server, Capability::Tls13Server)
            .union(parameters_required(cipher_suites, groups))
            .union(
                needed
                    .into_iter()
                    .chain(checks.needed())
                    .filter(|(on, _)| *on)
                    .map(|(_, what)| what)
                    .collect(),
            )
    }

    /// The core's part in the verification of clients, with the cryptography of a backend.
    pub(crate) fn judge(&self, algorithms: Algorithms<'_>) -> Result<Judge> {
        match &self.client_auth {
            ClientAuth::Unverified => Ok(Judge::accepting_any()),
            auth => {
                let (skip, purpose) = (Skip::nothing(), Purpose::ClientAuth);
                let staple = StaplePolicy::Off;
                Judge::new(&self.checks, purpose, skip, staple, auth.roots(), algorithms)
            }
        }
    }

    /// A hash of all that decides who a server is and whom it lets in, with the identity of this index: a
    /// session made with another is not resumed.
    pub(crate) fn session_context(&self, identity: usize) -> [u8; 32] {
        // Destructured in full, so that a new field cannot be forgotten here.
        let Self {
            alpn: AlpnConfig { protocols, preference, mismatch },
            checks,
            cipher_suites: _, // the library looks at the one in the session
            client_auth,
            early_data: _,
            end_of_stream: _, // of no concern to a session
            groups: _,
            identities,
            key_log: _,
            tickets: _,
            versions: _,
        } = self;
        let asks = match client_auth {
            ClientAuth::None => "none",
            ClientAuth::Request(_) => "request",
            ClientAuth::Require(_) => "require",
            ClientAuth::Unverified => "unverified",
        };
        let fingerprint = Fingerprint::new(asks)
            .with(&protocols.to_wire())
            .with(format!("{preference:?} {mismatch:?}").as_bytes())
            .with(identities.get(identity).map_or(&[][..], |own| own.leaf()));
        let fingerprint = match client_auth.roots() {
            Some(roots) => roots.add_to(fingerprint),
            None => fingerprint,
        };
        checks.add_to(fingerprint).finish()
    }

    /// The keys of tickets, if there are to be tickets.
    pub(crate) fn ticket_keys(&self, backend: &dyn Backend) -> Result<Option<TicketKeys>> {
        let can = backend.capabilities().contains(Capability::ResumeServer);
        match &self.tickets {
            Tickets::Auto if can => TicketKeys::automatic(Tickets::LIFETIME).map(Some),
            Tickets::Auto | Tickets::Off => Ok(None),
            Tickets::Keys(keys) => Ok(Some(keys.clone())),
        }
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules::server(self.end_of_stream, self.alpn.assumed())
    }
}

/// Makes a [`ServerConfig`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerConfigBuilder {
    alpn: Vec<Vec<u8>>,
    alpn_mismatch: AlpnMismatch,
    alpn_preference: AlpnPreference,
    checks: Checks,
    cipher_suites: Vec<CipherSuite>,
    client_auth: ClientAuth,
    early_data: ReplayableEarlyData,
    end_of_stream: EndOfStream,
    groups: Vec<Group>,
    identities: Vec<Identity>,
    key_log: Option<KeyLog>,
    tickets: Tickets,
    versions: Versions,
}

impl ServerConfigBuilder {
    /// The application protocols to accept, best first.
    pub fn alpn<N: AsRef<[u8]>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.alpn = names.into_iter().map(|name| name.as_ref().to_vec()).collect();
        self
    }

    /// What happens when a client offers protocols, but none of ours.
    pub fn alpn_mismatch(mut self, policy: AlpnMismatch) -> Self {
        self.alpn_mismatch = policy;
        self
    }

    /// Whose order decides among application protocols.
    pub fn alpn_preference(mut self, preference: AlpnPreference) -> Self {
        self.alpn_preference = preference;
        self
    }

    /// What is checked of clients' certificates, besides the roots. Needs clients to be asked for one
    /// that is verified.
    pub fn checks(mut self, checks: Checks) -> Self {
        self.checks = checks;
        self
    }

    /// The cipher suites to accept, best first, out of [`CipherSuite::DEFAULT`]; a list that names
    /// none of a version's suites needs that version to be off.
    pub fn cipher_suites(mut self, suites: impl IntoIterator<Item = CipherSuite>) -> Self {
        self.cipher_suites = suites.into_iter().collect();
        self
    }

    /// Whether to ask clients for a certificate.
    pub fn client_auth(mut self, client_auth: ClientAuth) -> Self {
        self.client_auth = client_auth;
        self
    }

    /// How much early data to take; none by default. It can be recorded and sent again, and is read by
    /// [`Connection::read_early`](crate::Connection::read_early) only.
    ///
    /// The same first flight is taken once by all servers that have these tickets' keys, and so the keys
    /// have to be the server's own ([`Tickets::Auto`], [`TicketKeys::automatic`]): of those that were
    /// given nobody knows who else has them. Requires TLS 1.3, and
    /// [`Capability::EarlyDataServer`](crate::Capability::EarlyDataServer).
    pub fn early_data(mut self, early_data: ReplayableEarlyData) -> Self {
        self.early_data = early_data;
        self
    }

    /// What an end without close_notify means.
    pub fn end_of_stream(mut self, policy: EndOfStream) -> Self {
        self.end_of_stream = policy;
        self
    }

    /// The key-exchange groups to accept, best first, out of [`Group::DEFAULT`].
    pub fn groups(mut self, groups: impl IntoIterator<Item = Group>) -> Self {
        self.groups = groups.into_iter().collect();
        self
    }

    /// Another identity, presented to clients that ask for one of its names (SNI).
    pub fn add_identity(mut self, identity: Identity) -> Self {
        self.identities.push(identity);
        self
    }

    /// Logs the secrets, by which everything can be decrypted. Off by default, whatever the environment
    /// says.
    pub fn key_log(mut self, log: KeyLog) -> Self {
        self.key_log = Some(log);
        self
    }

    /// Whether clients may resume sessions, and under which keys; under the server's own by default.
    pub fn tickets(mut self, tickets: Tickets) -> Self {
        self.tickets = tickets;
        self
    }

    /// The versions to accept.
    pub fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Checks the parts against each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind), saying which part is unusable.
    pub fn build(self) -> Result<ServerConfig> {
        check_parameters(self.versions, &self.cipher_suites, &self.groups)?;
        if self.client_auth.roots().is_some_and(Roots::is_empty) {
            let why = "client certificates are asked for, but no root is trusted to issue them";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        let resumes = !matches!(self.tickets, Tickets::Off);
        self.early_data.validate(resumes, self.versions.contains(Version::Tls13))?;
        if self.early_data.is_on() && matches!(&self.tickets, Tickets::Keys(k) if !k.are_own()) {
            let why =
                "early data may be taken once only, and other servers may have these ticket keys";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        let verifies = self.client_auth.roots().is_some();
        self.checks.validate(verifies)?;
        if !verifies && self.checks.needed().any(|(on, _)| on) {
            let why = "checks of client certificates are asked for, but none is verified";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        Ok(ServerConfig {
            alpn: AlpnConfig {
                protocols: Protocols::new(self.alpn)?,
                preference: self.alpn_preference,
                mismatch: self.alpn_mismatch,
            },
            checks: self.checks,
            cipher_suites: self.cipher_suites.into(),
            client_auth: self.client_auth,
            early_data: self.early_data,
            end_of_stream: self.end_of_stream,
            groups: self.groups.into(),
            identities: Identities::new(self.identities),
            key_log: self.key_log,
            tickets: self.tickets,
            versions: self.versions,
        })
    }
}
