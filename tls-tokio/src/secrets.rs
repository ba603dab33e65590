//! What a stream's secrets are good for beside its records.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tls_core::{ChannelBinding, Result};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::TlsStream;

impl<IO> TlsStream<IO> {
    /// Derives keying material for a protocol above: bytes that both sides can compute, and nobody else
    /// (RFC 5705, RFC 8446 §7.5). As [`Connection::export_keying_material`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// [`Connection::export_keying_material`]: tls_core::Connection::export_keying_material
    pub fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        self.0.export_keying_material(out, label, context)
    }

    /// What ties an authentication inside of this connection to it: equal on both sides. As
    /// [`Connection::channel_binding`](tls_core::Connection::channel_binding).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn channel_binding(&self, kind: ChannelBinding) -> Result<Vec<u8>> {
        self.0.channel_binding(kind)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    /// Takes new keys for what this side sends, and asks the peer to do the same, at the latest with the
    /// next write. As [`Connection::update_keys`](tls_core::Connection::update_keys).
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn update_keys(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_update_keys(cx)).await
    }

    /// The same, for who polls by hand.
    ///
    /// # Errors
    ///
    /// As [`update_keys`](Self::update_keys).
    pub fn poll_update_keys(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_update_keys(cx).map_err(Into::into)
    }
}
