//! The calls into OpenSSL that the `openssl` crate lacks. The only file with `unsafe` here.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use std::time::Duration;
use std::{ptr, slice};

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::rand::rand_bytes;
use openssl::ssl::{SslContextBuilder, SslOptions, SslRef, SslSessionRef, SslVersion};
use openssl::stack::StackRef;
use openssl::x509::store::X509Store;
use openssl::x509::{X509, X509Ref, X509StoreContextRef, X509VerifyResult};
use tls_core::TicketKey;
use tls_libssl::Passing;

use crate::{kernel, resumption, verify};

unsafe extern "C" {
    /// `SSL_CTX_set_cert_cb(3)`, since OpenSSL 1.0.2.
    fn SSL_CTX_set_cert_cb(
        context: *mut openssl_sys::SSL_CTX,
        callback: Option<unsafe extern "C" fn(*mut openssl_sys::SSL, *mut c_void) -> c_int>,
        argument: *mut c_void,
    );
    /// `SSL_CTX_set_cert_verify_callback(3)`.
    fn SSL_CTX_set_cert_verify_callback(
        context: *mut openssl_sys::SSL_CTX,
        callback: Option<
            unsafe extern "C" fn(*mut openssl_sys::X509_STORE_CTX, *mut c_void) -> c_int,
        >,
        argument: *mut c_void,
    );
    /// `X509_STORE_CTX_set0_untrusted(3)`, since OpenSSL 1.1.0.
    fn X509_STORE_CTX_set0_untrusted(
        store: *mut openssl_sys::X509_STORE_CTX,
        certificates: *mut openssl_sys::stack_st_X509,
    );
    /// `X509_STORE_CTX_get0_cert(3)`, since OpenSSL 1.1.0.
    fn X509_STORE_CTX_get0_cert(
        store: *const openssl_sys::X509_STORE_CTX,
    ) -> *mut openssl_sys::X509;
    /// `SSL_CTX_set_timeout(3)`.
    fn SSL_CTX_set_timeout(context: *mut openssl_sys::SSL_CTX, seconds: c_long) -> c_long;
    /// `SSL_CTX_set_tlsext_ticket_key_evp_cb(3)`, since OpenSSL 3.0.
    fn SSL_CTX_set_tlsext_ticket_key_evp_cb(
        context: *mut openssl_sys::SSL_CTX,
        callback: Option<TicketKeyCallback>,
    ) -> c_int;
    /// `SSL_set_options(3)`, with this type since OpenSSL 3.0.
    fn SSL_set_options(ssl: *mut openssl_sys::SSL, options: u64) -> u64;
    /// `EVP_MAC_init(3)`, since OpenSSL 3.0.
    fn EVP_MAC_init(
        mac: *mut EvpMacCtx,
        key: *const u8,
        length: usize,
        parameters: *const OsslParam,
    ) -> c_int;
    /// `SSL_CTX_set_msg_callback(3)`.
    fn SSL_CTX_set_msg_callback(
        context: *mut openssl_sys::SSL_CTX,
        callback: Option<MessageCallback>,
    );
    /// `SSL_get_early_data_status(3)`, since OpenSSL 1.1.1.
    fn SSL_get_early_data_status(ssl: *const openssl_sys::SSL) -> c_int;
    /// `SSL_key_update(3)`, since OpenSSL 1.1.1.
    fn SSL_key_update(ssl: *mut openssl_sys::SSL, kind: c_int) -> c_int;
    /// `SSL_get_key_update_type(3)`, since OpenSSL 1.1.1.
    fn SSL_get_key_update_type(ssl: *const openssl_sys::SSL) -> c_int;
    /// `SSL_has_pending(3)`, since OpenSSL 1.1.0.
    fn SSL_has_pending(ssl: *const openssl_sys::SSL) -> c_int;
    /// `SSL_rstate_string(3)`.
    fn SSL_rstate_string(ssl: *const openssl_sys::SSL) -> *const c_char;
    /// `X509_STORE_CTX_get0_untrusted(3)`, since OpenSSL 1.1.0.
    fn X509_STORE_CTX_get0_untrusted(
        store: *const openssl_sys::X509_STORE_CTX,
    ) -> *mut openssl_sys::stack_st_X509;
    /// `X509_STORE_up_ref(3)`, since OpenSSL 1.1.0.
    fn X509_STORE_up_ref(store: *mut openssl_sys::X509_STORE) -> c_int;
    /// `X509_get_extension_flags(3)`, since OpenSSL 1.1.0.
    fn X509_get_extension_flags(certificate: *mut openssl_sys::X509) -> u32;
}

