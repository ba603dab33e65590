//! The escape hatch.

use boring::ssl::SslOptions;
use tls_boring::Boring;
use tls_conformance::Leaf;
use tls_core::{ErrorKind, Server, ServerConfig};

#[test]
fn the_escape_hatch_runs_last_on_the_native_context() {
    let config = ServerConfig::builder(Leaf::server(&["localhost"]).self_signed()).build().unwrap();
    let (sender, seen) = std::sync::mpsc::channel();
    let backend = Boring::new().modify(move |context| {
        let _ = sender.send(context.options());
        Ok(())
    });
    Server::new(&config, &backend).unwrap();
    assert!(seen.recv().unwrap().contains(SslOptions::NO_TICKET), "it did not run last");

    let failing = Boring::new().modify(|context| context.set_curves_list("no-such-group"));
    assert_eq!(Server::new(&config, &failing).unwrap_err().kind(), ErrorKind::Config);
}
