//! The suite finds out every lie in a table of capabilities.
//!
//! A table lies when it denies what the library can do, or claims what it cannot. For the first
//! kind any backend will do: take one bit away. For the second kind there are backends here that
//! cannot do one thing: they drop an option, hide a fact, or blur a reason, and claim it all the
//! same.

#![allow(clippy::unwrap_used)] // tests

use std::sync::Mutex;
use std::task::Waker;

use polytls::{
    Acceptor, AlpnMismatch, AlpnPreference, Backend, Capabilities, Capability, CertificateError,
    Checks, CipherSuite, Client, ClientAuth, ClientConfig, Clock, Connector, Error, ErrorKind,
    Group, HandedOver, Identity, Negotiated, Progress, Protocols, Result, Resumption,
    RevocationLists, Roots, Server, ServerConfig, ServerName, Session, SignatureScheme, Staple,
    Supported, Tickets, Verification, Version, Versions, Wire, danger, x509,
};
use tls_conformance::{CASES, Case, Claiming, Outcome, Role, Side};
use zeroize::Zeroizing;

#[test]
fn an_honest_table_passes() {
    for &backend in polytls::backend::all() {
        for case in CASES {
            let outcome = case.judge(backend, backend);
            let honest = matches!(outcome, Outcome::Passed | Outcome::Refused(_));
            assert!(honest, "{}: {}: {outcome:?}", backend.name(), case.name());
        }
    }
}

#[test]
fn every_capability_is_needed_by_a_case() {
    for &capability in Capability::ALL {
        assert!(sides(capability).count() > 0, "no case needs {capability}");
    }
}

#[test]
fn denying_what_works_is_found_out() {
    for &backend in polytls::backend::all() {
        for capability in backend.capabilities().iter() {
            let denied = backend.capabilities().without(Capabilities::of(&[capability]));
            let lie = Claiming::new(backend, denied);
            for side in sides(capability) {
                assert_found_out(backend, &lie, capability, side);
            }
        }
    }
}

#[test]
fn claiming_what_is_not_there_is_found_out() {
    for &backend in polytls::backend::all() {
        for capability in Capabilities::ALL.without(backend.capabilities()).iter() {
            // A lie that needs another one to be heard.
            let beside: &[Capability] = match capability {
                // Nobody hands over what is not asked for.
                Capability::UnverifiedClients => &[Capability::RequestClientCertificate],
                // It shows where there are no tickets.
                Capability::SessionCache => &[Capability::TicketsOff],
                // Nobody counts what is not given.
                Capability::TicketCount => &[Capability::ResumeServer, Capability::Tls13Server],
                // They are chosen like any other.
                Capability::DheSuites | Capability::LegacySuites => &[Capability::CipherSuites],
                // Nothing comes early without a session.
                Capability::EarlyDataClient => &[Capability::ResumeClient, Capability::Tls13Client],
                Capability::EarlyDataServer | Capability::EarlyDataLimit => &[
                    Capability::EarlyDataServer,
                    Capability::ResumeServer,
                    Capability::Tls13Server,
                ],
                _ => &[],
            };
            let claimed = backend.capabilities().with(capability);
            let claimed = beside.iter().fold(claimed, |all, also| all.with(*also));
            let lie = Claiming::new(backend, claimed);
            // Whoever lacks it needs a partner that has it.
            let honest = polytls::backend::all().iter().copied();
            let partner = honest.clone().find(|other| other.capabilities().contains(capability));
            // A lie that no case gets to hear, for want of something else, harms nobody.
            let heard = |side: &Side| {
                cases(capability, *side)
                    .any(|case| case.needs(*side).without(lie.capabilities()).is_empty())
            };
            let sides = sides(capability).filter(heard).collect::<Vec<_>>();
            assert!(!sides.is_empty(), "{} could say anything of {capability}", backend.name());
            for side in sides {
                assert_found_out(partner.unwrap_or(backend), &lie, capability, side);
            }
        }
    }
}

