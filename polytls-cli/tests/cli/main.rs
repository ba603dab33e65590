//! The real program, on this machine, with every TLS library in the build.

// The lints know `#[test]` functions, not the functions those share.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod checks;
mod connect;
#[cfg(unix)] // nginx
mod downloads;
mod early_data;
#[cfg(unix)] // permissions of files, and signals
mod fleet;
mod identities;
mod ktls;
mod limbo;
mod ocsp;
mod ocsp_responder;
mod parameters;
mod reload;
mod reports;
mod secrets;
mod serve;
#[cfg(unix)] // who owns a file
mod sessions;
mod starttls;
mod support;
mod usage;
mod verification;
