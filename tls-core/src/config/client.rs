//! What a client wants from its connections.

use std::sync::Arc;

use super::danger::{KeyLog, ReplayableEarlyData, Skip};
use super::{Checks, EndOfStream, StaplePolicy, versions_required};
use crate::connection::Rules;
use crate::parameters::{Finer, check_lists, identity_fits, lists_required};
use crate::rekey;
use crate::resumption::Fingerprint;
use crate::x509::{Algorithms, Purpose};
use crate::{
    Backend, Capabilities, Capability, CipherSuite, Error, ErrorKind, Group, Identity, Judge,
    MemoryStore, Protocols, Result, Resumption, Roots, SessionStore, Sessions, Version, Versions,
};

/// What a client wants from its connections: an immutable value, cheap to clone.
///
/// What is not set has a safe default: the system's roots, full verification, TLS 1.2 and 1.3,
/// [`CipherSuite::DEFAULT`], [`Group::DEFAULT`], no ALPN, no client certificate, SNI sent, and a
/// missing close_notify is an error.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    alpn: Protocols,
    checks: Checks,
    cipher_suites: Arc<[CipherSuite]>,
    danger: Skip,
    early_data: ReplayableEarlyData,
    end_of_stream: EndOfStream,
    pub(crate) finer: Finer,
    groups: Arc<[Group]>,
    identity: Option<Identity>,
    key_log: Option<KeyLog>,
    key_update_after: Option<u32>,
    resumption: Resumption,
    roots: Roots,
    send_server_name: bool,
    staple: StaplePolicy,
    versions: Versions,
}

impl ClientConfig {
    /// Begins a configuration.
    pub fn builder() -> ClientConfigBuilder {
        ClientConfigBuilder::default()
    }

    /// The application protocols to offer, best first; none if empty.
    pub fn alpn(&self) -> &Protocols {
        &self.alpn
    }

    /// What is checked of the server's certificates, besides the roots.
    pub fn checks(&self) -> &Checks {
        &self.checks
    }

    /// The cipher suites to offer, best first; [`CipherSuite::DEFAULT`] if empty.
    pub fn cipher_suites(&self) -> &[CipherSuite] {
        &self.cipher_suites
    }

    /// Which parts of the verification to leave out.
    pub fn danger(&self) -> Skip {
        self.danger
    }

    /// How much early data to send.
    pub fn early_data(&self) -> ReplayableEarlyData {
        self.early_data
    }

    /// What an end without close_notify means.
    pub fn end_of_stream(&self) -> EndOfStream {
        self.end_of_stream
    }

    /// The key-exchange groups to offer, best first; [`Group::DEFAULT`] if empty.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Who the client is, for servers that ask.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Where the secrets are logged.
    pub fn key_log(&self) -> Option<&KeyLog> {
        self.key_log.as_ref()
    }

    /// After how many records the keys of TLS 1.3 are to be new, if the program has said so.
    pub fn key_update_after(&self) -> Option<u32> {
        self.key_update_after
    }

    /// Whether sessions are resumed, and where they are kept.
    pub fn resumption(&self) -> &Resumption {
        &self.resumption
    }

    /// Wipes the private key of the identity, in all clones of it: to be called once every
    /// [`Client`](crate::Client) is made, which go on. To make another is an error from then on.
    pub fn clear_keys(&self) {
        self.identity.iter().for_each(Identity::clear_key);
    }

    /// The roots to trust.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Whether to tell the server its name (SNI).
    pub fn send_server_name(&self) -> bool {
        self.send_server_name
    }

    /// Whether to ask for a stapled OCSP response.
    pub fn staple(&self) -> StaplePolicy {
        self.staple
    }

    /// The versions to offer.
    pub fn versions(&self) -> Versions {
        self.versions
    }

