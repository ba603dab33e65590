//! Core configurations, loaded into s2n configs.

use std::fmt;
use std::sync::Arc;

use pem_rfc7468::LineEnding;
use s2n_tls::cert_chain;
use s2n_tls::config::{Builder, Config};
use s2n_tls::connection::Connection;
use s2n_tls::enums::{Blinding, ClientAuthType, Mode};
use s2n_tls::error::Error as S2nError;
use tls_core::danger::KeyLog;
use tls_core::pki_types::{CertificateDer, PrivateKeyDer};
use tls_core::x509::Purpose;
use tls_core::{
    Acceptor, AlpnConfig, ClientAuth, ClientConfig, Clock, Connector, Identity, Judge, Result,
    Roots, ServerConfig, ServerName, Session, Supported, Versions,
};
use zeroize::Zeroizing;

use crate::error::{backend_error, config_error};
use crate::ffi::{self, Driven};
use crate::policy::{self, Key, Policy};
use crate::session::S2nSession;
use crate::verify::{Demands, LastWord, LeftToTheLastWord, Watch};

pub(crate) struct S2nConnector {
    config: Config,
    policy: Policy,
    send_name: bool,
    log: Option<Arc<KeyLog>>,
}

/// What a server's sessions share: the ClientHello decides which config serves.
pub(crate) struct S2nAcceptor(Arc<Serving>);

pub(crate) struct Serving {
    /// One for each identity: which to present is for the core to say.
    pub(crate) configs: Vec<(Config, Key)>,
    pub(crate) policy: Policy,
    pub(crate) alpn: AlpnConfig,
    log: Option<Arc<KeyLog>>,
}

pub(crate) fn client(config: &Supported<'_, ClientConfig>) -> Result<S2nConnector> {
    let (mut builder, policy) = begin(config.versions(), config.judge().clock())?;
    let skip = config.danger();
    let trusted = match skip.skips_everything() {
        true => {
            ffi::skip_all_verification(&mut builder).map_err(backend_error)?;
            Vec::new()
        }
        false => load_roots(&mut builder, config.roots())?,
    };
    let last_word = LastWord { trusted, judge: config.judge().clone() };
    let set = || {
        builder.set_cert_validation_callback_sync(last_word)?;
        for name in config.alpn().iter() {
            builder.append_application_protocol_preference(name)?;
        }
        Ok(())
    };
    set().map_err(|e: S2nError| config_error(e))?;
    if let Some(identity) = config.identity() {
        load_identity(&mut builder, identity)?;
        // Without this a client would not answer when it is asked for a certificate.
        builder.set_client_auth_type(ClientAuthType::Optional).map_err(config_error)?;
    }
    let log = config.key_log().cloned().map(Arc::new);
    if let Some(log) = &log {
        ffi::log_keys(&mut builder, log).map_err(config_error)?;
    }
    Ok(S2nConnector {
        config: builder.build().map_err(config_error)?,
        policy,
        send_name: config.send_server_name(),
        log,
    })
}

pub(crate) fn server(config: &Supported<'_, ServerConfig>) -> Result<S2nAcceptor> {
    let mut configs = Vec::new();
    let log = config.key_log().cloned().map(Arc::new);
    for identity in config.identities().iter() {
        let (mut builder, _) = begin(config.versions(), config.judge().clock())?;
        load_identity(&mut builder, identity)?;
        set_client_auth(&mut builder, config.client_auth(), config.judge())?;
        if let Some(log) = &log {
            ffi::log_keys(&mut builder, log).map_err(config_error)?;
        }
        let key = Key::of(identity.leaf_facts().public_key());
        configs.push((builder.build().map_err(config_error)?, key));
    }
    Ok(S2nAcceptor(Arc::new(Serving {
        configs,
        policy: policy::for_versions(config.versions()),
        alpn: config.alpn().clone(),
        log,
    })))
}

/// What clients and servers have in common.
fn begin(versions: Versions, clock: &Clock) -> Result<(Builder, Policy)> {
    let policy = policy::for_versions(versions);
    let mut builder = Config::builder();
    let mut set = || {
        builder.set_security_policy(&policy.load()?)?;
        // What is trusted is what the configuration says.
        builder.with_system_certs(false)?;
        // Chains are limited by the last word, which counts no certificates that are not needed.
        builder.set_max_cert_chain_depth(MAX_CERTIFICATES)?;
        if clock.instead_of_system().is_some() {
            builder.set_wall_clock(Watch(clock.clone()))?;
        }
        Ok(())
    };
    set().map_err(|e: S2nError| backend_error(e))?;
    Ok((builder, policy))
}

