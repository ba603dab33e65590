//! One TLS API, any TLS library.
//!
//! A program is written once against this crate; which TLS library does the work is a Cargo feature
//! or a value at run time, and never a code change. One shared suite runs the same tests against
//! every backend, so that they give the same answers, the same refusals and the same errors.
//!
//! ```no_run
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//!
//! use polytls::{Blocking, Client, ClientConfig, backend};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = ClientConfig::builder().alpn(["http/1.1"]).build()?;
//! let client = Client::new(&config, backend::only()?)?; // once, for many connections
//!
//! let tcp = TcpStream::connect("example.com:443")?;
//! let mut stream = client.connect("example.com", Blocking::new(tcp))?;
//! stream.write_all(b"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")?;
//! let mut answer = Vec::new();
//! stream.read_to_end(&mut answer)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//!
//! - [`manual`]: choosing a backend, certificates, identities, verification, serving, closing, capabilities,
//!   errors.
//! - [`backend`]: the TLS libraries in this build.
//! - [`ClientConfig`], [`ServerConfig`]: what to ask for; [`Client`], [`Server`]: the same, compiled
//!   for a backend.
//! - [`Stream`]: a connection over a [`Transport`]; [`Connection`]: one whose bytes are moved by hand.
//! - [`danger`]: what gives protection up.
//!
//! For tokio there is the crate `tls-tokio`, for smol and async-std `tls-futures`: they take a [`Client`] or
//! a [`Server`] of this crate's, and make streams of the runtime's. `tls-hyper` has connections for hyper's
//! client and a listener for axum. `tls-lines` has the words of line protocols, and `tls-lua` is for Lua.
//!
//! # Features
//!
//! | feature | backend | needs |
//! | --- | --- | --- |
//! | `rustls` (default) | `rustls`: rustls with AWS-LC | a C compiler |
//! | `rustls-ring` | `rustls-ring`: rustls with ring | a C compiler |
//! | `boring` | `boring`: BoringSSL, built along | cmake, a C++ compiler, git, libclang |
//! | `native` | `native`: the platform's own: OpenSSL on Linux, SChannel on Windows, Security framework on Apple's | on Linux, OpenSSL's headers and pkg-config |
//! | `openssl` | `openssl`: the system's OpenSSL, 3.0 or newer | its headers and pkg-config |
//! | `openssl-vendored` | `openssl`, built along and linked statically | perl, make, a C compiler |
//! | `s2n` | `s2n`: s2n-tls with AWS-LC, built along | a C compiler |
//!
//! A feature makes a backend available, and changes nothing else. Two are beside these: `tracing` has
//! connections tell what happens to them ([`manual::events`]), and with `serde` what is
//! [`Negotiated`], and the names in it, can be serialised. Without any the crate compiles, for
//! libraries that leave the choice to the program. `boring` does not go together with `openssl`, nor
//! with `native` on Linux: their symbols have the same names, and the build says so
//! ([`manual::choosing`]).

pub mod backend;
pub mod manual;

pub use tls_core::*;
