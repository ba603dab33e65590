//! The escape hatch.

use boring::ssl::{SslOptions, SslVerifyMode};
use tls_boring::Boring;
use tls_conformance::Leaf;
use tls_core::{
    CertificateError, Client, ClientConfig, Connection, ErrorKind, Progress, Roots, Server,
    ServerConfig, Tickets,
};

#[test]
fn the_escape_hatch_runs_last_on_the_native_context() {
    let identity = Leaf::server(&["localhost"]).self_signed();
    let config = ServerConfig::builder(identity).tickets(Tickets::Off).build().unwrap();
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

#[test]
fn nobody_is_accepted_about_whom_the_core_was_not_asked() {
    let identity = Leaf::server(&["localhost"]).self_signed();
    let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
    let server = ServerConfig::builder(identity).build().unwrap();
    let server = Server::new(&server, &Boring::new()).unwrap();
    let config = ClientConfig::builder().roots(roots).build().unwrap();
    let careless = Boring::new().modify(|context| {
        context.set_custom_verify_callback(SslVerifyMode::PEER, |_| Ok(()));
        Ok(())
    });
    for (backend, accepted) in [(Boring::new(), true), (careless, false)] {
        let client = Client::new(&config, &backend).unwrap();
        let (mut client, mut server) =
            (client.connection("localhost").unwrap(), server.connection().unwrap());
        let mut outcome = client.handshake();
        while matches!(outcome, Ok(Progress::WantRead)) {
            carry(&mut client, &mut server);
            let _ = server.handshake().unwrap();
            carry(&mut server, &mut client);
            outcome = client.handshake();
        }
        let refused = ErrorKind::Certificate(CertificateError::Other);
        let expected = if accepted { Ok(Progress::Ready(())) } else { Err(refused) };
        assert_eq!(outcome.map_err(|e| e.kind()), expected);
    }
}

fn carry(from: &mut Connection, to: &mut Connection) {
    let bytes = from.wire().pending().to_vec();
    from.wire().sent(bytes.len());
    to.wire().feed(&bytes);
}
