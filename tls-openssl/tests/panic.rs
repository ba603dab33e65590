//! A panic of an application's own code, which the library calls through C.

#![allow(clippy::unwrap_used)] // tests

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tls_conformance::Leaf;
use tls_core::{
    CertificateError, Checks, Client, ClientConfig, Connection, ErrorKind, Presented, Progress,
    Roots, Server, ServerConfig, Verification, Verifier,
};
use tls_openssl::Openssl;

#[derive(Debug)]
struct Panics;

impl Verifier for Panics {
    fn verify(&self, presented: &Presented<'_>) -> Result<(), CertificateError> {
        panic!("{} certificates", presented.chain.len())
    }
}

#[test]
fn a_panic_of_the_verifier_goes_on_where_it_was_called_from() {
    let identity = Leaf::server(&["localhost"]).self_signed();
    let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
    let server = Server::new(&ServerConfig::builder(identity).build().unwrap(), &Openssl::new());
    let server = server.unwrap();
    let verifier = || Arc::new(Panics);
    for by in [Verification::Follow(verifier()), Verification::Replace(verifier())] {
        let checks = Checks::new().verification(by);
        let config = ClientConfig::builder().roots(roots.clone()).checks(checks);
        let client = Client::new(&config.build().unwrap(), &Openssl::new()).unwrap();
        let (mut client, mut server) =
            (client.connection("localhost").unwrap(), server.connection().unwrap());
        let caught = catch_unwind(AssertUnwindSafe(|| {
            while client.handshake().unwrap() != Progress::Ready(()) {
                carry(&mut client, &mut server);
                let _ = server.handshake().unwrap();
                carry(&mut server, &mut client);
            }
        }));
        assert_eq!(caught.unwrap_err().downcast_ref::<String>().unwrap(), "1 certificates");
        // The peer was told; and nobody goes on with such a connection.
        carry(&mut client, &mut server);
        assert!(matches!(server.handshake().unwrap_err().kind(), ErrorKind::AlertReceived(_)));
        client.handshake().unwrap_err();
    }
}

fn carry(from: &mut Connection, to: &mut Connection) {
    let bytes = from.wire().pending().to_vec();
    from.wire().sent(bytes.len());
    to.wire().feed(&bytes);
}
