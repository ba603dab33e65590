//! A transport in memory.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Transport;

/// Two connected transports in memory, each way with room for `capacity` bytes.
///
/// What is written to one end is read from the other. Dropping an end, or shutting it down, is the
/// end of the stream for the other; writing to an end whose other is gone is
/// [`io::ErrorKind::BrokenPipe`]. A full or empty pipe is pending and wakes the waiting task.
///
/// # Panics
///
/// If `capacity` is zero: nothing could ever pass.
pub fn pipe(capacity: usize) -> (Pipe, Pipe) {
    assert!(capacity > 0, "a pipe without room");
    let lane = || Arc::new(Mutex::new(Lane::new(capacity)));
    let (there, back) = (lane(), lane());
    (Pipe { reads: back.clone(), writes: there.clone() }, Pipe { reads: there, writes: back })
}

/// One end of a [`pipe`].
#[derive(Debug)]
pub struct Pipe {
    reads: Arc<Mutex<Lane>>,
    writes: Arc<Mutex<Lane>>,
}

/// One direction.
#[derive(Debug)]
struct Lane {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// The writer will write no more.
    ended: bool,
    /// The reader is gone.
    broken: bool,
    waiting: Option<Waker>,
}

impl Lane {
    fn new(capacity: usize) -> Self {
        Self { bytes: VecDeque::new(), capacity, ended: false, broken: false, waiting: None }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// No code panics while it holds the lock; the bytes are whole whatever happened.
fn lock(lane: &Mutex<Lane>) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transport for Pipe {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut lane = lock(&self.reads);
        if lane.bytes.is_empty() && !lane.ended {
            lane.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = io::Read::read(&mut lane.bytes, buf)?;
        lane.wake();
        Poll::Ready(Ok(n))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut lane = lock(&self.writes);
        if lane.broken || lane.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut room = lane.capacity - lane.bytes.len();
        if room == 0 && bufs.iter().any(|buf| !buf.is_empty()) {
            lane.waiting = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut written = 0;
        for buf in bufs {
            let n = buf.len().min(room);
            lane.bytes.extend(&buf[..n]);
            written += n;
            room -= n;
        }
        lane.wake();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut lane = lock(&self.writes);
        lane.ended = true;
        lane.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut writes = lock(&self.writes);
        writes.ended = true;
        writes.wake();
        drop(writes);
        let mut reads = lock(&self.reads);
        reads.broken = true;
        reads.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(pipe: &mut Pipe, bytes: &[u8]) -> Poll<io::Result<usize>> {
        pipe.poll_write(&mut Context::from_waker(Waker::noop()), &[IoSlice::new(bytes)])
    }

    fn read(pipe: &mut Pipe) -> Poll<io::Result<Vec<u8>>> {
        let mut buf = [0; 64];
        let polled = pipe.poll_read(&mut Context::from_waker(Waker::noop()), &mut buf);
        polled.map_ok(|n| buf[..n].to_vec())
    }

    #[test]
    fn bytes_pass_as_far_as_there_is_room() {
        let (mut a, mut b) = pipe(3);
        assert!(read(&mut b).is_pending());
        assert!(matches!(write(&mut a, b"hello"), Poll::Ready(Ok(3))));
        assert!(write(&mut a, b"lo").is_pending());
        assert!(matches!(read(&mut b), Poll::Ready(Ok(bytes)) if bytes == b"hel"));
        assert!(matches!(write(&mut a, b"lo"), Poll::Ready(Ok(2))));
    }

    #[test]
    fn dropping_an_end_ends_the_other() {
        let (mut a, b) = pipe(8);
        drop(b);
        assert!(matches!(read(&mut a), Poll::Ready(Ok(bytes)) if bytes.is_empty()));
        assert!(
            matches!(write(&mut a, b"x"), Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::BrokenPipe)
        );
    }
}
