//! HTTPS for hyper, hyper-util and axum, over any TLS library that polytls has.
//!
//! Configurations, errors and facts are those of [`polytls`](https://docs.rs/polytls), streams those of
//! [`tls_tokio`]; this crate knows no TLS library. The versions of hyper's crates that it goes with are
//! re-exported.
//!
//! | feature | what it has |
//! | --- | --- |
//! | `client` (default) | [`HttpsConnector`], [`Tunnel`] |
//! | `server` | [`TlsListener`], [`HttpsServer`] |
//! | `axum` | the same, and the listener is one for `axum::serve` |
//!
//! # A client
//!
//! [`HttpsConnector`] makes the connections of hyper-util's client: HTTP/2 where client and server agree
//! on it (ALPN), HTTP/1.1 elsewhere.
//!
//! ```no_run
//! use http_body_util::{BodyExt, Empty};
//! use hyper::body::Bytes;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use polytls::{ClientConfig, backend};
//! use tls_hyper::HttpsConnector;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let config = ClientConfig::builder().alpn(["h2", "http/1.1"]).build()?;
//!     let https = HttpsConnector::new(polytls::Client::new(&config, backend::only()?)?);
//!     // Once, for many requests: it keeps connections.
//!     let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(https);
//!
//!     let response = match client.get("https://example.com/".parse()?).await {
//!         Ok(response) => response,
//!         Err(e) => {
//!             if let Some(tls) = tls_hyper::tls_error(&e) {
//!                 eprintln!("{}: {tls}", tls.kind().name());
//!             }
//!             return Err(e.into());
//!         }
//!     };
//!     println!("{:?} {}", response.version(), response.status());
//!     let page = response.into_body().collect().await?.to_bytes();
//!     println!("{}", String::from_utf8_lossy(&page));
//!     Ok(())
//! }
//! ```
//!
//! Plain `http` is refused, unless it is [allowed](HttpsConnector::allow_http). What a handshake settled
//! is in the response's extensions, as an `Arc<Negotiated>`.
//!
//! # Through a proxy
//!
//! A [`Tunnel`] is a connector too, and goes under one with TLS. The way to the proxy can have TLS of its
//! own, with a configuration of its own:
//!
//! ```
//! use hyper_util::client::legacy::connect::HttpConnector;
//! use polytls::{Client, Result};
//! use tls_hyper::{HttpsConnector, Tunnel};
//!
//! # type Plain = HttpsConnector<Tunnel>;
//! # type Secret = HttpsConnector<Tunnel<HttpsConnector>>;
//! # fn connectors(client: Client, to_proxy: Client)
//! #     -> std::result::Result<(Plain, Secret), Box<dyn std::error::Error>> {
//! let tunnel = Tunnel::new("http://proxy.example:3128".parse()?, HttpConnector::new())?;
//! let through_plain = HttpsConnector::wrap(client.clone(), tunnel);
//!
//! let way = HttpsConnector::new(to_proxy); // no "h2" in its configuration
//! let tunnel = Tunnel::new("https://proxy.example:3129".parse()?, way)?;
//! let through_tls = HttpsConnector::wrap(client, tunnel.basic_auth("user", "password")?);
//! # Ok((through_plain, through_tls))
//! # }
//! ```
//!
//! # A server with axum
//!
//! [`TlsListener`] goes where a `TcpListener` goes: handshakes are concurrent, limited in time and in
//! number, and one that fails disturbs nobody.
//!
//! ```no_run
//! use axum::Router;
//! use axum::extract::ConnectInfo;
//! use axum::routing::get;
//! use polytls::{Identity, Server, ServerConfig, backend};
//! use tls_hyper::{TlsInfo, TlsListener};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let identity = Identity::from_pem_files("server.pem", "server.key")?;
//!     let config = ServerConfig::builder(identity).alpn(["h2", "http/1.1"]).build()?;
//!     let server = Server::new(&config, backend::only()?)?;
//!
//!     let tcp = TcpListener::bind("127.0.0.1:8443").await?;
//!     let listener = TlsListener::new(tcp, server)
//!         .on_failure(|failure| eprintln!("{failure}: {}", failure.cause()));
//!     let app = Router::new().route("/", get(hello));
//!     axum::serve(listener, app.into_make_service_with_connect_info::<TlsInfo>())
//!         .with_graceful_shutdown(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
//!         .await?;
//!     Ok(())
//! }
//!
//! async fn hello(ConnectInfo(info): ConnectInfo<TlsInfo>) -> String {
//!     let known = if info.negotiated().peer_certificate().is_some() { "known" } else { "unknown" };
//!     format!("hello, {known} client at {}\n", info.peer())
//! }
//! ```
//!
//! `axum::serve` has no limit to how long a client may be silent between its handshake and a request, or
//! between two.
//!
//! # A server with hyper alone
//!
//! [`HttpsServer`] speaks what the handshake has settled, HTTP/2 or HTTP/1.1, with hyper's settings and
//! limits.
//!
//! ```no_run
//! use std::convert::Infallible;
//!
//! use http_body_util::Full;
//! use hyper::body::{Bytes, Incoming};
//! use hyper::service::service_fn;
//! use hyper::{Request, Response};
//! use polytls::{Identity, Server, ServerConfig, backend};
//! use tls_hyper::{HttpsServer, TlsInfo, TlsListener};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let identity = Identity::from_pem_files("server.pem", "server.key")?;
//!     let config = ServerConfig::builder(identity).alpn(["h2", "http/1.1"]).build()?;
//!     let server = Server::new(&config, backend::only()?)?;
//!
//!     let tcp = TcpListener::bind("127.0.0.1:8443").await?;
//!     let listener = TlsListener::new(tcp, server)
//!         .on_failure(|failure| eprintln!("{failure}: {}", failure.cause()));
//!     let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//!     HttpsServer::new(listener).serve_until(service_fn(hello), stop).await;
//!     Ok(())
//! }
//!
//! async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
//!     let peer = request.extensions().get::<TlsInfo>().map(|info| info.peer().to_string());
//!     let text = format!("hello, client at {}\n", peer.unwrap_or_default());
//!     Ok(Response::new(Full::new(text.into())))
//! }
//! ```
//!
//! # Dropping futures
//!
//! | dropped before it was ready | what is left |
//! | --- | --- |
//! | a connection that [`HttpsConnector`] or [`Tunnel`] makes | nothing: the transport is dropped |
//! | [`TlsListener::accept`] | a listener that has lost no connection, and goes on with the next call |
//! | [`HttpsServer::serve`], [`serve_until`](HttpsServer::serve_until) | nothing: all connections end at once |
//!
//! # Errors
//!
//! hyper wraps errors; [`tls_error`] finds the one of polytls' in the chain, and its kind says on every
//! backend the same.

mod error;

#[cfg(feature = "axum")]
mod axum_listener;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "server")]
mod server;

#[cfg(feature = "client")]
pub use client::{HttpsConnector, MaybeHttps, ProxyRefusal, Tunnel, Tunneled};
pub use error::tls_error;
#[cfg(feature = "server")]
pub use server::{Accept, Failure, HttpsServer, TlsInfo, TlsListener};

/// What stands in this crate's interface.
#[cfg(feature = "axum")]
pub use ::axum;
#[cfg(feature = "client")]
pub use {http, tower_service};
pub use {hyper, hyper_util, tls_tokio, tls_tokio::tls_core};
