//! The calls into BoringSSL that the `boring` crate lacks. The only file with `unsafe` here.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::time::Duration;
use std::{ptr, slice};

use boring::error::ErrorStack;
use boring::ssl::{ErrorCode, SslContextBuilder, SslRef, SslSession, SslSessionRef, SslVersion};
use boring::stack::Stack;
use boring::x509::{
    X509, X509NameRef, X509Ref, X509StoreContextRef, X509VerifyError, X509VerifyResult,
};
use foreign_types::{ForeignType, ForeignTypeRef};
use tls_core::{Alert, TicketKeys};
use tls_libssl::Passing;
use zeroize::Zeroizing;

use crate::{kernel, resumption, verify};

/// Chooses the cipher suites of TLS 1.3, best first or all `equal`, `SSL_CTX_set1_tls13_ciphers`.
pub(crate) fn set_tls13_suites(
    context: &mut SslContextBuilder,
    suites: &[u16],
    equal: bool,
) -> Result<(), ErrorStack> {
    let mut flags = match equal {
        true => vec![boring_sys::SSL_CIPHER_FLAG_EQUAL_PREFERENCE_WITH_NEXT as u32; suites.len()],
        false => vec![0; suites.len()],
    };
    if let Some(last) = flags.last_mut() {
        *last = 0; // it has no next one
    }
    // SAFETY: the context is live; both lists have this length, and are copied.
    let result = unsafe {
        boring_sys::SSL_CTX_set1_tls13_ciphers(
            context.as_ptr(),
            suites.as_ptr(),
            flags.as_ptr(),
            suites.len(),
        )
    };
    match result {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Whether the secrets depend on the whole handshake, `SSL_get_extms_support`: always in TLS 1.3.
pub(crate) fn has_extended_master_secret(ssl: &SslRef) -> bool {
    // SAFETY: `ssl` is a live SSL, and only read.
    unsafe { boring_sys::SSL_get_extms_support(ssl.as_ptr()) == 1 }
}

/// The first Finished message of a handshake in TLS 1.2, `SSL_get_tls_unique`; `None` where BoringSSL
/// gives none.
pub(crate) fn tls_unique(ssl: &SslRef) -> Option<Vec<u8>> {
    let mut finished = [0; 64];
    let mut length = 0;
    // SAFETY: `ssl` is a live SSL, and only read; no more is written than there is room for.
    let result = unsafe {
        boring_sys::SSL_get_tls_unique(
            ssl.as_ptr(),
            finished.as_mut_ptr(),
            &raw mut length,
            finished.len(),
        )
    };
    (result == 1).then(|| finished[..length].to_vec())
}

/// Has BoringSSL take new keys with its next write, and ask the peer for the same if it is to.
pub(crate) fn update_keys(ssl: &mut SslRef, ask_peer: bool) -> Result<(), ErrorStack> {
    let kind = match ask_peer {
        true => boring_sys::SSL_KEY_UPDATE_REQUESTED,
        false => boring_sys::SSL_KEY_UPDATE_NOT_REQUESTED,
    };
    // SAFETY: `ssl` is a live SSL, lent for this call alone.
    match unsafe { boring_sys::SSL_key_update(ssl.as_ptr(), kind as c_int) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Whether the servers of `context` take early data, `SSL_CTX_set_early_data_enabled`.
pub(crate) fn take_early_data(context: &mut SslContextBuilder) {
    // SAFETY: the context is live; the call stores the bit.
    unsafe { boring_sys::SSL_CTX_set_early_data_enabled(context.as_ptr(), 1) }
}

/// Whether a connection that has not begun has early data, `SSL_set_early_data_enabled`.
pub(crate) fn set_early_data(ssl: &mut SslRef, enabled: bool) {
    // SAFETY: `ssl` is a live SSL, lent for this call alone; the call stores the bit.
    unsafe { boring_sys::SSL_set_early_data_enabled(ssl.as_ptr(), enabled.into()) }
}

/// Whether the handshake goes on beneath early data, `SSL_in_early_data`.
pub(crate) fn in_early_data(ssl: &SslRef) -> bool {
    // SAFETY: `ssl` is a live SSL, and only read.
    unsafe { boring_sys::SSL_in_early_data(ssl.as_ptr()) == 1 }
}

/// Whether early data was offered and accepted, `SSL_early_data_accepted`.
pub(crate) fn early_data_accepted(ssl: &SslRef) -> bool {
    // SAFETY: `ssl` is a live SSL, and only read.
    unsafe { boring_sys::SSL_early_data_accepted(ssl.as_ptr()) == 1 }
}

/// Goes on after an error that says that early data was rejected, `SSL_reset_early_data_reject`; does
/// nothing after any other.
pub(crate) fn reset_early_data(ssl: &mut SslRef, e: &boring::ssl::Error) -> bool {
    let rejected = e.code().as_raw() == boring_sys::SSL_ERROR_EARLY_DATA_REJECTED;
    if rejected {
        // SAFETY: `ssl` is a live SSL, lent for this call alone, and it is in the state in which this may
        // be called: the caller has just got this error from it.
        unsafe { boring_sys::SSL_reset_early_data_reject(ssl.as_ptr()) }
    }
    rejected
}

/// Chooses what to sign with, best first, `SSL_CTX_set_signing_algorithm_prefs`.
pub(crate) fn set_signing_schemes(
    context: &mut SslContextBuilder,
    schemes: &[u16],
) -> Result<(), ErrorStack> {
    // SAFETY: the context is live, and the list is copied.
    let result = unsafe {
        boring_sys::SSL_CTX_set_signing_algorithm_prefs(
            context.as_ptr(),
            schemes.as_ptr(),
            schemes.len(),
        )
    };
    match result {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// The most bytes that a record holds which is sent, `SSL_CTX_set_max_send_fragment`.
pub(crate) fn set_max_send_fragment(context: &mut SslContextBuilder, bytes: usize) {
    // SAFETY: the context is live; the call stores the number, within its own limits.
    unsafe {
        boring_sys::SSL_CTX_set_max_send_fragment(context.as_ptr(), bytes);
    }
}

/// Limits the size of a peer's certificate message, `SSL_CTX_set_max_cert_list`.
pub(crate) fn set_max_cert_list(context: &mut SslContextBuilder, bytes: usize) {
    // SAFETY: the context is live; the call stores the number.
    unsafe { boring_sys::SSL_CTX_set_max_cert_list(context.as_ptr(), bytes) }
}

/// Tells the peer why the connection ends, `SSL_send_fatal_alert`.
pub(crate) fn send_alert(ssl: &mut SslRef, alert: Alert) {
    // SAFETY: `ssl` is a live SSL, lent for this call alone. Whether it can be told does not matter.
    unsafe {
        boring_sys::SSL_send_fatal_alert(ssl.as_ptr(), alert.0);
    }
}

/// Sends what waits to go out with the next data, `SSL_write` of nothing.
pub(crate) fn flush(ssl: &mut SslRef) {
    let nothing: [u8; 0] = [];
    // SAFETY: `ssl` is a live SSL, lent for this call alone; no byte is read. What goes wrong, the next
    // write says again.
    unsafe {
        boring_sys::SSL_write(ssl.as_ptr(), nothing.as_ptr().cast(), 0);
    }
}

/// The numbers of the next records, sent and received: `SSL_get_write_sequence` and the other.
pub(crate) fn sequences(ssl: &SslRef) -> (u64, u64) {
    let ssl = ssl.as_ptr();
    // SAFETY: `ssl` is a live SSL, and only read.
    unsafe { (boring_sys::SSL_get_write_sequence(ssl), boring_sys::SSL_get_read_sequence(ssl)) }
}

/// Whether a record has been taken in part, or decrypted and not read, `SSL_has_pending`.
pub(crate) fn has_begun_record(ssl: &SslRef) -> bool {
    // SAFETY: `ssl` is a live SSL, and only read.
    unsafe { boring_sys::SSL_has_pending(ssl.as_ptr()) != 0 }
}

/// HMAC with SHA-384, which the safe crate lacks: `HMAC`.
pub(crate) fn hmac_sha384(key: &[u8], message: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const SIZE: usize = 48;
    let mut out = Zeroizing::new(vec![0; SIZE]);
    let mut size = 0;
    // SAFETY: key and message are read for as long as they are, and `out` has room for what this function
    // gives; the function itself is static.
    let result = unsafe {
        let digest = boring_sys::EVP_sha384();
        let (key, key_len) = (key.as_ptr().cast(), key.len());
        let message = (message.as_ptr(), message.len());
        let (out, size) = (out.as_mut_ptr(), &raw mut size);
        boring_sys::HMAC(digest, key, key_len, message.0, message.1, out, size)
    };
    (!result.is_null() && size as usize == SIZE).then_some(out)
}

/// Processes the next record and leaves its plaintext where it is, `SSL_peek`.
pub(crate) fn peek(ssl: &mut SslRef) -> Result<(), boring::ssl::Error> {
    let mut byte = 0_u8;
    // SAFETY: `ssl` is a live SSL, lent for this call alone, and there is room for the one byte.
    let result = unsafe { boring_sys::SSL_peek(ssl.as_ptr(), (&raw mut byte).cast(), 1) };
    if result > 0 {
        return Ok(());
    }
    match ssl.error_code(result) {
        ErrorCode::SSL | ErrorCode::SYSCALL => Err(ErrorStack::get().into()),
        // Nothing has come, or the end has: then there is nothing to look at.
        _ => Ok(()),
    }
}

/// Whether a certificate says of itself that it is a certificate authority.
pub(crate) fn is_ca(certificate: &X509Ref) -> bool {
    extension_flags(certificate) & boring_sys::EXFLAG_CA as u32 != 0
}

/// Whether a certificate has a critical extension that BoringSSL does not know.
pub(crate) fn has_unknown_critical_extension(certificate: &X509Ref) -> bool {
    extension_flags(certificate) & boring_sys::EXFLAG_CRITICAL as u32 != 0
}

fn extension_flags(certificate: &X509Ref) -> u32 {
    // SAFETY: `certificate` is a live X509. The call fills its cache of extensions under a lock of
    // its own and returns plain bits.
    unsafe { boring_sys::X509_get_extension_flags(certificate.as_ptr()) }
}

/// Does something with `chain` that does without the certificates that the peer sent.
pub(crate) fn without_untrusted<T>(
    chain: &mut X509StoreContextRef,
    act: impl FnOnce(&mut X509StoreContextRef) -> T,
) -> T {
    let store = chain.as_ptr();
    // SAFETY: `store` is live, and only borrows these certificates: that it borrows none is valid, and
    // so are the same ones again.
    unsafe {
        let certificates = boring_sys::X509_STORE_CTX_get0_untrusted(store);
        boring_sys::X509_STORE_CTX_set_chain(store, ptr::null_mut());
        let result = act(chain);
        boring_sys::X509_STORE_CTX_set_chain(store, certificates);
        result
    }
}

/// The trusted certificates of this name.
pub(crate) fn trusted_by_name(
    chain: &X509StoreContextRef,
    name: &X509NameRef,
) -> Option<Stack<X509>> {
    // SAFETY: both are live and only read, the store under its lock. The list is the caller's, with
    // a reference to each certificate.
    unsafe {
        let found = boring_sys::X509_STORE_CTX_get1_certs(chain.as_ptr(), name.as_ptr());
        (!found.is_null()).then(|| Stack::from_ptr(found))
    }
}

/// The verify result with this number, an `X509_V_ERR_…` or one that BoringSSL does not list.
pub(crate) fn verify_result(code: c_int) -> X509VerifyResult {
    // SAFETY: the type only carries the number; BoringSSL has one fixed text for all that it does
    // not know.
    unsafe { X509VerifyError::from_raw(code) }
}

/// Makes a client note in its findings that the server asked for a certificate.
pub(crate) fn note_certificate_requests(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, the callback has the type that BoringSSL calls, and there is no
    // argument whose life could end.
    unsafe {
        boring_sys::SSL_CTX_set_cert_cb(
            context.as_ptr(),
            Some(certificate_requested),
            ptr::null_mut(),
        );
    }
}

/// Called on a client when a CertificateRequest has come. `1` means: go on.
unsafe extern "C" fn certificate_requested(ssl: *mut boring_sys::SSL, _: *mut c_void) -> c_int {
    // SAFETY: BoringSSL calls this with the live SSL that it works on, which outlives the call; it
    // is only read. Nothing in here can panic.
    let ssl = unsafe { SslRef::from_ptr(ssl) };
    if let Some(findings) = verify::findings(ssl) {
        findings.note_request();
    }
    1
}

/// Makes both sides note in their findings how the server signs the handshake, and what has to be known of
/// their traffic if its keys may be handed over, `SSL_CTX_set_msg_callback`.
pub(crate) fn note_messages(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, and the callback has the type that BoringSSL calls.
    unsafe { boring_sys::SSL_CTX_set_msg_callback(context.as_ptr(), Some(message_passes)) }
}

/// Called for each message that is sent or has come.
unsafe extern "C" fn message_passes(
    is_sent: c_int,
    _version: c_int,
    kind: c_int,
    message: *const c_void,
    length: usize,
    ssl: *mut boring_sys::SSL,
    _: *mut c_void,
) {
    const HANDSHAKE: c_int = 22;
    if kind != HANDSHAKE || ssl.is_null() || message.is_null() {
        return; // records it counts itself
    }
    // SAFETY: BoringSSL calls this with the live SSL that it works on, and with the message; both outlive
    // the call and are only read. Nothing in here can panic, but a program's store of sessions: that
    // aborts, as it does where BoringSSL tells of a session itself.
    let (ssl, message) =
        unsafe { (SslRef::from_ptr(ssl), slice::from_raw_parts(message.cast::<u8>(), length)) };
    if let Some(traffic) = kernel::traffic(ssl) {
        let (is_sent, is_tls13) = (is_sent == 1, ssl.version2() == Some(SslVersion::TLS1_3));
        traffic.note_passing(Passing { is_sent, is_tls13, kind, bytes: message });
    }
    if ssl.is_server() == (is_sent == 1) {
        if let Some(findings) = verify::findings(ssl) {
            findings.note_message(message);
        }
    }
    if !ssl.is_server() && is_sent == 0 {
        resumption::keep_late(ssl, message);
    }
}

/// The session of TLS 1.3 that comes with `message`, a ticket, if the own close_notify has been sent
/// before: else BoringSSL tells of it itself. `SSL_process_tls13_new_session_ticket`.
pub(crate) fn late_session(ssl: &SslRef, message: &[u8]) -> Option<SslSession> {
    // SAFETY: `ssl` is a live SSL that no other thread can have; both calls read what it has settled, and
    // the message. The session is the caller's.
    unsafe {
        if boring_sys::SSL_get_shutdown(ssl.as_ptr()) & boring_sys::SSL_SENT_SHUTDOWN as c_int == 0
        {
            return None;
        }
        let session = boring_sys::SSL_process_tls13_new_session_ticket(
            ssl.as_ptr(),
            message.as_ptr(),
            message.len(),
        );
        // What is no ticket is passed over, and of no concern to the call at hand.
        let _ = ErrorStack::get();
        (!session.is_null()).then(|| SslSession::from_ptr(session))
    }
}

/// Has a client that has not begun offer to resume `session`, which belongs to no context.
pub(crate) fn set_session(ssl: &mut SslRef, session: &SslSessionRef) -> Result<(), ErrorStack> {
    // SAFETY: a session must not be of another context than the `ssl`, whose cache would hold it. This
    // one comes from bytes, and no cache holds it; BoringSSL counts its own reference to it.
    unsafe { ssl.set_session(session) }
}

/// How long a session can be resumed, `SSL_CTX_set_timeout` in TLS 1.2 and
/// `SSL_CTX_set_session_psk_dhe_timeout` in TLS 1.3.
pub(crate) fn set_session_lifetime(context: &mut SslContextBuilder, lifetime: Duration) {
    let seconds = lifetime.as_secs().try_into().unwrap_or(u32::MAX);
    // SAFETY: the context is live; both calls store the number.
    unsafe {
        boring_sys::SSL_CTX_set_timeout(context.as_ptr(), seconds);
        boring_sys::SSL_CTX_set_session_psk_dhe_timeout(context.as_ptr(), seconds);
    }
}

/// How many tickets a client gets in TLS 1.3, `SSL_CTX_set_num_tickets`.
pub(crate) fn set_num_tickets(context: &mut SslContextBuilder, count: usize) {
    // SAFETY: the context is live; the call stores the number.
    unsafe {
        boring_sys::SSL_CTX_set_num_tickets(context.as_ptr(), count);
    }
}

/// Makes the tickets of `context` be under these keys, `SSL_CTX_set_tlsext_ticket_key_cb`.
pub(crate) fn set_ticket_keys(context: &mut SslContextBuilder, keys: &TicketKeys) {
    let keys = keys.clone();
    // SAFETY: the callback sets up name, IV, cipher and MAC for each ticket that it says is good.
    unsafe {
        context.set_ticket_key_callback(move |_, name, iv, cipher, mac, encrypts| {
            resumption::begin(&keys, name, iv, cipher, mac, encrypts)
        });
    }
}
