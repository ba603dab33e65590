//! Session tickets, which servers of polytls do not send, but others do.

use openssl::ssl::SslOptions;
use tls_conformance::Leaf;
use tls_core::{Client, ClientAuth, ClientConfig, Connection, Progress, Roots, Server};
use tls_core::{ServerConfig, Version, Versions};
use tls_openssl::Openssl;

#[test]
fn a_client_closes_although_half_a_ticket_has_come() {
    // A ticket holds the client's certificate, and this one does not fit in a record.
    let names = (0..1000).map(|i| format!("client-{i:04}.client.test")).collect::<Vec<_>>();
    let names = names.iter().map(String::as_str).collect::<Vec<_>>();
    let long = Leaf::server(&names).with(|params| params.extended_key_usages.clear()).self_signed();
    let identity = Leaf::server(&["localhost"]).self_signed();
    let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
    let clients = Roots::empty().with_der(long.leaf().clone()).unwrap();

    let config = ClientConfig::builder().roots(roots).identity(long).build().unwrap();
    let client = Client::new(&config, &Openssl::new()).unwrap();
    let generous = Openssl::new().modify(|context| {
        context.clear_options(SslOptions::NO_TICKET);
        context.set_session_id_context(b"generous")?;
        context.set_num_tickets(1)
    });
    let config = ServerConfig::builder(identity)
        .versions(Versions::only(Version::Tls13))
        .client_auth(ClientAuth::Require(clients));
    let server = Server::new(&config.build().unwrap(), &generous).unwrap();
    let (mut client, mut server) =
        (client.connection("localhost").unwrap(), server.connection().unwrap());
    while client.handshake().unwrap() != Progress::Ready(()) || !server.is_established() {
        let all = client.wire().pending().len();
        carry(&mut client, &mut server, all);
        let _ = server.handshake().unwrap();
        if !server.is_established() {
            let all = server.wire().pending().len();
            carry(&mut server, &mut client, all);
        }
    }

    let ticket = server.wire().pending().len();
    assert!(ticket > 17_000, "{ticket} bytes are one record");
    carry(&mut server, &mut client, ticket - 1);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), Progress::WantRead);
    // OpenSSL would refuse to close now, and for good.
    assert_eq!(client.close().unwrap(), Progress::WantRead);
    carry(&mut server, &mut client, 1);
    assert_eq!(client.close().unwrap(), Progress::Ready(()));
    let all = client.wire().pending().len();
    carry(&mut client, &mut server, all);
    assert_eq!(server.read(&mut [0; 8]).unwrap(), Progress::Ready(0));
}

fn carry(from: &mut Connection, to: &mut Connection, n: usize) {
    let bytes = from.wire().pending()[..n].to_vec();
    from.wire().sent(n);
    to.wire().feed(&bytes);
}
