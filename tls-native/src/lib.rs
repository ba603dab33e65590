//! The platform's own TLS library as a [`Backend`] of polytls, by way of
//! [native-tls](https://docs.rs/native-tls): SChannel on Windows, the Security framework on Apple's
//! systems, OpenSSL elsewhere.
//!
//! For programs that have to use what the machine's administrator configures. native-tls tells and
//! sets little; what the wire and the peer's certificate say is read from there, and limited there:
//! a cipher suite or group outside of the core's defaults, a renegotiation, and a certificate that
//! only the library's own rules would accept are refused. What is left is absent from
//! [`capabilities`](Backend::capabilities): among others, nobody is asked for a client certificate,
//! and why a certificate was refused is not told.
//!
//! What cannot be changed from here, and differs from the other backends:
//!
//! - With OpenSSL a server speaks TLS 1.2 at most, also where TLS 1.3 is allowed to it, and prefers
//!   ChaCha20; on Apple's systems so does a client.
//! - More cipher suites and groups are offered than would be accepted. A peer that prefers one of
//!   those is refused, although it may know a better one.
//! - The least strength of keys and signatures is the library's: with OpenSSL the security level of
//!   the system's configuration.
//! - A server hands out session tickets where a client asks for them, and resumes sessions: there is
//!   no switch, so to be told not to is refused. With OpenSSL a client does neither.
//! - A certificate that only this crate refuses is, in TLS 1.3, refused by an alert in clear.
//!
//! Where the platform has a store of trusted certificates of its own, [`Roots::system`] means its
//! verification: see [`docs/decisions`] 0011.
//!
//! [`Roots::system`]: tls_core::Roots::system
//! [`docs/decisions`]: https://github.com/polytls/polytls/tree/main/docs/decisions

mod config;
mod error;
mod line;
mod platform;
mod session;
mod verify;

use tls_core::{
    Acceptor, Backend, Capabilities, ClientConfig, Connector, Result, ServerConfig, Supported,
};

/// The TLS library that comes with the platform.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Native {
    /// The platform's library.
    pub const fn new() -> Self {
        Self
    }
}

pub(crate) const NAME: &str = "native";

impl Backend for Native {
    fn name(&self) -> &'static str {
        NAME
    }

    fn library(&self) -> String {
        platform::library()
    }

    fn capabilities(&self) -> Capabilities {
        platform::capabilities()
    }

    fn connector(&self, config: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
        Ok(Box::new(config::client(&config)?))
    }

    fn acceptor(&self, config: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
        Ok(Box::new(config::server(&config)?))
    }
}
