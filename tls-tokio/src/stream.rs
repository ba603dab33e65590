//! A TLS connection as tokio reads and writes it.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tls_core::{Negotiated, Parts, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::Io;

/// A TLS connection over a transport of tokio's.
///
/// Made by [`TlsConnector`](crate::TlsConnector) and [`TlsAcceptor`](crate::TlsAcceptor). It is `Send`,
/// `Sync`, `Unpin` and `Debug` where `IO` is. Errors are [`io::Error`]s with a [`tls_core::Error`]
/// inside; their kinds are those that it maps to.
///
/// Nothing is lost when a future of this stream's is dropped before it is ready: what has been read or
/// taken to be written stays so, and the next call goes on. What tokio says of the cancellation of its
/// own helpers holds: `read` and `write` take nothing if they did not end, `read_exact` and `write_all`
/// do not say how far they came.
///
/// `tokio::io::split` gives the two directions to two tasks.
///
/// Dropping it sends nothing: the peer sees a truncated connection. See [the three ways to
/// stop](crate#closing).
#[derive(Debug)]
pub struct TlsStream<IO>(pub(crate) Stream<Io<IO>>);

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    /// Finishes the handshake, for streams that have [begun](crate::TlsAcceptor::begin) without it.
    ///
    /// Reading and writing do so too. Dropped before it is ready, it can be called again.
    ///
    /// # Errors
    ///
    /// Whatever ends the handshake. An alert has been sent as far as the transport took it at once;
    /// [shutting down](AsyncWrite::poll_shutdown) waits for the rest of it.
    pub async fn handshake(&mut self) -> io::Result<()> {
        Ok(poll_fn(|cx| self.0.poll_handshake(cx)).await?)
    }

    /// Sends close_notify, and leaves the transport as it is: the end of what this side sends. Reading
    /// stays possible.
    ///
    /// Dropped before it is ready, it can be called again; further calls do nothing.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] before the handshake is done; whatever ends the connection.
    pub async fn close_notify(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_close_notify(cx)).await
    }

    /// The same, for who polls by hand.
    ///
    /// # Errors
    ///
    /// As [`close_notify`](Self::close_notify).
    pub fn poll_close_notify(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_close_notify(cx).map_err(Into::into)
    }
}

impl<IO> TlsStream<IO> {
    /// What the handshake settled, once it is done.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.0.negotiated()
    }

    /// Whether the handshake is done.
    pub fn is_established(&self) -> bool {
        self.0.is_established()
    }

    /// Whether the peer's data ended with close_notify, and all of it has been read.
    pub fn close_received(&self) -> bool {
        self.0.close_received()
    }

    /// Whether the peer's data ended without close_notify, and the configuration
    /// [tolerates](tls_core::EndOfStream) that.
    pub fn ended_without_close(&self) -> bool {
        self.0.ended_without_close()
    }

    /// The transport.
    pub fn get_ref(&self) -> &IO {
        &self.0.transport().inner
    }

    /// The transport, to change its settings. Its bytes belong to the connection.
    pub fn get_mut(&mut self) -> &mut IO {
        &mut self.0.transport_mut().inner
    }

    /// Gives the transport back, with what was read from it and not consumed. Nothing is sent.
    ///
    /// Once the peer's close_notify has been read, what is [unread](Parts::unread) is the beginning of
    /// what follows in clear.
    pub fn into_inner(self) -> Parts<IO> {
        let Parts { transport, unread } = self.0.into_transport();
        Parts { transport: transport.inner, unread }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Memory that was never written to is cleared first, so not more of it than a record fills.
        let initialized = buf.initialized().len() - buf.filled().len();
        let room = buf.remaining().min(initialized.max(RECORD));
        let n = ready!(self.0.poll_read(cx, buf.initialize_unfilled_to(room)))?;
        buf.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, buf).map_err(Into::into)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_vectored(cx, bufs).map_err(Into::into)
    }

    /// Small pieces are gathered into one record.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx).map_err(Into::into)
    }

    /// Sends close_notify and shuts the transport's writing direction down. Before the handshake is
    /// done there is nothing to close: what is pending is sent, and the transport is shut down.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx).map_err(Into::into)
    }
}

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD: usize = 16_384;
