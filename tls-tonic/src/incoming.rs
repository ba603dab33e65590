//! The server's side.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tls_hyper::{Accept, TlsInfo, TlsListener};
use tls_tokio::TlsStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tonic::transport::server::Connected;

/// The connections of a tonic server, over TLS: what `serve_with_incoming` takes.
///
/// It is a [`TlsListener`]: handshakes are concurrent, limited in time and in number, and one that fails
/// is reported to the listener's hook and ends nothing. So it never ends either.
#[derive(Debug)]
pub struct TlsIncoming<L: Accept = TcpListener>(TlsListener<L>);

impl<L: Accept> TlsIncoming<L> {
    /// The connections that `listener` accepts.
    pub fn new(listener: TlsListener<L>) -> Self {
        Self(listener)
    }

    /// The listener.
    pub fn get_ref(&self) -> &TlsListener<L> {
        &self.0
    }
}

impl<L: Accept> From<TlsListener<L>> for TlsIncoming<L> {
    fn from(listener: TlsListener<L>) -> Self {
        Self::new(listener)
    }
}

// Nothing in it is pinned.
impl<L: Accept> Unpin for TlsIncoming<L> {}

impl<L: Accept> Stream for TlsIncoming<L> {
    type Item = Result<ServerStream<L::Io, L::Addr>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_accept(cx).map(|(stream, peer)| Some(Ok(ServerStream::new(stream, peer))))
    }
}

/// A connection of a client's to a tonic server.
///
/// Requests have a [`TlsInfo`] in their extensions: the client's address, and what the handshake settled,
/// with the client's certificates if it was asked for them.
#[derive(Debug)]
pub struct ServerStream<IO, A> {
    stream: TlsStream<IO>,
    info: TlsInfo<A>,
}

impl<IO, A> ServerStream<IO, A> {
    /// A connection of somebody at `peer`, with the handshake done.
    pub fn new(stream: TlsStream<IO>, peer: A) -> Self {
        let info = TlsInfo::new(peer, stream.negotiated().unwrap_or_default());
        Self { stream, info }
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &TlsStream<IO> {
        &self.stream
    }

    /// Who is at the other end, and what the handshake settled.
    pub fn info(&self) -> &TlsInfo<A> {
        &self.info
    }
}

impl<IO, A: Clone + Send + Sync + 'static> Connected for ServerStream<IO, A> {
    type ConnectInfo = TlsInfo<A>;

    fn connect_info(&self) -> TlsInfo<A> {
        self.info.clone()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, A: Unpin> AsyncRead for ServerStream<IO, A> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, A: Unpin> AsyncWrite for ServerStream<IO, A> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