    /// The capabilities that a backend needs to honour every part of this configuration.
    pub fn required(&self) -> Capabilities {
        // Destructured in full, so that a new field cannot be forgotten here.
        let Self {
            alpn,
            checks,
            cipher_suites,
            danger,
            early_data,
            end_of_stream: _, // the core's own
            finer,
            groups,
            identity,
            key_log,
            key_update_after,
            resumption,
            roots,
            send_server_name,
            staple,
            versions,
        } = self;
        // Nobody asks the roots where the chain is left out.
        let partial = !danger.skips_chain() && roots.has_partial();
        let needed = [
            (!alpn.is_empty(), Capability::AlpnClient),
            (!alpn.is_text(), Capability::AlpnBytes),
            (identity.is_some(), Capability::ClientIdentity),
            (early_data.is_on(), Capability::EarlyDataClient),
            (early_data.is_on(), Capability::ResumeClient),
            (early_data.is_on(), Capability::Tls13Client),
            (
                identity.as_ref().is_some_and(|own| own.signer().is_some()),
                Capability::ExternalSigner,
            ),
            (
                identity.as_ref().is_some_and(|own| own.async_signer().is_some()),
                Capability::AsyncSigner,
            ),
            (
                identity.as_ref().is_some_and(|own| own.leaf_facts().is_ed25519()),
                Capability::Ed25519,
            ),
            (key_log.is_some(), Capability::KeyLog),
            (key_update_after.is_some(), Capability::KeyUpdate),
            (matches!(resumption, Resumption::Memory(_)), Capability::ResumeClient),
            (matches!(resumption, Resumption::Store(_)), Capability::ExportSessions),
            (!send_server_name, Capability::OmitServerName),
            (partial, Capability::PartialChains),
            (*staple != StaplePolicy::Off, Capability::RequestStaple),
        ];
        versions_required(*versions, Capability::Tls12Client, Capability::Tls13Client)
            .union(lists_required(cipher_suites, groups))
            .union(danger.required())
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

    /// The core's part in the verification, with the cryptography of a backend.
    pub(crate) fn judge(&self, algorithms: Algorithms<'_>) -> Result<Judge> {
        let (skip, roots) = (self.danger, Some(&self.roots));
        Judge::new(&self.checks, Purpose::ServerAuth, skip, self.staple, roots, algorithms)
    }

    /// A hash of all that decides whom a session is with, and how it was verified.
    fn fingerprint(&self, backend: &str) -> [u8; 32] {
        // Destructured in full, so that a new field cannot be forgotten here.
        let Self {
            alpn,
            checks,
            cipher_suites,
            danger,
            early_data: _,
            end_of_stream: _, // of no concern to a session
            finer,
            groups: _,
            identity,
            key_log: _,
            key_update_after: _,
            resumption: _,
            roots,
            send_server_name,
            staple,
            versions,
        } = self;
        let own = identity.as_ref().map_or(&[][..], |own| own.leaf());
        let words =
            format!("{cipher_suites:?} {danger:?} {send_server_name} {staple:?} {versions:?}");
        let words = words + &finer.for_sessions();
        let fingerprint = Fingerprint::new(backend).with(&alpn.to_wire()).with(own);
        checks.add_to(roots.add_to(fingerprint.with(words.as_bytes()))).finish()
    }

    /// Where a library that gives sessions as bytes keeps them.
    pub(crate) fn sessions(&self, backend: &dyn Backend) -> Result<Option<Sessions>> {
        let can = backend.capabilities().contains(Capability::ResumeClient);
        let memory = |servers| -> Arc<dyn SessionStore> { Arc::new(MemoryStore::new(servers)) };
        let store = match &self.resumption {
            Resumption::Auto if can => memory(Resumption::SERVERS),
            Resumption::Auto | Resumption::Off => return Ok(None),
            Resumption::Memory(servers) => memory(*servers),
            Resumption::Store(store) => {
                let fingerprint = self.lasting_fingerprint(backend.name())?;
                return Ok(Some(Sessions::new(store.clone(), fingerprint)));
            }
        };
        Ok(Some(Sessions::new(store, self.fingerprint(backend.name()))))
    }

    /// The same hash for what may outlive the process: until then the system may have come to trust others.
    fn lasting_fingerprint(&self, backend: &str) -> Result<[u8; 32]> {
        let fingerprint = Fingerprint::new("lasting").with(&self.fingerprint(backend));
        if self.danger.skips_chain() {
            return Ok(fingerprint.finish());
        }
        let mut base = self.roots.base()?;
        base.sort_unstable_by(|a, b| a[..].cmp(&b[..])); // they come as the folders of the system give them
        Ok(base.iter().fold(fingerprint, |so_far, der| so_far.with(der)).finish())
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules::client(self.end_of_stream)
            .key_update_after(self.key_update_after)
            .needs_extended_master_secret(self.finer.needs_extended_master_secret)
            .kernel_tls(self.finer.kernel_tls, self.finer.record_limit)
    }
}

/// Makes a [`ClientConfig`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientConfigBuilder {
    alpn: Vec<Vec<u8>>,
    checks: Checks,
    cipher_suites: Vec<CipherSuite>,
    danger: Skip,
    early_data: ReplayableEarlyData,
    end_of_stream: EndOfStream,
    pub(crate) finer: Finer,
    groups: Vec<Group>,
    identity: Option<Identity>,
    key_log: Option<KeyLog>,
    key_update_after: Option<u32>,
    resumption: Resumption,
    roots: Roots,
    send_server_name: bool,
    staple: StaplePolicy,
    versions: Versions,
}

