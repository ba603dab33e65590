//! The keys under which a server's tickets are.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zeroize::{Zeroize, Zeroizing};

use super::held::HeldSessions;
use super::replays::Replays;
use super::{Fingerprint, TicketKeySet};
use crate::{Error, ErrorKind, Result};

/// The keys under which a server encrypts its tickets: the newest encrypts, up to three older ones still
/// decrypt, and what they decrypt is renewed under the newest.
///
/// A handle: all clones are one, and a key that is added serves the connections of every server that
/// has the handle, from then on. Servers that are given the same keys resume one another's sessions,
/// across machines, where their backends are of the same family. Where the keys of many servers come from
/// one place, [`follow`](Self::follow) it.
#[derive(Clone)]
pub struct TicketKeys(Arc<Ring>);

struct Ring {
    keys: Mutex<VecDeque<Kept>>,
    lifetime: Duration,
    /// Whether keys are made here, and changed by themselves.
    automatic: bool,
    /// The first flights of those who sent early data.
    replays: Replays,
    /// The sessions of libraries that put none into such tickets.
    held: HeldSessions,
}

struct Kept {
    key: TicketKey,
    /// Of a key that was given.
    revision: u32,
    since: Instant,
    /// Whether it only decrypts as yet.
    waits: bool,
}

/// For backends: one key.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketKey {
    name: [u8; 16],
    secret: Zeroizing<[u8; 48]>,
}

impl TicketKeys {
    /// How many keys there are at most.
    pub const SLOTS: usize = 4;

    /// Keys that are made here, at random, and changed after three quarters of `lifetime`: how long a
    /// session can be resumed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a lifetime of less than 2 seconds or more than a day;
    /// [`ErrorKind::Backend`] if the system has no random numbers.
    pub fn automatic(lifetime: Duration) -> Result<Self> {
        let keys = Self::with(lifetime, true)?;
        keys.keys().push_front(Kept::made(random()?, Instant::now()));
        Ok(keys)
    }

    /// Keys that are [added](Self::add) by the program, or [followed](Self::follow); without any there are
    /// no tickets. A session can be resumed for `lifetime`, as long as its key has a slot.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a lifetime of less than 2 seconds or more than a day.
    pub fn given(lifetime: Duration) -> Result<Self> {
        Self::with(lifetime, false)
    }

    fn with(lifetime: Duration, automatic: bool) -> Result<Self> {
        if !(Duration::from_secs(2)..=Duration::from_secs(86_400)).contains(&lifetime) {
            let why = "sessions can be resumed for 2 to 86400 seconds";
            return Err(Error::new(ErrorKind::Config).because(why));
        }
        Ok(Self(Arc::new(Ring {
            keys: Mutex::default(),
            lifetime,
            automatic,
            replays: Replays::default(),
            held: HeldSessions::new(lifetime),
        })))
    }

    /// Adds a key, which is the newest from now on; the oldest of more than
    /// [`SLOTS`](Self::SLOTS) goes. The `revision` tells keys apart. To add the newest again does
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a key of this revision is there already and is not the newest, or is
    /// another key; [`ErrorKind::Misuse`] if the keys are made [here](Self::automatic).
    pub fn add(&self, revision: u32, secret: [u8; 48]) -> Result<()> {
        let secret = Zeroizing::new(secret);
        self.is_given()?;
        let key = TicketKey::given(revision, &secret);
        let mut keys = self.keys();
        match keys.iter().position(|kept| kept.revision == revision) {
            Some(0) if keys[0].key == key => return Ok(()),
            None => {}
            Some(_) => {
                let why = format!("a ticket key of revision {revision} is there already");
                return Err(Error::new(ErrorKind::Config).because(why));
            }
        }
        keys.push_front(Kept::given(key, revision, false));
        keys.truncate(Self::SLOTS);
        Ok(())
    }

    /// Puts the keys of `set` in place of all that are there.
    ///
    /// The newest of several only decrypts, until it is replaced by a set with a newer one: by then every
    /// server has it, although they do not get their keys at the same time. A single key encrypts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] if the keys are made [here](Self::automatic).
    pub fn replace(&self, set: &TicketKeySet) -> Result<()> {
        self.is_given()?;
        let several = set.len() > 1;
        let kept = set.iter().enumerate().map(|(i, (revision, secret))| {
            Kept::given(TicketKey::given(revision, secret), revision, i == 0 && several)
        });
        *self.keys() = kept.collect();
        Ok(())
    }

