//! TLS for tokio-postgres, with channel binding, over any TLS library that polytls has.
//!
//! A [`MakeTlsConnector`] goes wherever [`tokio_postgres`] takes one: into `connect`, into
//! `cancel_query`, into a pool. Configurations, errors and facts are those of
//! [`polytls`](https://docs.rs/polytls); this crate knows no TLS library. The names are those of
//! postgres-openssl and postgres-native-tls, and to come from there is to change how the connector is
//! made.
//!
//! # A program
//!
//! ```no_run
//! use polytls::{Client, ClientConfig, Roots, backend};
//! use tls_postgres::MakeTlsConnector;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Once, for many connections. Leave `roots` out if the system trusts the server's issuer.
//!     let config = ClientConfig::builder()
//!         .roots(Roots::empty().with_pem_file("root.crt")?)
//!         .alpn([tls_postgres::ALPN])
//!         .build()?;
//!     let tls = MakeTlsConnector::new(Client::new(&config, backend::only()?)?);
//!
//!     let settings = "host=db.example.com user=me password=secret dbname=mine \
//!                     sslmode=require channel_binding=require";
//!     let (client, connection) = tokio_postgres::connect(settings, tls).await?;
//!     // The connection does the work, and ends when the client is dropped.
//!     tokio::spawn(async move {
//!         if let Err(e) = connection.await {
//!             eprintln!("the connection: {e}");
//!         }
//!     });
//!
//!     let row = client.query_one("SELECT current_user::text", &[]).await?;
//!     println!("{}", row.get::<_, &str>(0));
//!     Ok(())
//! }
//! ```
//!
//! # What the settings mean
//!
//! | setting of tokio-postgres | what comes of it |
//! | --- | --- |
//! | `sslmode=require` | TLS or an error. The server is always verified, chain and name, as `verify-full` does in libpq |
//! | `sslmode=prefer` (the default) | in clear if the server says that it has no TLS, **or if somebody on the way says so**; a handshake that fails is an error all the same |
//! | `sslmode=disable` | in clear |
//! | `channel_binding=require` | SCRAM-SHA-256-PLUS or an error: the server shows that it knows the password, and that the certificate is its own. Nothing else does both |
//! | `channel_binding=prefer` (the default) | the same where the server offers it |
//! | `sslnegotiation=direct` | TLS from the first byte, which PostgreSQL has since version 17; take [`require_alpn`](MakeTlsConnector::require_alpn) for it |
//! | `connect_timeout` | a limit to TCP alone: for TLS there is [`tls_tokio::TlsConnector::handshake_limit`] |
//!
//! Ask for `sslmode=require` in every program that does not know its network.
//!
//! The name that is verified is `host`, also where `hostaddr` says where to connect to; a `host` that is
//! an IP address has to stand in the certificate as one.
//!
//! # ALPN
//!
//! PostgreSQL calls its protocol `postgresql` ([`ALPN`]). Servers before version 17 do not answer the
//! offer, and it does no harm there. A server that agrees on anything else is refused.
//!
//! # A client certificate
//!
//! An [`Identity`](tls_core::Identity) in the configuration is presented when the server asks for it
//! (`clientcert=verify-full`, or the method `cert`). In TLS 1.3 a server that does not like it says so
//! after the client's handshake: the error then comes from the first read.
//!
//! # Errors
//!
//! tokio-postgres keeps the error of a handshake, and of a connection, as the source of its own:
//!
//! ```
//! use polytls::{CertificateError, Error, ErrorKind};
//!
//! fn is_expired(e: &tokio_postgres::Error) -> bool {
//!     let tls = Error::find(e).map(Error::kind);
//!     tls == Some(ErrorKind::Certificate(CertificateError::Expired))
//! }
//! ```

mod connector;
mod stream;

pub use connector::{Connecting, MakeTlsConnector, TlsConnector};
pub use stream::TlsStream;

/// The core, whose types stand in this crate's interface.
pub use tls_core;
/// The crate that this one is for, whose types stand in its interface.
pub use tokio_postgres;

/// The protocol's name in ALPN (RFC 7301), as registered for PostgreSQL.
pub const ALPN: &str = "postgresql";
