//! Connections that begin in clear, on tokio.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::io;
use std::time::Duration;

use polytls::{Client, ClientConfig, Server, ServerConfig, backend};
use tls_conformance::Authority;
use tls_starttls::{Error, ErrorKind, Protocol, Starttls};
use tls_tokio::{TlsAcceptor, TlsConnector, starttls};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const NAME: &str = "mail.test";

/// A server of POP3 up to its go-ahead, a byte at a time.
async fn pop3(io: &mut DuplexStream, go_ahead: &[u8]) -> io::Result<()> {
    let turns: [(&[u8], &[u8]); 3] =
        [(b"", b"+OK hi\r\n"), (b"CAPA\r\n", b"+OK\r\nSTLS\r\n.\r\n"), (b"STLS\r\n", go_ahead)];
    for (expected, answer) in turns {
        let mut asked = vec![0; expected.len()];
        io.read_exact(&mut asked).await?;
        assert_eq!(asked, expected);
        io.write_all(answer).await?;
    }
    Ok(())
}

fn kind(e: &io::Error) -> ErrorKind {
    e.get_ref().and_then(|inside| inside.downcast_ref::<Error>()).expect("our own").kind()
}

#[tokio::test]
async fn a_stream_is_upgraded_and_goes_on_in_tls() {
    let root = Authority::root("Root of STARTTLS");
    let client = ClientConfig::builder().roots(root.roots()).build().unwrap();
    let server = ServerConfig::builder(root.server(NAME)).build().unwrap();
    let connector = TlsConnector::from(Client::new(&client, backend::rustls()).unwrap());
    let acceptor = TlsAcceptor::from(Server::new(&server, backend::rustls()).unwrap());
    for room in [1, 5, 10_000] {
        let (mut near, mut far) = duplex(room);
        let acceptor = acceptor.clone();
        let serving = tokio::spawn(async move {
            pop3(&mut far, b"+OK\r\n").await?;
            let mut stream = acceptor.accept(far).await?;
            stream.write_all(b"+OK in TLS").await?;
            stream.shutdown().await
        });
        starttls(&mut near, &Starttls::new(Protocol::Pop3)).await.unwrap();
        let mut stream = connector.connect(NAME, near).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "+OK in TLS");
        serving.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_is_injected_is_refused() {
    let (mut near, mut far) = duplex(10_000);
    let serving = async { pop3(&mut far, b"+OK\r\n+OK injected\r\n").await };
    let request = Starttls::new(Protocol::Pop3);
    let (upgraded, served) = tokio::join!(starttls(&mut near, &request), serving);
    served.unwrap();
    let e = upgraded.unwrap_err();
    assert_eq!((e.kind(), kind(&e)), (io::ErrorKind::InvalidData, ErrorKind::Injected));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_meets_the_limit() {
    let (mut near, _far) = duplex(100);
    let request = Starttls::new(Protocol::Pop3).limit(Some(Duration::from_secs(5)));
    let begin = tokio::time::Instant::now();
    let e = starttls(&mut near, &request).await.unwrap_err();
    assert_eq!((e.kind(), kind(&e)), (io::ErrorKind::TimedOut, ErrorKind::Timeout));
    assert_eq!(begin.elapsed().as_secs(), 5);
}
