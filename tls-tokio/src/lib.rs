//! TLS streams for tokio, over any TLS library that polytls has.
//!
//! A [`TlsStream`] is tokio's [`AsyncRead`](tokio::io::AsyncRead) and
//! [`AsyncWrite`](tokio::io::AsyncWrite) over any transport that is both. Configurations, errors and
//! facts are those of [`polytls`](https://docs.rs/polytls); this crate knows no TLS library, and of
//! tokio only the traits and the timer. There is a twin for smol and async-std, `tls-futures`; one
//! program can use both.
//!
//! # A client
//!
//! ```no_run
//! use polytls::{Client, ClientConfig, backend};
//! use tls_tokio::TlsConnector;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpStream;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Once, for many connections.
//!     let config = ClientConfig::builder().alpn(["http/1.1"]).build()?;
//!     let connector = TlsConnector::new(Client::new(&config, backend::only()?)?);
//!
//!     let tcp = TcpStream::connect("example.com:443").await?;
//!     let mut stream = connector.connect("example.com", tcp).await?;
//!     stream.write_all(b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n").await?;
//!     stream.flush().await?;
//!     let mut answer = Vec::new();
//!     stream.read_to_end(&mut answer).await?;
//!     stream.shutdown().await?;
//!     println!("{}", String::from_utf8_lossy(&answer));
//!     Ok(())
//! }
//! ```
//!
//! # A server
//!
//! ```no_run
//! use std::io;
//!
//! use polytls::{Identity, Server, ServerConfig, backend};
//! use tls_tokio::TlsAcceptor;
//! use tokio::io::AsyncWriteExt;
//! use tokio::net::{TcpListener, TcpStream};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let identity = Identity::from_pem_files("server.pem", "server.key")?;
//!     let config = ServerConfig::builder(identity).build()?;
//!     let acceptor = TlsAcceptor::new(Server::new(&config, backend::only()?)?);
//!
//!     let listener = TcpListener::bind("127.0.0.1:8443").await?;
//!     loop {
//!         let (tcp, peer) = listener.accept().await?;
//!         let acceptor = acceptor.clone();
//!         // The handshake belongs into the task: one client does not keep the others waiting.
//!         tokio::spawn(async move {
//!             if let Err(e) = echo(acceptor, tcp).await {
//!                 eprintln!("{peer}: {e}");
//!             }
//!         });
//!     }
//! }
//!
//! async fn echo(acceptor: TlsAcceptor, tcp: TcpStream) -> io::Result<()> {
//!     let stream = acceptor.accept(tcp).await?;
//!     let (mut reader, mut writer) = tokio::io::split(stream);
//!     tokio::io::copy(&mut reader, &mut writer).await?;
//!     writer.shutdown().await
//! }
//! ```
//!
//! # Which server a client gets
//!
//! A [`TlsIncoming`] reads the ClientHello before a server is chosen, and lets the program take its
//! time.
//!
//! # Flushing
//!
//! What is written is sent as far as the transport takes it at once; the rest waits until the next call.
//! So [flush](tokio::io::AsyncWrite::poll_flush) before you wait for an answer in another way than by
//! reading, which sends what is pending too.
//!
//! # Closing
//!
//! There are three ways to stop, as in the core:
//!
//! - [`close_notify`](TlsStream::close_notify) ends what this side sends, and leaves reading and the
//!   transport as they are.
//! - [`shutdown`](tokio::io::AsyncWrite::poll_shutdown) does that, and shuts the transport's writing
//!   direction down. Reading stays possible.
//! - [`into_inner`](TlsStream::into_inner) sends nothing, and gives the transport back.
//!
//! A peer that ends without close_notify is [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof), once all
//! data before it has been read: it may have been cut short.
//!
//! # Dropping futures
//!
//! | dropped before it was ready | what is left |
//! | --- | --- |
//! | [`Handshake`] | nothing: the transport is dropped, and the peer sees it end |
//! | [`TlsStream::handshake`], [`close_notify`](TlsStream::close_notify), [`kernel`](TlsStream::kernel) | a stream that goes on with the next call |
//! | `read`, `write`, `flush`, `shutdown` of tokio, [`TlsStream::sendfile`] | a stream of which nothing was lost, and to which nothing was written twice |
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
mod socket;
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