#[test]
fn claiming_what_has_no_effect_is_found_out() {
    for &backend in polytls::backend::all() {
        for capability in can_be_dropped(backend) {
            let lie = Unable { backend, to: capability };
            for side in sides(capability) {
                assert_found_out(backend, &lie, capability, side);
            }
        }
    }
}

/// A table that admits what the library cannot do is no lie, in any case that asks for it.
#[test]
fn admitting_what_is_not_there_passes() {
    let mut wrong = Vec::new();
    for &backend in polytls::backend::all() {
        for capability in can_be_dropped(backend) {
            let unable = Unable { backend, to: capability };
            let admitted = backend.capabilities().without(Capabilities::of(&[capability]));
            let honest = Claiming::new(&unable, admitted);
            for side in sides(capability) {
                for case in cases(capability, side) {
                    let outcome = judge(case, backend, &honest, side);
                    if !matches!(outcome, Outcome::Refused(_)) {
                        let (name, case) = (backend.name(), case.name());
                        wrong.push(format!("{name} without {capability}: {case}: {outcome:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What would be missed. A server that never lets anything be resumed does so too if it is told not to
/// and does not listen.
fn can_be_dropped(backend: &dyn Backend) -> impl Iterator<Item = Capability> {
    let all = backend.capabilities();
    let gives_tickets = all.contains(Capability::ResumeServer);
    all.iter().filter(move |&what| what != Capability::TicketsOff || gives_tickets)
}

/// The sides of which some case needs `capability`.
fn sides(capability: Capability) -> impl Iterator<Item = Side> {
    let both = [Side::Client, Side::Server].into_iter();
    both.filter(move |side| cases(capability, *side).next().is_some())
}

/// The cases that need `capability` of this side.
fn cases(capability: Capability, side: Side) -> impl Iterator<Item = &'static Case> {
    CASES.iter().copied().filter(move |case| case.needs(side).contains(capability))
}

/// With `lie` on one side and `honest` on the other, or else another backend, at least one case must
/// fail. Some lies show only beside a backend that can do more.
fn assert_found_out(honest: &dyn Backend, lie: &dyn Backend, capability: Capability, side: Side) {
    let others = polytls::backend::all().iter().copied();
    let mut partners = std::iter::once(honest).chain(others);
    let failed = partners.any(|partner| {
        cases(capability, side)
            .any(|case| matches!(judge(case, partner, lie, side), Outcome::Failed(_)))
    });
    assert!(failed, "{} lies about {capability} as a {side:?}, and nobody sees it", lie.name());
}

fn judge(case: &Case, honest: &dyn Backend, subject: &dyn Backend, side: Side) -> Outcome {
    match (case.role(), side) {
        (Role::Client | Role::Server, _) => case.judge(subject, subject),
        (Role::Pair, Side::Client) => case.judge(subject, honest),
        (Role::Pair, Side::Server) => case.judge(honest, subject),
    }
}

/// A backend that cannot do one thing, and does not say so.
#[derive(Debug)]
struct Unable {
    backend: &'static dyn Backend,
    to: Capability,
}

impl Backend for Unable {
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
        self.backend.capabilities()
    }

    fn signature_algorithms(&self) -> x509::Algorithms<'static> {
        self.backend.signature_algorithms()
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        let catch = Catch::new(self.backend);
        let compiled = Client::new(&self.poorer_client(&config)?, &catch).map(drop);
        let connector = catch.connector.into_inner().unwrap();
        connector.map_or_else(
            || Err(compiled.unwrap_err()),
            |inner| Ok(Box::new(Poorer::new(inner, self.to)) as _),
        )
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        let catch = Catch::new(self.backend);
        let compiled = Server::new(&self.poorer_server(&config)?, &catch).map(drop);
        let acceptor = catch.acceptor.into_inner().unwrap();
        acceptor.map_or_else(
            || Err(compiled.unwrap_err()),
            |inner| Ok(Box::new(Poorer::new(inner, self.to)) as _),
        )
    }
}

impl Unable {
    fn lacks(&self, capability: Capability) -> bool {
        self.to == capability
    }

    /// The same configuration without what this backend cannot do.
    fn poorer_client(&self, config: &ClientConfig) -> Result<ClientConfig> {
        if let Some(own) = config.identity() {
            self.knows_key(own)?;
        }
        let wants_uniform = config.required().contains(Capability::UniformVerification);
        let mut builder = ClientConfig::builder()
            .checks(self.checks(config.checks(), wants_uniform))
            .danger(self.skip(config.danger(), wants_uniform))
            .end_of_stream(config.end_of_stream())
            .groups(self.groups(config.groups()))
            .roots(self.roots(config.roots())?)
            .versions(self.versions(
                config.versions(),
                Capability::Tls12Client,
                Capability::Tls13Client,
            )?);
        if !self.lacks(Capability::AlpnClient) {
            builder = builder.alpn(self.names(config.alpn()));
        }
        builder = builder.cipher_suites(self.suites(config.cipher_suites()));
        builder = builder.signature_schemes(self.schemes(config.signature_schemes()));
        if let Some(bytes) = self.record_limit(config.record_limit()) {
            builder = builder.record_limit(bytes);
        }
        builder = builder.resumption(self.resumption(config.resumption()));
        if let Some(log) = config.key_log().filter(|_| !self.lacks(Capability::KeyLog)) {
            builder = builder.key_log(log.clone());
        }
        builder = builder.early_data(match self.to {
            // Without sessions, and without the version, there is none.
            Capability::EarlyDataClient | Capability::ResumeClient | Capability::Tls13Client => {
                danger::ReplayableEarlyData::none()
            }
            _ => config.early_data(),
        });
        if !self.lacks(Capability::KernelTls) {
            builder = builder.kernel_tls(config.kernel_tls());
        }
        if let Some(n) = config.key_update_after().filter(|_| !self.lacks(Capability::KeyUpdate)) {
            builder = builder.key_update_after(n);
        }
        if !self.lacks(Capability::OmitServerName) {
            builder = builder.send_server_name(config.send_server_name());
        }
        if !self.lacks(Capability::RequestStaple) {
            builder = builder.staple(config.staple());
        }
        match config.identity() {
            Some(identity) if !self.lacks(Capability::ClientIdentity) => {
                builder.identity(identity.clone()).build()
            }
            _ => builder.build(),
        }
    }

    /// The same configuration without what this backend cannot do.
    fn poorer_server(&self, config: &ServerConfig) -> Result<ServerConfig> {
        config.identities().iter().try_for_each(|own| self.knows_key(own))?;
        let mut identities = config.identities().iter().map(|own| self.without_staple(own));
        let mut builder = ServerConfig::builder(identities.next().unwrap())
            .end_of_stream(config.end_of_stream())
            .groups(self.groups(config.groups()))
            .versions(self.versions(
                config.versions(),
                Capability::Tls12Server,
                Capability::Tls13Server,
            )?);
        let (mut preference, mut mismatch) = (config.alpn().preference, config.alpn().mismatch);
        if self.lacks(Capability::AlpnServerPolicy) {
            (preference, mismatch) = (AlpnPreference::default(), AlpnMismatch::default());
        }
        if !self.lacks(Capability::AlpnServer) {
            builder = builder
                .alpn(self.names(&config.alpn().protocols))
                .alpn_preference(preference)
                .alpn_mismatch(mismatch);
        }
        let suites = self.suites(config.cipher_suites());
        if suites.iter().any(|suite| suite.is_dhe()) {
            builder = builder.dh_params(config.dh_params());
        }
        builder = builder.cipher_suites(suites);
        builder = builder.signature_schemes(self.schemes(config.signature_schemes()));
        if let Some(bytes) = self.record_limit(config.record_limit()) {
            builder = builder.record_limit(bytes);
        }
        if !self.lacks(Capability::ClientOrder) {
            builder = builder.suite_order(config.suite_order());
        }
        builder = builder.tickets(self.tickets(config.tickets()));
        builder = builder.early_data(match (self.to, config.early_data().is_on()) {
            // Without tickets, and without the version, there is none.
            (
                Capability::EarlyDataServer | Capability::ResumeServer | Capability::Tls13Server,
                _,
            ) => danger::ReplayableEarlyData::none(),
            (Capability::EarlyDataLimit, true) => {
                danger::ReplayableEarlyData::up_to(danger::ReplayableEarlyData::MAX)
            }
            _ => config.early_data(),
        });
        builder = builder.session_id_context(config.session_id_context());
        if !self.lacks(Capability::SessionCache) {
            builder = builder.session_cache(config.session_cache());
        }
        if let Some(count) = config.ticket_count().filter(|_| !self.lacks(Capability::TicketCount))
        {
            builder = builder.ticket_count(count);
        }
        if let Some(log) = config.key_log().filter(|_| !self.lacks(Capability::KeyLog)) {
            builder = builder.key_log(log.clone());
        }
        if !self.lacks(Capability::KernelTls) {
            builder = builder.kernel_tls(config.kernel_tls());
        }
        if let Some(n) = config.key_update_after().filter(|_| !self.lacks(Capability::KeyUpdate)) {
            builder = builder.key_update_after(n);
        }
        let wants_uniform = config.required().contains(Capability::UniformVerification);
        let auth = match config.client_auth() {
            _ if self.lacks(Capability::RequestClientCertificate) => ClientAuth::None,
            ClientAuth::Unverified if self.lacks(Capability::UnverifiedClients) => ClientAuth::None,
            // Whoever comes is accepted.
            _ if wants_uniform && self.lacks(Capability::UniformVerification) => {
                ClientAuth::Unverified
            }
            auth => auth.clone(),
        };
        if auth.roots().is_some() {
            builder = builder.checks(self.checks(config.checks(), wants_uniform));
        }
        builder = identities.fold(builder.client_auth(auth), |all, other| all.add_identity(other));
        builder.build()
    }

    fn knows_key(&self, own: &Identity) -> Result<()> {
        let is_unknown = match self.to {
            Capability::Ed25519 => own.leaf_facts().is_ed25519(),
            Capability::ExternalSigner => own.signer().is_some(),
            Capability::AsyncSigner => own.async_signer().is_some(),
            _ => false,
        };
        match is_unknown {
            true => Err(Error::new(ErrorKind::Config).because("nobody here knows this key")),
            false => Ok(()),
        }
    }

    fn without_staple(&self, own: &Identity) -> Identity {
        match own.staple() {
            Some(_) if self.lacks(Capability::SendStaple) => {
                own.clone().with_staple(Staple::empty())
            }
            Some(_) | None => own.clone(),
        }
    }

    /// What is checked, without what this backend cannot check.
    fn checks(&self, wanted: &Checks, wants_uniform: bool) -> Checks {
        let checks = wanted.clone();
        match self.to {
            // What was asked for once cannot be taken back; the rest that matters beside it can be said.
            Capability::CommonNames => {
                Checks::new().clock(wanted.clock_in_use().clone()).depth(wanted.max_intermediates())
            }
            Capability::CustomVerification => checks.pins([]).verification(match wants_uniform {
                true => Verification::Uniform,
                false => Verification::Library,
            }),
            Capability::LimitChain => checks.depth(Checks::new().max_intermediates()),
            Capability::RevocationLists => {
                checks.revocation(RevocationLists::new().tolerate_missing())
            }
            Capability::UniformVerification if wants_uniform => {
                checks.verification(Verification::Library)
            }
            Capability::VerificationTime => checks.clock(Clock::System),
            _ => checks,
        }
    }

    fn resumption(&self, wanted: &Resumption) -> Resumption {
        match wanted {
            _ if self.lacks(Capability::ResumeClient) => Resumption::Off,
            // It keeps them where it likes.
            Resumption::Store(_) if self.lacks(Capability::ExportSessions) => Resumption::Auto,
            wanted => wanted.clone(),
        }
    }

    fn tickets(&self, wanted: &Tickets) -> Tickets {
        match wanted {
            _ if self.lacks(Capability::ResumeServer) => Tickets::Off,
            Tickets::Off if self.lacks(Capability::TicketsOff) => Tickets::Auto,
            wanted => wanted.clone(),
        }
    }

    fn suites(&self, wanted: &[CipherSuite]) -> Vec<CipherSuite> {
        // In another order, and not all.
        let own = CipherSuite::DEFAULT.iter().rev().copied();
        let own = own.filter(|suite| suite.is_tls13() || !suite.to_string().contains("CHACHA20"));
        let is_own = wanted.is_empty() && self.lacks(Capability::DefaultSuites);
        match (is_own, self.lacks(Capability::CipherSuites)) {
            (true, _) => own.collect(),
            (false, true) => Vec::new(),
            (false, false) => {
                let unknown = |suite: &CipherSuite| match self.to {
                    Capability::DheSuites => suite.is_dhe(),
                    Capability::LegacySuites => suite.is_legacy(),
                    _ => false,
                };
                wanted.iter().copied().filter(|suite| !unknown(suite)).collect()
            }
        }
    }

    fn schemes(&self, wanted: &[SignatureScheme]) -> Vec<SignatureScheme> {
        match self.lacks(Capability::SignatureSchemes) {
            true => Vec::new(),
            false => wanted.to_vec(),
        }
    }

    fn record_limit(&self, wanted: Option<usize>) -> Option<usize> {
        wanted.filter(|_| !self.lacks(Capability::LimitRecords))
    }

    /// The names that it can have.
    fn names<'a>(&self, all: &'a Protocols) -> impl Iterator<Item = &'a [u8]> {
        let only_text = self.lacks(Capability::AlpnBytes);
        let is_text =
            |name: &[u8]| name.len() > 1 && !name.contains(&0) && std::str::from_utf8(name).is_ok();
        all.iter().filter(move |name| !only_text || is_text(name))
    }

    fn roots(&self, wanted: &Roots) -> Result<Roots> {
        if !self.lacks(Capability::PartialChains) {
            return Ok(wanted.clone());
        }
        // Those that are given, in the cases about them, are all there is.
        let mut issued_by_itself = wanted.given().iter().filter(|der| x509::is_self_issued(der));
        match issued_by_itself.clone().count() == wanted.given().len() {
            true => Ok(wanted.clone()),
            false => issued_by_itself
                .try_fold(Roots::empty(), |roots, root| roots.with_der(root.clone())),
        }
    }

    fn skip(&self, wanted: danger::Skip, wants_uniform: bool) -> danger::Skip {
        // All at once is a capability of its own, which needs none of the three.
        if wanted.skips_everything() {
            return match self.lacks(Capability::SkipAllVerification) {
                true => danger::Skip::nothing(),
                false => wanted,
            };
        }
        let mut skip = danger::Skip::nothing();
        let unlike = wants_uniform && self.lacks(Capability::UniformVerification);
        if self.lacks(Capability::LimitChain) && !wants_uniform || unlike {
            // Too long a chain is accepted, or what no library should accept, among others.
            let can = self.backend.capabilities();
            skip = match can.contains(Capability::SkipChainVerification) {
                true => skip.chain(),
                false => danger::Skip::everything(),
            };
        }
        if wanted.skips_chain() && !self.lacks(Capability::SkipChainVerification) {
            skip = skip.chain();
        }
        if wanted.skips_name() && !self.lacks(Capability::SkipNameVerification) {
            skip = skip.name();
        }
        if wanted.skips_time() && !self.lacks(Capability::SkipTimeVerification) {
            skip = skip.time();
        }
        skip
    }

    fn groups(&self, wanted: &[Group]) -> Vec<Group> {
        if self.lacks(Capability::Groups) {
            return Vec::new();
        }
        if !self.lacks(Capability::PostQuantum) {
            return wanted.to_vec();
        }
        let wanted = if wanted.is_empty() { Group::DEFAULT } else { wanted };
        let classical = wanted.iter().copied().filter(|group| !group.is_post_quantum());
        let classical = classical.collect::<Vec<_>>();
        // Nothing else was wanted, but some group there must be.
        if classical.is_empty() { vec![Group::SECP384R1] } else { classical }
    }

    fn versions(&self, wanted: Versions, tls12: Capability, tls13: Capability) -> Result<Versions> {
        let left = match self.to {
            lacked if lacked == tls12 => Version::Tls13,
            lacked if lacked == tls13 => Version::Tls12,
            _ => return Ok(wanted),
        };
        match wanted.contains(left) {
            true => Ok(Versions::only(left)),
            false => Err(Error::new(ErrorKind::Backend).because("no version is left")),
        }
    }
}

/// Has the core check a changed configuration, and catches what the real backend makes of it.
#[derive(Debug)]
struct Catch {
    backend: &'static dyn Backend,
    connector: Mutex<Option<Box<dyn Connector>>>,
    acceptor: Mutex<Option<Box<dyn Acceptor>>>,
}

impl Catch {
    fn new(backend: &'static dyn Backend) -> Self {
        Self { backend, connector: Mutex::default(), acceptor: Mutex::default() }
    }

    fn caught<T>() -> Result<T> {
        Err(Error::new(ErrorKind::Backend).because("caught on the way"))
    }
}

impl Backend for Catch {
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
        // Also what the real one lacks: the one it stands in for claims it, and is called.
        Capabilities::ALL
    }

    fn signature_algorithms(&self) -> x509::Algorithms<'static> {
        self.backend.signature_algorithms()
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        *self.connector.lock().unwrap() = Some(self.backend.connector(config)?);
        Self::caught()
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        *self.acceptor.lock().unwrap() = Some(self.backend.acceptor(config)?);
        Self::caught()
    }
}

/// What is left of a part of the real backend.
#[derive(Debug)]
struct Poorer<T: ?Sized> {
    to: Capability,
    closed: bool,
    peer_closed: bool,
    inner: Box<T>,
}

impl<T: ?Sized> Poorer<T> {
    fn new(inner: Box<T>, to: Capability) -> Self {
        Self { inner, to, closed: false, peer_closed: false }
    }

    /// Whatever was to be sent is not, once something went wrong.
    fn without_alert<P>(&self, wire: &mut Wire, outcome: Result<P>) -> Result<P> {
        if outcome.is_err() && self.to == Capability::EncryptedAlerts {
            let pending = wire.pending().len();
            wire.sent(pending);
        }
        outcome
    }

    fn no_half_close<P>(&self) -> Result<P> {
        Err(Error::new(ErrorKind::Unsupported(Capability::Tls12HalfClose)))
    }
}

impl Connector for Poorer<dyn Connector> {
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        Ok(Box::new(Poorer::new(self.inner.session(name)?, self.to)))
    }

    fn session_with_early_data(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        let session = match self.to {
            Capability::EarlyDataClient => self.inner.session(name),
            _ => self.inner.session_with_early_data(name),
        };
        Ok(Box::new(Poorer::new(session?, self.to)))
    }
}

