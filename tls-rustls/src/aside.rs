//! What rustls' callbacks learn and its connection does not tell.
//!
//! The callbacks belong to a configuration that many connections share, and rustls runs them in the
//! middle of a call on one connection, on the thread of that call. So they leave what they learn
//! with the thread, and the session picks it up as soon as the call returns.

use std::cell::{Cell, RefCell};
use std::error::Error;

use tls_core::{CertificateError, SignatureScheme};

use crate::secrets::Secret;

#[derive(Default)]
pub(crate) struct Aside {
    /// Whether the own certificate was presented.
    pub(crate) presented: bool,
    /// What webpki said of the peer's certificate, in its own words.
    pub(crate) cause: Option<Box<dyn Error + Send + Sync>>,
    /// Why the external signer gave no signature.
    pub(crate) failure: Option<tls_core::Error>,
    /// Whether the own key can make none of the signatures that the client accepts.
    pub(crate) no_signature: bool,
    /// How the server signs the handshake.
    pub(crate) scheme: Option<SignatureScheme>,
    /// Why the peer's certificate was refused.
    pub(crate) refusal: Option<CertificateError>,
    /// What keying material is derived from.
    pub(crate) secret: Option<Secret>,
    /// The OCSP response that the server stapled.
    pub(crate) staple: Option<Vec<u8>>,
    /// The name the client asked for.
    pub(crate) server_name: Option<String>,
}

thread_local! {
    /// The port of the server that the connection at hand is with, if the program told it.
    static PORT: Cell<Option<u16>> = const { Cell::new(None) };
    static ASIDE: RefCell<Aside> = RefCell::default();
}

/// For the session, before each call into rustls: tells callbacks which connection it is about.
pub(crate) fn set_port(port: Option<u16>) {
    let _ = PORT.try_with(|place| place.set(port));
}

/// For callbacks: the port of the connection at hand.
pub(crate) fn port() -> Option<u16> {
    PORT.try_with(Cell::get).ok().flatten()
}

/// For callbacks: leaves something for the session.
pub(crate) fn leave(update: impl FnOnce(&mut Aside)) {
    // `try_with` fails only while the thread ends; then the details are lost, and nothing else.
    let _ = ASIDE.try_with(|aside| update(&mut aside.borrow_mut()));
}

/// For the session: takes what was left since the last time.
pub(crate) fn take() -> Aside {
    ASIDE.try_with(RefCell::take).unwrap_or_default()
}
