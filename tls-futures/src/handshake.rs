//! A handshake.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};
use tls_core::{Result, Stream};

use crate::TlsStream;
use crate::transport::Io;

/// A handshake under way: ready with the stream once it is done.
///
/// One that fails is ready once the transport has taken the alert that tells the peer why. It can be
/// polled by reference, and goes on where it was. Dropping it drops the transport: the peer sees a
/// connection that ended in the middle. Who wants to keep a transport whatever happens lends it
/// (`&mut socket`), or [begins](crate::TlsAcceptor::begin) a stream and calls
/// [`handshake`](TlsStream::handshake).
#[derive(Debug)]
#[must_use = "nothing happens until it is polled"]
pub struct Handshake<IO>(tls_core::Handshake<Io<IO>>);

impl<IO> Handshake<IO> {
    pub(crate) fn new(stream: Result<Stream<Io<IO>>>) -> Self {
        Self(tls_core::Handshake::new(stream))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Handshake<IO> {
    /// Finishes the handshake, or gives up once `deadline` is ready, however slowly the peer trickles its
    /// bytes.
    ///
    /// This crate has no timer of its own, for each runtime has another. With smol's:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tls_futures::{TlsAcceptor, TlsStream};
    /// # async fn serve(acceptor: TlsAcceptor, tcp: smol::net::TcpStream)
    /// #     -> std::io::Result<TlsStream<smol::net::TcpStream>> {
    /// let stream = acceptor.accept(tcp).until(smol::Timer::after(Duration::from_secs(30))).await?;
    /// # Ok(stream)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`], with [`tls_core::ErrorKind::Timeout`] inside, at the deadline;
    /// whatever ends the handshake.
    pub async fn until<D: Future>(mut self, deadline: D) -> io::Result<TlsStream<IO>> {
        let mut deadline = pin!(deadline);
        poll_fn(|cx| match Pin::new(&mut self).poll(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => {
                let late = "no handshake by the deadline";
                deadline.as_mut().poll(cx).map(|_| Err(self.0.give_up(late).into()))
            }
        })
        .await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Handshake<IO> {
    type Output = io::Result<TlsStream<IO>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|result| Ok(TlsStream(result?)))
    }
}