type MessageCallback = unsafe extern "C" fn(
    c_int,
    c_int,
    c_int,
    *const c_void,
    usize,
    *mut openssl_sys::SSL,
    *mut c_void,
);

type TicketKeyCallback = unsafe extern "C" fn(
    *mut openssl_sys::SSL,
    *mut u8,
    *mut u8,
    *mut openssl_sys::EVP_CIPHER_CTX,
    *mut EvpMacCtx,
    c_int,
) -> c_int;

/// `EVP_MAC_CTX`, of which only OpenSSL knows more.
#[repr(C)]
struct EvpMacCtx {
    _opaque: [u8; 0],
}

/// `OSSL_PARAM(3)`.
#[repr(C)]
struct OsslParam {
    key: *const c_char,
    data_type: c_uint,
    data: *const c_void,
    data_size: usize,
    return_size: usize,
}

/// What `SSL_get_negotiated_group(3)` gives: a NID, or `0x1000000` and the number on the wire.
pub(crate) fn negotiated_group(ssl: &SslRef) -> c_long {
    const SSL_CTRL_GET_NEGOTIATED_GROUP: c_int = 134;
    // SAFETY: `ssl` is a live SSL; this command reads from it and ignores the two arguments.
    unsafe {
        openssl_sys::SSL_ctrl(ssl.as_ptr(), SSL_CTRL_GET_NEGOTIATED_GROUP, 0, ptr::null_mut())
    }
}

/// On a server: whether the client has listed groups, and none of them is one of ours
/// (`SSL_get1_groups(3)`, `SSL_get_shared_group(3)`).
pub(crate) fn no_shared_group(ssl: &SslRef) -> bool {
    const SSL_CTRL_GET_GROUPS: c_int = 90;
    const SSL_CTRL_GET_SHARED_GROUP: c_int = 93;
    const COUNT: c_long = -1;
    // SAFETY: `ssl` is a live SSL; both commands only count when they are given no place to write.
    let count = |command, argument| unsafe {
        openssl_sys::SSL_ctrl(ssl.as_ptr(), command, argument, ptr::null_mut())
    };
    count(SSL_CTRL_GET_GROUPS, 0) > 0 && count(SSL_CTRL_GET_SHARED_GROUP, COUNT) == 0
}

/// Whether the secrets depend on the whole handshake, `SSL_get_extms_support(3)`: always in TLS 1.3.
pub(crate) fn has_extended_master_secret(ssl: &SslRef) -> bool {
    const SSL_CTRL_GET_EXTMS_SUPPORT: c_int = 122;
    // SAFETY: `ssl` is a live SSL; this command reads from it and ignores the two arguments.
    let says = unsafe {
        openssl_sys::SSL_ctrl(ssl.as_ptr(), SSL_CTRL_GET_EXTMS_SUPPORT, 0, ptr::null_mut())
    };
    says == 1 || ssl.version2() == Some(SslVersion::TLS1_3)
}

/// Whether early data was offered and accepted, `SSL_get_early_data_status(3)`.
pub(crate) fn early_data_accepted(ssl: &SslRef) -> bool {
    const SSL_EARLY_DATA_ACCEPTED: c_int = 2;
    // SAFETY: `ssl` is a live SSL, and only read.
    unsafe { SSL_get_early_data_status(ssl.as_ptr()) == SSL_EARLY_DATA_ACCEPTED }
}