/// The most certificates that a peer may send.
const MAX_CERTIFICATES: u16 = 100;

fn load_identity(builder: &mut Builder, identity: &Identity) -> Result<()> {
    let unusable = |e: S2nError| config_error(e).because("the certificate or its key is unusable");
    let chain = identity.chain().iter().map(|der| pem_of("CERTIFICATE", der));
    let chain = chain.collect::<Result<String>>()?;
    let own = identity.key()?;
    let label = match &*own {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    let key = Zeroizing::new(pem_of(label, own.secret_der())?);
    let mut loaded = cert_chain::Builder::new().map_err(backend_error)?;
    loaded.load_pem(chain.as_bytes(), key.as_bytes()).map_err(unusable)?;
    builder.load_chain(loaded.build().map_err(unusable)?).map(drop).map_err(unusable)
}

fn set_client_auth(builder: &mut Builder, auth: &ClientAuth, judge: &Judge) -> Result<()> {
    let (roots, kind) = match auth {
        ClientAuth::None | ClientAuth::Unverified => return Ok(()),
        ClientAuth::Request(roots) => (roots, ClientAuthType::Optional),
        ClientAuth::Require(roots) => (roots, ClientAuthType::Required),
    };
    let trusted = load_roots(builder, roots)?;
    let last_word = LastWord { trusted, judge: judge.clone() };
    let set = || {
        // Tells clients whose certificates are welcome.
        builder.set_certificate_authorities_from_trust_store()?;
        builder.set_client_auth_type(kind)?;
        builder.set_cert_validation_callback_sync(last_word)?;
        Ok(())
    };
    set().map_err(|e: S2nError| config_error(e))
}

/// Makes `builder` trust `roots`, and gives their certificates.
fn load_roots(builder: &mut Builder, roots: &Roots) -> Result<Vec<CertificateDer<'static>>> {
    let mut add = |der: &CertificateDer<'_>| {
        builder.trust_pem(pem_of("CERTIFICATE", der)?.as_bytes()).map_err(config_error).map(drop)
    };
    let mut trusted = roots.given().to_vec();
    for der in &trusted {
        add(der).map_err(|e| e.because("a given root certificate is unusable"))?;
    }
    // Public lists hold some that not every library knows.
    trusted.extend(roots.base()?.into_iter().filter(|der| add(der).is_ok()));
    Ok(trusted)
}

fn pem_of(label: &str, der: &[u8]) -> Result<String> {
    pem_rfc7468::encode_string(label, LineEnding::LF, der).map_err(config_error)
}

fn connection(mode: Mode) -> Result<Connection, S2nError> {
    let mut connection = Connection::new(mode);
    // s2n would sleep after an error; the caller of a session decides how long that takes.
    connection.set_blinding(Blinding::SelfService)?;
    connection.prefer_throughput()?;
    connection.set_verify_host_callback(LeftToTheLastWord)?;
    Ok(connection)
}

impl Connector for S2nConnector {
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        let sent = name.as_dns().filter(|_| self.send_name);
        let begin = || {
            let mut connection = connection(Mode::Client)?;
            connection.set_config(self.config.clone())?;
            if let Some(sent) = sent {
                connection.set_server_name(sent)?;
            }
            connection.set_application_context(Demands {
                purpose: Purpose::ServerAuth,
                name: Some(name.clone()),
            });
            Driven::new(connection, self.log.clone())
        };
        let driven = begin().map_err(backend_error)?;
        Ok(Box::new(S2nSession::client(driven, self.policy, sent.map(Into::into))))
    }
}

impl Acceptor for S2nAcceptor {
    fn session(&self, identity: usize) -> Result<Box<dyn Session>> {
        let begin = || {
            let mut connection = connection(Mode::Server)?;
            connection.set_config(self.0.configs[identity].0.clone())?;
            connection
                .set_application_context(Demands { purpose: Purpose::ClientAuth, name: None });
            Driven::new(connection, self.0.log.clone())
        };
        let driven = begin().map_err(backend_error)?;
        Ok(Box::new(S2nSession::server(driven, self.0.clone(), identity)))
    }
}

impl fmt::Debug for S2nConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S2nConnector").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl fmt::Debug for S2nAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S2nAcceptor").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}
