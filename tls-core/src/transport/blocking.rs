//! Sockets that wait.

use std::fs::File;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use super::{SocketTimeouts, StdTransport, Transport};
use crate::{
    Descriptor, Direction, KernelCipher, KernelTransport, ReceiveError, TrafficKeys, Version,
};

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

    fn limit_read(&self) -> io::Result<()> {
        self.left()?.map_or(Ok(()), |left| self.socket.set_read_timeout(Some(left)))
    }

    fn limit_write(&self) -> io::Result<()> {
        self.left()?.map_or(Ok(()), |left| self.socket.set_write_timeout(Some(left)))
    }

    fn descriptor(&self) -> io::Result<Descriptor<'_>> {
        self.socket.descriptor().ok_or_else(|| io::ErrorKind::Unsupported.into())
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
            self.limit_read()?;
            self.socket.read(buf)
        })
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        wait(|| {
            self.limit_write()?;
            self.socket.write_vectored(bufs)
        })
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        wait(|| self.socket.flush())
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.socket.shutdown_write())
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        self.socket.descriptor()?;
        Some(self)
    }
}

impl<S: SocketTimeouts> KernelTransport for Blocking<S> {
    fn knows(&self, version: Version, cipher: KernelCipher) -> Result<bool, io::ErrorKind> {
        self.descriptor().map_err(|e| e.kind())?.knows(version, cipher)
    }

    fn rekeys(&self) -> bool {
        self.descriptor().is_ok_and(Descriptor::rekeys)
    }

    fn attach(&mut self) -> io::Result<()> {
        self.descriptor()?.attach()
    }

    fn set_keys(
        &mut self,
        direction: Direction,
        version: Version,
        cipher: KernelCipher,
        keys: &TrafficKeys,
    ) -> io::Result<()> {
        self.descriptor()?.set_keys(direction, version, cipher, keys)
    }

    fn poll_send_record(
        &mut self,
        _: &mut Context<'_>,
        kind: u8,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        wait(|| {
            self.limit_write()?;
            self.descriptor()?.send_record(kind, payload)
        })
    }

    fn poll_receive_record(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(Option<u8>, usize), ReceiveError>> {
        let received = wait(|| {
            self.limit_read()?;
            self.descriptor()?.receive_record(buf)
        });
        received.map_err(Into::into)
    }

    fn poll_send_file(
        &mut self,
        _: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: u64,
    ) -> Poll<io::Result<u64>> {
        wait(|| {
            self.limit_write()?;
            self.descriptor()?.send_file(file, offset, len)
        })
    }
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
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
