//! The byte streams that TLS runs over.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use crate::KernelTransport;

/// A byte stream in both directions, that can be polled.
///
/// The contract is that of the poll functions of the async world: `Pending` means that the waker
/// in `cx` will be woken, or, for transports that the program itself polls for readiness (mio,
/// poll(2)), that it has to wait for that.
pub trait Transport {
    /// Reads some bytes; `0` is the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes some bytes out of `bufs`, in order.
    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>])
    -> Poll<io::Result<usize>>;

    /// Waits until written bytes are on their way.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing direction.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The kernel's side of it, where there is one: a socket that can have its records encrypted and
    /// decrypted by the kernel.
    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        None
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (**self).poll_write(cx, bufs)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown(cx)
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        (**self).kernel()
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (**self).poll_write(cx, bufs)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown(cx)
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        (**self).kernel()
    }
}

/// A socket of `std` that has two directions and timeouts.
///
/// Implemented for [`TcpStream`], for Unix domain sockets, and for references to both.
pub trait SocketTimeouts: Read + Write {
    /// Limits how long one read may take; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Limits how long one write may take; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Ends the writing direction.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    fn shutdown_write(&self) -> io::Result<()>;
}

macro_rules! socket_timeouts {
    ($($(#[$attribute:meta])* $socket:ty;)*) => {$(
        $(#[$attribute])*
        impl SocketTimeouts for $socket {
            fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
                (*self).set_read_timeout(limit)
            }

            fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
                (*self).set_write_timeout(limit)
            }

            fn shutdown_write(&self) -> io::Result<()> {
                match self.shutdown(Shutdown::Write) {
                    // The peer has reset it: the direction has ended already.
                    Err(e) if e.kind() == io::ErrorKind::NotConnected => Ok(()),
                    result => result,
                }
            }
        }
    )*};
}

socket_timeouts! {
    TcpStream;
    &TcpStream;
    #[cfg(unix)]
    std::os::unix::net::UnixStream;
    #[cfg(unix)]
    &std::os::unix::net::UnixStream;
}

/// A [`Transport`] over a blocking socket: calls wait, and are never pending.
///
/// With a [deadline](Self::set_deadline), a call that would wait longer fails with
/// [`io::ErrorKind::TimedOut`], and so does one that a timeout of the socket's own ends.
#[derive(Debug)]
pub struct Blocking<S> {
    socket: S,
    deadline: Option<Instant>,
}

impl<S: SocketTimeouts> Blocking<S> {
    /// Takes `socket`, which is in blocking mode.
    pub fn new(socket: S) -> Self {
        Self { socket, deadline: None }
    }

    /// Sets the instant at which calls stop waiting, or `None` to let them wait for ever.
    ///
    /// The deadline is one for all calls together, unlike a timeout of the socket, which a peer
    /// that sends one byte at a time never meets. It takes the socket's own timeouts over; those
    /// are off once it is set to `None`.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        if self.deadline.is_some() && deadline.is_none() {
            self.socket.set_read_timeout(None)?;
            self.socket.set_write_timeout(None)?;
        }
        self.deadline = deadline;
        Ok(())
    }

    /// The socket.
    pub fn get_ref(&self) -> &S {
        &self.socket
    }

    /// Gives the socket back.
    pub fn into_inner(self) -> S {
        self.socket
    }

    /// The time left, if there is a deadline.
    fn left(&self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// Waits through interruptions by signals; a timeout of the socket is a timeout, not "would block".
fn wait<T>(mut call: impl FnMut() -> io::Result<T>) -> Poll<io::Result<T>> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            result => return Poll::Ready(result),
        }
    }
}

impl<S: SocketTimeouts> Transport for Blocking<S> {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        wait(|| {
            if let Some(left) = self.left()? {
                self.socket.set_read_timeout(Some(left))?;
            }
            self.socket.read(buf)
        })
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        wait(|| {
            if let Some(left) = self.left()? {
                self.socket.set_write_timeout(Some(left))?;
            }
            self.socket.write_vectored(bufs)
        })
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        wait(|| self.socket.flush())
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.shutdown_write())
    }
}

/// A [`Transport`] over a non-blocking [`Read`] and [`Write`]: "would block" is pending.
///
/// No waker is stored. The program waits for readiness in its own way (mio, poll(2), a loop), and
/// [`Stream::wants_write`](crate::Stream::wants_write) tells it for which.
#[derive(Debug)]
pub struct NonBlocking<S>(pub S);

fn pending_if_would_block<T>(mut call: impl FnMut() -> io::Result<T>) -> Poll<io::Result<T>> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            result => return Poll::Ready(result),
        }
    }
}

impl<S: Read + Write> Transport for NonBlocking<S> {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        pending_if_would_block(|| self.0.read(buf))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        pending_if_would_block(|| self.0.write_vectored(bufs))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        pending_if_would_block(|| self.0.flush())
    }

    /// Flushes only: [`Write`] knows no shutdown. Shut the socket down through
    /// [`Stream::transport`](crate::Stream::transport), or drop it.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

/// The two transports of `std`, over which a [`Stream`](crate::Stream) is [`Read`] and [`Write`].
pub trait StdTransport: Transport + sealed::Sealed {
    /// Waits until another thread unparks this one, up to the deadline if there is one; `false` at once
    /// from a transport that never waits.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] at the deadline.
    fn park(&self) -> io::Result<bool>;
}

impl<S: SocketTimeouts> StdTransport for Blocking<S> {
    fn park(&self) -> io::Result<bool> {
        match self.left()? {
            Some(left) => thread::park_timeout(left),
            None => thread::park(),
        }
        Ok(true)
    }
}

impl<S: Read + Write> StdTransport for NonBlocking<S> {
    fn park(&self) -> io::Result<bool> {
        Ok(false)
    }
}

mod sealed {
    /// Nobody else implements [`StdTransport`](super::StdTransport).
    pub trait Sealed {}

    impl<S> Sealed for super::Blocking<S> {}
    impl<S> Sealed for super::NonBlocking<S> {}
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// A socket whose every call a signal interrupts.
    struct Interrupted;

    impl Read for Interrupted {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            thread::sleep(Duration::from_millis(1));
            Err(io::ErrorKind::Interrupted.into())
        }
    }

    impl Write for Interrupted {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.read(&mut [])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl SocketTimeouts for Interrupted {
        fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn shutdown_write(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn signals_do_not_put_a_deadline_off() {
        let mut transport = Blocking::new(Interrupted);
        let mut cx = Context::from_waker(Waker::noop());
        transport.set_deadline(Some(Instant::now() + Duration::from_millis(20))).unwrap();
        for polled in [
            transport.poll_read(&mut cx, &mut [0]),
            transport.poll_write(&mut cx, &[IoSlice::new(b"x")]),
        ] {
            let Poll::Ready(Err(e)) = polled else { panic!("{polled:?}") };
            assert_eq!(e.kind(), io::ErrorKind::TimedOut);
        }
    }
}
