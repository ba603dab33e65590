//! Upgrades a connection that begins in clear to TLS (STARTTLS and its kin).
//!
//! A client says in the [`Protocol`]'s own words that it wants TLS, and the server says that it may
//! begin. What goes wrong there has let attackers in for years, so this is done once, for all protocols:
//!
//! - The server must offer TLS, where the protocol has a way to offer something. Without, nothing is
//!   sent but an error is given: there is no falling back to clear text.
//! - What comes after the server's go-ahead, or before it was asked for, is [refused](ErrorKind::Injected).
//!   It came in clear and would be taken for an answer inside of TLS (CVE-2011-0411, CVE-2021-23222 and
//!   their many relatives). What the network still holds is TLS's to read, which refuses it too.
//! - Nothing that was said in clear is kept. What a server can do is asked again inside of TLS.
//! - A line has [`MAX_LINE`] bytes at most, all of it together [`MAX_TOTAL`], and it takes [`LIMIT`] at
//!   most, unless another limit is set.
//!
//! ```no_run
//! use std::net::TcpStream;
//!
//! use tls_core::{Blocking, Client};
//! use tls_starttls::{Protocol, Starttls};
//!
//! # fn connect(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
//! let tcp = TcpStream::connect("mail.example.org:587")?;
//! Starttls::new(Protocol::Smtp).upgrade(&tcp)?;
//! let stream = client.connect("mail.example.org", Blocking::new(tcp))?;
//! # drop(stream);
//! # Ok(())
//! # }
//! ```
//!
//! The adapters `tls-tokio` and `tls-futures` have a function `starttls` that does the same to their
//! sockets. A [`Negotiation`] moves no bytes by itself, for programs that have a loop of their own.
//!
//! A server asks [`Protocol::check_client`] before it says that TLS may begin.

mod dialogue;
mod error;
mod negotiation;
mod protocol;
mod request;

pub use error::{Error, ErrorKind, Stage};
pub use negotiation::{Agreed, MAX_LINE, MAX_TOTAL, Negotiation};
pub use protocol::{Protocol, UnknownProtocol};
pub use request::{LIMIT, Starttls};
