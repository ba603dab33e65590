//! What handles stand for. No call waits for another one, but the one that waits anyway.

use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::boundary::Handle;

/// A fixed number of places for objects, so that nothing that all calls share is ever locked.
///
/// A handle is a number that was given once: one that was closed finds nothing, whoever is in its place.
pub(super) struct Slots<T, const N: usize>([Slot<T>; N]);

struct Slot<T> {
    /// The handle of what is here; [`FREE`], or [`TAKEN`] by somebody who is about to change that.
    handle: AtomicUsize,
    /// The handle that is to be closed by whoever uses it right now.
    closing: AtomicUsize,
    value: Mutex<Option<T>>,
}

/// What became of a call on a handle.
#[derive(Debug)]
pub(super) enum Found<R> {
    /// It was made.
    Value(R),
    /// Another thread is in a call on the same handle.
    Busy,
    /// An earlier call on it panicked.
    Broken,
    /// There is no such handle, or none any more.
    Nothing,
}

const FREE: usize = 0;
const TAKEN: usize = 1;

/// Handles look like pointers: they are multiples of this.
const STEP: usize = 16;

impl<T, const N: usize> Slots<T, N> {
    pub(super) const fn new() -> Self {
        Self([const { Slot::new() }; N])
    }

    /// Keeps `value`; gives it back if there is no place left.
    pub(super) fn insert(&self, value: T) -> Result<Handle, T> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        for i in 0..N {
            let index = (turn % N + i) % N;
            let slot = &self.0[index];
            if !slot.take(FREE) {
                continue;
            }
            // Who comes with an old handle may look in for a moment.
            let Some(mut place) = slot.try_lock() else {
                slot.handle.store(FREE, Ordering::SeqCst);
                continue;
            };
            *place = Some(value);
            let number = (turn * N + index) * STEP;
            slot.handle.store(number, Ordering::SeqCst);
            return Ok(Handle::from_number(number));
        }
        Err(value)
    }

    /// Has `call` use the object, unless another thread does.
    pub(super) fn with<R>(&self, handle: Handle, call: impl FnOnce(&mut T) -> R) -> Found<R> {
        let Some(slot) = self.find(handle) else { return Found::Nothing };
        match slot.try_lock() {
            Some(place) => slot.serve(handle, place, call),
            None => Found::Busy,
        }
    }

    /// As [`with`](Self::with), but waits until the other thread is done.
    pub(super) fn with_patience<R>(
        &self,
        handle: Handle,
        call: impl FnOnce(&mut T) -> R,
    ) -> Found<R> {
        let Some(slot) = self.find(handle) else { return Found::Nothing };
        let place =
            slot.value.lock().unwrap_or_else(|poisoned| slot.discard(poisoned.into_inner()));
        slot.serve(handle, place, call)
    }

    /// Forgets the handle, and gives what it stood for. A thread that uses it right now drops it instead,
    /// once it is done.
    pub(super) fn remove(&self, handle: Handle) -> Found<T> {
        let Some(slot) = self.find(handle) else { return Found::Nothing };
        if slot.closing.swap(handle.number(), Ordering::SeqCst) == handle.number() {
            return Found::Nothing;
        }
        match slot.empty(handle) {
            Some(Some(value)) => Found::Value(value),
            Some(None) => Found::Broken,
            None => Found::Busy,
        }
    }

    fn find(&self, handle: Handle) -> Option<&Slot<T>> {
        let number = handle.number();
        if number % STEP != 0 || number < STEP * N {
            return None; // never given: the first one is `1 * N + index`
        }
        let slot = &self.0[number / STEP % N];
        slot.is(number).then_some(slot)
    }
}

impl<T> Slot<T> {
    const fn new() -> Self {
        let (handle, closing) = (AtomicUsize::new(FREE), AtomicUsize::new(FREE));
        Self { handle, closing, value: Mutex::new(None) }
    }

    /// Whether `number` is here, and nobody wants it closed.
    fn is(&self, number: usize) -> bool {
        self.handle.load(Ordering::SeqCst) == number
            && self.closing.load(Ordering::SeqCst) != number
    }

