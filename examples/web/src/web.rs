//! The site, by way of axum, and who looks at it, by way of hyper.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Empty};
use polytls::{Backend, ClientConfig, Identity, Roots, Server, ServerConfig};
use tls_hyper::axum::extract::{ConnectInfo, Path, State};
use tls_hyper::axum::http::StatusCode;
use tls_hyper::axum::routing::get;
use tls_hyper::axum::{self, Router};
use tls_hyper::hyper::body::Bytes;
use tls_hyper::hyper_util::client::legacy::Client;
use tls_hyper::hyper_util::rt::TokioExecutor;
use tls_hyper::{HttpsConnector, TlsInfo, TlsListener};
use tokio::net::TcpListener;
use tonic::transport::Channel;

use crate::Result;
use crate::hello::{GreeterClient, HelloRequest};

/// Serves in a task of its own; where it does.
pub(crate) async fn serve(
    backend: &dyn Backend,
    identity: Identity,
    channel: Channel,
) -> Result<SocketAddr> {
    let config = ServerConfig::builder(identity).alpn(["h2", "http/1.1"]).build()?;
    let server = Server::new(&config, backend)?;
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    let address = tcp.local_addr()?;
    let listener = TlsListener::new(tcp, server).on_failure(|failure| eprintln!("{failure}"));
    let app = Router::new().route("/hello/{name}", get(hello)).with_state(channel);
    let app = app.into_make_service_with_connect_info::<TlsInfo>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

async fn hello(
    ConnectInfo(info): ConnectInfo<TlsInfo>,
    State(channel): State<Channel>,
    Path(name): Path<String>,
) -> Result<String, (StatusCode, String)> {
    let mut greeter = GreeterClient::new(channel);
    let reply = greeter.greet(HelloRequest { name }).await;
    let reply = reply.map_err(|e| (StatusCode::BAD_GATEWAY, e.to_string()))?.into_inner();
    let protocol = info.negotiated().alpn.as_deref().unwrap_or_default();
    Ok(format!("{}; HTTP by {}", reply.message, String::from_utf8_lossy(protocol)))
}

/// Looks at a page of it.
pub(crate) async fn get_page(
    backend: &dyn Backend,
    roots: Roots,
    at: SocketAddr,
    path: &str,
) -> Result<String> {
    let config = ClientConfig::builder().roots(roots).alpn(["h2", "http/1.1"]).build()?;
    let connector = HttpsConnector::new(polytls::Client::new(&config, backend)?);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let response = client.get(format!("https://localhost:{}{path}", at.port()).parse()?).await?;
    let status = response.status();
    let page = response.into_body().collect().await?.to_bytes();
    let page = String::from_utf8_lossy(&page).into_owned();
    match status.is_success() {
        true => Ok(page),
        false => Err(format!("{status}: {page}").into()),
    }
}
