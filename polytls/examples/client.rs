//! A blocking client: `cargo run -p polytls --example client -- example.com:443 [BACKEND]`.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use polytls::{Blocking, Client, ClientConfig, EndOfStream, backend};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().ok_or("usage: client HOST:PORT [BACKEND]")?;
    let (host, _) = address.rsplit_once(':').ok_or("HOST:PORT, please")?;
    let backend = match arguments.next() {
        Some(name) => backend::by_name(&name)?,
        None => backend::only()?,
    };

    let config = ClientConfig::builder()
        .alpn(["http/1.1"])
        // HTTP says itself where an answer ends.
        .end_of_stream(EndOfStream::TolerateTruncation)
        .build()?;
    let client = Client::new(&config, backend)?;

    let mut stream = client.connect(host, Blocking::new(TcpStream::connect(&address)?))?;
    stream.handshake_until(Instant::now() + Duration::from_secs(10))?;
    if let Some(facts) = stream.negotiated() {
        eprintln!("{:?} {:?} by {}", facts.version, facts.cipher_suite, backend.library());
    }

    write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    io::stdout().write_all(&answer)?;
    if stream.ended_without_close() {
        eprintln!("(the server did not say close_notify)");
    }
    stream.shutdown()?;
    Ok(())
}
