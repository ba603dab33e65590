//! The greeter, and where it stands.

use std::net::SocketAddr;

use futures_util::StreamExt;
use polytls::Server;
use tls_tonic::{TlsIncoming, TlsInfo, TlsListener};
use tokio::net::TcpListener;
use tonic::{Request, Response, Status, Streaming};

use crate::hello::{Greeter, GreeterServer, HelloReply, HelloRequest, Replies};

/// Says what it knows of who greets, and shows the certificate.
struct Polite;

impl Polite {
    fn reply(name: &str, info: &TlsInfo) -> HelloReply {
        let facts = info.negotiated();
        let alpn = String::from_utf8_lossy(facts.alpn.as_deref().unwrap_or_default()).into_owned();
        let payload = facts.peer_certificate().map(|der| der.to_vec()).unwrap_or_default();
        HelloReply { message: format!("hello, {name}, by {alpn} from {}", info.peer()), payload }
    }
}

#[tonic::async_trait]
impl Greeter for Polite {
    async fn greet(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status> {
        let info = request.extensions().get::<TlsInfo>().ok_or(Status::internal("no TLS"))?;
        Ok(Response::new(Self::reply(&request.get_ref().name, info)))
    }

    async fn chat(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<Replies>, Status> {
        let replies = request.into_inner().map(|asked| {
            let name = asked?.name;
            Ok(HelloReply { message: format!("you said {}", name.len()), payload: name.into() })
        });
        Ok(Response::new(Box::pin(replies)))
    }
}

/// Serves in a task of its own, until the runtime ends; where it does.
pub(crate) async fn serve(server: Server) -> SocketAddr {
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let incoming = TlsIncoming::new(TlsListener::new(tcp, server));
    let serving = tonic::transport::Server::builder()
        .add_service(GreeterServer::new(Polite))
        .serve_with_incoming(incoming);
    tokio::spawn(serving);
    address
}
