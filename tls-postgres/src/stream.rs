//! A TLS connection as tokio-postgres wants it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tls_core::ChannelBinding;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls;

/// A TLS connection to a server.
///
/// It is `Send`, `Sync`, `Unpin` and `Debug` where `S` is.
#[derive(Debug)]
pub struct TlsStream<S>(pub(crate) tls_tokio::TlsStream<S>);

impl<S> TlsStream<S> {
    /// The stream of `tls-tokio` inside, which knows what the handshake settled.
    pub fn get_ref(&self) -> &tls_tokio::TlsStream<S> {
        &self.0
    }

    /// Gives it back.
    pub fn into_inner(self) -> tls_tokio::TlsStream<S> {
        self.0
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> tls::TlsStream for TlsStream<S> {
    /// `tls-server-end-point` (RFC 5929 §4), the one that PostgreSQL knows.
    ///
    /// None for a certificate whose signature has no hash function of its own, such as Ed25519: it is not
    /// defined there, and PostgreSQL has none either. `channel_binding=require` then ends in an error.
    fn channel_binding(&self) -> tls::ChannelBinding {
        match self.0.channel_binding(ChannelBinding::TlsServerEndPoint) {
            Ok(hash) => tls::ChannelBinding::tls_server_end_point(hash),
            Err(_) => tls::ChannelBinding::none(),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
