//! Where sessions are kept as bytes.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::ServerName;

/// Where a client keeps its sessions as bytes. They are secrets: whoever has them can pretend to be the
/// client.
///
/// A store may lose sessions, and must not mix up keys. Calls come in the middle of handshakes and must
/// not wait for the network.
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Keeps a session; the newest is wanted first.
    fn put(&self, key: &SessionKey, session: Vec<u8>);

    /// Gives the newest session of this key, and does not keep it.
    fn take(&self, key: &SessionKey) -> Option<Vec<u8>>;
}

/// What a session belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey {
    name: ServerName,
    fingerprint: [u8; 32],
}

impl SessionKey {
    /// The key of sessions with this server, made under this configuration. The core makes those that a
    /// client asks with; this is for tests of stores.
    pub fn new(name: ServerName, fingerprint: [u8; 32]) -> Self {
        Self { name, fingerprint }
    }

    /// The server, with its port if the program told it.
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// A hash of the configuration and the backend that the session was made with.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }
}

/// A [`SessionStore`] in memory, with a bound.
pub struct MemoryStore {
    servers: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    sessions: HashMap<SessionKey, VecDeque<Zeroizing<Vec<u8>>>>,
    /// Who came last is at the back.
    order: VecDeque<SessionKey>,
}

impl MemoryStore {
    /// Keeps sessions of so many servers, [`PER_SERVER`](Self::PER_SERVER) of each; those of the server
    /// that brought none for the longest time go first.
    pub fn new(servers: usize) -> Self {
        Self { servers, kept: Mutex::default() }
    }

    /// How many sessions of one server are kept: as many connections can resume side by side.
    pub const PER_SERVER: usize = 8;
}

impl SessionStore for MemoryStore {
    fn put(&self, key: &SessionKey, session: Vec<u8>) {
        let session = Zeroizing::new(session);
        if self.servers == 0 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.order.retain(|known| known != key);
        kept.order.push_back(key.clone());
        let of_server = kept.sessions.entry(key.clone()).or_default();
        of_server.push_back(session);
        if of_server.len() > Self::PER_SERVER {
            of_server.pop_front();
        }
        if kept.order.len() > self.servers {
            if let Some(oldest) = kept.order.pop_front() {
                kept.sessions.remove(&oldest);
            }
        }
    }

    fn take(&self, key: &SessionKey) -> Option<Vec<u8>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let of_server = kept.sessions.get_mut(key)?;
        let newest = of_server.pop_back();
        if of_server.is_empty() {
            kept.sessions.remove(key);
            kept.order.retain(|known| known != key);
        }
        newest.map(|mut session| std::mem::take(&mut *session))
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("servers", &self.servers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> SessionKey {
        SessionKey::new(ServerName::parse(name).unwrap(), [7; 32])
    }

    #[test]
    fn the_newest_session_comes_first_and_only_once() {
        let store = MemoryStore::new(2);
        store.put(&key("a.test"), vec![1]);
        store.put(&key("a.test"), vec![2]);
        assert_eq!(store.take(&key("a.test")), Some(vec![2]));
        assert_eq!(store.take(&key("b.test")), None);
        assert_eq!(store.take(&key("a.test")), Some(vec![1]));
        assert_eq!(store.take(&key("a.test")), None);
    }

    #[test]
    fn a_store_has_a_bound() {
        let store = MemoryStore::new(2);
        for i in 0..20 {
            store.put(&key("a.test"), vec![i]);
        }
        store.put(&key("b.test"), vec![1]);
        store.put(&key("c.test"), vec![1]);
        assert_eq!(store.take(&key("a.test")), None, "the oldest has gone");
        assert_eq!(store.take(&key("b.test")), Some(vec![1]));
        for i in 0..20 {
            store.put(&key("c.test"), vec![i]);
        }
        let left = std::iter::from_fn(|| store.take(&key("c.test"))).count();
        assert_eq!(left, MemoryStore::PER_SERVER);
        let none = MemoryStore::new(0);
        none.put(&key("a.test"), vec![1]);
        assert_eq!(none.take(&key("a.test")), None);
    }
}