    /// Begins a change of what is here, which nobody else changes until it is done.
    fn take(&self, from: usize) -> bool {
        self.handle.compare_exchange(from, TAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, Option<T>>> {
        match self.value.try_lock() {
            Ok(place) => Some(place),
            Err(TryLockError::Poisoned(poisoned)) => Some(self.discard(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Drops what was being used when a panic came: nobody knows how far it got.
    fn discard<'a>(&self, mut place: MutexGuard<'a, Option<T>>) -> MutexGuard<'a, Option<T>> {
        *place = None;
        self.value.clear_poison();
        place
    }

    /// Makes the call, if the handle still stands for what is here, and closes it if somebody came to ask
    /// for that meanwhile.
    fn serve<R>(
        &self,
        handle: Handle,
        mut place: MutexGuard<'_, Option<T>>,
        call: impl FnOnce(&mut T) -> R,
    ) -> Found<R> {
        let found = match &mut *place {
            _ if !self.is(handle.number()) => Found::Nothing,
            Some(value) => Found::Value(call(value)),
            None => Found::Broken,
        };
        drop(place);
        fence(Ordering::SeqCst);
        if self.closing.load(Ordering::SeqCst) == handle.number() {
            drop(self.empty(handle));
        }
        found
    }

    /// Frees the place, if the handle is still the one that is here; `None` if another thread is in a call
    /// on it, and finds `closing` set when it is done, or has freed it already.
    fn empty(&self, handle: Handle) -> Option<Option<T>> {
        fence(Ordering::SeqCst);
        let mut place = self.try_lock()?;
        if !self.take(handle.number()) {
            return None;
        }
        let value = place.take();
        drop(place);
        self.handle.store(FREE, Ordering::SeqCst);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn value<R>(found: Found<R>) -> R {
        let Found::Value(value) = found else { panic!("no value") };
        value
    }

    #[test]
    fn a_closed_handle_finds_nothing_even_when_its_place_is_used_again() {
        static SLOTS: Slots<u8, 2> = Slots::new();
        let first = SLOTS.insert(1).unwrap();
        assert_eq!(value(SLOTS.with(first, |n| *n)), 1);
        assert_eq!(value(SLOTS.remove(first)), 1);
        let (second, third) = (SLOTS.insert(2).unwrap(), SLOTS.insert(3).unwrap());
        assert_eq!(SLOTS.insert(4).unwrap_err(), 4);
        assert!(matches!(SLOTS.with(first, |_| ()), Found::Nothing));
        assert!(matches!(SLOTS.remove(first), Found::Nothing));
        assert_eq!(value(SLOTS.with_patience(second, |n| *n)), 2);
        assert_eq!(value(SLOTS.remove(third)), 3);
    }

    #[test]
    fn what_was_never_given_finds_nothing() {
        static SLOTS: Slots<u8, 4> = Slots::new();
        let real = SLOTS.insert(1).unwrap().number();
        for number in [0, 1, 16, real + 1, real + 16, real - 16, usize::MAX, usize::MAX & !15] {
            assert!(matches!(SLOTS.with(Handle::from_number(number), |_| ()), Found::Nothing));
        }
    }

    #[test]
    fn nobody_waits_for_a_thread_that_uses_the_same_handle() {
        struct Dropped<'a>(&'a AtomicBool);

        impl Drop for Dropped<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }

        static SLOTS: Slots<Dropped<'static>, 4> = Slots::new();
        static IS_DROPPED: AtomicBool = AtomicBool::new(false);
        let handle = SLOTS.insert(Dropped(&IS_DROPPED)).map_err(|_| ()).unwrap();
        let (inside, done) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            scope.spawn(|| {
                SLOTS.with(handle, |_| {
                    inside.wait();
                    done.wait();
                })
            });
            inside.wait();
            assert!(matches!(SLOTS.with(handle, |_| ()), Found::Busy));
            assert!(matches!(SLOTS.remove(handle), Found::Busy));
            assert!(matches!(SLOTS.remove(handle), Found::Nothing));
            assert!(!IS_DROPPED.load(Ordering::SeqCst));
            done.wait();
        });
        assert!(IS_DROPPED.load(Ordering::SeqCst));
    }

    #[test]
    fn what_a_panic_leaves_is_not_used_again() {
        static SLOTS: Slots<u8, 4> = Slots::new();
        let handle = SLOTS.insert(1).unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| SLOTS.with(handle, |_| panic!("a test"))));
        assert!(panicked.is_err());
        assert!(matches!(SLOTS.with(handle, |_| ()), Found::Broken));
        assert!(matches!(SLOTS.remove(handle), Found::Broken));
        assert!(matches!(SLOTS.with(handle, |_| ()), Found::Nothing));
    }

    #[test]
    fn threads_that_use_and_close_one_handle_close_it_once() {
        static SLOTS: Slots<u8, 64> = Slots::new();
        for _ in 0..200 {
            let handle = SLOTS.insert(1).unwrap();
            let closed = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        SLOTS.with(handle, |_| ());
                        SLOTS.with_patience(handle, |_| ());
                        if !matches!(SLOTS.remove(handle), Found::Nothing) {
                            closed.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                }
            });
            assert_eq!(closed.into_inner(), 1);
        }
        // All places are free again.
        let handles: Vec<_> = (0..64).map(|n| SLOTS.insert(n).unwrap()).collect();
        assert_eq!(handles.len(), 64);
    }
}
