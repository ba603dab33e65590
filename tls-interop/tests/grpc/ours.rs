//! Our client and our server.

use std::net::SocketAddr;

use futures_util::{StreamExt, stream};
use polytls::{Alert, Capability, CertificateError, Client, Error, ErrorKind, Server, ServerName};
use tls_hyper::HttpsConnector;
use tls_tonic::GrpcConnector;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};

use crate::hello::{GreeterClient, HelloRequest};
use crate::service::serve;
use crate::{Bench, NAME};

/// A channel to `address`, where a server called [`NAME`] is expected.
async fn channel(client: Client, address: SocketAddr) -> Result<Channel, tonic::transport::Error> {
    channel_by("https", client, address).await
}

async fn channel_by(
    scheme: &str,
    client: Client,
    address: SocketAddr,
) -> Result<Channel, tonic::transport::Error> {
    let name = ServerName::parse(NAME).unwrap();
    let connector = GrpcConnector::wrap(HttpsConnector::new(client).server_name(name));
    let endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).unwrap();
    endpoint.connect_with_connector(connector).await
}

fn kind(e: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    Error::find(e).map(Error::kind)
}

fn request(name: &str) -> HelloRequest {
    HelloRequest { name: name.into() }
}

pub(crate) async fn a_call_is_answered(bench: Bench) {
    let address = serve(bench.server(bench.server_config())).await;
    let client = bench.client(bench.client_config());
    let mut greeter = GreeterClient::new(channel(client, address).await.unwrap());
    let reply = greeter.greet(request("you")).await.unwrap().into_inner();
    assert!(reply.message.starts_with("hello, you, by h2 from 127.0.0.1:"), "{}", reply.message);
    assert!(reply.payload.is_empty());
    // More than a window of HTTP/2's, one way.
    let long = "x".repeat(2_000_000);
    let reply = greeter.greet(request(&long)).await.unwrap().into_inner();
    assert!(reply.message.len() > long.len());
}

pub(crate) async fn a_server_knows_who_calls(bench: Bench) {
    let config = bench.asking_config().build().unwrap();
    if !bench.backend.capabilities().contains(Capability::RequestClientCertificate) {
        let e = Server::new(&config, bench.backend).unwrap_err();
        let expected = ErrorKind::Unsupported(Capability::RequestClientCertificate);
        assert_eq!(e.kind(), expected, "{e:?}");
        return;
    }
    let address = serve(Server::new(&config, bench.backend).unwrap()).await;
    let identity = bench.authority.client("Caller");
    let client = bench.client(bench.client_config().identity(identity.clone()));
    let mut greeter = GreeterClient::new(channel(client, address).await.unwrap());
    let reply = greeter.greet(request("you")).await.unwrap().into_inner();
    assert_eq!(reply.payload, identity.leaf().to_vec());
}

pub(crate) async fn streams_go_both_ways_at_once(bench: Bench) {
    let address = serve(bench.server(bench.server_config())).await;
    let client = bench.client(bench.client_config());
    let mut greeter = GreeterClient::new(channel(client, address).await.unwrap());
    let sizes = (0..200).map(|i| i * 97 % 30_011).collect::<Vec<usize>>();
    let requests = sizes.clone().into_iter().map(|size| request(&"y".repeat(size)));
    let mut replies = greeter.chat(stream::iter(requests)).await.unwrap().into_inner();
    for size in sizes {
        let reply = replies.message().await.unwrap().expect("a reply to each");
        assert_eq!((reply.payload.len(), reply.message), (size, format!("you said {size}")));
    }
    assert!(replies.message().await.unwrap().is_none());
}

