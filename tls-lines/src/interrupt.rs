//! Who waits, and who may end that.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use crate::WordError;

/// Ends the waiting of whoever is at a word of one stream: a handle for other threads.
#[derive(Clone)]
pub struct Interrupter(pub(crate) Arc<Waiting>);

/// Whether somebody is at a word, and what others want of them.
pub(crate) struct Waiting {
    state: Mutex<State>,
    waker: mio::Waker,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) busy: bool,
    pub(crate) closed: bool,
    pub(crate) interrupted: bool,
}

impl Interrupter {
    /// Interrupts the word that a thread is at.
    ///
    /// # Errors
    ///
    /// [`WordError::NotBusy`] if there is none; [`WordError::Tls`] if the system fails.
    pub fn interrupt(&self) -> Result<(), WordError> {
        let mut state = self.0.state();
        if !state.busy {
            return Err(WordError::NotBusy);
        }
        state.interrupted = true;
        Ok(self.0.waker.wake()?)
    }

    /// Whether a thread is at a word.
    pub fn busy(&self) -> bool {
        self.0.state().busy
    }

    /// Whether the stream has been closed on this side.
    pub fn closed(&self) -> bool {
        self.0.state().closed
    }
}

impl fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Interrupter").field(&*self.0.state()).finish()
    }
}

impl Waiting {
    pub(crate) fn new(waker: mio::Waker) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), waker })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the one place at a word; it is free again when the result is dropped.
    pub(crate) fn begin(&self) -> Result<Place<'_>, WordError> {
        let mut state = self.state();
        if state.closed {
            return Err(WordError::Closed);
        }
        if state.busy {
            return Err(WordError::Busy);
        }
        *state = State { busy: true, ..State::default() };
        Ok(Place(self))
    }
}

/// A signature that was waited for is there (it may come from another thread).
impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        // If the system cannot wake anybody, the word goes on with the next bytes.
        let _ = self.waker.wake();
    }
}

/// The one place at a word.
pub(crate) struct Place<'a>(&'a Waiting);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().busy = false;
    }
}
