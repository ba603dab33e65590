//! Configuration as plain data: no backend type appears here.

mod checks;
mod client;
pub mod danger;
mod server;

pub use checks::{Checks, Clock, Pin, Presented, StaplePolicy, Verification, Verifier};
pub use client::{ClientConfig, ClientConfigBuilder};
pub use server::{ClientAuth, ServerConfig, ServerConfigBuilder};

use crate::{Capabilities, Capability, Version, Versions};

/// What a transport's end without close_notify means to the reader.
///
/// Anyone on the path can end a TCP connection; only close_notify proves that the peer meant to
/// stop there (RFC 8446 §6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndOfStream {
    /// An error: [`ErrorKind::UnexpectedEof`](crate::ErrorKind::UnexpectedEof).
    #[default]
    RequireCloseNotify,
    /// An end like any other, but one that
    /// [`ended_without_close`](crate::Connection::ended_without_close) tells.
    ///
    /// For protocols that mark the end of their messages themselves.
    TolerateTruncation,
}

/// The two capabilities of one role that a range of versions may need.
fn versions_required(versions: Versions, tls12: Capability, tls13: Capability) -> Capabilities {
    match (versions.min(), versions.max()) {
        (Version::Tls12, Version::Tls12) => Capabilities::of(&[tls12]),
        (Version::Tls13, Version::Tls13) => Capabilities::of(&[tls13]),
        // Either will do.
        (Version::Tls12, Version::Tls13) | (Version::Tls13, Version::Tls12) => Capabilities::NONE,
    }
}
