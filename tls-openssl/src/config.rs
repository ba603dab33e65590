//! Core configurations, loaded into an `SSL_CTX`.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{
    AlpnError, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions,
    SslSessionCacheMode, SslVerifyMode, SslVersion, StatusType,
};
use openssl::stack::Stack;
use openssl::x509::X509;
use tls_core::{
    Acceptor, AlpnOutcome, CipherSuite, ClientAuth, ClientConfig, Connector, Error, ErrorKind,
    Group, Identity, Judge, Protocols, Result, Roots, ServerConfig, ServerName, Session, Sessions,
    Staple, Supported, TicketKeys, Version, Versions,
};
use tls_libssl::{MAX_CERTIFICATES, Trusted, group_name};

use crate::error::{backend_error, config_error};
use crate::session::OpensslSession;
use crate::verify::Anchors;
use crate::{HAS_POST_QUANTUM, NAME, Openssl, ffi, resumption, verify};

pub(crate) struct OpensslConnector {
    context: SslContext,
    trusted: Trusted,
    judge: Judge,
    send_name: bool,
    sessions: Option<Sessions>,
}

pub(crate) struct OpensslAcceptor {
    /// One for each identity, with what is stapled to it.
    identities: Vec<(SslContext, Option<Staple>)>,
    /// What clients are verified against.
    trusted: Trusted,
    judge: Judge,
    takes_early_data: bool,
    ticket_keys: Option<TicketKeys>,
}

pub(crate) fn client(
    config: &Supported<'_, ClientConfig>,
    backend: &Openssl,
) -> Result<OpensslConnector> {
    let mut context = SslContext::builder(SslMethod::tls_client()).map_err(backend_error)?;
    set_parameters(&mut context, config.versions(), config.cipher_suites(), config.groups())?;
    let judge = config.judge();
    let nothing = Roots::empty();
    // Roots that nobody will ask need not be there.
    let roots = match judge.asks_library() && !judge.skip().skips_chain() {
        true => config.roots(),
        false => &nothing,
    };
    let anchors = Anchors::load(roots)?;
    anchors.set(&mut context, SslVerifyMode::PEER, judge).map_err(config_error)?;
    if judge.awaits_staple() {
        context.set_status_callback(verify::judge_staple).map_err(config_error)?;
    }
    if let Some(identity) = config.identity() {
        set_identity(&mut context, identity)?;
        ffi::note_certificate_requests(&mut context);
    }
    if !config.alpn().is_empty() {
        context.set_alpn_protos(&config.alpn().to_wire()).map_err(config_error)?;
    }
    if let Some(sessions) = config.sessions() {
        resumption::keep(&mut context, sessions);
    }
    log_keys(&mut context, config.key_log());
    modify(&mut context, backend)?;
    Ok(OpensslConnector {
        context: context.build(),
        trusted: anchors.trusted,
        judge: judge.clone(),
        send_name: config.send_server_name(),
        sessions: config.sessions().cloned(),
    })
}

pub(crate) fn server(
    config: &Supported<'_, ServerConfig>,
    backend: &Openssl,
) -> Result<OpensslAcceptor> {
    let judge = config.judge();
    let nothing = Roots::empty();
    let roots = config.client_auth().roots().unwrap_or(&nothing);
    let anchors = Anchors::load(roots)?;
    let load = |(index, identity): (usize, &Identity)| -> Result<(SslContext, Option<Staple>)> {
        let mut context = SslContext::builder(SslMethod::tls_server()).map_err(backend_error)?;
        set_parameters(&mut context, config.versions(), config.cipher_suites(), config.groups())?;
        set_identity(&mut context, identity)?;
        set_client_auth(&mut context, config.client_auth(), &anchors, judge)?;
        if identity.staple().is_some() {
            // A session has its response from the beginning.
            context.set_status_callback(|_| Ok(true)).map_err(config_error)?;
        }
        let alpn = config.alpn().clone();
        if !alpn.protocols.is_empty() {
            context.set_alpn_select_callback(move |_, offered| {
                match alpn.choose(Protocols::names_on_wire(offered)) {
                    AlpnOutcome::Selected(protocol) => Ok(protocol),
                    AlpnOutcome::Nothing => Err(AlpnError::NOACK),
                    AlpnOutcome::Refused => Err(AlpnError::ALERT_FATAL),
                }
            });
        }
        if let Some(keys) = config.ticket_keys() {
            let bound = config.session_context(index);
            resumption::give_tickets(&mut context, keys, &bound).map_err(config_error)?;
        }
        if config.early_data().is_on() {
            let limit = config.early_data().limit() as u32; // it is small
            context.set_max_early_data(limit).map_err(config_error)?;
            ffi::set_no_anti_replay(&mut context);
        }
        log_keys(&mut context, config.key_log());
        modify(&mut context, backend)?;
        Ok((context.build(), identity.staple().cloned()))
    };
    let identities = config.identities().iter().enumerate().map(load).collect::<Result<_>>()?;
    Ok(OpensslAcceptor {
        identities,
        trusted: anchors.trusted,
        judge: judge.clone(),
        takes_early_data: config.early_data().is_on(),
        ticket_keys: config.ticket_keys().cloned(),
    })
}

