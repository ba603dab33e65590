//! What comes before a ClientHello.

use tls_conformance::Leaf;
use tls_core::{Client, ClientConfig, ErrorKind, Progress, Server, ServerConfig};
use tls_s2n::S2n;

#[test]
fn a_hello_behind_a_piece_of_an_alert_is_not_served_unread() {
    let identity = Leaf::server(&["localhost"]).self_signed();
    let config = ServerConfig::builder(identity).alpn(["ours"]).build().unwrap();
    let server = Server::new(&config, &S2n::new()).unwrap();
    let client = ClientConfig::builder().alpn(["theirs"]).build().unwrap();
    let mut client = Client::new(&client, &S2n::new()).unwrap().connection("localhost").unwrap();
    assert_eq!(client.handshake().unwrap(), Progress::WantRead);
    let hello = client.wire().pending().to_vec();
    for (before, why) in [
        (&[][..], ErrorKind::NoSharedAlpn),
        // s2n would wait for the other half and take the hello meanwhile, without our policy.
        (&[21, 3, 3, 0, 1, 1], ErrorKind::Protocol),
    ] {
        let mut server = server.connection().unwrap();
        server.wire().feed(before);
        server.wire().feed(&hello);
        assert_eq!(server.handshake().unwrap_err().kind(), why);
    }
}
