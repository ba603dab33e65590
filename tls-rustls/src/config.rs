//! Core configurations, loaded into rustls.

use std::sync::Arc;

use rustls::client::{ResolvesClientCert, Resumption, UnbufferedClientConnection};
use rustls::crypto::CryptoProvider;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, UnbufferedServerConnection,
};
use rustls::sign::CertifiedKey;
use rustls::{NamedGroup, SignatureScheme, SupportedProtocolVersion};
use tls_core::{
    Acceptor, AlpnConfig, CipherSuite, ClientAuth, ClientConfig, Connector, Error, ErrorKind,
    Group, Identities, Identity, Result, Roots, ServerConfig, ServerName, Session, Version,
    Versions,
};

use crate::aside::{self, Aside};
use crate::error::{config_error, session_error};
use crate::session::{PolicySession, RustlsSession};
use crate::verify::{Chain, ClientVerifier, ServerVerifier};
use crate::{NAME, Rustls};

#[derive(Debug)]
pub(crate) struct RustlsConnector {
    config: Arc<rustls::ClientConfig>,
    identity: Option<Identity>,
}

#[derive(Debug)]
pub(crate) struct RustlsAcceptor {
    config: Arc<rustls::ServerConfig>,
    identities: Identities,
    /// Set if rustls cannot apply the ALPN policy by itself.
    policy: Option<AlpnConfig>,
}

pub(crate) fn client(config: &ClientConfig, backend: &Rustls) -> Result<RustlsConnector> {
    let provider = Arc::new(provider(backend, config.cipher_suites(), config.groups()));
    // Roots that nobody will ask need not be there.
    let chain = match config.danger().skips_chain() {
        true => Chain::new(&Roots::empty(), &provider)?,
        false => Chain::new(config.roots(), &provider)?,
    };
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(config.versions()))
        .map_err(config_error)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier::new(chain, config.danger())));
    let mut loaded = match config.identity() {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_cert_resolver(Arc::new(OneIdentity(certified_key(identity, &provider)?))),
    };
    loaded.alpn_protocols = config.alpn().iter().map(<[u8]>::to_vec).collect();
    loaded.enable_sni = config.send_server_name();
    // Not before it is the same on every backend.
    loaded.resumption = Resumption::disabled();
    if let Some(modify) = &backend.modify_client {
        modify(&mut loaded);
    }
    Ok(RustlsConnector { config: Arc::new(loaded), identity: config.identity().cloned() })
}

pub(crate) fn server(config: &ServerConfig, backend: &Rustls) -> Result<RustlsAcceptor> {
    let provider = Arc::new(provider(backend, config.cipher_suites(), config.groups()));
    let keys = config.identities().iter().map(|identity| certified_key(identity, &provider));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(config.versions()))
        .map_err(config_error)?;
    let builder = match config.client_auth() {
        ClientAuth::None => builder.with_no_client_auth(),
        auth @ (ClientAuth::Request(roots) | ClientAuth::Require(roots)) => {
            let mandatory = matches!(auth, ClientAuth::Require(_));
            let chain = Chain::new(roots, &provider)?;
            builder.with_client_cert_verifier(Arc::new(ClientVerifier::new(chain, mandatory)))
        }
    };
    let resolver = ByServerName { identities: config.identities().clone(), keys };
    let mut loaded = builder.with_cert_resolver(Arc::new(resolver));
    let alpn = config.alpn();
    loaded.alpn_protocols = alpn.protocols.iter().map(<[u8]>::to_vec).collect();
    loaded.ignore_client_order = true;
    // Not before it is the same on every backend.
    loaded.session_storage = Arc::new(NoServerSessionStorage {});
    loaded.send_tls13_tickets = 0;
    if let Some(modify) = &backend.modify_server {
        modify(&mut loaded);
    }
    let default_policy = AlpnConfig { protocols: alpn.protocols.clone(), ..AlpnConfig::default() };
    Ok(RustlsAcceptor {
        config: Arc::new(loaded),
        identities: config.identities().clone(),
        policy: (*alpn != default_policy).then(|| alpn.clone()),
    })
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

fn certified_key(identity: &Identity, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>> {
    let key = provider.key_provider.load_private_key(identity.key().clone_key());
    let key = key.map_err(|e| config_error(e).because("the private key is unusable"))?;
    // rustls' own comparison would also refuse certificates it does not like.
    if key.public_key().is_some_and(|own| own.as_ref() != identity.leaf_facts().public_key()) {
        let why = "the private key does not belong to the certificate";
        return Err(Error::from_backend(ErrorKind::Config, NAME, why).because(why));
    }
    Ok(Arc::new(CertifiedKey::new(identity.chain().to_vec(), key)))
}

#[derive(Debug)]
struct OneIdentity(Arc<CertifiedKey>);

impl ResolvesClientCert for OneIdentity {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.key.choose_scheme(schemes)?;
        aside::leave(|aside| aside.identity = Some(0));
        Some(self.0.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct ByServerName {
    identities: Identities,
    keys: Vec<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for ByServerName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let chosen = self.identities.choose(hello.server_name());
        let key = self.keys.get(chosen)?;
        aside::leave(|aside| {
            aside.identity = Some(chosen);
            aside.no_signature = key.key.choose_scheme(hello.signature_schemes()).is_none();
            aside.server_name = hello.server_name().map(Into::into);
        });
        Some(key.clone())
    }
}

impl Connector for RustlsConnector {
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        let connection = UnbufferedClientConnection::new(self.config.clone(), name.to_pki());
        let connection = connection.map_err(|e| session_error(e, Aside::default()))?;
        let sent = name.as_dns().filter(|_| self.config.enable_sni).map(Into::into);
        let identities = self.identity.iter().cloned().collect();
        Ok(Box::new(RustlsSession::new(connection, identities, sent)))
    }
}

impl Acceptor for RustlsAcceptor {
    fn session(&self) -> Result<Box<dyn Session>> {
        let identities: Arc<[Identity]> = self.identities.iter().cloned().collect();
        if let Some(policy) = &self.policy {
            let (config, policy) = (self.config.clone(), policy.clone());
            return Ok(Box::new(PolicySession::new(config, policy, identities)));
        }
        let connection = UnbufferedServerConnection::new(self.config.clone());
        let connection = connection.map_err(|e| session_error(e, Aside::default()))?;
        Ok(Box::new(RustlsSession::new(connection, identities, None)))
    }
}
