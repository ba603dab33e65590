//! Two providers in one program, and neither installed as the process's default.
#![allow(clippy::unwrap_used)] // in the helpers too, not only in the tests themselves

use rustls::crypto::CryptoProvider;
use tls_conformance::Leaf;
use tls_core::{Backend, Client, ClientConfig, Connection, Progress, Roots, Server, ServerConfig};
use tls_rustls::Rustls;

#[test]
fn both_providers_work_and_none_is_installed() {
    assert!(CryptoProvider::get_default().is_none());
    let providers = [Rustls::aws_lc_rs(), Rustls::ring()];
    for client in &providers {
        for server in &providers {
            shake_hands(client, server);
        }
    }
    let custom = Rustls::with_provider(rustls::crypto::ring::default_provider());
    shake_hands(&custom, &custom);
    assert!(CryptoProvider::get_default().is_none(), "a provider was installed for the process");
}

#[test]
fn the_escape_hatch_runs_last_on_the_native_configuration() {
    let secretive =
        Rustls::ring().modify_client(|config| config.alpn_protocols = vec![b"x".into()]);
    let strict = Rustls::ring().modify_server(|config| config.alpn_protocols = vec![b"x".into()]);
    let (client, _) = shake_hands(&secretive, &strict);
    assert_eq!(client.negotiated().unwrap().alpn.as_deref(), Some(&b"x"[..]));
}

fn shake_hands(client: &dyn Backend, server: &dyn Backend) -> (Connection, Connection) {
    let identity = Leaf::server(&["localhost"]).self_signed();
    let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
    let config = ClientConfig::builder().roots(roots).build().unwrap();
    let mut client = Client::new(&config, client).unwrap().connection("localhost").unwrap();
    let config = ServerConfig::builder(identity).build().unwrap();
    let mut server = Server::new(&config, server).unwrap().connection().unwrap();
    for _ in 0..10 {
        let both = (client.handshake().unwrap(), server.handshake().unwrap());
        carry(&mut client, &mut server);
        carry(&mut server, &mut client);
        if both == (Progress::Ready(()), Progress::Ready(())) {
            return (client, server);
        }
    }
    panic!("the handshake does not end");
}

fn carry(from: &mut Connection, to: &mut Connection) {
    let pending = from.wire().pending().to_vec();
    to.wire().feed(&pending);
    from.wire().sent(pending.len());
}