    pub(super) fn is_given(&self) -> Result<()> {
        match self.0.automatic {
            false => Ok(()),
            true => {
                let why = "these ticket keys are made and changed by themselves";
                Err(Error::new(ErrorKind::Misuse).because(why))
            }
        }
    }

    /// How long a session can be resumed.
    pub fn lifetime(&self) -> Duration {
        self.0.lifetime
    }

    /// Whether nobody else can have these keys.
    pub(crate) fn are_own(&self) -> bool {
        self.0.automatic
    }

    /// What has been seen of early data in connections that were resumed with these keys.
    pub(crate) fn replays(&self) -> &Replays {
        &self.0.replays
    }

    /// For backends whose library takes early data only with sessions that it can forget: where it keeps
    /// them. All servers with these keys keep theirs in the same place.
    pub fn held(&self) -> &HeldSessions {
        &self.0.held
    }

    /// For backends: the key to encrypt with; `None` if there is none yet.
    pub fn newest(&self) -> Option<TicketKey> {
        self.newest_at(Instant::now())
    }

    /// For backends: the key of this name, and whether what it decrypts is to be renewed under another;
    /// `None` if there is none, or it is too old.
    pub fn find(&self, name: &[u8]) -> Option<(TicketKey, bool)> {
        self.find_at(name, Instant::now())
    }

    fn newest_at(&self, now: Instant) -> Option<TicketKey> {
        let mut keys = self.keys();
        let is_old =
            |kept: &Kept| now.saturating_duration_since(kept.since) > self.0.lifetime * 3 / 4;
        if self.0.automatic && keys.front().is_none_or(is_old) {
            // Without random numbers there is no new key, and the old one stays until it is over.
            if let Ok(key) = random() {
                keys.push_front(Kept::made(key, now));
                keys.truncate(Self::SLOTS);
            }
        }
        let usable = |kept: &&Kept| !self.0.automatic || !self.is_over(kept, now);
        keys.iter().find(|kept| !kept.waits).filter(usable).map(|kept| kept.key.clone())
    }

    fn find_at(&self, name: &[u8], now: Instant) -> Option<(TicketKey, bool)> {
        let keys = self.keys();
        let at = keys.iter().position(|kept| kept.key.name == *name)?;
        // A given key is good for as long as the program leaves it in place; the age of a session is
        // the library's to look at.
        if self.0.automatic && self.is_over(&keys[at], now) {
            return None;
        }
        // Another server may be ahead, and encrypt already what only decrypts here: that is new enough.
        let is_newer = |kept: &Kept| !kept.waits;
        Some((keys[at].key.clone(), keys.iter().take(at).any(is_newer)))
    }

    /// Whether nothing that the key has encrypted can still be resumed.
    fn is_over(&self, kept: &Kept, now: Instant) -> bool {
        now.saturating_duration_since(kept.since) > self.0.lifetime * 7 / 4
    }

    fn keys(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn made(key: TicketKey, since: Instant) -> Self {
        Self { key, revision: 0, since, waits: false }
    }

    fn given(key: TicketKey, revision: u32, waits: bool) -> Self {
        Self { key, revision, since: Instant::now(), waits }
    }
}

impl TicketKey {
    /// Its name tells the secret too: what is under another of the same revision is not taken for its own.
    fn given(revision: u32, secret: &[u8; 48]) -> Self {
        let of_secret = Fingerprint::new("name of a ticket key").with(secret).finish();
        let mut name = [0; 16];
        name[..4].copy_from_slice(&revision.to_be_bytes());
        name[4..].copy_from_slice(&of_secret[..12]);
        Self { name, secret: Zeroizing::new(*secret) }
    }

    /// What stands in front of a ticket, in clear (RFC 5077 §4).
    pub fn name(&self) -> &[u8; 16] {
        &self.name
    }

    /// 32 bytes for AES-256.
    pub fn cipher_key(&self) -> &[u8; 32] {
        // The first 32 of 48.
        self.secret.first_chunk().unwrap_or(&[0; 32])
    }

