//! The library's own threads: those that do what calls must not wait for.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{io, process, thread};

/// Threads of one kind, of which there are never many: a network that does not answer is not to gather
/// threads without end.
pub(super) struct Crew {
    name: &'static str,
    working: AtomicUsize,
}

/// They resolve names.
pub(super) static RESOLVERS: Crew = Crew::new("polytls-resolver");

/// They send what was written before a connection was closed.
pub(super) static CLOSERS: Crew = Crew::new("polytls-closer");

/// How many there are of a kind.
pub(super) const MOST: usize = 256;

impl Crew {
    const fn new(name: &'static str) -> Self {
        Self { name, working: AtomicUsize::new(0) }
    }

    /// Has a thread do `work`.
    pub(super) fn spawn(&'static self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let member = Member(self);
        if self.working.fetch_add(1, Ordering::SeqCst) >= MOST {
            return Err(io::Error::other(format!("{MOST} threads do the same already")));
        }
        HAS_WORKED.store(true, Ordering::SeqCst);
        thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            let _member = member;
            work();
        })?;
        Ok(())
    }

    fn is_working(&self) -> bool {
        self.working.load(Ordering::SeqCst) > 0
    }
}

struct Member(&'static Crew);

impl Drop for Member {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lets all of them finish, at the end of the process that `parent` was; not for longer than a second.
pub(super) fn dismiss(parent: u32) {
    // A forked process has the numbers, and not the threads.
    if process::id() != parent {
        return;
    }
    let deadline = Instant::now() + Duration::from_secs(1);
    while RESOLVERS.is_working() || CLOSERS.is_working() {
        if Instant::now() > deadline {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    if HAS_WORKED.load(Ordering::SeqCst) {
        // The last one has done its work, and may not be gone yet.
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether there ever was a thread.
static HAS_WORKED: AtomicBool = AtomicBool::new(false);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn there_are_never_more_than_a_few() {
        static CREW: Crew = Crew::new("test");
        let mut ends = Vec::new();
        let mut spawn = || {
            let (end, ended) = channel::<()>();
            ends.push(end);
            CREW.spawn(move || {
                let _ = ended.recv();
            })
        };
        for _ in 0..MOST {
            spawn().unwrap();
        }
        assert!(spawn().is_err());
        assert!(CREW.is_working());
        ends.clear();
        for _ in 0..1000 {
            if !CREW.is_working() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("they do not end");
    }
}
