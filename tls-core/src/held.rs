//! A session that belongs to a connection which threads may share.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Session;

/// A session of a connection.
///
/// Runtimes move connections between threads and share what holds them, so a connection has to be
/// [`Sync`]; what a C library calls a connection often is not. The lock is only ever taken to look:
/// who has the connection to itself, as whoever moves bytes does, passes it by.
pub(crate) struct Held(Mutex<Box<dyn Session>>);

impl Held {
    pub(crate) fn new(session: Box<dyn Session>) -> Self {
        Self(Mutex::new(session))
    }

    /// The session, for a caller who has it alone. A panic in a look leaves it as it was.
    pub(crate) fn alone(&mut self) -> &mut dyn Session {
        &mut **self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session, to be looked at.
    pub(crate) fn look(&self) -> MutexGuard<'_, Box<dyn Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.look().fmt(f)
    }
}
