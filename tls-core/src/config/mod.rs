//! Configuration as plain data: no backend type appears here.

mod checks;
mod client;
pub mod danger;
mod server;

pub use checks::{Checks, Clock, Pin, Presented, StaplePolicy, Verification, Verifier};
pub use client::{ClientConfig, ClientConfigBuilder};
pub use server::{ClientAuth, ServerConfig, ServerConfigBuilder};

use crate::{
    Capabilities, Capability, CipherSuite, Error, ErrorKind, Group, Result, Version, Versions,
};

/// What a transport's end without close_notify means to the reader.
///
/// Anyone on the path can end a TCP connection; only close_notify proves that the peer meant to
/// stop there (RFC 8446 §6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EndOfStream {
    /// An error: [`ErrorKind::UnexpectedEof`].
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

fn parameters_required(cipher_suites: &[CipherSuite], groups: &[Group]) -> Capabilities {
    let mut required = Capabilities::NONE;
    if !cipher_suites.is_empty() {
        required = required.with(Capability::CipherSuites);
    }
    if !groups.is_empty() {
        required = required.with(Capability::Groups);
    }
    if groups.iter().any(|group| group.is_post_quantum()) {
        required = required.with(Capability::PostQuantum);
    }
    required
}

/// A list of suites that leaves one of the versions without any can never do what it says.
fn check_parameters(
    versions: Versions,
    cipher_suites: &[CipherSuite],
    groups: &[Group],
) -> Result<()> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Config).because(why));
    for (i, suite) in cipher_suites.iter().enumerate() {
        if !CipherSuite::DEFAULT.contains(suite) {
            return refuse(format!("cipher suite {suite} is not one of those on offer here"));
        }
        if cipher_suites[..i].contains(suite) {
            return refuse(format!("cipher suite {suite} is in the list twice"));
        }
    }
    if !cipher_suites.is_empty() {
        for version in [Version::Tls12, Version::Tls13] {
            let has = cipher_suites.iter().any(|s| s.is_tls13() == (version == Version::Tls13));
            if versions.contains(version) && !has {
                return refuse(format!(
                    "{version} is on, but no cipher suite of it is in the list"
                ));
            }
        }
    }
    for (i, group) in groups.iter().enumerate() {
        if !Group::DEFAULT.contains(group) {
            return refuse(format!("group {group} is not one of those on offer here"));
        }
        if groups[..i].contains(group) {
            return refuse(format!("group {group} is in the list twice"));
        }
    }
    let classical = groups.iter().any(|group| !group.is_post_quantum());
    if !groups.is_empty() && !classical && versions.contains(Version::Tls12) {
        return refuse("TLSv1.2 is on, but no group of it is in the list".into());
    }
    Ok(())
}
