//! Streams over sockets of `std`.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use super::Stream;
use crate::{Blocking, Result, SocketTimeouts, StdTransport};

impl<T: StdTransport> Stream<T> {
    /// Finishes the handshake.
    ///
    /// # Errors
    ///
    /// Whatever ends the handshake, as an [`Error`](crate::Error) inside; [`io::ErrorKind::WouldBlock`] if
    /// a non-blocking transport is not ready.
    pub fn handshake(&mut self) -> io::Result<()> {
        self.now(Self::poll_handshake)
    }

    /// On a server: reads early data, as [`Connection::read_early`](crate::Connection::read_early); `0`
    /// means that there is no more, and that the handshake is done, unless `buf` is empty.
    ///
    /// # Errors
    ///
    /// As there, as an [`Error`](crate::Error) inside; [`io::ErrorKind::WouldBlock`] if a non-blocking
    /// transport is not ready.
    pub fn read_early(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_read_early(cx, buf))
    }

    /// Takes new keys for what this side sends, and asks the peer to do the same, as
    /// [`Connection::update_keys`](crate::Connection::update_keys).
    ///
    /// # Errors
    ///
    /// As there, as an [`Error`](crate::Error) inside; [`io::ErrorKind::WouldBlock`] if a non-blocking
    /// transport is not ready.
    pub fn update_keys(&mut self) -> io::Result<()> {
        self.now(Self::poll_update_keys)
    }

    /// Sends close_notify: the end of what this side sends. Reading stays possible.
    ///
    /// # Errors
    ///
    /// An [`Error`](crate::Error) inside; [`io::ErrorKind::WouldBlock`] if a non-blocking transport is not
    /// ready.
    pub fn close_notify(&mut self) -> io::Result<()> {
        self.now(Self::poll_close_notify)
    }

    /// Sends close_notify and ends the transport's writing direction.
    ///
    /// # Errors
    ///
    /// An [`Error`](crate::Error) inside; [`io::ErrorKind::WouldBlock`] if a non-blocking transport is not
    /// ready.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.now(Self::poll_shutdown)
    }

    pub(crate) fn now<R>(
        &mut self,
        mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<Result<R>>,
    ) -> io::Result<R> {
        if let Poll::Ready(result) = poll(self, &mut Context::from_waker(Waker::noop())) {
            return Ok(result?);
        }
        // A transport that waits by itself is only pending for the sake of a signature.
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Poll::Ready(result) = poll(self, &mut Context::from_waker(&waker)) {
                return Ok(result?);
            }
            if !self.transport.park()? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }
}

impl<S: SocketTimeouts> Stream<Blocking<S>> {
    /// Finishes the handshake, or gives up at `deadline`, however slowly the peer trickles bytes.
    ///
    /// Afterwards calls wait for ever again; the socket's own timeouts are off.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) inside at the
    /// deadline; whatever else ends the handshake.
    pub fn handshake_until(&mut self, deadline: Instant) -> io::Result<()> {
        self.transport.set_deadline(Some(deadline))?;
        let result = self.handshake();
        // Some systems fail here once the peer has gone, which `result` says better.
        let restored = self.transport.set_deadline(None);
        result.and(restored)
    }
}

impl<T: StdTransport> Read for Stream<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_read(cx, buf))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_read_vectored(cx, bufs))
    }
}

impl<T: StdTransport> Write for Stream<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_write(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.now(Self::poll_flush)
    }
}

/// Wakes a thread that has parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
