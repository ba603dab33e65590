//! Connections that begin in clear.

use std::future::poll_fn;
use std::io;

use futures_io::{AsyncRead, AsyncWrite};
use tls_starttls::{Agreed, Starttls};

use crate::transport::Io;

/// Asks the server at the other end of `io` for TLS, in the words of a protocol that begins in clear.
/// When it is done, [connect](crate::TlsConnector::connect) over `io`.
///
/// Give it the socket itself: a buffer around it could hold bytes that came in clear. Dropped before it
/// is ready, it leaves a connection that is of no more use. This crate has no timer of its own, and does
/// not see to the request's [limit](Starttls::time_limit): race it with one of your runtime's.
///
/// ```no_run
/// # use tls_futures::{TlsConnector, TlsStream, starttls};
/// # use tls_futures::tls_starttls::{Protocol, Starttls};
/// # use smol::net::TcpStream;
/// # async fn connect(connector: TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
/// let mut tcp = TcpStream::connect("mail.example.org:587").await?;
/// starttls(&mut tcp, &Starttls::new(Protocol::Smtp)).await?;
/// connector.connect("mail.example.org", tcp).await
/// # }
/// ```
///
/// # Errors
///
/// With a [`tls_starttls::Error`] inside: whatever ends the conversation.
pub async fn starttls<IO>(io: &mut IO, request: &Starttls) -> io::Result<Agreed>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut negotiation = request.begin()?;
    let mut io = Io(io);
    Ok(poll_fn(|cx| negotiation.poll(cx, &mut io)).await?)
}
