//! An echo server on tokio, a task a connection:
//! `cargo run -p tls-tokio --example server -- 127.0.0.1:8443 server.pem server.key`.

use std::env;
use std::error::Error;
use std::io;

use polytls::{Identity, Server, ServerConfig, backend};
use tls_tokio::TlsAcceptor;
use tokio::io::{AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, certificate, key] = arguments.as_slice() else {
        return Err("usage: server ADDRESS CERTIFICATE KEY".into());
    };
    let identity = Identity::from_pem_files(certificate, key)?;
    let server = Server::new(&ServerConfig::builder(identity).build()?, backend::only()?)?;
    let acceptor = TlsAcceptor::new(server);

    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (tcp, peer) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Err(e) = echo(&acceptor, tcp).await {
                eprintln!("{peer}: {e}");
            }
        });
    }
}

async fn echo(acceptor: &TlsAcceptor, tcp: TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = split(acceptor.accept(tcp).await?);
    copy(&mut reader, &mut writer).await?;
    writer.shutdown().await
}

#[tokio::test]
async fn what_is_sent_comes_back() {
    use polytls::{Client, ClientConfig, Roots};
    use tls_conformance::Leaf;
    use tls_tokio::TlsConnector;
    use tokio::io::AsyncReadExt;

    for &backend in backend::all() {
        let identity = Leaf::server(&["localhost"]).self_signed();
        let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
        let config = ServerConfig::builder(identity).build().unwrap();
        let acceptor = TlsAcceptor::new(Server::new(&config, backend).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving =
            tokio::spawn(async move { echo(&acceptor, listener.accept().await.unwrap().0).await });

        let config = ClientConfig::builder().roots(roots).build().unwrap();
        let connector = TlsConnector::new(Client::new(&config, backend).unwrap());
        let tcp = TcpStream::connect(address).await.unwrap();
        let mut stream = connector.connect("localhost", tcp).await.unwrap();
        stream.write_all(b"round trip").await.unwrap();
        stream.close_notify().await.unwrap();
        let mut echo = String::new();
        stream.read_to_string(&mut echo).await.unwrap();
        assert_eq!(echo, "round trip");
        serving.await.unwrap().unwrap();
    }
}
