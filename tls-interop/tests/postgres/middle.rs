//! Who stands between a client and a server, well meant or not.

use std::future::Future;
use std::io;

use polytls::{Identity, Server, ServerConfig};
use tls_postgres::TlsConnector;
use tls_postgres::tokio_postgres::tls::TlsConnect;
use tls_tokio::TlsAcceptor;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::Bench;
use crate::fixture::NAME;

/// Listens, and hands each client to `serve`, in a task of its own; where it listens.
async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(serve(tcp));
        }
    });
    port
}

/// A man in the middle, who is `identity` for the client and a client for the server.
pub(crate) async fn between(bench: &Bench, identity: Identity) -> u16 {
    let acceptor = acceptor(bench, identity, None);
    let tls = bench.tls(bench.config());
    let to = bench.fixture.server().port();
    listen(move |mut client| {
        let (acceptor, tls) = (acceptor.clone(), tls.clone());
        async move {
            let mut request = [0; 8];
            client.read_exact(&mut request).await?;
            client.write_all(b"S").await?;
            let client = acceptor.accept(client).await?;
            let mut server = TcpStream::connect(("127.0.0.1", to)).await?;
            server.write_all(&request).await?;
            server.read_exact(&mut [0]).await?;
            let server = TlsConnector::new(tls, NAME).connect(server).await?;
            pass_on(client, server).await
        }
    })
    .await
}

/// TLS that is not PostgreSQL's own, in front of a server without any.
pub(crate) async fn before_clear(bench: &Bench, identity: Identity, alpn: &str) -> u16 {
    let acceptor = acceptor(bench, identity, Some(alpn));
    let to = bench.fixture.clear().port();
    listen(move |client| {
        let acceptor = acceptor.clone();
        async move {
            let client = acceptor.accept(client).await?;
            pass_on(client, TcpStream::connect(("127.0.0.1", to)).await?).await
        }
    })
    .await
}

fn acceptor(bench: &Bench, identity: Identity, alpn: Option<&str>) -> TlsAcceptor {
    let config = ServerConfig::builder(identity).alpn(alpn).build().unwrap();
    Server::new(&config, bench.backend).unwrap().into()
}

async fn pass_on<A, B>(mut a: A, mut b: B) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    copy_bidirectional(&mut a, &mut b).await.map(|_| ())
}