/// What clients and servers have in common.
fn set_parameters(
    context: &mut SslContextBuilder,
    versions: Versions,
    suites: &[CipherSuite],
    groups: &[Group],
) -> Result<()> {
    let suites = if suites.is_empty() { CipherSuite::DEFAULT } else { suites };
    let (tls13, tls12): (Vec<_>, Vec<_>) = suites.iter().partition(|suite| suite.is_tls13());
    let tls12 = openssl_names(&tls12);
    let tls13 = tls13.iter().filter_map(|suite| suite.name()).collect::<Vec<_>>();
    let groups = if groups.is_empty() { Group::DEFAULT } else { groups };
    let groups = groups.iter().filter(|group| !group.is_post_quantum() || *HAS_POST_QUANTUM);
    let groups = groups.filter_map(|group| group_name(*group)).collect::<Vec<_>>();
    let mut set = || -> Result<(), ErrorStack> {
        context.set_min_proto_version(Some(version(versions.min())))?;
        context.set_max_proto_version(Some(version(versions.max())))?;
        // 112 bits, whatever the distribution's default is.
        context.set_security_level(2);
        if !tls12.is_empty() {
            context.set_cipher_list(&tls12.join(":"))?;
        }
        context.set_ciphersuites(&tls13.join(":"))?;
        context.set_groups_list(&groups.join(":"))?;
        context.set_options(
            SslOptions::CIPHER_SERVER_PREFERENCE
                | SslOptions::NO_COMPRESSION
                | SslOptions::NO_RENEGOTIATION
                // Until a client is to keep sessions, or a server to give tickets.
                | SslOptions::NO_TICKET,
        );
        ffi::set_max_cert_list(context, MAX_CERTIFICATES.into());
        context.set_num_tickets(0)?;
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_mode(
            SslMode::ACCEPT_MOVING_WRITE_BUFFER
                | SslMode::ENABLE_PARTIAL_WRITE
                // Send the chain as given, without what the own trust store might add.
                | SslMode::NO_AUTO_CHAIN
                | SslMode::RELEASE_BUFFERS,
        );
        Ok(())
    };
    set().map_err(config_error)
}

fn openssl_names(suites: &[&CipherSuite]) -> Vec<&'static str> {
    let names = suites.iter().filter_map(|suite| suite.name());
    names.map(openssl::ssl::cipher_name).collect()
}

fn version(version: Version) -> SslVersion {
    match version {
        Version::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    }
}

fn set_identity(context: &mut SslContextBuilder, identity: &Identity) -> Result<()> {
    let unusable = |what: &'static str| move |e: ErrorStack| config_error(e).because(what);
    let key = PKey::private_key_from_der(identity.key()?.secret_der())
        .map_err(unusable("the private key is unusable"))?;
    let leaf = X509::from_der(identity.leaf()).map_err(unusable("the certificate is unusable"))?;
    // Compared before OpenSSL sees both: it would report a mismatch as many different errors.
    let matches = leaf.public_key().map_err(unusable("the certificate's key is unusable"))?;
    if !matches.public_eq(&key) {
        let why = "the private key does not belong to the certificate";
        return Err(Error::from_backend(ErrorKind::Config, NAME, why).because(why));
    }
    context.set_certificate(&leaf).map_err(unusable("the certificate is unusable"))?;
    for issuer in &identity.chain()[1..] {
        X509::from_der(issuer)
            .and_then(|issuer| context.add_extra_chain_cert(issuer))
            .map_err(unusable("an issuer's certificate is unusable"))?;
    }
    context.set_private_key(&key).map_err(unusable("the private key is unusable"))
}

