//! A client and a server as streams over a pipe, polled as tasks: only when they were woken.

use std::io::IoSlice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use tls_core::{Backend, Pipe, Result, Stream, Transport, pipe};

use crate::pair::{Ends, NAME};

/// Two streams over the two ends of a pipe, and what each has sent.
pub(crate) struct Streams {
    pub(crate) client: Stream<Tap>,
    pub(crate) server: Stream<Tap>,
}

impl Streams {
    /// Not begun, with default configurations, over a pipe with this much room each way.
    pub(crate) fn new(client: &dyn Backend, server: &dyn Backend, room: usize) -> Result<Self> {
        Self::of(&Ends::default(client, server)?, room)
    }

    /// Not begun, over a pipe with this much room each way.
    pub(crate) fn of(ends: &Ends, room: usize) -> Result<Self> {
        let (a, b) = pipe(room);
        Ok(Self {
            client: ends.client.connect(NAME, Tap::new(a))?,
            server: ends.server.accept(Tap::new(b))?,
        })
    }

    /// Done with the handshake.
    pub(crate) fn established(
        client: &dyn Backend,
        server: &dyn Backend,
        room: usize,
    ) -> Result<Self> {
        let mut streams = Self::new(client, server, room)?;
        streams.handshake()?;
        Ok(streams)
    }

    pub(crate) fn handshake(&mut self) -> Result<()> {
        let Self { client, server } = self;
        let (client, server) = both(|cx| client.poll_handshake(cx), |cx| server.poll_handshake(cx));
        client.and(server)
    }
}

impl Streams {
    /// Finishes the handshake where somebody else, on another thread, takes part in it; within ten
    /// seconds.
    pub(crate) fn handshake_slowly(&mut self) -> Result<()> {
        let Self { client, server } = self;
        let here = Arc::new(Unpark(std::thread::current()));
        let waker = Waker::from(here);
        let (mut left, mut right) = (None, None);
        let began = std::time::Instant::now();
        while left.is_none() || right.is_none() {
            let before = client.transport().written.len() + server.transport().written.len();
            let cx = &mut Context::from_waker(&waker);
            left = left.or_else(|| ready_value(client.poll_handshake(cx)));
            right = right.or_else(|| ready_value(server.poll_handshake(cx)));
            let after = client.transport().written.len() + server.transport().written.len();
            assert!(began.elapsed() < std::time::Duration::from_secs(10), "nobody is woken");
            if before == after && (left.is_none() || right.is_none()) {
                std::thread::park_timeout(std::time::Duration::from_secs(10));
            }
        }
        left.unwrap().and(right.unwrap())
    }
}

/// Wakes a thread.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// One end of a pipe that remembers what was written to it.
#[derive(Debug)]
pub(crate) struct Tap {
    pipe: Pipe,
    pub(crate) written: Vec<u8>,
}

impl Tap {
    fn new(pipe: Pipe) -> Self {
        Self { pipe, written: Vec::new() }
    }
}

impl Transport for Tap {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<std::io::Result<usize>> {
        self.pipe.poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let n = ready!(self.pipe.poll_write(cx, bufs))?;
        let sent = bufs.iter().flat_map(|buf| buf.iter()).take(n);
        self.written.extend(sent);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.pipe.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.pipe.poll_shutdown(cx)
    }
}

/// Polls two tasks until both are ready. Each is polled only when its waker was woken, so a lost
/// wake-up is a failure and not a longer wait.
#[track_caller]
pub(crate) fn both<A, B>(
    mut a: impl FnMut(&mut Context<'_>) -> Poll<A>,
    mut b: impl FnMut(&mut Context<'_>) -> Poll<B>,
) -> (A, B) {
    let flags = [Arc::new(Flag::default()), Arc::new(Flag::default())];
    let wakers = flags.clone().map(Waker::from);
    let (mut left, mut right) = (None, None);
    for _ in 0..10_000_000 {
        let woken = flags.each_ref().map(|flag| flag.0.swap(false, Ordering::Relaxed));
        if left.is_none() && woken[0] {
            left = ready_value(a(&mut Context::from_waker(&wakers[0])));
        }
        if right.is_none() && woken[1] {
            right = ready_value(b(&mut Context::from_waker(&wakers[1])));
        }
        match (left, right) {
            (Some(left), Some(right)) => return (left, right),
            unfinished => (left, right) = unfinished,
        }
        let awake = |i: usize| flags[i].0.load(Ordering::Relaxed);
        let asleep = (left.is_some() || !awake(0)) && (right.is_some() || !awake(1));
        assert!(!asleep, "nobody is woken: ready {:?}", (left.is_some(), right.is_some()));
    }
    panic!("no end: ready {:?}", (left.is_some(), right.is_some()));
}

/// Polls one task, which has to be ready.
#[track_caller]
pub(crate) fn now<A>(poll: impl FnOnce(&mut Context<'_>) -> Poll<A>) -> A {
    match poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("pending, but should be ready"),
    }
}

/// Writes all of `rest`, and flushes.
pub(crate) fn poll_send<T: Transport>(
    cx: &mut Context<'_>,
    stream: &mut Stream<T>,
    rest: &mut &[u8],
) -> Poll<Result<()>> {
    while !rest.is_empty() {
        let n = ready!(stream.poll_write(cx, rest))?;
        assert!(n > 0 && n <= rest.len(), "{n} of {} bytes taken", rest.len());
        *rest = &rest[n..];
    }
    stream.poll_flush(cx)
}

/// Reads until `got` holds `want` bytes, at most `step` at a time; an end before is a failure.
pub(crate) fn poll_receive<T: Transport>(
    cx: &mut Context<'_>,
    stream: &mut Stream<T>,
    got: &mut Vec<u8>,
    want: usize,
    step: usize,
) -> Poll<Result<()>> {
    let mut buf = vec![0; step];
    while got.len() < want {
        let n = step.min(want - got.len());
        let n = ready!(stream.poll_read(cx, &mut buf[..n]))?;
        assert!(n > 0, "the end after {} of {want} bytes", got.len());
        got.extend_from_slice(&buf[..n]);
    }
    Poll::Ready(Ok(()))
}

/// Sends `data` from one stream to the other, and says what arrived.
#[track_caller]
pub(crate) fn pass<T: Transport>(
    from: &mut Stream<T>,
    to: &mut Stream<T>,
    data: &[u8],
    step: usize,
) -> Result<Vec<u8>> {
    let (mut rest, mut got) = (data, Vec::new());
    let (sent, received) = both(
        |cx| poll_send(cx, from, &mut rest),
        |cx| poll_receive(cx, to, &mut got, data.len(), step),
    );
    sent.and(received)?;
    Ok(got)
}

fn ready_value<A>(poll: Poll<A>) -> Option<A> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Whether a task was woken; it is at first.
struct Flag(AtomicBool);

impl Default for Flag {
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
