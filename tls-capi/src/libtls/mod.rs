//! The ABI of libtls, as LibreSSL has it.
//!
//! `abi` declares the functions; each converts and calls what stands in the other files, which know no C.
//! `docs/c.md` lists what differs from LibreSSL, and why.

mod abi;
mod ciphers;
mod client;
mod config;
mod context;
mod dial;
mod error;
mod files;
mod keypair;
mod link;
mod ocsp;
mod oneline;
mod peer;
mod pkcs8;
mod protocols;
mod server;
mod session;
mod settings;
mod stream;
mod tickets;
