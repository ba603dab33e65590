//! The words that line protocols are spoken in, over a TLS stream: so many bytes, a line, all of it, what
//! is there.
//!
//! [`Lines`] has them as functions that are polled, over any [`Transport`](tls_core::Transport):
//! for event loops, and for languages with coroutines. [`LineStream`] waits, and any thread may interrupt
//! another that does.
//!
//! ```no_run
//! use std::net::TcpStream;
//!
//! use polytls::{Client, ClientConfig, backend};
//! use tls_lines::LineStream;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(&ClientConfig::builder().build()?, backend::only()?)?;
//! let tcp = TcpStream::connect("mail.example.com:993")?;
//! let stream = LineStream::new(client.connection("mail.example.com")?, tcp)?;
//!
//! let greeting = stream.line()?; // "* OK ready\r\n"
//! stream.write(b"a LOGOUT\r\n")?;
//! let rest = stream.all()?; // until the server closes
//! stream.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Interrupting
//!
//! A word that waits is interrupted by [`LineStream::interrupt`], by an [`Interrupter`], or by
//! [`LineStream::close`] in another thread. It gives [`WordError::Interrupted`], and nothing is lost: what
//! had arrived is there for the next word, and of a write it is told how much was taken, which will be sent.
//!
//! # Ends
//!
//! [`WordError::Closed`] is an end with close_notify only: a connection that is cut short is
//! [`UnexpectedEof`](tls_core::ErrorKind::UnexpectedEof), unless its configuration tolerates that. Either
//! way what came before the end stays, for [`available`](LineStream::available).

mod error;
mod interrupt;
mod lines;
mod stream;

pub use error::WordError;
pub use interrupt::Interrupter;
pub use lines::Lines;
pub use stream::LineStream;
