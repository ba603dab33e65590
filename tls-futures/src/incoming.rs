//! A client that is heard before anybody decides who serves it.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use tls_core::{Alert, ClientHello, IncomingStream, Parts, Server};

use crate::Handshake;
use crate::transport::Io;

/// The beginning of a connection to a server that is not chosen yet.
///
/// The client speaks first: [`hello`](Self::hello) reads its offer on any backend, the program takes its
/// time (it may ask a database), and [`accept`](Self::accept) goes on with the server of its choice.
///
/// ```
/// # use tls_futures::TlsIncoming;
/// # use polytls::{Alert, Server};
/// # async fn serve(tcp: smol::net::TcpStream, servers: std::collections::HashMap<String, Server>)
/// #     -> std::io::Result<()> {
/// let mut incoming = TlsIncoming::new(tcp);
/// let hello = incoming.hello().await?;
/// match hello.server_name.as_deref().and_then(|name| servers.get(name)) {
///     Some(server) => {
///         let mut stream = incoming.accept(server).await?;
///         // …
/// #       smol::io::AsyncWriteExt::close(&mut stream).await?;
///     }
///     None => incoming.refuse(Alert::UNRECOGNIZED_NAME).await?,
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TlsIncoming<IO>(IncomingStream<Io<IO>>);

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsIncoming<IO> {
    /// Waits for a client at the other end of `io`.
    pub fn new(io: IO) -> Self {
        Self(IncomingStream::new(Io(io)))
    }

    /// Reads what the client offers. It can be asked again, and dropped before it is ready: race
    /// it with a timer, since a silent client holds its connection for ever.
    ///
    /// # Errors
    ///
    /// [`tls_core::ErrorKind::NotTls`] or [`Protocol`](tls_core::ErrorKind::Protocol) inside for bytes
    /// that never become a ClientHello, once the transport has taken the alert for them; whatever the
    /// transport fails with.
    pub async fn hello(&mut self) -> io::Result<ClientHello> {
        poll_fn(|cx| self.poll_hello(cx)).await
    }

    /// Goes on with `server`, to which the whole ClientHello is still to come.
    ///
    /// # Errors
    ///
    /// The future's, as those of [`TlsAcceptor::accept`](crate::TlsAcceptor::accept).
    pub fn accept(self, server: &Server) -> Handshake<IO> {
        Handshake::new(self.0.accept(server))
    }

    /// Refuses the client with the fatal `alert`, and closes the transport.
    ///
    /// # Errors
    ///
    /// Whatever the transport fails with.
    pub async fn refuse(mut self, alert: Alert) -> io::Result<()> {
        Ok(poll_fn(|cx| self.0.poll_refuse(cx, alert)).await?)
    }

    /// Gives the transport back, with all that was read from it: who turns out not to speak TLS may
    /// speak something else.
    pub fn into_inner(self) -> Parts<IO> {
        let Parts { transport, unread } = self.0.into_transport();
        Parts { transport: transport.0, unread }
    }

    fn poll_hello(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ClientHello>> {
        match self.0.poll_hello(cx) {
            // It is the connection's last word, and there again once the alert is on its way.
            Poll::Ready(Err(_)) if self.0.poll_flush(cx).is_pending() => Poll::Pending,
            polled => polled.map_err(Into::into),
        }
    }
}