impl Acceptor for Poorer<dyn Acceptor> {
    fn session(&self, identity: usize) -> Result<Box<dyn Session>> {
        Ok(Box::new(Poorer::new(self.inner.session(identity)?, self.to)))
    }

    fn session_without_early_data(&self, identity: usize) -> Result<Box<dyn Session>> {
        let session = self.inner.session_without_early_data(identity)?;
        Ok(Box::new(Poorer::new(session, self.to)))
    }
}

impl Session for Poorer<dyn Session> {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let outcome = self.inner.handshake(wire).map_err(|e| match e.kind() {
            ErrorKind::Certificate(_) if self.to == Capability::CertificateReasons => {
                Error::new(ErrorKind::Certificate(CertificateError::Other))
            }
            _ => e,
        });
        if self.to == Capability::Ed25519 && matches!(outcome, Ok(Progress::Ready(()))) {
            let facts = self.inner.negotiated();
            let facts = facts.peer_certificate().map(x509::CertificateFacts::read);
            if facts.is_some_and(|facts| facts.is_ok_and(|facts| facts.is_ed25519())) {
                return Err(Error::new(ErrorKind::NoSharedSignature));
            }
        }
        // For backends whose suites cannot be chosen, and so not left out above.
        if self.to == Capability::DefaultSuites && matches!(outcome, Ok(Progress::Ready(()))) {
            let suite = self.inner.negotiated().cipher_suite.map(|suite| suite.to_string());
            if suite.is_some_and(|suite| suite.contains("WITH_CHACHA20")) {
                return Err(Error::new(ErrorKind::NoSharedCipher));
            }
        }
        self.without_alert(wire, outcome)
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        let outcome = self.inner.read(wire, buf);
        match outcome {
            Ok(Progress::Ready(0)) => self.peer_closed = self.to == Capability::Tls12HalfClose,
            Ok(Progress::Ready(_)) if self.closed => return self.no_half_close(),
            _ => {}
        }
        self.without_alert(wire, outcome)
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        if self.peer_closed {
            return self.no_half_close();
        }
        self.inner.write(wire, buf)
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.closed = self.to == Capability::Tls12HalfClose;
        self.inner.close(wire)
    }

    fn update_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        match self.to {
            Capability::KeyUpdate => Err(Error::new(ErrorKind::Unsupported(self.to))),
            _ => self.inner.update_keys(wire),
        }
    }

    fn renew_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        match self.to {
            Capability::KeyUpdate => Err(Error::new(ErrorKind::Unsupported(self.to))),
            _ => self.inner.renew_keys(wire),
        }
    }

    fn counts_records(&self) -> bool {
        self.inner.counts_records()
    }

    fn settle(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.inner.settle(wire)
    }

    fn hand_over(&mut self) -> Result<HandedOver> {
        match self.to {
            Capability::KernelTls => Err(Error::new(ErrorKind::Unsupported(self.to))),
            _ => self.inner.hand_over(),
        }
    }

    fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        match self.to {
            Capability::Exporter => Err(Error::new(ErrorKind::Unsupported(self.to))),
            _ => self.inner.export_keying_material(out, label, context),
        }
    }

    fn tls_unique(&self) -> Result<Vec<u8>> {
        match self.to {
            Capability::TlsUnique => Err(Error::new(ErrorKind::Unsupported(self.to))),
            _ => self.inner.tls_unique(),
        }
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        self.inner.buffered(wire)
    }

    fn undelivered(&self) -> usize {
        self.inner.undelivered()
    }

    fn write_early(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<usize> {
        self.inner.write_early(wire, buf)
    }

    fn take_early(&mut self) -> Zeroizing<Vec<u8>> {
        self.inner.take_early()
    }

    fn early_data_accepted(&self) -> bool {
        self.inner.early_data_accepted()
    }

    fn await_signature(&mut self, waker: &Waker) -> bool {
        self.inner.await_signature(waker)
    }

    fn staple(&self) -> Option<Vec<u8>> {
        self.inner.staple()
    }

    fn negotiated(&self) -> Negotiated {
        let mut facts = self.inner.negotiated();
        match self.to {
            // Where groups cannot be chosen, that it is not there can only be said.
            Capability::PostQuantum if facts.group.is_some_and(Group::is_post_quantum) => {
                facts.group = Some(Group::X25519);
            }
            Capability::Exporter => facts.extended_master_secret = None,
            Capability::ReportCipherSuite => facts.cipher_suite = None,
            Capability::ReportGroup => facts.group = None,
            Capability::ReportLocalCertificate => facts.local_certificate = None,
            Capability::ReportPeerChain => facts.peer_chain.truncate(1),
            Capability::ReportResumed => facts.resumed = None,
            Capability::ReportServerName => facts.server_name = None,
            Capability::ReportSignatureScheme => facts.signature_scheme = None,
            Capability::ReportVersion => facts.version = None,
            _ => {}
        }
        facts
    }
}
