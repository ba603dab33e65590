//! A listener with concurrent handshakes, and servers on it.

mod accept;
mod failure;
mod info;
mod listener;
mod serve;

pub use accept::Accept;
pub use failure::Failure;
pub use info::TlsInfo;
pub use listener::TlsListener;
pub use serve::HttpsServer;