impl Default for ClientConfigBuilder {
    fn default() -> Self {
        Self {
            alpn: Vec::new(),
            checks: Checks::default(),
            cipher_suites: Vec::new(),
            danger: Skip::nothing(),
            early_data: ReplayableEarlyData::none(),
            end_of_stream: EndOfStream::default(),
            finer: Finer::default(),
            groups: Vec::new(),
            identity: None,
            key_log: None,
            key_update_after: None,
            resumption: Resumption::Auto,
            roots: Roots::default(),
            send_server_name: true,
            staple: StaplePolicy::default(),
            versions: Versions::default(),
        }
    }
}

impl ClientConfigBuilder {
    /// The application protocols to offer, best first.
    pub fn alpn<N: AsRef<[u8]>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.alpn = names.into_iter().map(|name| name.as_ref().to_vec()).collect();
        self
    }

    /// What is checked of the server's certificates, besides the roots.
    pub fn checks(mut self, checks: Checks) -> Self {
        self.checks = checks;
        self
    }

    /// The cipher suites to offer, best first, out of [`CipherSuite::DEFAULT`],
    /// [`CipherSuite::LEGACY`] and [`CipherSuite::DHE`]; a list that names none of a version's suites
    /// needs that version to be off.
    pub fn cipher_suites(mut self, suites: impl IntoIterator<Item = CipherSuite>) -> Self {
        self.cipher_suites = suites.into_iter().collect();
        self
    }

    /// Leaves out parts of the verification. The name says it.
    pub fn danger(mut self, skip: Skip) -> Self {
        self.danger = skip;
        self
    }

    /// How much early data to send, where a session allows it; none by default. It can be recorded and
    /// sent again. Requires TLS 1.3, resumption, and
    /// [`Capability::EarlyDataClient`](crate::Capability::EarlyDataClient).
    pub fn early_data(mut self, early_data: ReplayableEarlyData) -> Self {
        self.early_data = early_data;
        self
    }

    /// What an end without close_notify means.
    pub fn end_of_stream(mut self, policy: EndOfStream) -> Self {
        self.end_of_stream = policy;
        self
    }

    /// The key-exchange groups to offer, best first, out of [`Group::DEFAULT`].
    pub fn groups(mut self, groups: impl IntoIterator<Item = Group>) -> Self {
        self.groups = groups.into_iter().collect();
        self
    }

    /// Who the client is, for servers that ask.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
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

    /// Whether sessions are resumed, and where they are kept; in memory by default.
    pub fn resumption(mut self, resumption: Resumption) -> Self {
        self.resumption = resumption;
        self
    }

    /// The roots to trust.
    pub fn roots(mut self, roots: Roots) -> Self {
        self.roots = roots;
        self
    }

    /// Whether to tell the server its name (SNI); on by default.
    pub fn send_server_name(mut self, send: bool) -> Self {
        self.send_server_name = send;
        self
    }

    /// Whether to ask for a stapled OCSP response; off by default.
    pub fn staple(mut self, policy: StaplePolicy) -> Self {
        self.staple = policy;
        self
    }

    /// The versions to offer.
    pub fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Checks the parts against each other.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind), saying which part is unusable.
    pub fn build(self) -> Result<ClientConfig> {
        check_lists(self.versions, &self.cipher_suites, &self.groups, &self.finer)?;
        let resumes = match self.resumption {
            Resumption::Off | Resumption::Memory(0) => false,
            Resumption::Auto | Resumption::Memory(_) | Resumption::Store(_) => true,
        };
        self.early_data.validate(resumes, self.versions.contains(Version::Tls13))?;
        rekey::check(self.key_update_after, self.versions)?;
        if let Some(own) = &self.identity {
            identity_fits(own.leaf_facts(), self.versions, &self.finer.signature_schemes)?;
        }
        let chain = !self.danger.skips_chain();
        self.checks.validate(chain)?;
        if self.identity.as_ref().is_some_and(Identity::has_staple) {
            let why = "a client staples nothing to its certificate";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        if matches!(self.resumption, Resumption::Store(_)) && !self.checks.can_be_named() {
            let why = "sessions in a store would outlive the program's own verifier or clock";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        if self.staple == StaplePolicy::Require && !chain {
            let why = "a staple is required, but the chain of who could sign it is not verified";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        Ok(ClientConfig {
            alpn: Protocols::new(self.alpn)?,
            checks: self.checks,
            cipher_suites: self.cipher_suites.into(),
            danger: self.danger,
            early_data: self.early_data,
            end_of_stream: self.end_of_stream,
            finer: self.finer,
            groups: self.groups.into(),
            identity: self.identity,
            key_log: self.key_log,
            key_update_after: self.key_update_after,
            resumption: self.resumption,
            roots: self.roots,
            send_server_name: self.send_server_name,
            staple: self.staple,
            versions: self.versions,
        })
    }
}