    /// 16 bytes for HMAC-SHA-256, where the cipher does not authenticate.
    pub fn mac_key(&self) -> &[u8; 16] {
        self.secret.last_chunk().unwrap_or(&[0; 16])
    }
}

fn random() -> Result<TicketKey> {
    let mut key = TicketKey { name: [0; 16], secret: Zeroizing::new([0; 48]) };
    let filled = getrandom::fill(&mut key.name).and_then(|()| getrandom::fill(&mut *key.secret));
    filled.map_err(|e| {
        key.secret.zeroize();
        let why = format!("the system has no random numbers: {e}");
        Error::new(ErrorKind::Backend).because(why)
    })?;
    Ok(key)
}

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys")
            .field("keys", &self.keys().len())
            .field("lifetime", &self.0.lifetime)
            .field("automatic", &self.0.automatic)
            .finish()
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn the_newest_key_encrypts_and_older_ones_decrypt() {
        let keys = TicketKeys::given(HOUR).unwrap();
        assert!(keys.newest().is_none());
        for revision in 1..=5 {
            keys.add(revision, [revision as u8; 48]).unwrap();
        }
        assert_eq!(keys.newest().unwrap().cipher_key(), &[5; 32]);
        let find = |revision: u32| {
            let name = TicketKey::given(revision, &[revision as u8; 48]).name;
            keys.find(&name).map(|(key, renew)| (key.mac_key()[0], renew))
        };
        assert_eq!(find(5), Some((5, false)));
        assert_eq!(find(2), Some((2, true)));
        assert_eq!(find(1), None, "there are four slots");
        keys.add(5, [5; 48]).unwrap();
        assert_eq!(keys.add(5, [6; 48]).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(keys.add(4, [4; 48]).unwrap_err().kind(), ErrorKind::Config);
        assert_eq!(find(5), Some((5, false)), "what is refused changes nothing");
    }

    #[test]
    fn the_newest_of_a_set_waits_for_a_newer_one() {
        let keys = TicketKeys::given(HOUR).unwrap();
        let mut set = TicketKeySet::new().unwrap();
        keys.replace(&set).unwrap();
        let first = keys.newest().unwrap();
        let mut current = first.clone();
        for _ in 0..3 {
            set = set.rotated().unwrap();
            keys.replace(&set).unwrap();
            assert_eq!(keys.newest().unwrap(), current, "the new one is not known everywhere yet");
            let (revision, secret) = set.iter().next().unwrap();
            let next = TicketKey::given(revision, secret);
            assert_eq!(keys.find(next.name()).unwrap(), (next.clone(), false));
            assert_eq!(keys.find(current.name()).unwrap(), (current.clone(), false));
            current = next;
        }
        assert_eq!(keys.find(first.name()).unwrap(), (first.clone(), true));
        keys.replace(&set.rotated().unwrap()).unwrap();
        assert_eq!(keys.find(first.name()), None);
    }

    #[test]
    fn keys_of_one_revision_have_different_names() {
        let (one, other) = (TicketKey::given(1, &[1; 48]), TicketKey::given(1, &[2; 48]));
        assert_eq!(one.name()[..4], other.name()[..4]);
        assert_ne!(one.name(), other.name());
    }

    #[test]
    fn keys_made_here_change_by_themselves() {
        let keys = TicketKeys::automatic(HOUR).unwrap();
        let begin = Instant::now();
        let first = keys.newest_at(begin).unwrap();
        assert_eq!(keys.newest_at(begin + HOUR / 2).unwrap(), first);
        let later = begin + HOUR;
        let second = keys.newest_at(later).unwrap();
        assert_ne!(second, first);
        assert_eq!(keys.find_at(first.name(), later), Some((first.clone(), true)));
        assert_eq!(keys.find_at(second.name(), later), Some((second, false)));
        assert_eq!(keys.find_at(first.name(), begin + 2 * HOUR), None, "it is over");
        assert_eq!(keys.add(1, [0; 48]).unwrap_err().kind(), ErrorKind::Misuse);
        let set = TicketKeySet::new().unwrap();
        assert_eq!(keys.replace(&set).unwrap_err().kind(), ErrorKind::Misuse);
    }

    #[test]
    fn a_lifetime_has_its_limits() {
        for seconds in [0, 1, 86_401] {
            let e = TicketKeys::given(Duration::from_secs(seconds)).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config);
        }
    }
}
