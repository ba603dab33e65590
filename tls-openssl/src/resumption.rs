//! Sessions: where a client keeps them, and how a server's tickets are made.

use std::sync::LazyLock;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{
    NameType, SniError, SslContext, SslContextBuilder, SslOptions, SslRef, SslSession,
    SslSessionCacheMode, SslSessionRef, SslVersion,
};
use tls_core::{ServerName, Sessions, TicketKeys, Version};

use crate::{ffi, verify};

/// Makes the clients of `context` keep their sessions.
pub(crate) fn keep(context: &mut SslContextBuilder, sessions: &Sessions) {
    let sessions = sessions.clone();
    context.clear_options(SslOptions::NO_TICKET);
    context.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    context.set_new_session_callback(move |ssl, session| put(&sessions, ssl, &session));
}

/// Offers the server of this name to resume a session, if there is one.
pub(crate) fn offer(ssl: &mut SslRef, sessions: &Sessions, name: &ServerName) {
    let Some(bytes) = sessions.take(name) else { return };
    // A session that OpenSSL cannot read, or does not take, is none.
    if let Ok(session) = SslSession::from_der(&bytes) {
        let _ = ffi::set_session(ssl, &session);
    }
    let _ = ErrorStack::get();
}

/// In TLS 1.2 a server may give a resumed session a new ticket, of which OpenSSL tells nobody.
pub(crate) fn keep_renewed(ssl: &SslRef, sessions: &Sessions) {
    let renewed = ssl.session_reused() && ssl.version2() == Some(SslVersion::TLS1_2);
    if let Some(session) = ssl.session().filter(|_| renewed) {
        put(sessions, ssl, session);
    }
}

fn put(sessions: &Sessions, ssl: &SslRef, session: &SslSessionRef) {
    let version = match session.protocol_version() {
        SslVersion::TLS1_2 => Version::Tls12,
        SslVersion::TLS1_3 => Version::Tls13,
        _ => return,
    };
    let name = verify::findings(ssl).and_then(|findings| findings.name());
    // Without memory it is lost, and nothing else.
    if let (Some(name), Ok(bytes)) = (name, session.to_der()) {
        sessions.put(name, version, &zeroize::Zeroizing::new(bytes));
    }
}

/// Makes `context` give tickets under `keys`, for sessions that are bound to `bound`.
pub(crate) fn give_tickets(
    context: &mut SslContextBuilder,
    keys: &TicketKeys,
    count: u8,
    bound: &[u8; 32],
) -> Result<(), ErrorStack> {
    context.clear_options(SslOptions::NO_TICKET);
    context.set_num_tickets(count.into())?;
    context.set_session_id_context(bound)?;
    context.set_ex_data(*KEYS.as_ref().map_err(Clone::clone)?, keys.clone());
    ffi::set_timeout(context, keys.lifetime());
    acknowledge_name(context);
    ffi::set_ticket_key_callback(context)
}

/// Makes `context` keep so many sessions of TLS 1.2 that are bound to `bound`, for clients without tickets:
/// more than none, which would mean without a bound.
pub(crate) fn keep_on_server(
    context: &mut SslContextBuilder,
    most: usize,
    lifetime: Duration,
    bound: &[u8; 32],
) -> Result<(), ErrorStack> {
    context.set_session_cache_mode(SslSessionCacheMode::SERVER);
    context.set_session_cache_size(most.min(MOST_KEPT) as i32);
    context.set_session_id_context(bound)?;
    ffi::set_timeout(context, lifetime);
    acknowledge_name(context);
    Ok(())
}

/// In TLS 1.2 OpenSSL forgets the name that a resumed client asked for, unless it was acknowledged.
fn acknowledge_name(context: &mut SslContextBuilder) {
    context.set_servername_callback(|ssl, _| {
        ssl.servername(NameType::HOST_NAME).map(drop).ok_or(SniError::NOACK)
    });
}

/// Makes a server give no ticket on this connection, if there is no key to encrypt it with.
pub(crate) fn give_none_without_key(ssl: &mut SslRef, keys: &TicketKeys) -> Result<(), ErrorStack> {
    match keys.newest() {
        Some(_) => Ok(()),
        None => {
            ffi::set_no_ticket(ssl);
            ssl.set_num_tickets(0)
        }
    }
}

/// The keys of the tickets that the server of `ssl` gives.
pub(crate) fn keys(ssl: &SslRef) -> Option<&TicketKeys> {
    ssl.ssl_context().ex_data(*KEYS.as_ref().ok()?)
}

/// Where a context keeps its keys.
static KEYS: LazyLock<Result<Index<SslContext, TicketKeys>, ErrorStack>> =
    LazyLock::new(SslContext::new_ex_index);

/// OpenSSL counts them with 31 bits.
const MOST_KEPT: usize = i32::MAX as usize;
