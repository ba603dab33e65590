//! This crate's streams, as the suite's promises use them.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use polytls::{Alert, Client, ClientHello, Parts, Server};
use tls_conformance::adapter::{Adapter, Chaos};
use tls_futures::{TlsAcceptor, TlsConnector, TlsIncoming, TlsStream};

/// The suite's transport, with the traits of futures-io.
#[derive(Debug)]
pub(crate) struct Io(Chaos);

impl From<Chaos> for Io {
    fn from(chaos: Chaos) -> Self {
        Self(chaos)
    }
}

impl From<Io> for Chaos {
    fn from(io: Io) -> Self {
        io.0
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buf)
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, &[IoSlice::new(buf)])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

/// futures-io.
pub(crate) struct Futures;

impl Adapter for Futures {
    const NAME: &'static str = "futures";
    type Transport = Io;
    type Stream = TlsStream<Io>;
    type Incoming = TlsIncoming<Io>;

    fn connect(
        client: &Client,
        name: &str,
        io: Io,
    ) -> impl Future<Output = io::Result<TlsStream<Io>>> + 'static {
        TlsConnector::from(client.clone()).connect(name, io)
    }

    fn accept(
        server: &Server,
        io: Io,
    ) -> impl Future<Output = io::Result<TlsStream<Io>>> + 'static {
        TlsAcceptor::from(server.clone()).accept(io)
    }

    fn begin_client(client: &Client, name: &str, io: Io) -> io::Result<TlsStream<Io>> {
        TlsConnector::from(client.clone()).begin(name, io)
    }

    fn begin_server(server: &Server, io: Io) -> io::Result<TlsStream<Io>> {
        TlsAcceptor::from(server.clone()).begin(io)
    }

    fn incoming(io: Io) -> TlsIncoming<Io> {
        TlsIncoming::new(io)
    }

    fn hello(incoming: &mut TlsIncoming<Io>) -> impl Future<Output = io::Result<ClientHello>> {
        incoming.hello()
    }

    fn choose(
        incoming: TlsIncoming<Io>,
        server: &Server,
    ) -> impl Future<Output = io::Result<TlsStream<Io>>> + 'static {
        incoming.accept(server)
    }

    fn refuse(
        incoming: TlsIncoming<Io>,
        alert: Alert,
    ) -> impl Future<Output = io::Result<()>> + 'static {
        incoming.refuse(alert)
    }

    fn not_tls(incoming: TlsIncoming<Io>) -> Parts<Io> {
        incoming.into_inner()
    }

    fn handshake(stream: &mut TlsStream<Io>) -> impl Future<Output = io::Result<()>> {
        stream.handshake()
    }

    fn close_notify(stream: &mut TlsStream<Io>) -> impl Future<Output = io::Result<()>> {
        stream.close_notify()
    }

    fn into_inner(stream: TlsStream<Io>) -> Parts<Io> {
        stream.into_inner()
    }

    fn write_early(stream: &mut TlsStream<Io>, buf: &[u8]) -> io::Result<usize> {
        stream.write_early(buf)
    }

    fn read_early(
        stream: &mut TlsStream<Io>,
        buf: &mut [u8],
    ) -> impl Future<Output = io::Result<usize>> {
        stream.read_early(buf)
    }

    fn poll_read(
        stream: &mut TlsStream<Io>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_read(cx, buf)
    }

    fn poll_write(
        stream: &mut TlsStream<Io>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match bufs {
            [buf] => Pin::new(stream).poll_write(cx, buf),
            _ => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn poll_flush(stream: &mut TlsStream<Io>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_flush(cx)
    }

    fn poll_shutdown(stream: &mut TlsStream<Io>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_close(cx)
    }
}
