//! Sockets that do not wait.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::task::{Context, Poll};

use super::{StdTransport, Transport};
use crate::{
    AsDescriptor, Descriptor, Direction, KernelCipher, KernelTransport, ReceiveError, TrafficKeys,
    Version,
};

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

impl<S: Read + Write> StdTransport for NonBlocking<S> {
    fn park(&self) -> io::Result<bool> {
        Ok(false)
    }
}

/// As [`NonBlocking`], over a socket whose records the kernel may encrypt and decrypt where a configuration
/// [says so](crate::KernelTls): one of `std`'s or mio's, or a reference to one.
#[derive(Debug)]
pub struct NonBlockingSocket<S>(pub S);

impl<S: Read + Write + AsDescriptor> NonBlockingSocket<S> {
    fn call<T>(
        &self,
        mut call: impl FnMut(Descriptor<'_>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        pending_if_would_block(|| call(self.descriptor()?))
    }

    fn descriptor(&self) -> io::Result<Descriptor<'_>> {
        self.0.as_descriptor().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

impl<S: Read + Write + AsDescriptor> Transport for NonBlockingSocket<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        NonBlocking(&mut self.0).poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        NonBlocking(&mut self.0).poll_write(cx, bufs)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        NonBlocking(&mut self.0).poll_flush(cx)
    }

    /// Flushes only, as that of [`NonBlocking`].
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        self.0.as_descriptor()?;
        Some(self)
    }
}

impl<S: Read + Write + AsDescriptor> StdTransport for NonBlockingSocket<S> {
    fn park(&self) -> io::Result<bool> {
        Ok(false)
    }
}

impl<S: Read + Write + AsDescriptor> KernelTransport for NonBlockingSocket<S> {
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
        self.call(|socket| socket.send_record(kind, payload))
    }

    fn poll_receive_record(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(Option<u8>, usize), ReceiveError>> {
        self.call(|socket| socket.receive_record(buf)).map_err(Into::into)
    }

    fn poll_send_file(
        &mut self,
        _: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: u64,
    ) -> Poll<io::Result<u64>> {
        self.call(|socket| socket.send_file(file, offset, len))
    }
}
