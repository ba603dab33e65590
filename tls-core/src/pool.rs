//! Buffers that come from, and go back to, the thread that uses them.

use std::cell::RefCell;

/// How many full TLS records one buffer holds, so that one system call moves many: with a fifth, what a
/// connection sends beside a file does not take its writes above a quarter of one for each record.
pub(crate) const RECORDS: usize = 5;

/// The size of one buffer.
pub(crate) const BUFFER: usize = RECORDS * (16_384 + 38);

/// How many idle buffers one thread keeps.
const KEPT: usize = 8;

thread_local! {
    static IDLE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of [`BUFFER`] initialised bytes, of no particular content.
pub(crate) fn take() -> Vec<u8> {
    // `try_with` fails only while the thread ends, when the pool is gone for good.
    IDLE.try_with(|idle| idle.borrow_mut().pop()).ok().flatten().unwrap_or_else(|| vec![0; BUFFER])
}

/// Gives `buffer` back. The caller has wiped what must not be seen again.
pub(crate) fn give_back(buffer: Vec<u8>) {
    if buffer.len() != BUFFER {
        return; // grown for one oversized handshake message; not worth keeping
    }
    let _ = IDLE.try_with(|idle| {
        let mut idle = idle.borrow_mut();
        if idle.len() < KEPT {
            idle.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_reused_and_the_pool_is_bounded() {
        let first = take();
        let address = first.as_ptr();
        give_back(first);
        let second = take();
        assert_eq!(second.as_ptr(), address);
        for _ in 0..3 * KEPT {
            give_back(vec![0; BUFFER]);
        }
        IDLE.with(|idle| assert_eq!(idle.borrow().len(), KEPT));
    }
}
