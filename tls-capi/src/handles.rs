//! What C holds of our objects: numbers that look like pointers, and are looked up.
//!
//! A number is given once. A handle that was freed, or is none at all, finds nothing, in place of memory
//! that is something else by now.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::boundary::Handle;

/// Objects of one kind, by their handles.
///
/// A tree, since valgrind finds what one holds: a hash table is found by a pointer into its middle.
pub(crate) struct Table<T>(RwLock<BTreeMap<usize, Arc<T>>>);

impl<T> Table<T> {
    pub(crate) const fn new() -> Self {
        Self(RwLock::new(BTreeMap::new()))
    }

    /// Keeps what `make` makes, which is told its handle.
    pub(crate) fn insert(&self, make: impl FnOnce(Handle) -> T) -> Handle {
        // Far from what an allocator gives, and never NULL.
        static NEXT: AtomicUsize = AtomicUsize::new(0x1000);
        let number = NEXT.fetch_add(16, Ordering::Relaxed);
        let handle = Handle::from_number(number);
        let object = Arc::new(make(handle));
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(number, object);
        handle
    }

    pub(crate) fn get(&self, handle: Handle) -> Option<Arc<T>> {
        let objects = self.0.read().unwrap_or_else(PoisonError::into_inner);
        objects.get(&handle.number()).cloned()
    }

    /// Forgets the handle; whoever uses the object right now goes on.
    pub(crate) fn remove(&self, handle: Handle) -> Option<Arc<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&handle.number())
    }
}

/// A lock that tells a thread which holds it already, in place of waiting for itself: a callback may call
/// the library with the very context it is called for.
#[derive(Debug, Default)]
pub(crate) struct Exclusive<T> {
    holder: AtomicU64,
    value: Mutex<T>,
}

impl<T> Exclusive<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { holder: AtomicU64::new(0), value: Mutex::new(value) }
    }

    /// Waits for other threads; `None` if this one holds it.
    pub(crate) fn lock(&self) -> Option<Held<'_, T>> {
        let own = own_number();
        if self.holder.load(Ordering::Relaxed) == own {
            return None;
        }
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        self.holder.store(own, Ordering::Relaxed);
        Some(Held { holder: &self.holder, value })
    }
}

/// The value, for as long as this is there.
pub(crate) struct Held<'a, T> {
    holder: &'a AtomicU64,
    value: MutexGuard<'a, T>,
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        self.holder.store(0, Ordering::Relaxed); // before the lock itself is given up
    }
}

/// A number that no other living thread has; never 0.
fn own_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static OWN: Cell<u64> = const { Cell::new(0) };
    }
    OWN.with(|own| {
        if own.get() == 0 {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        own.get()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_never_given_twice() {
        static TABLE: Table<u8> = Table::new();
        let first = TABLE.insert(|_| 1);
        assert_eq!(TABLE.get(first).as_deref(), Some(&1));
        assert!(TABLE.remove(first).is_some());
        let second = TABLE.insert(|_| 2);
        assert_ne!(first.number(), second.number());
        assert!(TABLE.get(first).is_none() && TABLE.remove(first).is_none());
        assert!(TABLE.get(Handle::from_number(0)).is_none());
    }

    #[test]
    fn a_thread_does_not_wait_for_itself() {
        let lock = Exclusive::new(1);
        let held = lock.lock().unwrap();
        assert!(lock.lock().is_none());
        drop(held);
        assert_eq!(*lock.lock().unwrap(), 1);
    }
}
