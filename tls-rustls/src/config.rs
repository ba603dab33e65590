//! Core configurations, loaded into rustls.

use std::sync::Arc;

use rustls::client::{ResolvesClientCert, Resumption, UnbufferedClientConnection};
use rustls::crypto::CryptoProvider;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, UnbufferedServerConnection,
};
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{NamedGroup, SignatureScheme, SupportedProtocolVersion};
use tls_core::pki_types::CertificateDer;
use tls_core::x509::Purpose;
use tls_core::{
    Acceptor, AlpnConfig, CipherSuite, ClientAuth, ClientConfig, Connector, Error, ErrorKind,
    Group, Identity, KernelTls, Result, Roots, ServerConfig, ServerName, Session, SuiteOrder,
    Supported, Version, Versions,
};

use crate::aside::{self, Aside};
use crate::early::{PASSED_OVER, Refusing, Stored};
use crate::error::{config_error, session_error};
use crate::kernel::{Gives, Giving};
use crate::resumption::{ClientSessions, ServerSessions, Tickets};
use crate::secrets::Told;
use crate::session::{PolicySession, RustlsSession};
use crate::signer::{Choosy, External, Stapled};
use crate::verify::{Checks, ClientVerifier, ServerVerifier};
use crate::{NAME, Rustls};

#[derive(Debug)]
pub(crate) struct RustlsConnector {
    config: Arc<rustls::ClientConfig>,
    /// The same for who has early data.
    early: Option<Arc<rustls::ClientConfig>>,
    /// Its own certificate, for a server that asks.
    own: Option<Own>,
}

#[derive(Debug)]
pub(crate) struct RustlsAcceptor {
    identities: Vec<Loaded>,
    /// Set if rustls cannot apply the ALPN policy by itself.
    policy: Option<AlpnConfig>,
}

/// One identity.
#[derive(Debug)]
struct Loaded {
    config: Arc<rustls::ServerConfig>,
    own: Own,
    /// Set where early data is taken.
    refusing: Option<Refusing>,
}

/// An own certificate, shared by the sessions that present it.
pub(crate) type Own = Arc<CertificateDer<'static>>;

pub(crate) fn client(
    config: &Supported<'_, ClientConfig>,
    backend: &Rustls,
) -> Result<RustlsConnector> {
    let provider = Arc::new(provider(backend, config.cipher_suites(), config.groups()));
    let algorithms = provider.signature_verification_algorithms;
    let schemes = config.signature_schemes();
    let purpose = Purpose::ServerAuth;
    let checks = Checks::new(config.roots(), config.judge(), purpose, algorithms, schemes)?;
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(config.versions()))
        .map_err(config_error)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier(checks)));
    let mut loaded = match config.identity() {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let resolver = certified_key(identity, schemes, backend)?;
            builder.with_client_cert_resolver(Arc::new(resolver))
        }
    };
    loaded.alpn_protocols = config.alpn().iter().map(<[u8]>::to_vec).collect();
    loaded.enable_sni = config.send_server_name();
    loaded.max_fragment_size = config.record_limit().map(|bytes| bytes + HEADER);
    loaded.require_ems = config.requires_extended_master_secret();
    loaded.key_log = Arc::new(Told(config.key_log().cloned()));
    loaded.enable_secret_extraction = config.kernel_tls() != KernelTls::Off;
    let servers = match config.resumption() {
        tls_core::Resumption::Auto => tls_core::Resumption::SERVERS,
        tls_core::Resumption::Memory(servers) => *servers,
        tls_core::Resumption::Off | tls_core::Resumption::Store(_) => 0,
    };
    loaded.resumption = match servers {
        0 => Resumption::disabled(),
        _ => Resumption::store(Arc::new(ClientSessions::new(servers))),
    };
    if let Some(modify) = &backend.modify_client {
        modify(&mut loaded);
    }
    let own = config.identity().map(|identity| Arc::new(identity.leaf().clone()));
    let early = config.early_data().is_on().then(|| {
        let mut early = loaded.clone();
        early.enable_early_data = true;
        Arc::new(early)
    });
    Ok(RustlsConnector { config: Arc::new(loaded), early, own })
}

