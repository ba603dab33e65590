//! A client and a server joined by hand: no socket, no driver, just bytes.
//! `cargo run -p polytls --example by_hand`

use std::error::Error;

use polytls::{
    Backend, Client, ClientConfig, Connection, Identity, Progress, Roots, Server, ServerConfig,
    backend,
};

fn main() -> Result<(), Box<dyn Error>> {
    backend::all().iter().try_for_each(|backend| meet(*backend))
}

fn meet(backend: &dyn Backend) -> Result<(), Box<dyn Error>> {
    // A certificate for the occasion; a real server has `Identity::from_pem_files`.
    let identity = Identity::self_signed(["localhost"])?;
    let roots = Roots::empty().with_der(identity.leaf().clone())?; // self-signed: trusted as it is

    let config = ClientConfig::builder().roots(roots).build()?;
    let mut client = Client::new(&config, backend)?.connection("localhost")?;
    let config = ServerConfig::builder(identity).build()?;
    let mut server = Server::new(&config, backend)?.connection()?;

    let mut flights = 0;
    loop {
        let (c, s) = (client.handshake()?, server.handshake()?);
        if (c, s) == (Progress::Ready(()), Progress::Ready(())) {
            break;
        }
        flights += 1;
        carry(&mut client, &mut server);
        carry(&mut server, &mut client);
    }
    println!("{}: handshake done in {flights} rounds", backend.name());

    assert_eq!(client.write(b"hello")?, Progress::Ready(5));
    carry(&mut client, &mut server);
    let mut buf = [0; 100];
    let Progress::Ready(n) = server.read(&mut buf)? else { return Err("not there yet".into()) };
    println!("the server reads {:?}", String::from_utf8_lossy(&buf[..n]));
    Ok(())
}

/// What a network would do.
fn carry(from: &mut Connection, to: &mut Connection) {
    let pending = from.wire().pending().to_vec();
    to.wire().feed(&pending);
    from.wire().sent(pending.len());
}

#[test]
fn client_and_server_meet() {
    for backend in backend::all() {
        meet(*backend).unwrap();
    }
}
