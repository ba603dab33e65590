//! The manual.
//!
//! - [`choosing`] a backend
//! - [`certificates`]: whom to trust
//! - [`identities`]: who one is, and where the key comes from
//! - [`verification`]: what is checked of a peer, and by whom
//! - [`ocsp`]: whether a certificate has been revoked, as its issuer says
//! - [`serving`]: which server a client gets
//! - [`files`]: sending them, in the kernel where it can
//! - [`starttls`]: connections that begin in clear
//! - [`parameters`]: what may be negotiated
//! - [`sessions`]: resumption, early data, and what a connection's secrets are good for
//! - [`closing`] a connection
//! - [`websockets`], with tungstenite and tokio-tungstenite
//! - [`capabilities`]: what a backend can do
//! - [`errors`]: what can go wrong
//! - [`events`]: what happens to connections, told to `tracing`
//!
//! Programs to start from are in the `examples` folder of the crate: `client`, `server`,
//! `nonblocking`, `by_hand`, `swap` and `gib`.

#[doc = include_str!("manual/choosing.md")]
pub mod choosing {}

#[doc = include_str!("manual/certificates.md")]
pub mod certificates {}

#[doc = include_str!("manual/identities.md")]
pub mod identities {}

#[doc = include_str!("manual/verification.md")]
pub mod verification {}

#[doc = include_str!("manual/ocsp.md")]
pub mod ocsp {}

#[doc = include_str!("manual/serving.md")]
pub mod serving {}

#[doc = include_str!("manual/files.md")]
pub mod files {}

#[doc = include_str!("manual/starttls.md")]
pub mod starttls {}

#[doc = include_str!("manual/parameters.md")]
pub mod parameters {}

#[doc = include_str!("manual/sessions.md")]
pub mod sessions {}

#[doc = include_str!("manual/closing.md")]
pub mod closing {}

#[doc = include_str!("manual/websockets.md")]
pub mod websockets {}

#[doc = include_str!("manual/capabilities.md")]
pub mod capabilities {}

#[doc = include_str!("manual/errors.md")]
pub mod errors {}

#[doc = include_str!("manual/events.md")]
pub mod events {}
