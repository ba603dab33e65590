//! The words, waited for.

use std::fmt;
use std::io::{self, Read as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Token};
use tls_core::{Connection, Error, ErrorKind, Negotiated, NonBlocking, Stream};

use crate::interrupt::Waiting;
use crate::{Interrupter, Lines, WordError};

/// A TLS connection over a TCP socket with words that wait, for any number of threads.
///
/// Clones are one stream. One thread at a time is at a word: another is told that it is
/// [busy](WordError::Busy) and may [interrupt](Self::interrupt) it. The handshake is done by the first word.
///
/// Dropping the last clone sends nothing: the peer sees a truncated connection. [Close](Self::close) it.
#[derive(Clone)]
pub struct LineStream {
    waiting: Arc<Waiting>,
    /// `None` once it is closed. Locked by whoever has the place at a word, and by who closes.
    open: Arc<Mutex<Option<Open>>>,
}

struct Open {
    lines: Lines<NonBlocking<mio::net::TcpStream>>,
    poll: mio::Poll,
    events: Events,
}

impl LineStream {
    /// How long [`close`](Self::close) waits for a peer that takes no bytes.
    pub const PATIENCE: Duration = Duration::from_secs(1);

    /// Joins a connection to a socket. The socket is not blocking from then on.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    pub fn new(connection: Connection, socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let mut socket = mio::net::TcpStream::from_std(socket);
        let poll = mio::Poll::new()?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut socket, SOCKET, both)?;
        let waker = mio::Waker::new(poll.registry(), OTHERS)?;
        let lines = Lines::new(Stream::new(connection, NonBlocking(socket)));
        let open = Open { lines, poll, events: Events::with_capacity(4) };
        Ok(Self { waiting: Waiting::new(waker), open: Arc::new(Mutex::new(Some(open))) })
    }

    /// Finishes the handshake.
    ///
    /// # Errors
    ///
    /// [`WordError::Tls`] with whatever ends it; [`WordError::Busy`], [`WordError::Closed`],
    /// [`WordError::Interrupted`].
    pub fn handshake(&self) -> Result<(), WordError> {
        self.wait(|lines, cx| lines.stream_mut().poll_handshake(cx).map_err(Into::into))
    }

    /// Reads exactly `n` bytes, as [`Lines::poll_exact`].
    ///
    /// # Errors
    ///
    /// [`WordError::Closed`] if the peer closes before, or the stream is closed; [`WordError::Busy`],
    /// [`WordError::Interrupted`], [`WordError::Tls`]. What came is kept.
    pub fn exact(&self, n: usize) -> Result<Vec<u8>, WordError> {
        self.wait(|lines, cx| lines.poll_exact(cx, n))
    }

    /// Reads a line, up to and with the next `\n`, as [`Lines::poll_line`].
    ///
    /// # Errors
    ///
    /// As [`exact`](Self::exact), and [`WordError::TooLong`].
    pub fn line(&self) -> Result<Vec<u8>, WordError> {
        self.wait(Lines::poll_line)
    }

    /// Reads all that comes until the peer closes, as [`Lines::poll_all`]. Writing stays possible.
    ///
    /// # Errors
    ///
    /// As [`line`](Self::line), except that the peer's closing is none.
    pub fn all(&self) -> Result<Vec<u8>, WordError> {
        self.wait(Lines::poll_all)
    }

    /// Reads what is there, at most 64 KiB, and waits only if there is nothing.
    ///
    /// # Errors
    ///
    /// As [`exact`](Self::exact); [`WordError::Closed`] only once all has been read.
    pub fn available(&self) -> Result<Vec<u8>, WordError> {
        self.wait(|lines, cx| lines.poll_available(cx, MOST))
    }

    /// Writes all of `data`, and waits until it is on its way.
    ///
    /// # Errors
    ///
    /// [`WordError::Interrupted`], saying how much was taken; [`WordError::Busy`], [`WordError::Closed`],
    /// [`WordError::Tls`].
    pub fn write(&self, data: &[u8]) -> Result<(), WordError> {
        let mut written = 0;
        match self.wait(|lines, cx| lines.poll_write(cx, data, &mut written)) {
            Err(WordError::Interrupted { .. }) => Err(WordError::Interrupted { written }),
            other => other,
        }
    }

    /// Interrupts the word that another thread is at.
    ///
    /// # Errors
    ///
    /// [`WordError::NotBusy`] if there is none.
    pub fn interrupt(&self) -> Result<(), WordError> {
        self.interrupter().interrupt()
    }

    /// A handle that interrupts, and does nothing else.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(self.waiting.clone())
    }

    /// Whether a thread is at a word.
    pub fn busy(&self) -> bool {
        self.waiting.state().busy
    }

    /// Whether the stream has been closed on this side.
    pub fn closed(&self) -> bool {
        self.waiting.state().closed
    }

    /// Sends close_notify, and closes the socket. Interrupts the word that another thread is at.
    ///
    /// A peer that takes no bytes is waited for [a while](Self::PATIENCE).
    ///
    /// # Errors
    ///
    /// [`WordError::AlreadyClosed`]; [`WordError::Tls`] if the close_notify could not be sent. The stream is
    /// closed either way.
    pub fn close(&self) -> Result<(), WordError> {
        let busy = {
            let mut state = self.waiting.state();
            if state.closed {
                return Err(WordError::AlreadyClosed);
            }
            state.closed = true;
            state.busy
        };
        if busy {
            // It may have finished meanwhile.
            match self.interrupt() {
                Ok(()) | Err(WordError::NotBusy) => {}
                Err(e) => return Err(e),
            }
        }
        let Some(mut open) = self.open().take() else { return Err(WordError::AlreadyClosed) };
        let waker = Waker::from(self.waiting.clone());
        let end = Instant::now() + Self::PATIENCE;
        let result = loop {
            match open.lines.poll_close(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => break result,
                Poll::Pending if Instant::now() >= end => {
                    break Err(Error::new(ErrorKind::Timeout).into());
                }
                Poll::Pending => open.sleep(Some(end))?,
            }
        };
        open.end();
        result
    }

    /// Sets the most bytes of a line or of all, as [`Lines::set_limit`].
    ///
    /// # Errors
    ///
    /// [`WordError::Busy`], [`WordError::Closed`].
    pub fn set_limit(&self, bytes: usize) -> Result<(), WordError> {
        self.at_once(|lines| lines.set_limit(bytes))
    }

    /// How many bytes are there already.
    ///
    /// # Errors
    ///
    /// [`WordError::Busy`], [`WordError::Closed`].
    pub fn buffered(&self) -> Result<usize, WordError> {
        self.at_once(Lines::buffered)
    }

    /// What the handshake settled, once it is done.
    ///
    /// # Errors
    ///
    /// [`WordError::Busy`], [`WordError::Closed`].
    pub fn negotiated(&self) -> Result<Option<Negotiated>, WordError> {
        self.at_once(|lines| lines.stream().negotiated())
    }

    fn at_once<R>(
        &self,
        step: impl FnOnce(&mut Lines<NonBlocking<mio::net::TcpStream>>) -> R,
    ) -> Result<R, WordError> {
        let _place = self.waiting.begin()?;
        let mut open = self.open();
        Ok(step(&mut open.as_mut().ok_or(WordError::Closed)?.lines))
    }

    /// Repeats `step` until it is ready, or somebody interrupts.
    fn wait<R>(
        &self,
        mut step: impl FnMut(
            &mut Lines<NonBlocking<mio::net::TcpStream>>,
            &mut Context<'_>,
        ) -> Poll<Result<R, WordError>>,
    ) -> Result<R, WordError> {
        let _place = self.waiting.begin()?;
        let mut open = self.open();
        let open = open.as_mut().ok_or(WordError::Closed)?;
        let waker = Waker::from(self.waiting.clone());
        loop {
            match step(&mut open.lines, &mut Context::from_waker(&waker)) {
                Poll::Ready(result) => return result,
                Poll::Pending if self.waiting.state().interrupted => {
                    return Err(WordError::Interrupted { written: 0 });
                }
                Poll::Pending => open.sleep(None)?,
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LineStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineStream").field("state", &*self.waiting.state()).finish_non_exhaustive()
    }
}

impl Open {
    /// Ends the socket so that what was sent still arrives. A socket with something unread in it is reset
    /// when it is closed, and a server's tickets are nothing that anybody reads.
    fn end(&mut self) {
        let socket = &mut self.lines.stream_mut().transport_mut().0;
        // Whatever fails here, the socket is as good as closed.
        let _ = socket.shutdown(Shutdown::Write);
        let mut unread = [0; 4096];
        for _ in 0..256 {
            match socket.read(&mut unread) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Sleeps until the socket has news, somebody interrupts, or it is `end`.
    fn sleep(&mut self, end: Option<Instant>) -> io::Result<()> {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        match self.poll.poll(&mut self.events, left) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }
}

const SOCKET: Token = Token(0);
const OTHERS: Token = Token(1);

/// The most that [`LineStream::available`] gives.
const MOST: usize = 64 << 10;
