//! The escape hatch.

use openssl::ssl::SslOptions;
use tls_conformance::Leaf;
use tls_core::{ErrorKind, Server, ServerConfig, Tickets};
use tls_openssl::Openssl;

#[test]
fn the_escape_hatch_runs_last_on_the_native_context() {
    let identity = Leaf::server(&["localhost"]).self_signed();
    let config = ServerConfig::builder(identity).tickets(Tickets::Off).build().unwrap();
    let (sender, seen) = std::sync::mpsc::channel();
    let backend = Openssl::new().modify(move |context| {
        let _ = sender.send(context.options());
        Ok(())
    });
    Server::new(&config, &backend).unwrap();
    assert!(seen.recv().unwrap().contains(SslOptions::NO_TICKET), "it did not run last");

    let failing = Openssl::new().modify(|context| context.set_groups_list("no-such-group"));
    assert_eq!(Server::new(&config, &failing).unwrap_err().kind(), ErrorKind::Config);
}
