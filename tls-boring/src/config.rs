//! Core configurations, loaded into an `SSL_CTX`.

use std::fmt;

use boring::error::ErrorStack;
use boring::pkey::PKey;
use boring::ssl::{
    AlpnError, ClientHello, ExtensionType, Ssl, SslContext, SslContextBuilder, SslMethod, SslMode,
    SslOptions, SslSessionCacheMode, SslVerifyMode, SslVersion,
};
use boring::x509::X509;
use tls_core::{
    Acceptor, AlpnOutcome, CipherSuite, ClientAuth, ClientConfig, Connector, Error, ErrorKind,
    Group, Identity, Judge, Protocols, Result, Roots, ServerConfig, ServerName, Session, Sessions,
    Staple, Supported, TicketKeys, Version, Versions,
};
use tls_libssl::{MAX_CERTIFICATES, Trusted, group_name};

use crate::error::{backend_error, config_error};
use crate::session::BoringSession;
use crate::verify::Anchors;
use crate::{Boring, NAME, ffi, resumption, signer, verify};

pub(crate) struct BoringConnector {
    context: SslContext,
    trusted: Trusted,
    judge: Judge,
    send_name: bool,
    sessions: Option<Sessions>,
}

pub(crate) struct BoringAcceptor {
    /// One for each identity, with what is stapled to it.
    identities: Vec<(SslContext, Option<Staple>)>,
    /// What clients are verified against.
    trusted: Trusted,
    judge: Judge,
    ticket_keys: Option<TicketKeys>,
}

pub(crate) fn client(
    config: &Supported<'_, ClientConfig>,
    backend: &Boring,
) -> Result<BoringConnector> {
    let mut context = SslContext::builder(SslMethod::tls()).map_err(backend_error)?;
    set_parameters(&mut context, config.versions(), config.cipher_suites(), config.groups())?;
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
    Ok(BoringConnector {
        context: context.build(),
        trusted: anchors.trusted,
        judge: judge.clone(),
        send_name: config.send_server_name(),
        sessions: config.sessions().cloned(),
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
        set_parameters(&mut context, config.versions(), config.cipher_suites(), config.groups())?;
        set_identity(&mut context, identity)?;
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
        let groups = group_list(config.groups());
        context.set_select_certificate_callback(move |mut hello| {
            note_offer(&hello, &groups);
            let meant = hello.ssl().ssl_context().verify_mode();
            hello.ssl_mut().set_verify(meant);
            Ok(())
        });
        if let Some(keys) = config.ticket_keys() {
            let bound = config.session_context(index);
            resumption::give_tickets(&mut context, keys, &bound).map_err(config_error)?;
        }
        if config.early_data().is_on() {
            ffi::take_early_data(&mut context);
        }
        log_keys(&mut context, config.key_log());
        modify(&mut context, backend)?;
        Ok((context.build(), identity.staple().cloned()))
    };
    let identities = config.identities().iter().enumerate().map(load).collect::<Result<_>>()?;
    Ok(BoringAcceptor {
        identities,
        trusted: anchors.trusted,
        judge: judge.clone(),
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
    let (tls13, tls12): (Vec<CipherSuite>, Vec<CipherSuite>) =
        suites.iter().partition(|suite| suite.is_tls13());
    let tls12 = tls12.into_iter().filter_map(|suite| suite.name()).collect::<Vec<_>>();
    let tls13 = tls13.into_iter().map(|suite| suite.0).collect::<Vec<_>>();
    let groups = group_list(groups);
    let groups = groups.iter().filter_map(|group| group_name(*group)).collect::<Vec<_>>();
    let signatures = SIGNATURES.iter().map(|(_, name)| *name).collect::<Vec<_>>();
    let mut set = || -> Result<(), ErrorStack> {
        context.set_min_proto_version(Some(version(versions.min())))?;
        context.set_max_proto_version(Some(version(versions.max())))?;
        if !tls12.is_empty() {
            context.set_strict_cipher_list(&tls12.join(":"))?;
        }
        ffi::set_tls13_suites(context, &tls13)?;
        context.set_curves_list(&groups.join(":"))?;
        context.set_sigalgs_list(&signatures.join(":"))?;
        context.set_options(
            SslOptions::CIPHER_SERVER_PREFERENCE
                | SslOptions::NO_COMPRESSION
                | SslOptions::NO_RENEGOTIATION
                // Until a client is to keep sessions, or a server to give tickets.
                | SslOptions::NO_TICKET,
        );
        ffi::set_max_cert_list(context, MAX_CERTIFICATES.into());
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

fn group_list(groups: &[Group]) -> Vec<Group> {
    if groups.is_empty() { Group::DEFAULT.to_vec() } else { groups.to_vec() }
}

/// Takes note of what would leave a TLS 1.2 server without a cipher suite, which is all that
/// BoringSSL would say: no group in common (RFC 8422 §5.1.1), or no signature scheme (RFC 5246
/// §7.4.1.4.1; SHA-1, if the client lists none).
fn note_offer(hello: &ClientHello<'_>, own: &[Group]) {
    let Some(findings) = verify::findings(hello.ssl()) else { return };
    let groups = hello.get_extension(ExtensionType::SUPPORTED_GROUPS);
    let shared = |group: u16| own.contains(&Group(group)) && !Group(group).is_post_quantum();
    if groups.is_some_and(|list| !numbers(list).any(shared)) {
        findings.note_groups_apart();
    }
    let schemes = hello.get_extension(ExtensionType::SIGNATURE_ALGORITHMS).unwrap_or_default();
    if !numbers(schemes).any(|scheme| SIGNATURES.iter().any(|(own, _)| *own == scheme)) {
        findings.note_signatures_apart();
    }
}

/// The members of a list with two bytes of length and two a member.
fn numbers(list: &[u8]) -> impl Iterator<Item = u16> {
    let members = list.get(2..).unwrap_or_default().chunks_exact(2);
    members.map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// What both sides may sign with: BoringSSL's own lists without SHA-1, and with Ed25519 and P-521
/// for the peer too, as the other backends have it.
const SIGNATURES: &[(u16, &str)] = &[
    (0x0403, "ecdsa_secp256r1_sha256"),
    (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0807, "ed25519"),
    (0x0804, "rsa_pss_rsae_sha256"),
    (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"),
    (0x0401, "rsa_pkcs1_sha256"),
    (0x0501, "rsa_pkcs1_sha384"),
    (0x0601, "rsa_pkcs1_sha512"),
];

fn version(version: Version) -> SslVersion {
    match version {
        Version::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    }
}

fn set_identity(context: &mut SslContextBuilder, identity: &Identity) -> Result<()> {
    let unusable = |what: &'static str| move |e: ErrorStack| config_error(e).because(what);
    let refused =
        |why: &'static str| Err(Error::from_backend(ErrorKind::Config, NAME, why).because(why));
    let leaf = X509::from_der(identity.leaf()).map_err(unusable("the certificate is unusable"))?;
    let public = leaf.public_key().map_err(unusable("the certificate's key is unusable"))?;
    if verify::is_weak(&public) {
        return refused("the private key is too short");
    }
    let known = |scheme| SIGNATURES.iter().any(|(own, _)| *own == scheme);
    let key = match signer::set(context, identity, known)? {
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

fn log_keys(context: &mut SslContextBuilder, log: Option<&tls_core::danger::KeyLog>) {
    if let Some(log) = log.cloned() {
        context.set_keylog_callback(move |_, line| log.line(line));
    }
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
