//! Core configurations, loaded into an `SSL_CTX`.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{
    AlpnError, Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode, StatusType,
};
use openssl::stack::Stack;
use openssl::x509::X509;
use tls_core::{
    Acceptor, AlpnOutcome, ClientAuth, ClientConfig, Connector, Error, ErrorKind, Identity, Judge,
    KernelTls, Protocols, Result, Roots, ServerConfig, ServerName, Session, Sessions, Staple,
    Supported, TicketKeys, Tickets,
};
use tls_libssl::Trusted;

use crate::error::{backend_error, config_error};
use crate::session::OpensslSession;
use crate::verify::Anchors;
use crate::{NAME, Openssl, ffi, kernel, parameters, resumption, verify};

pub(crate) struct OpensslConnector {
    context: SslContext,
    trusted: Trusted,
    judge: Judge,
    send_name: bool,
    sessions: Option<Sessions>,
    /// Whether connections may hand their keys over.
    hands_over: bool,
}

pub(crate) struct OpensslAcceptor {
    /// One for each identity, with what is stapled to it.
    identities: Vec<(SslContext, Option<Staple>)>,
    /// What clients are verified against.
    trusted: Trusted,
    judge: Judge,
    takes_early_data: bool,
    ticket_keys: Option<TicketKeys>,
    /// Whether connections may hand their keys over.
    hands_over: bool,
}

pub(crate) fn client(
    config: &Supported<'_, ClientConfig>,
    backend: &Openssl,
) -> Result<OpensslConnector> {
    let mut context = SslContext::builder(SslMethod::tls_client()).map_err(backend_error)?;
    parameters::set(&mut context, config.versions(), config.cipher_suites(), config.groups())?;
    parameters::set_finer(&mut context, config.signature_schemes(), config.record_limit())?;
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
    kernel::log_keys(&mut context, config.key_log(), config.kernel_tls());
    modify(&mut context, backend)?;
    Ok(OpensslConnector {
        context: context.build(),
        trusted: anchors.trusted,
        judge: judge.clone(),
        send_name: config.send_server_name(),
        sessions: config.sessions().cloned(),
        hands_over: config.kernel_tls() != KernelTls::Off,
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
        parameters::set(&mut context, config.versions(), config.cipher_suites(), config.groups())?;
        parameters::set_finer(&mut context, config.signature_schemes(), config.record_limit())?;
        parameters::set_choices(&mut context, config.suite_order(), config.dh_params())?;
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
        let bound = config.session_context(index);
        if let Some(keys) = config.ticket_keys() {
            let count = config.ticket_count().unwrap_or(Tickets::COUNT);
            resumption::give_tickets(&mut context, keys, count, &bound).map_err(config_error)?;
        }
        if config.session_cache() > 0 {
            let (most, lifetime) = (config.session_cache(), config.session_lifetime());
            resumption::keep_on_server(&mut context, most, lifetime, &bound)
                .map_err(config_error)?;
        }
        if config.early_data().is_on() {
            let limit = config.early_data().limit() as u32; // it is small
            context.set_max_early_data(limit).map_err(config_error)?;
            ffi::set_no_anti_replay(&mut context);
        }
        kernel::log_keys(&mut context, config.key_log(), config.kernel_tls());
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
        hands_over: config.kernel_tls() != KernelTls::Off,
    })
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
            kernel::prepare(&mut ssl, false, self.hands_over)?;
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
            kernel::prepare(&mut ssl, true, self.hands_over)?;
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
