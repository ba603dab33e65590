//! Fetches OCSP responses, and keeps the staples of a server fresh.
//!
//! - [`Fetcher`] asks a responder over HTTP (RFC 6960 appendix A.1) and checks what it answers.
//! - [`Keeper`] does so again and again for an identity of a server, in a thread of its own: at half
//!   of a response's life, later and later if the responder fails, until it is dropped.
//! - [`Schedule`] is when it does what: a state machine without a clock, for programs that have a loop
//!   of their own.
//!
//! What is served was checked before: a response that could not be believed, or that does not say that
//! the certificate is good, is never stapled. The last good one stays while it is valid, and no longer.
//!
//! ```no_run
//! use tls_core::{Backend, Identity, Result, Server, ServerConfig, Staple};
//! use tls_staple::{Fetcher, Keeper, Pace};
//!
//! # fn start(backend: &'static dyn Backend) -> Result<(), Box<dyn std::error::Error>> {
//! // The chain has the issuer's certificate, and the certificate says whom to ask.
//! let identity = Identity::from_pem_files("chain.pem", "key.pem")?.with_staple(Staple::empty());
//! let server = Server::new(&ServerConfig::builder(identity.clone()).build()?, backend)?;
//! let report = |status| eprintln!("{status:?}");
//! let keeper = Keeper::start(&identity, Fetcher::new(), Pace::default(), backend, report)?;
//! // Connections that begin from now on have the staple, as soon as there is one.
//! # drop((server, keeper));
//! # Ok(())
//! # }
//! ```
//!
//! Nothing in here is needed to serve a staple: [`Staple::replace`](tls_core::Staple::replace) takes
//! a response from anywhere.

mod fetch;
mod keeper;
mod schedule;

pub use fetch::{FetchError, Fetched, Fetcher, TIMEOUT};
pub use keeper::{KeepError, Keeper, Status};
pub use schedule::{Due, News, Pace, Schedule, Served};
