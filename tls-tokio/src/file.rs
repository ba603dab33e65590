//! Files.

use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::TlsStream;

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    /// Sends some of a file, from `offset` on and at most `len` bytes, and says how much was taken, in order
    /// with what is written before and after. `0` is for a `len` of 0 only. Call it again for the rest, and
    /// flush at the end, as with `write`.
    ///
    /// What can be sent, and what becomes of a file that changes meanwhile, is said at
    /// [`Connection::sendfile`](tls_core::Connection::sendfile). Files are read as the system reads them,
    /// which may wait for a disk.
    ///
    /// Dropped before it is ready, it has taken nothing.
    ///
    /// # Errors
    ///
    /// As there, once nothing more could be taken before it.
    pub async fn sendfile(&mut self, file: &File, offset: u64, len: u64) -> io::Result<u64> {
        poll_fn(|cx| self.poll_sendfile(cx, file, offset, len)).await
    }

    /// The same, for who polls by hand.
    ///
    /// # Errors
    ///
    /// As [`sendfile`](Self::sendfile).
    pub fn poll_sendfile(
        &mut self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: u64,
    ) -> Poll<io::Result<u64>> {
        self.0.poll_sendfile(cx, file, offset, len).map_err(Into::into)
    }
}
