//! Sessions: where a client keeps them, and how a server's tickets are made.

use std::sync::LazyLock;
use std::time::Duration;

use boring::error::ErrorStack;
use boring::ex_data::Index;
use boring::hash::MessageDigest;
use boring::hmac::HmacCtxRef;
use boring::rand::rand_bytes;
use boring::ssl::{
    SslContext, SslContextBuilder, SslOptions, SslRef, SslSession, SslSessionCacheMode,
    SslSessionRef, SslVersion, TicketKeyCallbackResult,
};
use boring::symm::{Cipher, CipherCtxRef};
use tls_core::{ServerName, Sessions, TicketKeys, Version};
use zeroize::Zeroizing;

use crate::{ffi, verify};

/// Makes the clients of `context` keep their sessions.
pub(crate) fn keep(context: &mut SslContextBuilder, sessions: &Sessions) {
    context.clear_options(SslOptions::NO_TICKET);
    context.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    if let Ok(index) = SESSIONS.as_ref() {
        context.set_ex_data(*index, sessions.clone());
    }
    context.set_new_session_callback(|ssl, session| put(ssl, &session));
}

/// BoringSSL drops a ticket of TLS 1.3 that comes after the own close_notify, which a client that has said
/// all may well send first. Here it is kept all the same.
pub(crate) fn keep_late(ssl: &SslRef, message: &[u8]) {
    const NEW_SESSION_TICKET: u8 = 4;
    if message.first() == Some(&NEW_SESSION_TICKET) && sessions(ssl).is_some() {
        if let Some(session) = ffi::late_session(ssl, message) {
            put(ssl, &session);
        }
    }
}

fn put(ssl: &SslRef, session: &SslSessionRef) {
    let version = match session.protocol_version() {
        SslVersion::TLS1_2 => Version::Tls12,
        SslVersion::TLS1_3 => Version::Tls13,
        _ => return,
    };
    let name = verify::findings(ssl).and_then(|findings| findings.name());
    // Without memory it is lost, and nothing else.
    if let (Some(sessions), Some(name), Ok(bytes)) = (sessions(ssl), name, session.to_der()) {
        sessions.put(name, version, &Zeroizing::new(bytes));
    }
}

fn sessions(ssl: &SslRef) -> Option<&Sessions> {
    ssl.ssl_context().ex_data(*SESSIONS.as_ref().ok()?)
}

/// Where the context of clients has the place for their sessions.
static SESSIONS: LazyLock<Result<Index<SslContext, Sessions>, ErrorStack>> =
    LazyLock::new(SslContext::new_ex_index);

/// Offers the server of this name to resume a session, if there is one.
pub(crate) fn offer(ssl: &mut SslRef, sessions: &Sessions, name: &ServerName) {
    let Some(bytes) = sessions.take(name) else { return };
    // A session that BoringSSL cannot read, or does not take, is none.
    if let Ok(session) = SslSession::from_der(&bytes) {
        let _ = ffi::set_session(ssl, &session);
    }
    let _ = ErrorStack::get();
}

/// Makes `context` give tickets under `keys`, for sessions that are bound to `bound`.
pub(crate) fn give_tickets(
    context: &mut SslContextBuilder,
    keys: &TicketKeys,
    count: u8,
    bound: &[u8; 32],
) -> Result<(), ErrorStack> {
    context.clear_options(SslOptions::NO_TICKET);
    context.set_session_id_context(bound)?;
    ffi::set_session_lifetime(context, keys.lifetime());
    ffi::set_num_tickets(context, count.into());
    ffi::set_ticket_keys(context, keys);
    Ok(())
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
    context.set_session_cache_size(most.min(MOST_KEPT) as u32);
    context.set_session_id_context(bound)?;
    ffi::set_session_lifetime(context, lifetime);
    Ok(())
}

/// Makes a server give no ticket on this connection, if there is no key to encrypt it with.
pub(crate) fn give_none_without_key(ssl: &mut SslRef, keys: &TicketKeys) {
    if keys.newest().is_none() {
        ssl.set_options(SslOptions::NO_TICKET);
    }
}

/// Sets the cipher and the MAC of a ticket up, for one that is made or one that has come.
pub(crate) fn begin(
    keys: &TicketKeys,
    name: &mut [u8; 16],
    iv: &mut [u8; 16],
    cipher: &mut CipherCtxRef,
    mac: &mut HmacCtxRef,
    encrypts: bool,
) -> TicketKeyCallbackResult {
    let algorithm = Cipher::aes_256_cbc();
    let mut begun = || -> Result<Option<bool>, ErrorStack> {
        let (key, is_old) = if encrypts {
            let Some(key) = keys.newest() else { return Ok(None) };
            name.copy_from_slice(key.name());
            rand_bytes(iv)?;
            cipher.init_encrypt(&algorithm, key.cipher_key(), iv)?;
            (key, false)
        } else {
            let Some((key, is_old)) = keys.find(name) else { return Ok(None) };
            cipher.init_decrypt(&algorithm, key.cipher_key(), iv)?;
            (key, is_old)
        };
        mac.init(key.mac_key(), &MessageDigest::sha256())?;
        Ok(Some(is_old))
    };
    match begun() {
        Ok(Some(true)) => TicketKeyCallbackResult::DecryptSuccessRenew,
        Ok(Some(false)) => TicketKeyCallbackResult::Success,
        Ok(None) | Err(_) => TicketKeyCallbackResult::Noop,
    }
}

/// BoringSSL counts them with 32 bits.
const MOST_KEPT: usize = u32::MAX as usize;
