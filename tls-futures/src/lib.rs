//! TLS streams for futures-io, over any TLS library that polytls has: for smol, async-std, and whatever
//! else reads and writes by its traits.
//!
//! A [`TlsStream`] is an [`AsyncRead`](futures_io::AsyncRead) and [`AsyncWrite`](futures_io::AsyncWrite)
//! over any transport that is both. Configurations, errors and facts are those of
//! [`polytls`](https://docs.rs/polytls); this crate knows no TLS library and no runtime, and has no timer.
//! There is a twin for tokio, `tls-tokio`; one program can use both.
//!
//! # A client
//!
//! ```no_run
//! use polytls::{Client, ClientConfig, backend};
//! use smol::io::{AsyncReadExt, AsyncWriteExt};
//! use smol::net::TcpStream;
//! use tls_futures::TlsConnector;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Once, for many connections.
//!     let config = ClientConfig::builder().alpn(["http/1.1"]).build()?;
//!     let connector = TlsConnector::new(Client::new(&config, backend::only()?)?);
//!
//!     smol::block_on(async {
//!         let tcp = TcpStream::connect("example.com:443").await?;
//!         let mut stream = connector.connect("example.com", tcp).await?;
//!         let request = b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n";
//!         stream.write_all(request).await?;
//!         stream.flush().await?;
//!         let mut answer = Vec::new();
//!         stream.read_to_end(&mut answer).await?;
//!         stream.close().await?;
//!         println!("{}", String::from_utf8_lossy(&answer));
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # A server
//!
//! ```no_run
//! use std::io;
//! use std::time::Duration;
//!
//! use polytls::{Identity, Server, ServerConfig, backend};
//! use smol::Timer;
//! use smol::io::{AsyncWriteExt, copy, split};
//! use smol::net::{TcpListener, TcpStream};
//! use tls_futures::TlsAcceptor;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let identity = Identity::from_pem_files("server.pem", "server.key")?;
//!     let config = ServerConfig::builder(identity).build()?;
//!     let acceptor = TlsAcceptor::new(Server::new(&config, backend::only()?)?);
//!
//!     smol::block_on(async {
//!         let listener = TcpListener::bind("127.0.0.1:8443").await?;
//!         loop {
//!             let (tcp, peer) = listener.accept().await?;
//!             let acceptor = acceptor.clone();
//!             // The handshake belongs into the task: one client does not keep the others waiting.
//!             let task = smol::spawn(async move {
//!                 if let Err(e) = echo(acceptor, tcp).await {
//!                     eprintln!("{peer}: {e}");
//!                 }
//!             });
//!             task.detach();
//!         }
//!     })
//! }
//!
//! async fn echo(acceptor: TlsAcceptor, tcp: TcpStream) -> io::Result<()> {
//!     let stream = acceptor.accept(tcp).until(Timer::after(Duration::from_secs(30))).await?;
//!     let (reader, mut writer) = split(stream);
//!     copy(reader, &mut writer).await?;
//!     writer.close().await
//! }
//! ```
//!
//! # Deadlines
//!
//! [`Handshake::until`] takes any future as the deadline. Whatever else may take too long is raced with a
//! timer of the runtime's in its own way: the [table below](#dropping-futures) says what a future that
//! loses leaves behind.
//!
//! # Which server a client gets
//!
//! A [`TlsIncoming`] reads the ClientHello before a server is chosen, and lets the program take its
//! time.
//!
//! # Flushing
//!
//! What is written is sent as far as the transport takes it at once; the rest waits until the next call.
//! So [flush](futures_io::AsyncWrite::poll_flush) before you wait for an answer in another way than by
//! reading, which sends what is pending too.
//!
//! # Closing
//!
//! There are three ways to stop, as in the core:
//!
//! - [`close_notify`](TlsStream::close_notify) ends what this side sends, and leaves reading and the
//!   transport as they are.
//! - [`close`](futures_io::AsyncWrite::poll_close) does that, and closes the transport. Of a socket that
//!   is its writing direction: reading stays possible.
//! - [`into_inner`](TlsStream::into_inner) sends nothing, and gives the transport back.
//!
//! A peer that ends without close_notify is [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof), once all
//! data before it has been read: it may have been cut short.
//!
//! # Dropping futures
//!
//! | dropped before it was ready | what is left |
//! | --- | --- |
//! | [`Handshake`], alone or with [`until`](Handshake::until) | nothing: the transport is dropped, and the peer sees it end |
//! | [`TlsStream::handshake`], [`close_notify`](TlsStream::close_notify) | a stream that goes on with the next call |
//! | `read`, `write`, `flush`, `close` of futures-util or futures-lite, [`TlsStream::sendfile`] | a stream of which nothing was lost, and to which nothing was written twice |
//! | `read_exact`, `write_all` and the like | a usable stream; how far they came is not said |
//! | [`TlsIncoming::hello`] | a beginning that can be asked again |
//! | [`starttls`](starttls()) | a connection that is of no more use: close it |
//!
//! # Errors
//!
//! ```
//! # use polytls::{CertificateError, ErrorKind};
//! fn is_expired(e: &std::io::Error) -> bool {
//!     let tls = e.get_ref().and_then(|inside| inside.downcast_ref::<polytls::Error>());
//!     tls.is_some_and(|e| e.kind() == ErrorKind::Certificate(CertificateError::Expired))
//! }
//! # let expired = polytls::Error::new(ErrorKind::Certificate(CertificateError::Expired));
//! # assert!(is_expired(&expired.into()));
//! # assert!(!is_expired(&std::io::ErrorKind::UnexpectedEof.into()));
//! ```

mod acceptor;
mod connector;
mod early;
mod file;
mod handshake;
mod incoming;
mod secrets;
mod starttls;
mod stream;
mod transport;

pub use acceptor::TlsAcceptor;
pub use connector::TlsConnector;
pub use handshake::Handshake;
pub use incoming::TlsIncoming;
pub use starttls::starttls;
pub use stream::TlsStream;

/// The core, whose types stand in this crate's interface.
pub use tls_core;
/// Protocols that begin in clear, for [`starttls`].
pub use tls_starttls;
