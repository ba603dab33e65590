//! Connections that begin in clear, on smol.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::io;

use polytls::{Client, ClientConfig, Server, ServerConfig, backend};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use tls_conformance::Authority;
use tls_futures::{TlsAcceptor, TlsConnector, starttls};
use tls_starttls::{Error, ErrorKind, Protocol, Starttls};

const NAME: &str = "db.test";

/// What a PostgreSQL server does when asked for TLS, with `more` after its answer.
async fn postgres(listener: TcpListener, more: &[u8]) -> io::Result<TcpStream> {
    let (mut tcp, _) = listener.accept().await?;
    let mut asked = [0; 8];
    tcp.read_exact(&mut asked).await?;
    tcp.write_all(&[b"S", more].concat()).await?;
    Ok(tcp)
}

#[test]
fn a_socket_is_upgraded_and_what_is_injected_is_refused() {
    let root = Authority::root("Root of STARTTLS");
    let client = ClientConfig::builder().roots(root.roots()).build().unwrap();
    let server = ServerConfig::builder(root.server(NAME)).build().unwrap();
    let connector = TlsConnector::from(Client::new(&client, backend::rustls()).unwrap());
    let acceptor = TlsAcceptor::from(Server::new(&server, backend::rustls()).unwrap());
    smol::block_on(async {
        for more in [&b""[..], b"E"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let acceptor = acceptor.clone();
            let serving = smol::spawn(async move {
                let tcp = postgres(listener, more).await?;
                if more.is_empty() {
                    let mut stream = acceptor.accept(tcp).await?;
                    stream.write_all(b"in TLS").await?;
                    stream.close().await?;
                }
                io::Result::Ok(())
            });
            let mut tcp = TcpStream::connect(address).await.unwrap();
            let upgraded = starttls(&mut tcp, &Starttls::new(Protocol::Postgres)).await;
            if more.is_empty() {
                upgraded.unwrap();
                let mut stream = connector.connect(NAME, tcp).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert_eq!(answer, "in TLS");
            } else {
                let e = upgraded.unwrap_err();
                let inside = e.get_ref().and_then(|inside| inside.downcast_ref::<Error>());
                assert_eq!(inside.unwrap().kind(), ErrorKind::Injected);
            }
            serving.await.unwrap();
        }
    });
}
