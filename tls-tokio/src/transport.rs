//! Whatever tokio reads and writes, as the core wants it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tls_core::{KernelTransport, Transport};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A transport of tokio's.
#[derive(Debug)]
pub(crate) struct Io<IO> {
    pub(crate) inner: IO,
    /// Set once the kernel may see it.
    pub(crate) socket: Option<fn(&IO) -> &TcpStream>,
}

impl<IO> Io<IO> {
    pub(crate) fn new(inner: IO) -> Self {
        Self { inner, socket: None }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Transport for Io<IO> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        ready!(again(cx, |cx| Pin::new(&mut self.inner).poll_read(cx, &mut buf)))?;
        Poll::Ready(Ok(buf.filled().len()))
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        again(cx, |cx| Pin::new(&mut self.inner).poll_write_vectored(cx, bufs))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        again(cx, |cx| Pin::new(&mut self.inner).poll_flush(cx))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        again(cx, |cx| Pin::new(&mut self.inner).poll_shutdown(cx))
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        self.socket?;
        Some(self)
    }
}

/// An interruption is a reason to try again: later, so that a task whose transport is interrupted over
/// and over does not keep the others from running.
fn again<T>(
    cx: &mut Context<'_>,
    call: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>,
) -> Poll<io::Result<T>> {
    match call(cx) {
        Poll::Ready(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        other => other,
    }
}
