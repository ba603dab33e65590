//! A client without tickets, which resumes by the id of a session that the server keeps.

use polytls::{Backend, Server, ServerConfig, Tickets, Version, Versions};

use crate::fixture::Fixture;
use crate::openssl::OPENSSL;
use crate::ours::{self, Listener};
use crate::process::Child;

/// A test: its name, and what it does.
type Case = (&'static str, fn(&'static dyn Backend, &Fixture));

/// What is tried, under the name of a test.
pub(crate) static CASES: &[Case] = &[
    ("server_for::openssl_s_client::tls12_without_tickets_is_resumed_from_the_cache", cached),
    ("server_for::openssl_s_client::tls12_without_tickets_and_cache_is_not_resumed", not_cached),
];

fn cached(backend: &'static dyn Backend, fixture: &Fixture) {
    come_again(backend, fixture, 8, true);
}

fn not_cached(backend: &'static dyn Backend, fixture: &Fixture) {
    come_again(backend, fixture, 0, false);
}

/// The same client three times, with the session that it had the time before.
fn come_again(backend: &'static dyn Backend, fixture: &Fixture, kept: usize, resumes: bool) {
    let config = ServerConfig::builder(fixture.server.identity.clone())
        .session_cache(kept)
        .tickets(Tickets::Off)
        .versions(Versions::only(Version::Tls12))
        .build()
        .unwrap();
    let compiled = Server::new(&config, backend);
    let Some(server) = ours::honoured(compiled, config.required(), backend) else { return };
    let (scratch, listener) = (fixture.scratch(), Listener::new());
    let session = scratch.path().join("session");
    for again in [false, true, true] {
        let mut command = OPENSSL.command();
        command.args(["s_client", "-tls1_2", "-no_ticket", "-brief"]);
        command.args(["-connect", &format!("127.0.0.1:{}", listener.port())]);
        command.arg("-sess_out").arg(&session);
        if again && session.exists() {
            command.arg("-sess_in").arg(&session);
        }
        let mut child = Child::spawn(command);
        let mut tls = listener.accept(&server, &mut child);
        tls.handshake().unwrap();
        child.end_stdin();
        let (data, end) = ours::rest(&mut tls);
        assert_eq!((data.len(), end), (0, Ok(())));
        tls.shutdown().unwrap();
        assert!(child.wait().success());
        if let Some(resumed) = tls.negotiated().unwrap().resumed {
            assert_eq!(resumed, again && resumes);
        }
    }
}
