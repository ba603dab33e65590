//! Core configurations, loaded into an `SSL_CTX`.

use std::fmt;

use boring::error::ErrorStack;
use boring::pkey::PKey;
use boring::ssl::{AlpnError, Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode};
use boring::x509::X509;
use tls_core::{
    Acceptor, AlpnOutcome, ClientAuth, ClientConfig, Connector, Error, ErrorKind, Identity, Judge,
    KernelTls, Protocols, Result, Roots, ServerConfig, ServerName, Session, Sessions,
    SignatureScheme, Staple, Supported, TicketKeys, Tickets,
};
use tls_libssl::Trusted;

use crate::error::{backend_error, config_error};
use crate::session::BoringSession;
use crate::verify::Anchors;
use crate::{Boring, NAME, ffi, kernel, parameters, resumption, signer, verify};

pub(crate) struct BoringConnector {
    context: SslContext,
    trusted: Trusted,
    judge: Judge,
    send_name: bool,
    sessions: Option<Sessions>,
    /// Whether connections may hand their keys over.
    hands_over: bool,
}

pub(crate) struct BoringAcceptor {
    /// One for each identity, with what is stapled to it.
    identities: Vec<(SslContext, Option<Staple>)>,
    /// What clients are verified against.
    trusted: Trusted,
    judge: Judge,
    ticket_keys: Option<TicketKeys>,
    /// Whether connections may hand their keys over.
    hands_over: bool,
}