pub(crate) fn server(
    config: &Supported<'_, ServerConfig>,
    backend: &Rustls,
) -> Result<RustlsAcceptor> {
    let provider = Arc::new(provider(backend, config.cipher_suites(), config.groups()));
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(config.versions()))
        .map_err(config_error)?;
    let builder = match client_verifier(config, &provider)? {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(Arc::new(verifier)),
    };
    let alpn = config.alpn();
    let key_log = Arc::new(Told(config.key_log().cloned()));
    // Tickets do not depend on the suites that are chosen.
    let whole = backend.provider.load();
    let load = |i: usize, identity: &Identity| -> Result<Loaded> {
        let resolver = certified_key(identity, config.signature_schemes(), backend)?;
        let mut loaded = builder.clone().with_cert_resolver(Arc::new(resolver));
        loaded.alpn_protocols = alpn.protocols.iter().map(<[u8]>::to_vec).collect();
        loaded.ignore_client_order = config.suite_order() == SuiteOrder::Server;
        loaded.max_fragment_size = config.record_limit().map(|bytes| bytes + HEADER);
        loaded.require_ems = config.requires_extended_master_secret();
        loaded.key_log = key_log.clone();
        loaded.enable_secret_extraction = config.kernel_tls() != KernelTls::Off;
        // Sessions are in their tickets alone, unless some are to be kept.
        loaded.session_storage = match config.session_cache() {
            0 => Arc::new(NoServerSessionStorage {}),
            most => Arc::new(ServerSessions::new(most, config.session_lifetime())),
        };
        loaded.send_tls13_tickets = 0;
        let tickets = config.ticket_keys().cloned();
        let context = config.session_context(i);
        let count = config.ticket_count().unwrap_or(tls_core::Tickets::COUNT);
        let mut stored = None;
        if let Some(keys) = tickets.clone().filter(|_| config.early_data().is_on()) {
            let store = Arc::new(Stored::new(keys, context));
            stored = Some(store.clone());
            loaded.session_storage = store;
            loaded.send_tls13_tickets = count.into();
            loaded.max_early_data_size = config.early_data().limit() as u32; // it is small
        } else if let Some(tickets) = tickets.and_then(|keys| Tickets::new(keys, context, &whole)) {
            loaded.ticketer = Arc::new(tickets);
            loaded.send_tls13_tickets = count.into();
        }
        if let Some(modify) = &backend.modify_server {
            modify(&mut loaded);
        }
        let takes_none = loaded.ticketer.enabled() || !loaded.session_storage.can_cache();
        if loaded.max_early_data_size == 0 && takes_none {
            loaded.max_early_data_size = PASSED_OVER;
        }
        let refusing = stored.map(|stored| Refusing::new(&loaded, stored));
        let own = Arc::new(identity.leaf().clone());
        Ok(Loaded { config: Arc::new(loaded), own, refusing })
    };
    let default_policy = AlpnConfig { protocols: alpn.protocols.clone(), ..AlpnConfig::default() };
    let identities = config.identities().iter().enumerate();
    Ok(RustlsAcceptor {
        identities: identities.map(|(i, identity)| load(i, identity)).collect::<Result<_>>()?,
        policy: (*alpn != default_policy).then(|| alpn.clone()),
    })
}

fn client_verifier(
    config: &Supported<'_, ServerConfig>,
    provider: &CryptoProvider,
) -> Result<Option<ClientVerifier>> {
    let none = Roots::empty();
    let (roots, mandatory) = match config.client_auth() {
        ClientAuth::None => return Ok(None),
        ClientAuth::Request(roots) => (roots, false),
        ClientAuth::Require(roots) => (roots, true),
        ClientAuth::Unverified => (&none, false),
    };
    let algorithms = provider.signature_verification_algorithms;
    let (purpose, schemes) = (Purpose::ClientAuth, config.signature_schemes());
    let checks = Checks::new(roots, config.judge(), purpose, algorithms, schemes)?;
    let welcome = [roots.given(), &roots.base()?].concat();
    Ok(Some(ClientVerifier::new(checks, mandatory, &welcome)))
}

/// The provider, with the suites and groups that the configuration wants, in its order.
fn provider(backend: &Rustls, suites: &[CipherSuite], groups: &[Group]) -> CryptoProvider {
    let mut provider = backend.provider.load();
    let suites = if suites.is_empty() { CipherSuite::DEFAULT } else { suites };
    let known = &provider.cipher_suites;
    let find =
        |suite: &CipherSuite| known.iter().find(|k| u16::from(k.suite()) == suite.0).copied();
    provider.cipher_suites = suites.iter().filter_map(find).collect();
    let groups = if groups.is_empty() { Group::DEFAULT } else { groups };
    let known = &provider.kx_groups;
    let find =
        |group: &Group| known.iter().find(|k| k.name() == NamedGroup::from(group.0)).copied();
    provider.kx_groups = groups.iter().filter_map(find).collect();
    provider
}

