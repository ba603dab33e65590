//! Sessions that a server keeps itself, since its library cannot put them into tickets.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// For backends: the sessions of a server, in memory, by what their tickets say.
///
/// There is room for [`MOST`](Self::MOST); those that came first go first.
pub struct HeldSessions {
    lifetime: Duration,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    sessions: HashMap<Key, (Instant, Zeroizing<Vec<u8>>)>,
    /// In the order in which they came. Some have gone since.
    order: VecDeque<Key>,
}

/// What a session is bound to, and its ticket.
type Key = ([u8; 32], Vec<u8>);

impl HeldSessions {
    /// How many sessions there are at most.
    pub const MOST: usize = 8192;

    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, held: Mutex::default() }
    }

    /// Keeps a session that is [bound](crate::Supported::session_context) to `context`.
    pub fn put(&self, context: &[u8; 32], ticket: Vec<u8>, session: Vec<u8>) {
        let (session, key) = (Zeroizing::new(session), (*context, ticket));
        let mut held = self.held();
        held.order.push_back(key.clone());
        held.sessions.insert(key, (Instant::now(), session));
        while held.order.len() > Self::MOST {
            if let Some(oldest) = held.order.pop_front() {
                held.sessions.remove(&oldest);
            }
        }
    }

    /// The session of this ticket.
    pub fn get(&self, context: &[u8; 32], ticket: &[u8]) -> Option<Vec<u8>> {
        let held = self.held();
        let (since, session) = held.sessions.get(&(*context, ticket.to_vec()))?;
        (since.elapsed() < self.lifetime).then(|| session.to_vec())
    }

    /// The session of this ticket, which can be had once (RFC 8446 §8.1).
    pub fn take(&self, context: &[u8; 32], ticket: &[u8]) -> Option<Vec<u8>> {
        let taken = self.held().sessions.remove(&(*context, ticket.to_vec()));
        let (since, mut session) = taken?;
        (since.elapsed() < self.lifetime).then(|| std::mem::take(&mut *session))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for HeldSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldSessions").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: [u8; 32] = [1; 32];

    #[test]
    fn a_session_is_had_by_its_ticket_and_for_who_it_is_bound_to() {
        let held = HeldSessions::new(Duration::from_secs(60));
        held.put(&ONE, b"ticket".to_vec(), b"session".to_vec());
        assert_eq!(held.get(&[2; 32], b"ticket"), None);
        assert_eq!(held.get(&ONE, b"other"), None);
        assert_eq!(held.get(&ONE, b"ticket").as_deref(), Some(&b"session"[..]));
        assert_eq!(held.take(&ONE, b"ticket").as_deref(), Some(&b"session"[..]));
        assert_eq!(held.take(&ONE, b"ticket"), None);
        let over = HeldSessions::new(Duration::ZERO);
        over.put(&ONE, b"ticket".to_vec(), b"session".to_vec());
        assert_eq!((over.get(&ONE, b"ticket"), over.take(&ONE, b"ticket")), (None, None));
    }

    #[test]
    fn there_is_a_bound() {
        let held = HeldSessions::new(Duration::from_secs(60));
        for i in 0..HeldSessions::MOST + 2 {
            held.put(&ONE, i.to_be_bytes().to_vec(), vec![0; 8]);
            if i % 3 == 0 {
                held.take(&ONE, &i.to_be_bytes());
            }
        }
        assert_eq!(held.get(&ONE, &1_usize.to_be_bytes()), None);
        assert!(held.get(&ONE, &2_usize.to_be_bytes()).is_some());
        assert!(held.held().sessions.len() <= HeldSessions::MOST);
    }
}
