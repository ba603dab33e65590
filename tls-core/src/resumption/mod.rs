//! Resumption: what a client keeps of a connection, and a server lets it keep.

mod cache;
mod file;
mod fingerprint;
mod held;
mod key_file;
mod key_set;
mod key_source;
mod replays;
mod store;
mod ticket_keys;

pub use cache::Sessions;
pub use file::FileStore;
pub(crate) use fingerprint::Fingerprint;
pub use held::HeldSessions;
pub use key_file::TicketKeyFile;
pub use key_set::TicketKeySet;
pub use key_source::{TicketKeyFollower, TicketKeyNews, TicketKeySource};
pub use store::{MemoryStore, SessionKey, SessionStore};
pub use ticket_keys::{TicketKey, TicketKeys};

use std::sync::Arc;
use std::time::Duration;

/// Whether a client resumes sessions, and where it keeps them.
///
/// A session is kept for the server's name and [port](crate::ServerName::at_port) and for everything in
/// the configuration that decides whom it is with: another root, identity, protocol or check never
/// resumes it. A session of TLS 1.3 is used once (RFC 8446 §C.4).
#[derive(Clone, Debug, Default)]
pub enum Resumption {
    /// It does, in memory, where the backend can ([`Capability::ResumeClient`]).
    ///
    /// [`Capability::ResumeClient`]: crate::Capability::ResumeClient
    #[default]
    Auto,
    /// It does not.
    Off,
    /// It does, in memory, with the sessions of so many servers at most. Requires
    /// [`Capability::ResumeClient`](crate::Capability::ResumeClient).
    Memory(usize),
    /// It does, with sessions as bytes in this store, which may outlive the process: a [`FileStore`], or one
    /// of the program's. Requires
    /// [`Capability::ExportSessions`](crate::Capability::ExportSessions).
    Store(Arc<dyn SessionStore>),
}

impl Resumption {
    /// For how many servers [`Auto`](Self::Auto) keeps sessions.
    pub const SERVERS: usize = 256;
}

/// Whether a server lets its clients resume sessions, by tickets (RFC 5077, RFC 8446 §4.6.1).
#[derive(Clone, Debug, Default)]
pub enum Tickets {
    /// It does, where the backend can ([`Capability::ResumeServer`]), under keys of its own that change
    /// by themselves.
    ///
    /// [`Capability::ResumeServer`]: crate::Capability::ResumeServer
    #[default]
    Auto,
    /// It does not. Requires [`Capability::TicketsOff`](crate::Capability::TicketsOff).
    Off,
    /// It does, under these keys, which several servers may share. Requires
    /// [`Capability::ResumeServer`](crate::Capability::ResumeServer).
    Keys(TicketKeys),
}

impl Tickets {
    /// How long a session under keys of the server's own can be resumed, or one that it keeps itself without
    /// tickets.
    pub const LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

    /// For backends: how many tickets a client gets in TLS 1.3 unless the configuration says otherwise, so that
    /// two connections can resume side by side.
    pub const COUNT: u8 = 2;
}
