//! The keys of tickets that belong to a configuration.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use polytls::{TicketKeys, Tickets};
use zeroize::Zeroizing;

use super::error::{Fault, Outcome};

/// How many bytes a ticket key has.
const LENGTH: usize = 48;

/// The ticket keys of one configuration: all its servers have the same, also those that were configured
/// before a key was added.
#[derive(Default)]
pub(super) struct KeyRing(Mutex<Ring>);

#[derive(Default)]
struct Ring {
    /// Newest first.
    given: Vec<(u32, Zeroizing<[u8; LENGTH]>)>,
    /// What servers have, and for how long a session lives there.
    handle: Option<(u64, TicketKeys)>,
}

impl KeyRing {
    /// `tls_config_add_ticket_key`.
    pub(super) fn add(&self, revision: u32, key: &[u8]) -> Outcome<()> {
        let key: [u8; LENGTH] =
            key.try_into().map_err(|_| Fault::new("wrong amount of ticket key data"))?;
        let key = Zeroizing::new(key);
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ring.given.iter().position(|(known, _)| *known == revision) {
            Some(0) if ring.given[0].1 == key => return Ok(()),
            Some(_) => return Err(Fault::new("ticket key already present")),
            None => {}
        }
        if let Some((_, handle)) = ring.handle.as_ref().filter(|_| !ring.given.is_empty()) {
            handle.add(revision, *key).map_err(|e| Fault::of("failed to add ticket key", &e))?;
        } else {
            // Keys that were made here are not changed by hand: the next server has these.
            ring.handle = None;
        }
        ring.given.insert(0, (revision, key));
        ring.given.truncate(TicketKeys::SLOTS);
        Ok(())
    }

    /// What a server with sessions of this lifetime does about tickets.
    pub(super) fn tickets(&self, lifetime: u64) -> Outcome<Tickets> {
        if lifetime == 0 {
            return Ok(Tickets::Off);
        }
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, handle)) = ring.handle.as_ref().filter(|(of, _)| *of == lifetime) {
            return Ok(Tickets::Keys(handle.clone()));
        }
        let failed = |e| Fault::of("failed to set up ticket keys", &e);
        let duration = Duration::from_secs(lifetime);
        let handle = match ring.given.is_empty() {
            true => TicketKeys::automatic(duration).map_err(failed)?,
            false => {
                let handle = TicketKeys::given(duration).map_err(failed)?;
                for (revision, key) in ring.given.iter().rev() {
                    handle.add(*revision, **key).map_err(failed)?;
                }
                handle
            }
        };
        ring.handle = Some((lifetime, handle.clone()));
        Ok(Tickets::Keys(handle))
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_configured_before_have_keys_added_after() {
        let ring = KeyRing::default();
        ring.add(1, &[1; 48]).unwrap();
        let Tickets::Keys(keys) = ring.tickets(60).unwrap() else { panic!("no keys") };
        ring.add(2, &[2; 48]).unwrap();
        assert_eq!(keys.newest().unwrap().cipher_key(), &[2; 32]);
        ring.add(2, &[2; 48]).unwrap();
        assert!(ring.add(1, &[1; 48]).is_err());
        assert!(ring.add(3, &[3; 47]).is_err());
        assert!(matches!(ring.tickets(0).unwrap(), Tickets::Off));
    }
}
