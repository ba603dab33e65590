//! Connections that begin in clear.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tls_starttls::{Agreed, Starttls};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::handshake::Deadline;
use crate::transport::Io;

/// Asks the server at the other end of `io` for TLS, in the words of a protocol that begins in clear.
/// When it is done, [connect](crate::TlsConnector::connect) over `io`.
///
/// Give it the socket itself: a buffer around it could hold bytes that came in clear. Dropped before it
/// is ready, it leaves a connection that is of no more use.
///
/// ```no_run
/// # use tls_tokio::{TlsConnector, TlsStream, starttls};
/// # use tls_tokio::tls_starttls::{Protocol, Starttls};
/// # use tokio::net::TcpStream;
/// # async fn connect(connector: TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
/// let mut tcp = TcpStream::connect("mail.example.org:587").await?;
/// starttls(&mut tcp, &Starttls::new(Protocol::Smtp)).await?;
/// connector.connect("mail.example.org", tcp).await
/// # }
/// ```
///
/// # Errors
///
/// With a [`tls_starttls::Error`] inside: whatever ends the conversation;
/// [`io::ErrorKind::TimedOut`] at the [limit](Starttls::limit).
///
/// # Panics
///
/// With a limit, where tokio's own timers would: outside of a runtime, or of one without time.
pub async fn starttls<IO>(io: &mut IO, request: &Starttls) -> io::Result<Agreed>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut negotiation = request.begin()?;
    let mut deadline = Deadline::after(request.time_limit());
    let mut io = Io::new(io);
    poll_fn(|cx| match negotiation.poll(cx, &mut io) {
        Poll::Ready(result) => Poll::Ready(Ok(result?)),
        Poll::Pending => deadline.poll(cx).map(|_| Err(negotiation.give_up().into())),
    })
    .await
}
