//! The service in the middle, by way of tonic.

use std::net::SocketAddr;

use polytls::{Backend, Client, ClientConfig, Identity, Roots, Server, ServerConfig};
use tls_postgres::tokio_postgres;
use tls_tonic::{GrpcConnector, TlsIncoming, TlsInfo, TlsListener};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

use crate::Result;
use crate::hello::{Greeter, GreeterServer, HelloReply, HelloRequest, Replies};

/// Lets the database do the greeting.
struct Delegating {
    rows: tokio_postgres::Client,
}

#[tonic::async_trait]
impl Greeter for Delegating {
    async fn greet(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let info = request.extensions().get::<TlsInfo>();
        let info = info.ok_or_else(|| Status::internal("a connection without TLS"))?;
        let protocol = info.negotiated().alpn.as_deref().unwrap_or_default();
        let protocol = String::from_utf8_lossy(protocol).into_owned();
        let question = "SELECT format('hello, %s; gRPC by %s, PostgreSQL by %s', \
                        $1::text, $2::text, (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()))";
        let row = self.rows.query_one(question, &[&request.get_ref().name, &protocol]).await;
        let row = row.map_err(|e| Status::unavailable(e.to_string()))?;
        let message = row.try_get(0).map_err(|e| Status::internal(e.to_string()))?;
        Ok(Response::new(HelloReply { message, payload: Vec::new() }))
    }

    async fn chat(&self, _: Request<Streaming<HelloRequest>>) -> Result<Response<Replies>, Status> {
        Err(Status::unimplemented("nobody chats with a database"))
    }
}

/// Serves in a task of its own; where it does.
pub(crate) async fn serve(
    backend: &dyn Backend,
    identity: Identity,
    rows: tokio_postgres::Client,
) -> Result<SocketAddr> {
    let config = ServerConfig::builder(identity).alpn([tls_tonic::H2]).build()?;
    let server = Server::new(&config, backend)?;
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    let address = tcp.local_addr()?;
    let listener = TlsListener::new(tcp, server).on_failure(|failure| eprintln!("{failure}"));
    let serving = tonic::transport::Server::builder()
        .add_service(GreeterServer::new(Delegating { rows }))
        .serve_with_incoming(TlsIncoming::new(listener));
    tokio::spawn(serving);
    Ok(address)
}

/// A channel to it.
pub(crate) async fn connect(
    backend: &dyn Backend,
    roots: Roots,
    at: SocketAddr,
) -> Result<Channel> {
    let config = ClientConfig::builder().roots(roots).alpn([tls_tonic::H2]).build()?;
    let connector = GrpcConnector::new(Client::new(&config, backend)?);
    let endpoint = Endpoint::from_shared(format!("https://localhost:{}", at.port()))?;
    Ok(endpoint.connect_with_connector(connector).await?)
}