pub(crate) fn client(
    config: &Supported<'_, ClientConfig>,
    backend: &Boring,
) -> Result<BoringConnector> {
    let mut context = SslContext::builder(SslMethod::tls()).map_err(backend_error)?;
    parameters::set(&mut context, config.versions(), config.cipher_suites(), config.groups())?;
    parameters::set_finer(&mut context, config.signature_schemes(), config.record_limit())?;
    let judge = config.judge();
    let nothing = Roots::empty();
    // Roots that nobody will ask need not be there.
    let roots = match judge.asks_library() && !judge.skip().skips_chain() {
        true => config.roots(),
        false => &nothing,
    };
    let anchors = Anchors::load(roots, judge)?;
    anchors.set(&mut context, SslVerifyMode::PEER, judge);
    if judge.awaits_staple() {
        context.enable_ocsp_stapling();
        context.set_status_callback(verify::judge_staple).map_err(config_error)?;
    }
    if let Some(identity) = config.identity() {
        set_identity(&mut context, identity, config.signature_schemes())?;
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
    Ok(BoringConnector {
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
    backend: &Boring,
) -> Result<BoringAcceptor> {
    let judge = config.judge();
    let nothing = Roots::empty();
    let roots = config.client_auth().roots().unwrap_or(&nothing);
    let anchors = Anchors::load(roots, judge)?;
    let load = |(index, identity): (usize, &Identity)| -> Result<(SslContext, Option<Staple>)> {
        let mut context = SslContext::builder(SslMethod::tls()).map_err(backend_error)?;
        parameters::set(&mut context, config.versions(), config.cipher_suites(), config.groups())?;
        parameters::set_finer(&mut context, config.signature_schemes(), config.record_limit())?;
        parameters::set_choices(&mut context, config.suite_order(), config.cipher_suites())?;
        set_identity(&mut context, identity, config.signature_schemes())?;
        set_client_auth(&mut context, config.client_auth(), &anchors, judge)?;
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
        let groups = parameters::group_list(config.groups());
        let schemes = parameters::scheme_list(config.signature_schemes());
        context.set_select_certificate_callback(move |mut hello| {
            parameters::note_offer(&hello, &groups, &schemes);
            let meant = hello.ssl().ssl_context().verify_mode();
            hello.ssl_mut().set_verify(meant);
            Ok(())
        });
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
            ffi::take_early_data(&mut context);
        }
        kernel::log_keys(&mut context, config.key_log(), config.kernel_tls());
        modify(&mut context, backend)?;
        Ok((context.build(), identity.staple().cloned()))
    };
    let identities = config.identities().iter().enumerate().map(load).collect::<Result<_>>()?;
    Ok(BoringAcceptor {
        identities,
        trusted: anchors.trusted,
        judge: judge.clone(),
        ticket_keys: config.ticket_keys().cloned(),
        hands_over: config.kernel_tls() != KernelTls::Off,
    })
}

fn set_identity(
    context: &mut SslContextBuilder,
    identity: &Identity,
    schemes: &[SignatureScheme],
) -> Result<()> {
    let unusable = |what: &'static str| move |e: ErrorStack| config_error(e).because(what);
    let refused =
        |why: &'static str| Err(Error::from_backend(ErrorKind::Config, NAME, why).because(why));
    let leaf = X509::from_der(identity.leaf()).map_err(unusable("the certificate is unusable"))?;
    let public = leaf.public_key().map_err(unusable("the certificate's key is unusable"))?;
    if verify::is_weak(&public) {
        return refused("the private key is too short");
    }
    let key = match signer::set(context, identity, schemes)? {
        true => None,
        false => {
            let key = PKey::private_key_from_der(identity.key()?.secret_der());
            Some(key.map_err(unusable("the private key is unusable"))?)
        }
    };
    // Compared before BoringSSL sees both: it would report a mismatch as many different errors.
    if key.as_ref().is_some_and(|key| !public.public_eq(key)) {
        return refused("the private key does not belong to the certificate");
    }
    context.set_certificate(&leaf).map_err(unusable("the certificate is unusable"))?;
    for issuer in &identity.chain()[1..] {
        X509::from_der(issuer)
            .and_then(|issuer| context.add_extra_chain_cert(issuer))
            .map_err(unusable("an issuer's certificate is unusable"))?;
    }
    match key {
        Some(key) => context.set_private_key(&key).map_err(unusable("the private key is unusable")),
        None => Ok(()),
    }
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
    anchors.set(context, mode, judge);
    // Tells clients whose certificates are welcome.
    let mut roots = anchors.certificates().iter();
    roots.try_for_each(|root| context.add_client_ca(root)).map_err(config_error)
}

fn modify(context: &mut SslContextBuilder, backend: &Boring) -> Result<()> {
    match &backend.modify {
        None => Ok(()),
        Some(modify) => modify(context).map_err(config_error),
    }
}

impl Connector for BoringConnector {
    fn session(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        self.begin(name, false)
    }

    fn session_with_early_data(&self, name: &ServerName) -> Result<Box<dyn Session>> {
        self.begin(name, true)
    }
}

impl BoringConnector {
    fn begin(&self, name: &ServerName, early_data: bool) -> Result<Box<dyn Session>> {
        let sent = name.as_dns().filter(|_| self.send_name);
        let begin = || {
            let mut ssl = Ssl::new(&self.context)?;
            verify::prepare(&mut ssl, &self.judge, Some(name), self.trusted.clone())?;
            kernel::prepare(&mut ssl, false, self.hands_over)?;
            if let Some(sent) = sent {
                ssl.set_hostname(sent)?;
            }
            if let Some(sessions) = &self.sessions {
                resumption::offer(&mut ssl, sessions, name);
            }
            ffi::set_early_data(&mut ssl, early_data);
            BoringSession::client(ssl, sent.map(Into::into))
        };
        Ok(Box::new(begin().map_err(backend_error)?))
    }
}

impl Acceptor for BoringAcceptor {
    fn session(&self, identity: usize) -> Result<Box<dyn Session>> {
        self.begin(identity, true)
    }

    fn session_without_early_data(&self, identity: usize) -> Result<Box<dyn Session>> {
        self.begin(identity, false)
    }
}

impl BoringAcceptor {
    /// If it `may_take` early data, it does so where the configuration wants it.
    fn begin(&self, identity: usize, may_take: bool) -> Result<Box<dyn Session>> {
        let begin = || {
            let (context, staple) = &self.identities[identity]; // the core counts as we do
            let mut ssl = Ssl::new(context)?;
            verify::prepare(&mut ssl, &self.judge, None, self.trusted.clone())?;
            kernel::prepare(&mut ssl, true, self.hands_over)?;
            let staple = staple.as_ref().and_then(Staple::get);
            if let Some(response) = staple.filter(|response| !response.is_empty()) {
                ssl.set_ocsp_status(&response)?;
            }
            if ssl.verify_mode() == SslVerifyMode::NONE {
                // Only a server that is going to ask for a certificate takes a ClientHello of more
                // than 16 KiB. Once that is here, the mode is what the context says.
                ssl.set_verify(SslVerifyMode::PEER);
            }
            if let Some(keys) = &self.ticket_keys {
                resumption::give_none_without_key(&mut ssl, keys);
            }
            if !may_take {
                ffi::set_early_data(&mut ssl, false);
            }
            BoringSession::server(ssl)
        };
        Ok(Box::new(begin().map_err(backend_error)?))
    }
}

impl fmt::Debug for BoringConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoringConnector").finish_non_exhaustive()
    }
}

impl fmt::Debug for BoringAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoringAcceptor").finish_non_exhaustive()
    }
}
