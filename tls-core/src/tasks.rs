//! Two tasks on one stream: one that reads, and one that writes.

use std::sync::Arc;
use std::task::{Wake, Waker};

/// Which of the two tasks calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Reader,
    Writer,
}

/// Who waits for a stream.
///
/// A transport remembers one waker for each direction, that of the last call. A call that reads also
/// sends, and one that writes may receive, as long as the handshake lasts: each would take the place
/// of the other task, which nobody would wake. So a call that finds the other task waiting gives the
/// transport a waker of both.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Tasks {
    /// What a call of `half` hands to the transport instead of the caller's `own` waker, if anything.
    pub(crate) fn begin(&self, half: Half, own: &Waker) -> Option<Waker> {
        let other = match half {
            Half::Reader => self.writer.as_ref()?,
            Half::Writer => self.reader.as_ref()?,
        };
        if other.will_wake(own) {
            return None; // one task does both
        }
        Some(Arc::new(Both([own.clone(), other.clone()])).into())
    }

    /// Remembers whether the caller waits. What its call has `changed` may be what the other task waits
    /// for, and no transport knows of that.
    pub(crate) fn end(&mut self, half: Half, own: &Waker, waits: bool, changed: bool) {
        let (this, other) = match half {
            Half::Reader => (&mut self.reader, &mut self.writer),
            Half::Writer => (&mut self.writer, &mut self.reader),
        };
        match this {
            _ if !waits => *this = None,
            Some(waker) => waker.clone_from(own),
            None => *this = Some(own.clone()),
        }
        if changed {
            if let Some(other) = other.take() {
                other.wake();
            }
        }
    }
}

struct Both([Waker; 2]);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.iter().for_each(Waker::wake_by_ref);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Count>, Waker) {
        let count = Arc::<Count>::default();
        (count.clone(), count.into())
    }

    #[test]
    fn a_task_that_waits_is_woken_with_the_one_that_takes_its_place() {
        let ((reads, reader), (writes, writer)) = (task(), task());
        let mut tasks = Tasks::default();
        assert!(tasks.begin(Half::Writer, &writer).is_none(), "nobody else waits");
        tasks.end(Half::Writer, &writer, true, false);
        let both = tasks.begin(Half::Reader, &reader).unwrap();
        tasks.end(Half::Reader, &reader, true, false);
        both.wake();
        assert_eq!([&reads, &writes].map(|count| count.0.load(Ordering::Relaxed)), [1, 1]);
        // Who does not wait is left in peace.
        tasks.end(Half::Writer, &writer, false, false);
        assert!(tasks.begin(Half::Reader, &reader).is_none());
    }

    #[test]
    fn one_task_that_does_both_needs_no_second_waker() {
        let (_, task) = task();
        let mut tasks = Tasks::default();
        tasks.end(Half::Writer, &task, true, false);
        assert!(tasks.begin(Half::Reader, &task).is_none());
    }

    #[test]
    fn a_change_wakes_the_other_task_once() {
        let ((reads, reader), (writes, writer)) = (task(), task());
        let mut tasks = Tasks::default();
        tasks.end(Half::Reader, &reader, true, false);
        tasks.end(Half::Writer, &writer, false, true);
        tasks.end(Half::Writer, &writer, false, true);
        assert_eq!([&reads, &writes].map(|count| count.0.load(Ordering::Relaxed)), [1, 0]);
    }
}
