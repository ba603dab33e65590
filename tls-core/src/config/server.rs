//! What a server wants from its connections.

use std::sync::Arc;

use super::danger::{KeyLog, ReplayableEarlyData, Skip};
use super::{Checks, EndOfStream, StaplePolicy, versions_required};
use crate::connection::Rules;
use crate::parameters::{Finer, check_lists, check_server, lists_required};
use crate::rekey;
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
    pub(crate) finer: Finer,
    groups: Arc<[Group]>,
    identities: Identities,
    key_log: Option<KeyLog>,
    key_update_after: Option<u32>,
    session_cache: usize,
    session_id_context: Arc<[u8]>,
    ticket_count: Option<u8>,
    tickets: Tickets,
    versions: Versions,
}

impl ServerConfig {
    /// How many bytes the session id context has at most (as in OpenSSL).
    pub const MOST_SESSION_ID_CONTEXT: usize = 32;

    /// How many tickets a client gets at most at the end of a handshake in TLS 1.3.
    pub const MOST_TICKETS: u8 = 16;

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
            finer: Finer::default(),
            groups: Vec::new(),
            identities: vec![identity],
            key_log: None,
            key_update_after: None,
            session_cache: 0,
            session_id_context: Vec::new(),
            ticket_count: None,
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

    /// After how many records the keys of TLS 1.3 are to be new, if the program has said so.
    pub fn key_update_after(&self) -> Option<u32> {
        self.key_update_after
    }

    /// How many sessions it keeps itself, for clients without tickets.
    pub fn session_cache(&self) -> usize {
        self.session_cache
    }

    /// What sessions are bound to besides the rest of the configuration.
    pub fn session_id_context(&self) -> &[u8] {
        &self.session_id_context
    }

    /// How many tickets a client gets at the end of a handshake in TLS 1.3, if that was chosen.
    pub fn ticket_count(&self) -> Option<u8> {
        self.ticket_count
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
            finer,
            groups,
            identities,
            key_log,
            key_update_after,
            session_cache,
            session_id_context: _, // the core's own
            ticket_count,
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
            (key_update_after.is_some(), Capability::KeyUpdate),
            (*session_cache > 0, Capability::SessionCache),
            (ticket_count.is_some(), Capability::TicketCount),
            (matches!(tickets, Tickets::Keys(_)), Capability::ResumeServer),
            (matches!(tickets, Tickets::Off), Capability::TicketsOff),
            (identities.iter().any(Identity::has_staple), Capability::SendStaple),
        ];
        versions_required(*versions, Capability::Tls12Server, Capability::Tls13Server)
            .union(lists_required(cipher_suites, groups))
            .union(
                needed
                    .into_iter()
                    .chain(checks.needed())
                    .chain(finer.needed())
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
            finer,
            groups: _,
            identities,
            key_log: _,
            key_update_after: _,
            session_cache: _,
            session_id_context,
            ticket_count: _,
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
            .with(session_id_context)
            .with(&protocols.to_wire())
            .with(format!("{preference:?} {mismatch:?}{}", finer.for_sessions()).as_bytes())
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
            .key_update_after(self.key_update_after)
            .needs_extended_master_secret(self.finer.needs_extended_master_secret)
            .kernel_tls(self.finer.kernel_tls, self.finer.record_limit)
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
    pub(crate) finer: Finer,
    groups: Vec<Group>,
    identities: Vec<Identity>,
    key_log: Option<KeyLog>,
    key_update_after: Option<u32>,
    session_cache: usize,
    session_id_context: Vec<u8>,
    ticket_count: Option<u8>,
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

    /// The cipher suites to accept, best first, out of [`CipherSuite::DEFAULT`],
    /// [`CipherSuite::LEGACY`] and [`CipherSuite::DHE`]; a list that names none of a version's suites
    /// needs that version to be off.
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
    /// given nobody knows who else has them. Nor does it go with a [`session_cache`](Self::session_cache):
    /// some libraries keep all sessions of such a server in one place. Requires TLS 1.3, and
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

    /// The key-exchange groups to accept, best first, out of [`Group::DEFAULT`]. Libraries differ in whether
    /// the server's order or the client's decides among them.
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

    /// Takes new keys by itself once so many records have been sent under the last ones, those of one
    /// write more or less. In TLS 1.3 only. Without this it is done after 2^22, some 64 GiB of full
    /// records, where the library does not do so itself. Requires
    /// [`Capability::KeyUpdate`](crate::Capability).
    pub fn key_update_after(mut self, records: u32) -> Self {
        self.key_update_after = Some(records);
        self
    }

    /// Keeps so many sessions of TLS 1.2 in memory, for clients that resume by a session's id since they
    /// know no tickets (RFC 5246 §7.3); those that were not used for the longest time go first. None by
    /// default. They belong to one [`Server`](crate::Server) and end with it, and with each reload. Requires
    /// [`Capability::SessionCache`](crate::Capability::SessionCache).
    pub fn session_cache(mut self, sessions: usize) -> Self {
        self.session_cache = sessions;
        self
    }

    /// Binds sessions to these bytes too: one that was begun under others is not resumed, whatever the keys.
    /// For servers that have keys and all the rest in common, and yet are to be kept apart. At most
    /// [`ServerConfig::MOST_SESSION_ID_CONTEXT`].
    pub fn session_id_context(mut self, context: impl Into<Vec<u8>>) -> Self {
        self.session_id_context = context.into();
        self
    }

    /// How many tickets a client gets at the end of a full handshake in TLS 1.3, from one to
    /// [`ServerConfig::MOST_TICKETS`]: as many connections can be resumed side by side (RFC 8446 §C.4). Two
    /// by default. Requires [`Capability::TicketCount`](crate::Capability::TicketCount).
    pub fn ticket_count(mut self, tickets: u8) -> Self {
        self.ticket_count = Some(tickets);
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
        check_lists(self.versions, &self.cipher_suites, &self.groups, &self.finer)?;
        check_server(self.versions, &self.cipher_suites, &self.finer, &self.identities)?;
        rekey::check(self.key_update_after, self.versions)?;
        if self.client_auth.roots().is_some_and(Roots::is_empty) {
            let why = "client certificates are asked for, but no root is trusted to issue them";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        let most = ServerConfig::MOST_SESSION_ID_CONTEXT;
        if self.session_id_context.len() > most {
            let why = format!("the session id context has more than {most} bytes");
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        let most = ServerConfig::MOST_TICKETS;
        if self.ticket_count.is_some_and(|count| !(1..=most).contains(&count)) {
            let why = format!("a client gets one ticket at least, and {most} at most");
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        let resumes = !matches!(self.tickets, Tickets::Off);
        self.early_data.validate(resumes, self.versions.contains(Version::Tls13))?;
        if self.early_data.is_on() && matches!(&self.tickets, Tickets::Keys(k) if !k.are_own()) {
            let why =
                "early data may be taken once only, and other servers may have these ticket keys";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        if self.early_data.is_on() && self.session_cache > 0 {
            let why = "a server that takes early data has one place for its sessions, and no cache";
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
            finer: self.finer,
            groups: self.groups.into(),
            identities: Identities::new(self.identities),
            key_log: self.key_log,
            key_update_after: self.key_update_after,
            session_cache: self.session_cache,
            session_id_context: self.session_id_context.into(),
            ticket_count: self.ticket_count,
            tickets: self.tickets,
            versions: self.versions,
        })
    }
}
