//! A blocking echo server, a thread a connection:
//! `cargo run -p polytls --example server -- 127.0.0.1:8443 server.pem server.key [BACKEND]`.

use std::env;
use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use polytls::{Blocking, Identity, Server, ServerConfig, backend};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, certificate, key, rest @ ..] = arguments.as_slice() else {
        return Err("usage: server ADDRESS CERTIFICATE KEY [BACKEND]".into());
    };
    let backend = match rest {
        [] => backend::only()?,
        [name, ..] => backend::by_name(name)?,
    };

    let identity = Identity::from_pem_files(certificate, key)?;
    let server = Server::new(&ServerConfig::builder(identity).build()?, backend)?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for tcp in listener.incoming() {
        let (tcp, server) = (tcp?, server.clone());
        thread::spawn(move || {
            if let Err(e) = echo(&server, tcp) {
                eprintln!("error: {e}");
            }
        });
    }
    Ok(())
}

fn echo(server: &Server, tcp: TcpStream) -> io::Result<()> {
    let mut stream = server.accept(Blocking::new(tcp))?;
    // However slowly the client trickles its bytes.
    stream.handshake_until(Instant::now() + Duration::from_secs(10))?;
    let mut buf = [0; 16 * 1024];
    loop {
        match stream.read(&mut buf)? {
            0 => return stream.shutdown(),
            n => stream.write_all(&buf[..n])?,
        }
    }
}

#[test]
fn what_is_sent_comes_back() {
    use polytls::{Client, ClientConfig, Roots};

    for backend in backend::all() {
        let identity = Identity::self_signed(["localhost"]).unwrap();
        let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
        let config = ServerConfig::builder(identity).build().unwrap();
        let server = Server::new(&config, *backend).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = thread::spawn(move || echo(&server, listener.accept().unwrap().0));

        let config = ClientConfig::builder().roots(roots).build().unwrap();
        let client = Client::new(&config, *backend).unwrap();
        let tcp = TcpStream::connect(address).unwrap();
        let mut stream = client.connect("localhost", Blocking::new(tcp)).unwrap();
        stream.write_all(b"round trip").unwrap();
        stream.close_notify().unwrap();
        let mut echo = String::new();
        stream.read_to_string(&mut echo).unwrap();
        assert_eq!(echo, "round trip");
        serving.join().unwrap().unwrap();
    }
}
