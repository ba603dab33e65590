//! A transport that does whatever a transport may do.

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker, ready};

use tls_core::{Pipe, Transport, pipe};

/// One end of a pipe whose calls do as little as they may, in ways drawn from a seed: a byte or a few at
/// a time, pending without a reason, interrupted; and who is woken is woken later, in another order.
///
/// Its calls are those of the reading and writing traits of any runtime. Dropping it is the end for the
/// other side.
#[derive(Debug)]
pub struct Chaos {
    pipe: Pipe,
    noise: Noise,
}

/// What the ends of a pipe share with who runs the tasks.
#[derive(Clone, Debug)]
pub(super) struct Noise(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: u64,
    /// The most bytes that one call moves; without it calls do what they can.
    most: Option<usize>,
    /// Who will be woken.
    woken: Vec<Waker>,
    wakes: usize,
    writes: usize,
}

impl Noise {
    /// No noise: every call does what it can.
    pub(super) fn none(seed: u64) -> Self {
        Self::of(seed, None)
    }

    /// Each call moves at most so many bytes.
    pub(super) fn wild(seed: u64, most: usize) -> Self {
        Self::of(seed, Some(most))
    }

    fn of(seed: u64, most: Option<usize>) -> Self {
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self(Arc::new(Mutex::new(State { random, most, woken: Vec::new(), wakes: 0, writes: 0 })))
    }

    /// Two ends with this much room each way.
    pub(super) fn pipe<T: From<Chaos>>(&self, room: usize) -> (T, T) {
        let (a, b) = pipe(room);
        let end = |pipe| T::from(Chaos { pipe, noise: self.clone() });
        (end(a), end(b))
    }

    /// A number below `limit`.
    pub(super) fn below(&self, limit: usize) -> usize {
        self.0.lock().unwrap().below(limit)
    }

    /// Wakes one of those who are to be woken, and says whether there was one.
    pub(super) fn wake_one(&self) -> bool {
        let mut state = self.0.lock().unwrap();
        if state.woken.is_empty() {
            return false;
        }
        let i = state.woken.len();
        let i = state.below(i);
        let waker = state.woken.swap_remove(i);
        drop(state);
        waker.wake();
        true
    }

    /// How often somebody was woken.
    pub(super) fn wakes(&self) -> usize {
        self.0.lock().unwrap().wakes
    }

    /// How often something was written.
    pub(super) fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }

    fn wake_later(&self, waker: Waker) {
        let mut state = self.0.lock().unwrap();
        state.wakes += 1;
        state.woken.push(waker);
    }

    /// How much the next call moves, if it moves anything.
    fn limit(&self, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap();
        let Some(most) = state.most else { return Poll::Ready(Ok(usize::MAX)) };
        match state.below(8) {
            0 => Poll::Ready(Err(io::ErrorKind::Interrupted.into())),
            1 | 2 => {
                drop(state);
                self.wake_later(cx.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(Ok(1 + state.below(most))),
        }
    }
}

impl State {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift64*
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

/// Wakes its task by way of the noise.
struct Later {
    waker: Waker,
    noise: Noise,
}

impl Wake for Later {
    fn wake(self: Arc<Self>) {
        self.noise.wake_later(self.waker.clone());
    }
}

impl Chaos {
    /// Reads some bytes; `0` is the end.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Interrupted`], now and then.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let limit = ready!(self.noise.limit(cx))?.min(buf.len());
        self.pipe.poll_read(&mut Context::from_waker(&self.later(cx)), &mut buf[..limit])
    }

    /// Writes some of the bytes.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Interrupted`], now and then; [`io::ErrorKind::BrokenPipe`] if the other end is
    /// gone.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let limit = ready!(self.noise.limit(cx))?;
        self.noise.0.lock().unwrap().writes += 1;
        let later = self.later(cx);
        let cx = &mut Context::from_waker(&later);
        if limit == usize::MAX {
            return self.pipe.poll_write(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &**buf);
        self.pipe.poll_write(cx, &[IoSlice::new(&first[..first.len().min(limit)])])
    }

    /// Flushes.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Interrupted`], now and then.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.noise.limit(cx))?;
        self.pipe.poll_flush(cx)
    }

    /// Ends the writing direction.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Interrupted`], now and then.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.noise.limit(cx))?;
        self.pipe.poll_shutdown(cx)
    }

    fn later(&self, cx: &Context<'_>) -> Waker {
        Arc::new(Later { waker: cx.waker().clone(), noise: self.noise.clone() }).into()
    }
}
