//! A client that is heard before anybody decides who serves it.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use tls_core::{Alert, ClientHello, Error, ErrorKind, IncomingStream, Parts, Server};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::handshake::Deadline;
use crate::transport::Io;
use crate::{Handshake, TlsAcceptor};

/// The beginning of a connection to a server that is not chosen yet.
///
/// The client speaks first: [`hello`](Self::hello) reads its offer on any backend, the program takes its
/// time (it may ask a database), and [`accept`](Self::accept) goes on with the server of its choice.
///
/// ```
/// # use tls_tokio::TlsIncoming;
/// # use polytls::{Alert, Server};
/// # async fn serve(tcp: tokio::net::TcpStream, servers: std::collections::HashMap<String, Server>)
/// #     -> std::io::Result<()> {
/// let mut incoming = TlsIncoming::new(tcp);
/// let hello = incoming.hello().await?;
/// match hello.server_name.as_deref().and_then(|name| servers.get(name)) {
///     Some(server) => {
///         let mut stream = incoming.accept(server).await?;
///         // …
/// #       tokio::io::AsyncWriteExt::shutdown(&mut stream).await?;
///     }
///     None => incoming.refuse(Alert::UNRECOGNIZED_NAME).await?,
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TlsIncoming<IO> {
    inner: IncomingStream<Io<IO>>,
    deadline: Deadline,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsIncoming<IO> {
    /// Waits for a client at the other end of `io`, as long as
    /// [a handshake may take](TlsAcceptor::HANDSHAKE_LIMIT).
    pub fn new(io: IO) -> Self {
        Self::with_limit(io, Some(TlsAcceptor::HANDSHAKE_LIMIT))
    }

    /// The same with a limit of the caller's: from now, for the hello, the choice and the handshake
    /// together. `None` is for ever.
    pub fn with_limit(io: IO, limit: Option<Duration>) -> Self {
        Self { inner: IncomingStream::new(Io::new(io)), deadline: Deadline::after(limit) }
    }

    /// Reads what the client offers. It can be asked again, and dropped before it is ready.
    ///
    /// # Errors
    ///
    /// [`tls_core::ErrorKind::NotTls`] or [`Protocol`](tls_core::ErrorKind::Protocol) inside for bytes
    /// that never become a ClientHello, once the transport has taken the alert for them; whatever the
    /// transport fails with; [`io::ErrorKind::TimedOut`] at the limit.
    ///
    /// # Panics
    ///
    /// With a limit, where tokio's own timers would: outside of a runtime, or of one without time.
    pub async fn hello(&mut self) -> io::Result<ClientHello> {
        poll_fn(|cx| self.poll_hello(cx)).await
    }

    /// Goes on with `server`, to which the whole ClientHello is still to come. The limit goes on too.
    ///
    /// # Errors
    ///
    /// The future's, as those of [`TlsAcceptor::accept`].
    pub fn accept(self, server: &Server) -> Handshake<IO> {
        Handshake::new(self.inner.accept(server), self.deadline)
    }

    /// Refuses the client with the fatal `alert`, and shuts the transport's writing direction down.
    ///
    /// # Errors
    ///
    /// Whatever the transport fails with; [`io::ErrorKind::TimedOut`] at the limit.
    pub async fn refuse(mut self, alert: Alert) -> io::Result<()> {
        poll_fn(|cx| match self.inner.poll_refuse(cx, alert) {
            Poll::Ready(result) => Poll::Ready(result.map_err(Into::into)),
            Poll::Pending => self.deadline.poll(cx).map(|late| Err(timeout(late))),
        })
        .await
    }

    /// Gives the transport back, with all that was read from it: who turns out not to speak TLS may
    /// speak something else.
    pub fn into_inner(self) -> Parts<IO> {
        let Parts { transport, unread } = self.inner.into_transport();
        Parts { transport: transport.inner, unread }
    }

    fn poll_hello(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ClientHello>> {
        match self.inner.poll_hello(cx) {
            Poll::Ready(Ok(hello)) => return Poll::Ready(Ok(hello)),
            // It is the connection's last word, and there again once the alert is on its way.
            Poll::Ready(Err(e)) => {
                if self.inner.poll_flush(cx).is_ready() || self.deadline.poll(cx).is_ready() {
                    return Poll::Ready(Err(e.into()));
                }
                return Poll::Pending;
            }
            Poll::Pending => {}
        }
        self.deadline.poll(cx).map(|late| Err(timeout(late)))
    }
}

fn timeout(late: String) -> io::Error {
    Error::new(ErrorKind::Timeout).because(late).into()
}
