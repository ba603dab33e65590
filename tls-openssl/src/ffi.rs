//! The calls into OpenSSL that the `openssl` crate lacks. The only file with `unsafe` here.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_long, c_void};
use std::ptr;

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslRef};
use openssl::stack::StackRef;
use openssl::x509::store::X509Store;
use openssl::x509::{X509, X509Ref, X509StoreContextRef, X509VerifyResult};

use crate::verify;

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
    /// `SSL_key_update(3)`, since OpenSSL 1.1.1.
    fn SSL_key_update(ssl: *mut openssl_sys::SSL, kind: c_int) -> c_int;
    /// `X509_STORE_CTX_get0_untrusted(3)`, since OpenSSL 1.1.0.
    fn X509_STORE_CTX_get0_untrusted(
        store: *const openssl_sys::X509_STORE_CTX,
    ) -> *mut openssl_sys::stack_st_X509;
    /// `X509_STORE_up_ref(3)`, since OpenSSL 1.1.0.
    fn X509_STORE_up_ref(store: *mut openssl_sys::X509_STORE) -> c_int;
    /// `X509_get_extension_flags(3)`, since OpenSSL 1.1.0.
    fn X509_get_extension_flags(certificate: *mut openssl_sys::X509) -> u32;
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
    says == 1 || ssl.version2() == Some(openssl::ssl::SslVersion::TLS1_3)
}

/// Has OpenSSL take new keys with its next step, and ask the peer for the same.
pub(crate) fn update_keys(ssl: &SslRef) -> Result<(), ErrorStack> {
    const SSL_KEY_UPDATE_REQUESTED: c_int = 1;
    // SAFETY: `ssl` is a live SSL that no other thread can have; the crate lends none to change.
    match unsafe { SSL_key_update(ssl.as_ptr(), SSL_KEY_UPDATE_REQUESTED) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
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