fn versions(versions: Versions) -> Vec<&'static SupportedProtocolVersion> {
    let all =
        [(Version::Tls13, &rustls::version::TLS13), (Version::Tls12, &rustls::version::TLS12)];
    all.into_iter()
        .filter(|(version, _)| versions.contains(*version))
        .map(|(_, ours)| ours)
        .collect()
}

fn certified_key(
    identity: &Identity,
    schemes: &[tls_core::SignatureScheme],
    backend: &Rustls,
) -> Result<OneIdentity> {
    let key: Arc<dyn SigningKey> = match identity.signer() {
        Some(signer) => Arc::new(External::new(identity, signer.clone())),
        None => own_key(identity, backend)?,
    };
    let key = match schemes {
        [] => key,
        schemes => Arc::new(Choosy::new(key, schemes)),
    };
    let key = CertifiedKey::new(identity.chain().to_vec(), key);
    Ok(OneIdentity(Stapled::new(Arc::new(key), identity.staple().cloned())))
}

fn own_key(identity: &Identity, backend: &Rustls) -> Result<Arc<dyn SigningKey>> {
    let own = identity.key()?;
    let key = backend.provider.signing_key(&own);
    let key = key.map_err(|e| config_error(e).because("the private key is unusable"))?;
    // rustls' own comparison would also refuse certificates it does not like.
    if key.public_key().is_some_and(|own| own.as_ref() != identity.leaf_facts().public_key()) {
        let why = "the private key does not belong to the certificate";
        return Err(Error::from_backend(ErrorKind::Config, NAME, why).because(why));
    }
    Ok(key)
}

#[derive(Debug)]
struct OneIdentity(Stapled);

impl ResolvesClientCert for OneIdentity {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key().choose_scheme(schemes)?;
        aside::leave(|aside| aside.presented = true);
        Some(self.0.current())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl ResolvesServerCert for OneIdentity {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // As rustls will choose, once it is sure that there is something to sign.
        let signs = self.0.key().choose_scheme(hello.signature_schemes());
        aside::leave(|aside| {
            aside.presented = true;
            aside.no_signature = signs.is_none();
            aside.scheme = signs.map(|by| tls_core::SignatureScheme(by.scheme().into()));
            aside.server_name = hello.server_name().map(Into::into);
        });
        Some(self.0.current())
    }
}

impl Connector for RustlsConnector {
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        self.begin(&self.config, name)
    }

    fn session_with_early_data(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        self.begin(self.early.as_ref().unwrap_or(&self.config), name)
    }
}

impl RustlsConnector {
    fn begin(
        &self,
        config: &Arc<rustls::ClientConfig>,
        name: &ServerName,
    ) -> Result<Box<dyn Session>> {
        aside::set_port(name.port());
        let connection = UnbufferedClientConnection::new(config.clone(), name.to_pki());
        let connection = connection.map_err(|e| session_error(e, Aside::default()))?;
        let sent = name.as_dns().filter(|_| self.config.enable_sni).map(Into::into);
        let session = RustlsSession::new(connection, self.own.clone(), sent);
        let session = session.limited(self.config.max_fragment_size);
        Ok(boxed(session.at_port(name.port()), self.config.enable_secret_extraction))
    }
}

impl Acceptor for RustlsAcceptor {
    fn session(&self, identity: usize) -> Result<Box<dyn Session>> {
        self.begin(identity, true)
    }

    fn session_without_early_data(&self, identity: usize) -> Result<Box<dyn Session>> {
        self.begin(identity, false)
    }
}

impl RustlsAcceptor {
    fn begin(&self, identity: usize, is_first: bool) -> Result<Box<dyn Session>> {
        let Loaded { config, own, refusing } = &self.identities[identity]; // the core counts as we do
        if self.policy.is_some() || refusing.is_some() {
            let extracts = config.enable_secret_extraction;
            let (config, early) = (config.clone(), refusing.clone().map(|it| (it, is_first)));
            let session = PolicySession::new(config, self.policy.clone(), early, own.clone());
            return Ok(boxed(session, extracts));
        }
        let connection = UnbufferedServerConnection::new(config.clone());
        let connection = connection.map_err(|e| session_error(e, Aside::default()))?;
        let session = RustlsSession::new(connection, Some(own.clone()), None);
        Ok(boxed(session.limited(config.max_fragment_size), config.enable_secret_extraction))
    }
}

/// A session that can give its keys to the kernel, if rustls may tell them.
fn boxed<S: Gives + 'static>(session: S, extracts: bool) -> Box<dyn Session> {
    match extracts {
        true => Box::new(Giving::Open(session)),
        false => Box::new(session),
    }
}

/// rustls counts the header of a record too.
pub(crate) const HEADER: usize = 5;
