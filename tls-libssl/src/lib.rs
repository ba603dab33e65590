//! What the backends over OpenSSL and over its descendants share: numbers, names and the verdict
//! on a chain of certificates.
//!
//! OpenSSL and BoringSSL have grown apart, but they still report the same things in the same way,
//! often with the same numbers. Both are taken for one here where they are one, and stand side by
//! side where they differ. Nothing in this crate calls a library.

mod fault;
mod findings;
mod group;
mod ranking;
mod reason;
mod signature;
mod signed;
mod traffic;

pub use fault::{boringssl_fault, openssl_fault, verify_result};
pub use findings::{Findings, Peer, Trusted};
pub use group::{group_name, group_of_nid};
pub use reason::{Reason, boringssl_reason, gravest, openssl_reason};
pub use signature::{Digest, Form, RSA_BITS, RSA_EXPONENT_BITS, SignatureAlgorithm};
pub use signed::scheme_of_server;
pub use traffic::{Established, Hash, Hmac, Passing, Traffic};

/// The most that one record takes on the wire with the ciphers on offer.
pub const RECORD: usize = 16_384 + 38;

/// The most bytes of a peer's certificates, as with rustls.
pub const MAX_CERTIFICATES: u16 = 0xffff;
