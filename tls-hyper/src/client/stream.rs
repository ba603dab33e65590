//! A connection with TLS or without.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tls_core::Negotiated;
use tls_tokio::TlsStream;

/// A connection of a client's: with TLS to `https`, without to `http`.
#[derive(Debug)]
pub enum MaybeHttps<T> {
    /// The bare transport.
    Http(T),
    /// TLS over the transport, with the handshake done.
    Https(Box<TokioIo<TlsStream<TokioIo<T>>>>),
}

impl<T> MaybeHttps<T> {
    /// What the handshake settled; `None` without TLS.
    pub fn negotiated(&self) -> Option<Negotiated> {
        match self {
            Self::Http(_) => None,
            Self::Https(stream) => stream.inner().negotiated(),
        }
    }

    /// The transport underneath.
    pub fn get_ref(&self) -> &T {
        match self {
            Self::Http(transport) => transport,
            Self::Https(stream) => stream.inner().get_ref().inner(),
        }
    }
}

/// Says what the transport says, and with TLS which HTTP was agreed on; an [`Arc<Negotiated>`](Negotiated)
/// goes into the extensions of every response.
impl<T: Connection> Connection for MaybeHttps<T> {
    fn connected(&self) -> Connected {
        let transport = self.get_ref().connected();
        let Some(negotiated) = self.negotiated() else { return transport };
        let is_h2 = negotiated.alpn.as_deref() == Some(H2);
        let connected = match transport.is_negotiated_h2() {
            // What was agreed on below TLS says nothing of what is spoken in it.
            true => Connected::new(),
            false => transport,
        };
        // In TLS one speaks to the server itself, and not to a proxy.
        let connected = connected.proxy(false).extra(Arc::new(negotiated));
        if is_h2 { connected.negotiated_h2() } else { connected }
    }
}

impl<T: Read + Write + Unpin> Read for MaybeHttps<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Http(io) => Pin::new(io).poll_read(cx, buf),
            Self::Https(io) => Pin::new(&mut **io).poll_read(cx, buf),
        }
    }
}

impl<T: Read + Write + Unpin> Write for MaybeHttps<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Http(io) => Pin::new(io).poll_write(cx, buf),
            Self::Https(io) => Pin::new(&mut **io).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Http(io) => Pin::new(io).poll_write_vectored(cx, bufs),
            Self::Https(io) => Pin::new(&mut **io).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Http(io) => io.is_write_vectored(),
            Self::Https(io) => io.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Http(io) => Pin::new(io).poll_flush(cx),
            Self::Https(io) => Pin::new(&mut **io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Http(io) => Pin::new(io).poll_shutdown(cx),
            Self::Https(io) => Pin::new(&mut **io).poll_shutdown(cx),
        }
    }
}

/// HTTP/2 over TLS (RFC 9113 §3.2).
const H2: &[u8] = b"h2";
