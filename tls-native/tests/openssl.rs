//! Peers that do what no peer of polytls does, where native-tls is OpenSSL.

#![cfg(not(any(target_os = "windows", target_vendor = "apple")))]
#![allow(clippy::unwrap_used)] // tests

use openssl::pkey::PKey;
use openssl::ssl::{SslContextBuilder, SslOptions};
use openssl::x509::X509;
use tls_conformance::{Authority, Leaf};
use tls_core::{
    Alert, Backend, CertificateError, Client, ClientAuth, ClientConfig, ClientConfigBuilder,
    Connection, ErrorKind, Progress, Result, Roots, Server, ServerConfig, ServerConfigBuilder,
    Version, Versions,
};
use tls_native::Native;
use tls_openssl::Openssl;

type Modify = fn(&mut SslContextBuilder) -> Result<(), openssl::error::ErrorStack>;

const NAME: &str = "server.test";

struct Pair {
    client: Connection,
    server: Connection,
}

impl Pair {
    fn new(
        client: (&dyn Backend, ClientConfigBuilder),
        server: (&dyn Backend, ServerConfigBuilder),
    ) -> Self {
        let client = Client::new(&client.1.build().unwrap(), client.0).unwrap();
        let server = Server::new(&server.1.build().unwrap(), server.0).unwrap();
        Self { client: client.connection(NAME).unwrap(), server: server.connection().unwrap() }
    }

    /// How each side's handshake ended.
    fn outcome(&mut self) -> (Result<(), ErrorKind>, Result<(), ErrorKind>) {
        let (mut client, mut server) = (None, None);
        while client.is_none() || server.is_none() {
            step(&mut self.client, &mut client);
            carry(&mut self.client, &mut self.server, usize::MAX);
            step(&mut self.server, &mut server);
            carry(&mut self.server, &mut self.client, usize::MAX);
        }
        (client.unwrap(), server.unwrap())
    }
}

fn step(side: &mut Connection, outcome: &mut Option<Result<(), ErrorKind>>) {
    if outcome.is_none() {
        *outcome = match side.handshake() {
            Ok(Progress::Ready(())) => Some(Ok(())),
            Ok(Progress::WantRead | Progress::WantWrite | Progress::WantSignature) => None,
            Err(e) => Some(Err(e.kind())),
        };
    }
}

fn carry(from: &mut Connection, to: &mut Connection, most: usize) {
    let n = from.wire().pending().len().min(most);
    let bytes = from.wire().pending()[..n].to_vec();
    from.wire().sent(n);
    to.wire().feed(&bytes);
}

fn configs(version: Version) -> (ClientConfigBuilder, ServerConfigBuilder) {
    let (root, only) = (Authority::root("Root of this case"), Versions::only(version));
    let client = ClientConfig::builder().roots(root.roots()).versions(only);
    (client, ServerConfig::builder(root.server(NAME)).versions(only))
}

/// A native client refuses what a server chooses that is changed like this.
fn client_refuses(version: Version, modify: Modify, why: ErrorKind) {
    let (client, server) = configs(version);
    let peer = Openssl::new().modify(modify);
    let (client, server) = Pair::new((&Native, client), (&peer, server)).outcome();
    assert_eq!(client, Err(why));
    assert_eq!(server, Err(ErrorKind::AlertReceived(Alert::HANDSHAKE_FAILURE)));
}

/// A native server refuses what it would choose for a client that is changed like this.
fn server_refuses(modify: Modify, why: ErrorKind) {
    let (client, server) = configs(Version::Tls12);
    let peer = Openssl::new().modify(modify);
    let (client, server) = Pair::new((&peer, client), (&Native, server)).outcome();
    assert_eq!(server, Err(why));
    assert_eq!(client, Err(ErrorKind::AlertReceived(Alert::HANDSHAKE_FAILURE)));
}

#[test]
fn a_suite_outside_of_the_defaults_is_refused() {
    let only_cbc: Modify = |context| context.set_cipher_list("ECDHE-ECDSA-AES128-SHA256");
    client_refuses(Version::Tls12, only_cbc, ErrorKind::NoSharedCipher);
    server_refuses(only_cbc, ErrorKind::NoSharedCipher);
}