/// Has OpenSSL take new keys with its next step, and ask the peer for the same if it is to.
pub(crate) fn update_keys(ssl: &SslRef, ask_peer: bool) -> Result<(), ErrorStack> {
    const SSL_KEY_UPDATE_NOT_REQUESTED: c_int = 0;
    const SSL_KEY_UPDATE_REQUESTED: c_int = 1;
    let kind = if ask_peer { SSL_KEY_UPDATE_REQUESTED } else { SSL_KEY_UPDATE_NOT_REQUESTED };
    // SAFETY: `ssl` is a live SSL that no other thread can have; the crate lends none to change.
    match unsafe { SSL_key_update(ssl.as_ptr(), kind) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Whether OpenSSL owes a key update that it has not sent, `SSL_get_key_update_type(3)`.
pub(crate) fn owes_key_update(ssl: &SslRef) -> bool {
    const SSL_KEY_UPDATE_NONE: c_int = -1;
    // SAFETY: `ssl` is a live SSL, and only read.
    unsafe { SSL_get_key_update_type(ssl.as_ptr()) != SSL_KEY_UPDATE_NONE }
}

/// Whether OpenSSL has taken a record in part, or has decrypted one that nobody has read:
/// `SSL_has_pending(3)`, which passes over a header alone; `SSL_rstate_string(3)` tells of it.
pub(crate) fn has_begun_record(ssl: &SslRef) -> bool {
    const READS_HEADER: &CStr = c"RH";
    // SAFETY: `ssl` is a live SSL, and only read; the text is static, and ends as it must.
    unsafe {
        SSL_has_pending(ssl.as_ptr()) != 0
            || CStr::from_ptr(SSL_rstate_string(ssl.as_ptr())) != READS_HEADER
    }
}

/// Limits the size of a peer's certificate message, `SSL_CTX_set_max_cert_list(3)`.
pub(crate) fn set_max_cert_list(context: &mut SslContextBuilder, bytes: c_long) {
    const SSL_CTRL_SET_MAX_CERT_LIST: c_int = 51;
    // SAFETY: the context is live; this command stores the number and ignores the pointer.
    unsafe {
        openssl_sys::SSL_CTX_ctrl(
            context.as_ptr(),
            SSL_CTRL_SET_MAX_CERT_LIST,
            bytes,
            ptr::null_mut(),
        );
    }
}

/// The most bytes that a record holds which is sent, `SSL_CTX_set_max_send_fragment(3)`.
pub(crate) fn set_max_send_fragment(
    context: &mut SslContextBuilder,
    bytes: usize,
) -> Result<(), ErrorStack> {
    const SSL_CTRL_SET_MAX_SEND_FRAGMENT: c_int = 52;
    // Out of range for OpenSSL too, which refuses it.
    let bytes = bytes.try_into().unwrap_or(c_long::MAX);
    // SAFETY: the context is live; this command stores the number and ignores the pointer.
    let set = unsafe {
        openssl_sys::SSL_CTX_ctrl(
            context.as_ptr(),
            SSL_CTRL_SET_MAX_SEND_FRAGMENT,
            bytes,
            ptr::null_mut(),
        )
    };
    match set {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Has a server take Diffie-Hellman numbers that fit its key, `SSL_CTX_set_dh_auto(3)`.
pub(crate) fn set_dh_auto(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    const SSL_CTRL_SET_DH_AUTO: c_int = 118;
    // SAFETY: the context is live; this command stores the switch and ignores the pointer.
    let set = unsafe {
        openssl_sys::SSL_CTX_ctrl(context.as_ptr(), SSL_CTRL_SET_DH_AUTO, 1, ptr::null_mut())
    };
    match set {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Whether a certificate says of itself that it is a certificate authority.
pub(crate) fn is_ca(certificate: &X509Ref) -> bool {
    const EXFLAG_CA: u32 = 0x10;
    // SAFETY: `certificate` is a live X509. The call fills its cache of extensions under a lock of
    // its own and returns plain bits.
    unsafe { X509_get_extension_flags(certificate.as_ptr()) & EXFLAG_CA != 0 }
}

/// The verify result with this number, an `X509_V_ERR_…` or one that OpenSSL does not list.
pub(crate) fn verify_result(code: c_int) -> X509VerifyResult {
    // SAFETY: the type only carries the number; OpenSSL takes any.
    unsafe { X509VerifyResult::from_raw(code) }
}

/// The peer's own certificate, `X509_STORE_CTX_get0_cert(3)`.
pub(crate) fn leaf(chain: &X509StoreContextRef) -> Option<&X509Ref> {
    // SAFETY: `chain` is live and owns the certificate, which lives as long.
    unsafe {
        let leaf = X509_STORE_CTX_get0_cert(chain.as_ptr());
        (!leaf.is_null()).then(|| X509Ref::from_ptr(leaf))
    }
}

/// The certificates that the peer sent, its own first, `X509_STORE_CTX_get0_untrusted(3)`.
pub(crate) fn untrusted(chain: &X509StoreContextRef) -> Option<&StackRef<X509>> {
    // SAFETY: `chain` is live and borrows the certificates from the SSL, which outlives it.
    unsafe {
        let certificates = X509_STORE_CTX_get0_untrusted(chain.as_ptr());
        (!certificates.is_null()).then(|| StackRef::from_ptr(certificates))
    }
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
        let certificates = X509_STORE_CTX_get0_untrusted(store);
        X509_STORE_CTX_set0_untrusted(store, ptr::null_mut());
        let result = act(chain);
        X509_STORE_CTX_set0_untrusted(store, certificates);
        result
    }
}

/// The same store once more.
pub(crate) fn share(store: &X509Store) -> X509Store {
    // SAFETY: `store` is live; who takes the reference that is added here gives it back. It fails only
    // where the count is broken.
    unsafe {
        X509_STORE_up_ref(store.as_ptr());
        X509Store::from_ptr(store.as_ptr())
    }
}

/// Makes `context` leave the verification of chains to [`verify::conclude`].
pub(crate) fn set_cert_verify_callback(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, the callback has the type that OpenSSL calls, and there is no
    // argument whose life could end.
    unsafe {
        SSL_CTX_set_cert_verify_callback(context.as_ptr(), Some(verify_chain), ptr::null_mut());
    }
}

/// Called in place of `X509_verify_cert(3)`. `1` means: the chain is good.
unsafe extern "C" fn verify_chain(
    store: *mut openssl_sys::X509_STORE_CTX,
    _: *mut c_void,
) -> c_int {
    // SAFETY: OpenSSL calls this with a live X509_STORE_CTX, set up for the verification, which nobody
    // else has for the length of this call.
    let chain = unsafe { X509StoreContextRef::from_ptr_mut(store) };
    // A panic must not reach C (it would abort): the application's are caught in there.
    verify::conclude(chain).into()
}

/// Makes a client note in its findings that the server asked for a certificate.
pub(crate) fn note_certificate_requests(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, the callback has the type that OpenSSL calls, and there is no
    // argument whose life could end.
    unsafe { SSL_CTX_set_cert_cb(context.as_ptr(), Some(certificate_requested), ptr::null_mut()) }
}

/// Called on a client when a CertificateRequest has come. `1` means: go on.
unsafe extern "C" fn certificate_requested(ssl: *mut openssl_sys::SSL, _: *mut c_void) -> c_int {
    // SAFETY: OpenSSL calls this with the live SSL that it works on, which outlives the call; it is
    // only read. Nothing in here can panic.
    let ssl = unsafe { SslRef::from_ptr(ssl) };
    if let Some(findings) = verify::findings(ssl) {
        findings.note_request();
    }
    1
}

/// Makes both sides note in their findings how the server signs the handshake, and what has to be known of
/// their traffic if its keys may be handed over.
pub(crate) fn note_messages(context: &mut SslContextBuilder) {
    // SAFETY: the context is live, and the callback has the type that OpenSSL calls.
    unsafe { SSL_CTX_set_msg_callback(context.as_ptr(), Some(message_passes)) }
}

/// Called for each message that is sent or has come.
unsafe extern "C" fn message_passes(
    is_sent: c_int,
    _version: c_int,
    kind: c_int,
    message: *const c_void,
    length: usize,
    ssl: *mut openssl_sys::SSL,
    _: *mut c_void,
) {
    const HANDSHAKE: c_int = 22;
    if ssl.is_null() || message.is_null() {
        return;
    }
    // SAFETY: OpenSSL calls this with the live SSL that it works on, and with the message; both outlive the
    // call and are only read. Nothing in here can panic.
    let (ssl, message) =
        unsafe { (SslRef::from_ptr(ssl), slice::from_raw_parts(message.cast::<u8>(), length)) };
    let is_sent = is_sent == 1;
    if let Some(traffic) = kernel::traffic(ssl) {
        let is_tls13 = ssl.version2() == Some(SslVersion::TLS1_3);
        traffic.note_passing(Passing { is_sent, is_tls13, kind, bytes: message });
    }
    if kind == HANDSHAKE && ssl.is_server() == is_sent {
        if let Some(findings) = verify::findings(ssl) {
            findings.note_message(message);
        }
    }
}

/// Whether the algorithms in use are by default those of a FIPS module.
pub(crate) fn is_fips() -> bool {
    // SAFETY: null stands for the library's default context, which the call only reads.
    unsafe { openssl_sys::EVP_default_properties_is_fips_enabled(ptr::null_mut()) == 1 }
}

/// Has a client that has not begun offer to resume `session`, which belongs to no context.
pub(crate) fn set_session(ssl: &mut SslRef, session: &SslSessionRef) -> Result<(), ErrorStack> {
    // SAFETY: a session must not be of another context than the `ssl`, whose cache would hold it. This
    // one comes from bytes, and no cache holds it; OpenSSL counts its own reference to it.
    unsafe { ssl.set_session(session) }
}

/// How long a session can be resumed, `SSL_CTX_set_timeout(3)`.
pub(crate) fn set_timeout(context: &mut SslContextBuilder, lifetime: Duration) {
    let seconds = lifetime.as_secs().try_into().unwrap_or(c_long::MAX);
    // SAFETY: the context is live; the call stores the number.
    unsafe {
        SSL_CTX_set_timeout(context.as_ptr(), seconds);
    }
}

/// Switches tickets off for one connection that has not begun, `SSL_set_options(3)`.
pub(crate) fn set_no_ticket(ssl: &mut SslRef) {
    // SAFETY: `ssl` is a live SSL, lent for this call alone; the call stores the bit.
    unsafe {
        SSL_set_options(ssl.as_ptr(), SslOptions::NO_TICKET.bits());
    }
}

/// Switches off what would keep the sessions of those who may send early data with the server, and take
/// none of them twice: the core does that, `SSL_CTX_set_options(3)`.
pub(crate) fn set_no_anti_replay(context: &mut SslContextBuilder) {
    const SSL_OP_NO_ANTI_REPLAY: u64 = 1 << 24;
    context.set_options(SslOptions::from_bits_retain(SSL_OP_NO_ANTI_REPLAY));
}

/// Makes the tickets of `context` be under the keys of [`resumption::keys`].
pub(crate) fn set_ticket_key_callback(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    // SAFETY: the context is live, and the callback has the type that OpenSSL calls.
    let set = unsafe { SSL_CTX_set_tlsext_ticket_key_evp_cb(context.as_ptr(), Some(ticket_key)) };
    match set {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Called for each ticket that is made or comes. `0` means: none, or not one of ours; `1`: it is good;
/// `2`: it is good, and to be renewed.
unsafe extern "C" fn ticket_key(
    ssl: *mut openssl_sys::SSL,
    name: *mut u8,
    iv: *mut u8,
    cipher: *mut openssl_sys::EVP_CIPHER_CTX,
    mac: *mut EvpMacCtx,
    encrypts: c_int,
) -> c_int {
    const NONE: c_int = 0;
    // SAFETY: OpenSSL calls this with the live SSL that it works on, which is only read, with 16 bytes of
    // name and as many of IV (EVP_MAX_IV_LENGTH), to be written if it encrypts and read if not, and with
    // two live contexts to be set up. Nobody else has them for the length of this call. Nothing in here
    // can panic.
    unsafe {
        let ssl = SslRef::from_ptr(ssl);
        let Some(keys) = resumption::keys(ssl) else { return NONE };
        let (key, result) = if encrypts == 1 {
            let Some(key) = keys.newest() else { return NONE };
            slice::from_raw_parts_mut(name, 16).copy_from_slice(key.name());
            if rand_bytes(slice::from_raw_parts_mut(iv, 16)).is_err() {
                return NONE;
            }
            (key, 1)
        } else {
            let found = keys.find(slice::from_raw_parts(name, 16));
            let Some((key, is_old)) = found else { return NONE };
            // In TLS 1.3 a ticket is used once, and whoever uses it needs another (RFC 8446 §C.4).
            let renews = is_old || ssl.version2() == Some(SslVersion::TLS1_3);
            (key, if renews { 2 } else { 1 })
        };
        let algorithm = openssl_sys::EVP_aes_256_cbc();
        let begin = match encrypts {
            1 => openssl_sys::EVP_EncryptInit_ex,
            _ => openssl_sys::EVP_DecryptInit_ex,
        };
        let begun = begin(cipher, algorithm, ptr::null_mut(), key.cipher_key().as_ptr(), iv) == 1;
        if begun && begin_mac(mac, &key) { result } else { NONE }
    }
}

/// Sets up HMAC-SHA-256.
///
/// # Safety
///
/// `mac` is live, for HMAC, and nobody else has it.
unsafe fn begin_mac(mac: *mut EvpMacCtx, key: &TicketKey) -> bool {
    const OSSL_PARAM_UTF8_STRING: c_uint = 4;
    const DIGEST: &CStr = c"SHA256";
    let parameter = |key: *const c_char, data_type, data: &'static CStr| OsslParam {
        key,
        data_type,
        data: data.as_ptr().cast(),
        data_size: data.count_bytes(),
        return_size: usize::MAX,
    };
    let end = parameter(ptr::null(), 0, c"");
    let parameters = [parameter(c"digest".as_ptr(), OSSL_PARAM_UTF8_STRING, DIGEST), end];
    let key = key.mac_key();
    // SAFETY: `mac` is as promised; the key and the list, which ends as it must, outlive the call, and
    // are only read.
    unsafe { EVP_MAC_init(mac, key.as_ptr(), key.len(), parameters.as_ptr()) == 1 }
}
