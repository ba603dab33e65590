//! A client on tokio: `cargo run -p tls-tokio --example client -- example.com:443`.

use std::env;
use std::error::Error;
use std::time::Duration;

use polytls::{Client, ClientConfig, EndOfStream, backend};
use tls_tokio::TlsConnector;
use tokio::io::{AsyncReadExt, AsyncWriteExt, stdout};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("usage: client HOST:PORT")?;
    let (host, _) = address.rsplit_once(':').ok_or("HOST:PORT, please")?;

    let config = ClientConfig::builder()
        .alpn(["http/1.1"])
        // HTTP says itself where an answer ends.
        .end_of_stream(EndOfStream::TolerateTruncation)
        .build()?;
    let connector = TlsConnector::new(Client::new(&config, backend::only()?)?)
        .handshake_limit(Some(Duration::from_secs(10)));

    let mut stream = connector.connect(host, TcpStream::connect(&address).await?).await?;
    if let Some(facts) = stream.negotiated() {
        eprintln!("{:?} {:?}", facts.version, facts.cipher_suite);
    }
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    stdout().write_all(&answer).await?;
    stream.shutdown().await?;
    Ok(())
}