fn set_client_auth(
    context: &mut SslContextBuilder,
    auth: &ClientAuth,
    anchors: &Anchors,
    judge: &Judge,
) -> Result<()> {
    let mode = match auth {
        ClientAuth::None => return Ok(()),
        ClientAuth::Request(_) | ClientAuth::Unverified => SslVerifyMode::PEER,
        ClientAuth::Require(_) => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
    };
    let mut set = || -> Result<(), ErrorStack> {
        anchors.set(context, mode, judge)?;
        // Tells clients whose certificates are welcome.
        let mut names = Stack::new()?;
        for root in anchors.certificates() {
            names.push(root.subject_name().to_owned()?)?;
        }
        context.set_client_ca_list(names);
        Ok(())
    };
    set().map_err(config_error)
}

fn log_keys(context: &mut SslContextBuilder, log: Option<&tls_core::danger::KeyLog>) {
    if let Some(log) = log.cloned() {
        context.set_keylog_callback(move |_, line| log.line(line));
    }
}

fn modify(context: &mut SslContextBuilder, backend: &Openssl) -> Result<()> {
    match &backend.modify {
        None => Ok(()),
        Some(modify) => modify(context).map_err(config_error),
    }
}

impl Connector for OpensslConnector {
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.begin(name)?))
    }

    fn session_with_early_data(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.begin(name)?.writing_early()))
    }
}

impl OpensslConnector {
    fn begin(&self, name: &ServerName) -> Result<OpensslSession> {
        let sent = name.as_dns().filter(|_| self.send_name);
        let begin = || {
            let mut ssl = Ssl::new(&self.context)?;
            verify::prepare(&mut ssl, &self.judge, Some(name), self.trusted.clone())?;
            if self.judge.awaits_staple() {
                ssl.set_status_type(StatusType::OCSP)?;
            }
            if let Some(sent) = sent {
                ssl.set_hostname(sent)?;
            }
            if let Some(sessions) = &self.sessions {
                resumption::offer(&mut ssl, sessions, name);
            }
            ssl.set_connect_state();
            OpensslSession::new(ssl, sent.map(Into::into), self.sessions.clone())
        };
        begin().map_err(backend_error)
    }
}

impl Acceptor for OpensslAcceptor {
    fn session(&self, identity: usize) -> Result<Box<dyn Session>> {
        let session = self.begin(identity)?;
        Ok(Box::new(match self.takes_early_data {
            true => session.reading_early(),
            false => session,
        }))
    }

    fn session_without_early_data(&self, identity: usize) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.begin(identity)?))
    }
}

impl OpensslAcceptor {
    fn begin(&self, identity: usize) -> Result<OpensslSession> {
        let begin = || {
            let (context, staple) = &self.identities[identity]; // the core counts as we do
            let mut ssl = Ssl::new(context)?;
            verify::prepare(&mut ssl, &self.judge, None, self.trusted.clone())?;
            let staple = staple.as_ref().and_then(Staple::get);
            if let Some(response) = staple.filter(|response| !response.is_empty()) {
                ssl.set_ocsp_status(&response)?;
            }
            if let Some(keys) = &self.ticket_keys {
                resumption::give_none_without_key(&mut ssl, keys)?;
            }
            ssl.set_accept_state();
            OpensslSession::new(ssl, None, None)
        };
        begin().map_err(backend_error)
    }
}

impl fmt::Debug for OpensslConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpensslConnector").finish_non_exhaustive()
    }
}

impl fmt::Debug for OpensslAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpensslAcceptor").finish_non_exhaustive()
    }
}
