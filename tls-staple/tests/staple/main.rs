//! Against responders on loopback.

// The lints know `#[test]` functions, not the functions those share.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod fetch;
mod keeper;
mod responder;

use tls_rustls::Rustls;

/// Whose cryptography is lent.
static BACKEND: Rustls = Rustls::ring();
