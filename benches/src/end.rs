//! One side of a connection, whatever library and wrapper it is: what the scenarios drive.

use std::future::Future;
use std::io::{self, IoSlice, Read, Write};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use polytls::{Stream, Transport};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One side of a connection. Calls never wait.
pub(crate) trait End {
    fn handshake(&mut self) -> Poll<io::Result<()>>;
    fn read(&mut self, buf: &mut [u8]) -> Poll<io::Result<usize>>;
    fn write(&mut self, buf: &[u8]) -> Poll<io::Result<usize>>;
    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;
    fn flush(&mut self) -> Poll<io::Result<()>>;
    /// Sends close_notify: without it a library may not resume the session.
    fn close(&mut self);
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// "Would block" is pending.
pub(crate) fn polled<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// A stream of polytls.
impl<T: Transport> End for Stream<T> {
    fn handshake(&mut self) -> Poll<io::Result<()>> {
        self.poll_handshake(&mut cx()).map_err(Into::into)
    }

    fn read(&mut self, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read(&mut cx(), buf).map_err(Into::into)
    }

    fn write(&mut self, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write(&mut cx(), buf).map_err(Into::into)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(&mut cx(), bufs).map_err(Into::into)
    }

    fn flush(&mut self) -> Poll<io::Result<()>> {
        self.poll_flush(&mut cx()).map_err(Into::into)
    }

    fn close(&mut self) {
        let _ = self.poll_close_notify(&mut cx());
    }
}

/// A blocking stream over what never blocks, and how it begins.
pub(crate) trait Blocking {
    fn handshake(&mut self) -> io::Result<()>;
    fn close(&mut self);
    fn stream(&mut self) -> &mut dyn ReadWrite;
}

pub(crate) trait ReadWrite: Read + Write {}
impl<S: Read + Write> ReadWrite for S {}

/// A [`Blocking`] stream as an end.
pub(crate) struct Sync<B>(pub(crate) B);

impl<B: Blocking> End for Sync<B> {
    fn handshake(&mut self) -> Poll<io::Result<()>> {
        polled(self.0.handshake())
    }

    fn read(&mut self, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        polled(self.0.stream().read(buf))
    }

    fn write(&mut self, buf: &[u8]) -> Poll<io::Result<usize>> {
        polled(self.0.stream().write(buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        polled(self.0.stream().write_vectored(bufs))
    }

    fn flush(&mut self) -> Poll<io::Result<()>> {
        polled(self.0.stream().flush())
    }

    fn close(&mut self) {
        self.0.close();
    }
}

/// A stream of tokio's, or the future that gives one.
pub(crate) enum Async<S> {
    Begun(Pin<Box<dyn Future<Output = io::Result<S>>>>),
    Ready(S),
}

impl<S> Async<S> {
    /// A stream that `handshake` gives.
    pub(crate) fn new(handshake: impl Future<Output = io::Result<S>> + 'static) -> Self {
        Self::Begun(Box::pin(handshake))
    }

    fn stream(&mut self) -> io::Result<&mut S> {
        match self {
            Self::Begun(_) => Err(io::Error::other("the handshake is not done")),
            Self::Ready(stream) => Ok(stream),
        }
    }

    fn call<T>(
        &mut self,
        call: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>>
    where
        S: Unpin,
    {
        call(Pin::new(self.stream()?), &mut cx())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> End for Async<S> {
    fn handshake(&mut self) -> Poll<io::Result<()>> {
        let Self::Begun(future) = self else { return Poll::Ready(Ok(())) };
        match future.as_mut().poll(&mut cx()) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(stream) => {
                *self = Self::Ready(stream?);
                Poll::Ready(Ok(()))
            }
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.call(|stream, cx| {
            let mut buf = ReadBuf::new(buf);
            stream.poll_read(cx, &mut buf).map_ok(|()| buf.filled().len())
        })
    }

    fn write(&mut self, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.call(|stream, cx| stream.poll_write(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.call(|stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn flush(&mut self) -> Poll<io::Result<()>> {
        self.call(|stream, cx| stream.poll_flush(cx))
    }

    fn close(&mut self) {
        let _ = self.call(|stream, cx| stream.poll_shutdown(cx));
    }
}

/// A stream of `tls-tokio`, which does not need to be given by a future.
pub(crate) struct Tokio<S>(pub(crate) tls_tokio::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> End for Tokio<S> {
    fn handshake(&mut self) -> Poll<io::Result<()>> {
        pin!(self.0.handshake()).poll(&mut cx())
    }

    fn read(&mut self, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        Pin::new(&mut self.0).poll_read(&mut cx(), &mut buf).map_ok(|()| buf.filled().len())
    }

    fn write(&mut self, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(&mut cx(), buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(&mut cx(), bufs)
    }

    fn flush(&mut self) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(&mut cx())
    }

    fn close(&mut self) {
        let _ = self.0.poll_close_notify(&mut cx());
    }
}
