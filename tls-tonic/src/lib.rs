//! gRPC with tonic, over any TLS library that polytls has.
//!
//! [`GrpcConnector`] makes the connections of tonic's channels, [`TlsIncoming`] those of its servers.
//! Configurations, errors and facts are those of [`polytls`](https://docs.rs/polytls), listener and
//! proxies those of [`tls_hyper`]; this crate knows no TLS library. tonic's own TLS, which is rustls, is
//! not needed: leave its `tls-` features off.
//!
//! The programs below use a service `Greeter`, as tonic's generator makes it of
//!
//! ```proto
//! syntax = "proto3";
//! package hello;
//! message HelloRequest { string name = 1; }
//! message HelloReply { string message = 1; bytes payload = 2; }
//! service Greeter {
//!   rpc Greet(HelloRequest) returns (HelloReply);
//!   rpc Chat(stream HelloRequest) returns (stream HelloReply);
//! }
//! ```
//!
//! # A client
//!
//! ```no_run
//! # mod hello { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hello/service.rs")); }
//! use hello::{GreeterClient, HelloRequest};
//! use polytls::{Client, ClientConfig, backend};
//! use tls_tonic::GrpcConnector;
//! use tonic::transport::Endpoint;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let config = ClientConfig::builder().alpn([tls_tonic::H2]).build()?;
//!     let connector = GrpcConnector::new(Client::new(&config, backend::only()?)?);
//!
//!     let endpoint = Endpoint::from_static("https://greeter.example:443");
//!     let channel = match endpoint.connect_with_connector(connector).await {
//!         Ok(channel) => channel,
//!         Err(e) => {
//!             if let Some(tls) = polytls::Error::find(&e) {
//!                 eprintln!("{}: {tls}", tls.kind().name());
//!             }
//!             return Err(e.into());
//!         }
//!     };
//!     let reply = GreeterClient::new(channel).greet(HelloRequest { name: "me".into() }).await?;
//!     println!("{}", reply.into_inner().message);
//!     Ok(())
//! }
//! ```
//!
//! A proxy, another name, a limit: make an [`HttpsConnector`](tls_hyper::HttpsConnector) with them, and
//! [wrap](GrpcConnector::wrap) it.
//!
//! # A server
//!
//! Requests have a [`TlsInfo`] in their extensions, with the client's address and certificates. (tonic's
//! own `remote_addr` and `peer_certs` know tonic's own connections only.)
//!
//! ```no_run
//! # mod hello { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hello/service.rs")); }
//! use hello::{Greeter, GreeterServer, HelloReply, HelloRequest, Replies};
//! use polytls::{ClientAuth, Identity, Roots, Server, ServerConfig, backend};
//! use tls_tonic::{TlsIncoming, TlsInfo, TlsListener};
//! use tokio::net::TcpListener;
//! use tonic::{Request, Response, Status, Streaming};
//!
//! struct Polite;
//!
//! #[tonic::async_trait]
//! impl Greeter for Polite {
//!     async fn greet(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
//!         let info = request.extensions().get::<TlsInfo>().ok_or(Status::internal("no TLS"))?;
//!         let certificate = info.negotiated().peer_certificate().ok_or(Status::unauthenticated("who?"))?;
//!         println!("{} bytes of certificate from {}", certificate.len(), info.peer());
//!         let message = format!("hello, {}", request.get_ref().name);
//!         Ok(Response::new(HelloReply { message, payload: Vec::new() }))
//!     }
//! #   async fn chat(&self, _: Request<Streaming<HelloRequest>>) -> Result<Response<Replies>, Status> {
//! #       Err(Status::unimplemented("here"))
//! #   }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let config = ServerConfig::builder(Identity::from_pem_files("server.pem", "server.key")?)
//!         .alpn([tls_tonic::H2])
//!         .client_auth(ClientAuth::Require(Roots::empty().with_pem_file("clients.pem")?))
//!         .build()?;
//!     let server = Server::new(&config, backend::only()?)?;
//!
//!     let tcp = TcpListener::bind("127.0.0.1:8443").await?;
//!     let listener = TlsListener::new(tcp, server).on_failure(|failure| eprintln!("{failure}"));
//!     tonic::transport::Server::builder()
//!         .add_service(GreeterServer::new(Polite))
//!         .serve_with_incoming(TlsIncoming::new(listener))
//!         .await?;
//!     Ok(())
//! }
//! ```
//!
//! # ALPN
//!
//! gRPC over TLS is agreed on as [`H2`]: a configuration has to offer it, on both sides. A server that
//! does not agree is refused by [`GrpcConnector`] before a byte of HTTP/2 is sent.

mod connector;
mod incoming;

pub use connector::GrpcConnector;
pub use incoming::{ServerStream, TlsIncoming};

/// What stands in this crate's interface.
pub use {
    tls_hyper, tls_hyper::TlsInfo, tls_hyper::TlsListener, tls_tokio, tls_tokio::tls_core, tonic,
};

/// HTTP/2 over TLS in ALPN (RFC 9113 §3.2).
pub const H2: &str = "h2";
