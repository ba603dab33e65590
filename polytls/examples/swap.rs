//! A program that leaves the choice to Cargo. Which library it speaks with is a feature:
//! `cargo run -p polytls --no-default-features --features openssl --example swap`

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use polytls::{
    Backend, Blocking, Client, ClientConfig, Identity, Roots, Server, ServerConfig, backend,
};

fn main() -> Result<(), Box<dyn Error>> {
    let backend = backend::only()?;
    println!("{}: {}", backend.name(), greet(backend)?);
    Ok(())
}

/// A server greets a client. Nothing in here knows a TLS library.
fn greet(backend: &dyn Backend) -> Result<String, Box<dyn Error>> {
    // A certificate for the occasion; a real server has `Identity::from_pem_files`.
    let identity = Identity::self_signed(["localhost"])?;
    let roots = Roots::empty().with_der(identity.leaf().clone())?; // self-signed: trusted as it is
    let server = Server::new(&ServerConfig::builder(identity).build()?, backend)?;
    let client = Client::new(&ClientConfig::builder().roots(roots).build()?, backend)?;

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let serving = thread::spawn(move || -> std::io::Result<()> {
        let mut stream = server.accept(Blocking::new(listener.accept()?.0))?;
        stream.write_all(b"hello, whoever you are")?;
        stream.shutdown()
    });

    let mut stream = client.connect("localhost", Blocking::new(TcpStream::connect(address)?))?;
    let mut greeting = String::new();
    stream.read_to_string(&mut greeting)?;
    serving.join().map_err(|_| "the server panicked")??;
    let version = stream.negotiated().and_then(|facts| facts.version);
    Ok(format!("{greeting} ({})", version.map_or("unknown version", |version| version.name())))
}

#[test]
fn every_backend_greets() {
    for backend in backend::all() {
        assert!(greet(*backend).unwrap().starts_with("hello, whoever you are (TLSv1."));
    }
}
