//! One TLS API, any TLS library.

pub mod backend;

pub use tls_core::*;
