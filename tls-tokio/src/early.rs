//! Early data, which comes before the handshake is done.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::TlsStream;

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    /// On a server whose configuration takes early data: reads it, and moves the handshake on as far as
    /// that needs. `0` means that there is no more, and that the handshake is done, unless `buf` is empty.
    ///
    /// **Whoever has recorded it can send it again** ([`ReplayableEarlyData`]). Therefore reading in the
    /// usual way never gives it, and is an error as long as there is some. A stream that was
    /// [accepted](crate::TlsAcceptor::accept) has all of it; one that has
    /// [begun](crate::TlsAcceptor::begin) gives it as it comes.
    ///
    /// Dropped before it is ready, it has taken nothing.
    ///
    /// # Errors
    ///
    /// As [`tls_core::Connection::read_early`].
    ///
    /// [`ReplayableEarlyData`]: tls_core::danger::ReplayableEarlyData
    pub async fn read_early(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read_early(cx, buf)).await
    }

    /// The same, for who polls by hand.
    ///
    /// # Errors
    ///
    /// As [`read_early`](Self::read_early).
    pub fn poll_read_early(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read_early(cx, buf).map_err(Into::into)
    }
}

impl<IO> TlsStream<IO> {
    /// On a client that has [begun](crate::TlsConnector::begin), before the handshake: takes early data, and
    /// says how much of `buf`. It goes out with the handshake, and the rest has to wait for its end, where
    /// [`Negotiated::early_data`](tls_core::Negotiated::early_data) says what became of it: of what was
    /// rejected nothing has come, and nobody has sent it again.
    ///
    /// # Errors
    ///
    /// As [`tls_core::Connection::write_early`].
    pub fn write_early(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(self.0.write_early(buf)?)
    }
}
