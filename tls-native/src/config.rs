//! Core configurations, loaded into native-tls's connectors and acceptors.

use std::fmt;
use std::sync::{Arc, OnceLock};

use native_tls::{Certificate, Protocol, TlsAcceptor, TlsConnector};
use pem_rfc7468::LineEnding;
use tls_core::{
    Acceptor, AlpnConfig, AlpnOutcome, ClientConfig, ClientHello, Connector, Identity, Protocols,
    Result, ServerConfig, ServerName, Session, Version, Versions,
};
use zeroize::Zeroizing;

use crate::error::config_error;
use crate::platform;
use crate::session::NativeSession;
use crate::verify::Demands;

/// A client configuration, loaded.
pub(crate) struct NativeConnector(Arc<Outgoing>);

/// What the sessions of a client share.
pub(crate) struct Outgoing {
    pub(crate) connector: TlsConnector,
    pub(crate) demands: Demands,
    pub(crate) send_name: bool,
}

/// A server configuration, loaded.
pub(crate) struct NativeAcceptor(Arc<Incoming>);

/// What the sessions of a server share.
pub(crate) struct Incoming {
    versions: Versions,
    alpn: AlpnConfig,
    loaded: Vec<Loaded>,
}

/// One identity of a server.
struct Loaded {
    identity: native_tls::Identity,
    plain: TlsAcceptor,
    /// One for each protocol that a server may have to choose, made when it first does.
    ///
    /// native-tls has a rule of its own for choosing, and cannot refuse: it is left no choice.
    speaking: Vec<OnceLock<TlsAcceptor>>,
}

/// What a server does about a ClientHello.
pub(crate) struct Choice {
    pub(crate) acceptor: TlsAcceptor,
    /// The client offers protocols, and must be refused for lack of one in common.
    pub(crate) refused: bool,
}

pub(crate) fn client(config: &ClientConfig) -> Result<NativeConnector> {
    let mut builder = TlsConnector::builder();
    let skip = config.danger();
    let mut trusted = config.roots().given().to_vec();
    for der in &trusted {
        let unusable = |e| config_error(e).because("a given root certificate is unusable");
        builder.add_root_certificate(Certificate::from_der(der).map_err(unusable)?);
    }
    let platform_verifies = platform::HAS_ROOTS && config.roots().is_system();
    // Roots that nobody will ask need not be there.
    if !platform_verifies && !skip.skips_chain() {
        // Public lists hold some that not every library knows.
        for der in config.roots().base()? {
            if let Ok(root) = Certificate::from_der(&der) {
                builder.add_root_certificate(root);
                trusted.push(der);
            }
        }
    }
    if let Some(identity) = config.identity() {
        builder.identity(load(identity)?);
    }
    if !config.alpn().is_empty() {
        builder.request_alpns(&names(config.alpn()));
    }
    builder
        .min_protocol_version(Some(version(config.versions().min())))
        .max_protocol_version(Some(version(config.versions().max())))
        .disable_built_in_roots(!platform_verifies)
        .use_sni(config.send_server_name())
        .danger_accept_invalid_certs(skip.skips_everything())
        .danger_accept_invalid_hostnames(skip.skips_name());
    Ok(NativeConnector(Arc::new(Outgoing {
        connector: builder.build().map_err(config_error)?,
        demands: Demands::new(config, &trusted),
        send_name: config.send_server_name(),
    })))
}

pub(crate) fn server(config: &ServerConfig) -> Result<NativeAcceptor> {
    let protocols = config.alpn().protocols.iter().count();
    let loaded = config.identities().iter().map(|identity| {
        let identity = load(identity)?;
        Ok(Loaded {
            plain: acceptor(&identity, config.versions(), &[])?,
            identity,
            speaking: (0..protocols).map(|_| OnceLock::new()).collect(),
        })
    });
    Ok(NativeAcceptor(Arc::new(Incoming {
        versions: config.versions(),
        alpn: config.alpn().clone(),
        loaded: loaded.collect::<Result<_>>()?,
    })))
}

impl Incoming {
    /// Decides about a client that gets the identity of this index; without a ClientHello that can be read, for the default.
    pub(crate) fn choose(&self, identity: usize, hello: Option<&ClientHello>) -> Result<Choice> {
        let loaded = &self.loaded[identity];
        let offered = hello.map_or(&[][..], |hello| &hello.alpn);
        let outcome = self.alpn.choose(offered.iter().map(Vec::as_slice));
        let acceptor = match outcome {
            AlpnOutcome::Selected(protocol) => self.speaking(loaded, protocol)?,
            AlpnOutcome::Nothing | AlpnOutcome::Refused => loaded.plain.clone(),
        };
        Ok(Choice { acceptor, refused: outcome == AlpnOutcome::Refused })
    }

    fn speaking(&self, loaded: &Loaded, protocol: &[u8]) -> Result<TlsAcceptor> {
        let known = self.alpn.protocols.iter().position(|known| known == protocol);
        let Some(place) = known.and_then(|at| loaded.speaking.get(at)) else {
            return Ok(loaded.plain.clone()); // what is chosen is one of those known
        };
        if let Some(acceptor) = place.get() {
            return Ok(acceptor.clone());
        }
        let name = String::from_utf8_lossy(protocol);
        let acceptor = acceptor(&loaded.identity, self.versions, &[&name])?;
        Ok(place.get_or_init(|| acceptor).clone())
    }
}

fn acceptor(
    identity: &native_tls::Identity,
    versions: Versions,
    protocols: &[&str],
) -> Result<TlsAcceptor> {
    let mut builder = TlsAcceptor::builder(identity.clone());
    builder
        .min_protocol_version(Some(version(versions.min())))
        .max_protocol_version(Some(version(versions.max())));
    if !protocols.is_empty() {
        builder.accept_alpn(protocols);
    }
    builder.build().map_err(config_error)
}

/// Text, as native-tls wants it; where it is none, the configuration was refused.
fn names(protocols: &Protocols) -> Vec<&str> {
    protocols.iter().filter_map(|name| std::str::from_utf8(name).ok()).collect()
}

fn version(version: Version) -> Protocol {
    match version {
        Version::Tls12 => Protocol::Tlsv12,
        _ => Protocol::Tlsv13,
    }
}

/// Loads a chain and its key, by way of PEM: native-tls takes nothing else.
fn load(identity: &Identity) -> Result<native_tls::Identity> {
    platform::check_identity(identity)?;
    let pem = |label, der: &[u8]| {
        pem_rfc7468::encode_string(label, LineEnding::LF, der).map_err(config_error)
    };
    let chain = identity.chain().iter().map(|der| pem("CERTIFICATE", der));
    let chain = chain.collect::<Result<String>>()?;
    let key = Zeroizing::new(pem("PRIVATE KEY", &identity.pkcs8_key()?)?);
    native_tls::Identity::from_pkcs8(chain.as_bytes(), key.as_bytes())
        .map_err(|e| config_error(e).because("the certificate or the private key is unusable"))
}

impl Connector for NativeConnector {
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        Ok(Box::new(NativeSession::client(self.0.clone(), name.clone())))
    }
}

impl Acceptor for NativeAcceptor {
    fn session(&self, identity: usize) -> Result<Box<dyn Session>> {
        Ok(Box::new(NativeSession::server(self.0.clone(), identity)))
    }
}

impl fmt::Debug for NativeConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeConnector").finish_non_exhaustive()
    }
}

impl fmt::Debug for NativeAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeAcceptor").finish_non_exhaustive()
    }
}
