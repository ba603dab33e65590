//! The real program, on this machine, with every TLS library in the build.

// The lints know `#[test]` functions, not the functions those share.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod checks;
mod connect;
mod early_data;
mod identities;
mod limbo;
mod ocsp;
mod ocsp_responder;
mod reload;
mod reports;
mod serve;
mod support;
mod usage;
mod verification;
