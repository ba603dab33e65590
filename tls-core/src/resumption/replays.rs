//! Which first flights with early data a server has seen: each counts once.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// The binders of ClientHellos that announced early data (RFC 8446 §8.2).
///
/// A ClientHello that comes again has the same binder, whatever else on its way has been changed about
/// it. Libraries refuse early data whose ticket is not as old as the client says, give or take a minute
/// (§8.3), so that a binder needs to be known for little longer than twice that. Where there is no room
/// for it, early data is refused: no memory is worth a replay.
#[derive(Debug, Default)]
pub(crate) struct Replays(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    recent: HashSet<[u8; 16]>,
    /// Those of the time before.
    older: HashSet<[u8; 16]>,
    since: Option<Instant>,
}

impl Replays {
    /// Whether this binder comes for the first time. It is known from now on.
    pub(crate) fn is_first(&self, binder: &[u8]) -> bool {
        self.is_first_at(binder, Instant::now())
    }

    fn is_first_at(&self, binder: &[u8], now: Instant) -> bool {
        let mut mark = [0; 16];
        mark.copy_from_slice(&Sha256::digest(binder)[..16]);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *seen.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= WINDOW {
            seen.older = std::mem::take(&mut seen.recent);
            seen.since = Some(now);
        }
        if now.saturating_duration_since(since) >= 2 * WINDOW {
            seen.older = HashSet::new();
        }
        seen.recent.len() < MOST && !seen.older.contains(&mark) && seen.recent.insert(mark)
    }
}

/// For how long a binder is known, at least; twice as long at most.
const WINDOW: Duration = Duration::from_secs(180);

/// How many binders are taken note of in that time.
const MOST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binder_is_first_once_for_as_long_as_it_could_be_fresh() {
        let (replays, begin) = (Replays::default(), Instant::now());
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        assert!(replays.is_first_at(b"one", at(0)));
        for seconds in [0, 1, 120, 179, 180, 181, 359] {
            assert!(!replays.is_first_at(b"one", at(seconds)), "after {seconds} s");
        }
        assert!(replays.is_first_at(b"two", at(359)));
        assert!(!replays.is_first_at(b"two", at(361)));
        assert!(!replays.is_first_at(b"two", at(530)));
        // Nothing is known for ever.
        assert!(replays.is_first_at(b"one", at(2000)));
        assert!(replays.is_first_at(b"two", at(2000)));
    }

    #[test]
    fn without_room_nobody_is_the_first() {
        let (replays, begin) = (Replays::default(), Instant::now());
        for i in 0..MOST {
            assert!(replays.is_first_at(&i.to_be_bytes(), begin));
        }
        assert!(!replays.is_first_at(b"another", begin));
        assert!(!replays.is_first_at(&0_usize.to_be_bytes(), begin));
        assert!(replays.is_first_at(b"another", begin + WINDOW));
    }
}
