//! The listener for `axum::serve`.

use std::io;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tls_tokio::TlsStream;

use crate::{Accept, TlsInfo, TlsListener};

impl<L: Accept> Listener for TlsListener<L> {
    type Io = TlsStream<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        Self::accept(self).await
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Self::local_addr(self)
    }
}

impl<L: Accept> Connected<IncomingStream<'_, TlsListener<L>>> for TlsInfo<L::Addr> {
    fn connect_info(stream: IncomingStream<'_, TlsListener<L>>) -> Self {
        let negotiated = stream.io().negotiated().unwrap_or_default();
        Self::new(stream.remote_addr().clone(), negotiated)
    }
}
