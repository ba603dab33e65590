//! What a session shares with other code on its thread.

use boring::pkey::PKey;
use boring::x509::X509;
use tls_boring::Boring;
use tls_conformance::Leaf;
use tls_core::{Client, ClientConfig, Connection, Progress, Roots, Server, ServerConfig};

#[test]
fn an_error_that_other_code_left_in_the_queue_is_not_ours() {
    let identity = Leaf::server(&["localhost"]).self_signed();
    let certificate = identity.leaf().clone();
    let roots = Roots::empty().with_der(certificate.clone()).unwrap();
    let config = ClientConfig::builder().roots(roots).build().unwrap();
    let client = Client::new(&config, &Boring::new()).unwrap();
    let server = ServerConfig::builder(identity).build().unwrap();
    let server = Server::new(&server, &Boring::new()).unwrap();
    let (mut client, mut server) =
        (client.connection("localhost").unwrap(), server.connection().unwrap());
    while client.handshake().unwrap() != Progress::Ready(()) || !server.is_established() {
        carry(&mut client, &mut server);
        let _ = server.handshake().unwrap();
        carry(&mut server, &mut client);
    }

    // Not of this key. The crate says so, and leaves BoringSSL's reasons in the queue.
    let stranger = Leaf::server(&["localhost"]).self_signed();
    let stranger = PKey::private_key_from_der(stranger.key().unwrap().secret_der()).unwrap();
    assert!(!X509::from_der(&certificate).unwrap().verify(&stranger).unwrap());
    assert_eq!(client.read(&mut [0; 8]).unwrap(), Progress::WantRead);
}

fn carry(from: &mut Connection, to: &mut Connection) {
    let bytes = from.wire().pending().to_vec();
    from.wire().sent(bytes.len());
    to.wire().feed(&bytes);
}