#[test]
fn a_group_outside_of_the_defaults_is_refused() {
    // The server's key is on P-256.
    let only_others: Modify = |context| context.set_groups_list("P-521");
    client_refuses(Version::Tls13, only_others, ErrorKind::NoSharedGroup);
    let other_first: Modify = |context| {
        context.set_options(SslOptions::CIPHER_SERVER_PREFERENCE);
        context.set_groups_list("P-521:P-256")
    };
    client_refuses(Version::Tls12, other_first, ErrorKind::NoSharedGroup);
    server_refuses(only_others, ErrorKind::NoSharedGroup);
}

#[test]
fn a_server_is_told_why_its_certificate_is_refused_by_our_own_rules() {
    // OpenSSL would go by the common name.
    let root = Authority::root("Root of this case");
    let nameless = Leaf::client(NAME).with(|params| params.extended_key_usages.clear());
    let identity = root.issue(nameless);
    for version in [Version::Tls12, Version::Tls13] {
        let only = Versions::only(version);
        let client = ClientConfig::builder().roots(root.roots()).versions(only);
        let server = ServerConfig::builder(identity.clone()).versions(only);
        let mut pair = Pair::new((&Native, client), (&Openssl::new(), server));
        let (client, server) = pair.outcome();
        assert_eq!(client, Err(ErrorKind::Certificate(CertificateError::Other)));
        assert_eq!(server, Err(ErrorKind::AlertReceived(Alert::BAD_CERTIFICATE)));
    }
}

#[test]
fn an_error_that_other_code_left_in_the_queue_is_not_ours() {
    let (client, server) = configs(Version::Tls12);
    let mut pair = Pair::new((&Native, client), (&Native, server));
    assert_eq!(pair.outcome(), (Ok(()), Ok(())));

    // Not of this key. The crate says so, and leaves OpenSSL's reasons in the queue.
    let [one, other] = [(), ()].map(|()| Leaf::server(&[NAME]).self_signed());
    let stranger = PKey::private_key_from_der(other.key().unwrap().secret_der()).unwrap();
    assert!(!X509::from_der(one.leaf()).unwrap().verify(&stranger).unwrap());
    assert_eq!(pair.client.read(&mut [0; 8]).unwrap(), Progress::WantRead);
}

#[test]
fn a_client_closes_although_half_a_ticket_has_come() {
    // A ticket holds the client's certificate, and this one does not fit in a record.
    let names = (0..1000).map(|i| format!("client-{i:04}.client.test")).collect::<Vec<_>>();
    let names = names.iter().map(String::as_str).collect::<Vec<_>>();
    let long = Leaf::server(&names).with(|params| params.extended_key_usages.clear()).self_signed();
    let clients = Roots::empty().with_der(long.leaf().clone()).unwrap();
    let generous = Openssl::new().modify(|context| {
        context.clear_options(SslOptions::NO_TICKET);
        context.set_session_id_context(b"generous")?;
        context.set_num_tickets(1)
    });
    let (client, server) = configs(Version::Tls13);
    let server = server.client_auth(ClientAuth::Require(clients));
    let mut pair = Pair::new((&Native, client.identity(long)), (&generous, server));
    let Pair { client, server } = &mut pair;
    while client.handshake().unwrap() != Progress::Ready(()) || !server.is_established() {
        carry(client, server, usize::MAX);
        let _ = server.handshake().unwrap();
        if !server.is_established() {
            carry(server, client, usize::MAX);
        }
    }

    let ticket = server.wire().pending().len();
    assert!(ticket > 17_000, "{ticket} bytes are one record");
    carry(server, client, ticket - 1);
    assert_eq!(client.read(&mut [0; 8]).unwrap(), Progress::WantRead);
    // OpenSSL would refuse to close now, and for good.
    assert_eq!(client.close().unwrap(), Progress::WantRead);
    carry(server, client, 1);
    assert_eq!(client.close().unwrap(), Progress::Ready(()));
    carry(client, server, usize::MAX);
    assert_eq!(server.read(&mut [0; 8]).unwrap(), Progress::Ready(0));
}