pub(crate) async fn calls_share_a_connection(bench: Bench) {
    let address = serve(bench.server(bench.server_config())).await;
    let client = bench.client(bench.client_config());
    let channel = channel(client, address).await.unwrap();
    let calls = (0..50).map(|i| {
        let mut greeter = GreeterClient::new(channel.clone());
        async move { greeter.greet(request(&i.to_string())).await.unwrap().into_inner().message }
    });
    let answers = stream::iter(calls).buffer_unordered(50).collect::<Vec<_>>().await;
    assert_eq!(answers.len(), 50);
    let from = |message: &str| message.rsplit(' ').next().unwrap().to_owned();
    assert!(answers.iter().all(|answer| from(answer) == from(&answers[0])), "{answers:?}");
}

/// A program in which something turns tonic's own TLS on has to write `http`.
pub(crate) async fn the_scheme_does_not_decide(bench: Bench) {
    let address = serve(bench.server(bench.server_config())).await;
    let client = bench.client(bench.client_config());
    let mut greeter = GreeterClient::new(channel_by("http", client, address).await.unwrap());
    let reply = greeter.greet(request("you")).await.unwrap().into_inner();
    assert!(reply.message.contains("by h2"), "{}", reply.message);
    let refused = bench.client(bench.client_config().roots(bench.stranger.roots()));
    assert!(channel_by("http", refused, address).await.is_err());
}

pub(crate) async fn a_server_without_http_2_is_refused(bench: Bench) {
    for other in [None, Some("http/1.1")] {
        let address = serve(bench.server(bench.server_config().alpn(other))).await;
        let client = bench.client(bench.client_config().alpn(["http/1.1", tls_tonic::H2]));
        let e = channel(client, address).await.unwrap_err();
        assert_eq!(kind(&e), Some(ErrorKind::NoSharedAlpn), "{other:?}: {e:?}");
    }
}

pub(crate) async fn a_servers_issuer_must_be_trusted(bench: Bench) {
    let address = serve(bench.server(bench.server_config())).await;
    let client = bench.client(bench.client_config().roots(bench.stranger.roots()));
    let e = channel(client, address).await.unwrap_err();
    let tells = bench.backend.capabilities().contains(Capability::CertificateReasons);
    let why = if tells { CertificateError::UnknownIssuer } else { CertificateError::Other };
    assert_eq!(kind(&e), Some(ErrorKind::Certificate(why)), "{e:?}");
}

/// In TLS 1.3 the handshake is over for the client before the server has looked: then a call fails.
pub(crate) async fn a_client_without_a_certificate_is_refused(bench: Bench) {
    if !bench.backend.capabilities().contains(Capability::RequestClientCertificate) {
        return a_server_knows_who_calls(bench).await; // refused, by name
    }
    let address = serve(bench.server(bench.asking_config())).await;
    let client = bench.client(bench.client_config());
    let failed = match channel(client, address).await {
        Err(e) => kind(&e),
        Ok(channel) => {
            let e = GreeterClient::new(channel).greet(request("you")).await.unwrap_err();
            kind(&e)
        }
    };
    // The alert, unless it was overtaken by the end of the connection.
    let refused = match failed {
        Some(ErrorKind::AlertReceived(alert)) => alert != Alert::CLOSE_NOTIFY,
        Some(ErrorKind::Io(_) | ErrorKind::UnexpectedEof) | None => true,
        Some(_) => false,
    };
    assert!(refused, "{failed:?}");
}

pub(crate) async fn one_bad_client_disturbs_nobody(bench: Bench) {
    let address = serve(bench.server(bench.server_config())).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut garbage = TcpStream::connect(address).await.unwrap();
    garbage.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    drop(TcpStream::connect(address).await.unwrap());
    let client = bench.client(bench.client_config());
    let mut greeter = GreeterClient::new(channel(client, address).await.unwrap());
    assert!(greeter.greet(request("you")).await.is_ok());
    let mut rest = Vec::new();
    let _ = garbage.read_to_end(&mut rest).await; // an alert, and the end
    assert!(greeter.greet(request("again")).await.is_ok());
    silent.write_all(b"late").await.unwrap();
}
