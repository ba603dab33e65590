//! Our client, and a program as the server that it comes back to.

use std::path::Path;
use std::process::Command;

use polytls::{Backend, Client, ClientConfig, Resumption, Version, Versions};

use super::{Named, Place};
use crate::fixture::{Fixture, NAME};
use crate::ours;
use crate::process::{Child, Program, free_port};

pub(super) const TESTS: &[Named] = &[
    ("openssl_s_server", "session_is_resumed", |b, f, v| {
        resumes(b, f, v, s_server, says_new_or_reused)
    }),
    ("openssl_s_server", "session_without_tickets_is_resumed", |b, f, v| {
        resumes(b, f, v, s_server_without_tickets, says_new_or_reused);
    }),
    ("gnutls_serv", "session_is_resumed", |b, f, v| resumes(b, f, v, gnutls_serv, |_| None)),
    ("python", "session_is_resumed", |b, f, v| {
        resumes(b, f, v, |place| super::python("server", place), says_true_or_false);
    }),
    ("node", "session_is_resumed", |b, f, v| {
        resumes(b, f, v, |place| super::node("server", place), says_true_or_false);
    }),
];

/// A client that has to resume; `None` if our client refuses the configuration, as it must if it lacks
/// anything.
pub(super) fn client(backend: &dyn Backend, fixture: &Fixture, version: Version) -> Option<Client> {
    let config = ClientConfig::builder().roots(fixture.authority.roots.clone());
    let config = config.resumption(Resumption::Memory(8)).versions(Versions::only(version));
    let config = config.build().unwrap();
    ours::honoured(Client::new(&config, backend), config.required(), backend)
}

/// One connection from begin to end: whether it resumed, and what came.
pub(super) fn visit(client: &Client, port: u16, child: &mut Child) -> (bool, String) {
    let mut tls = ours::connect(client, NAME, port, child);
    tls.handshake().unwrap();
    ours::send(&mut tls, format!("GET / HTTP/1.0\r\nHost: {NAME}\r\n\r\n").as_bytes());
    let (page, end) = ours::rest(&mut tls);
    assert_eq!(end, Ok(()), "{}", child.said());
    let _ = tls.close_notify(); // the server may not wait for it
    (tls.negotiated().unwrap().resumed.unwrap(), String::from_utf8_lossy(&page).into_owned())
}

/// Comes back to a server twice. `tells` finds in what it sends whether it resumed.
pub(super) fn resumes(
    backend: &'static dyn Backend,
    fixture: &Fixture,
    version: Version,
    start: fn(&Place<'_>) -> Child,
    tells: fn(&str) -> Option<bool>,
) {
    let Some(client) = client(backend, fixture, version) else { return };
    let scratch = fixture.scratch();
    let place = Place { fixture, scratch: scratch.path(), port: free_port(), version };
    let mut child = start(&place);
    for round in 0..3 {
        let (resumed, page) = visit(&client, place.port, &mut child);
        assert_eq!(resumed, round > 0, "round {round}: {page}");
        if let Some(theirs) = tells(&page) {
            assert_eq!(theirs, resumed, "round {round}: {page}");
        }
    }
}

fn s_server_command(place: &Place<'_>) -> Command {
    let mut command = crate::openssl::OPENSSL.command();
    let identity = &place.fixture.server;
    command.args(["s_server", "-www", "-accept", &format!("127.0.0.1:{}", place.port)]);
    command.arg("-cert").arg(&identity.chain).arg("-cert_chain").arg(&identity.issuers);
    command.arg("-key").arg(&identity.key);
    command.arg(if place.version == Version::Tls12 { "-tls1_2" } else { "-tls1_3" });
    command
}

fn s_server(place: &Place<'_>) -> Child {
    Child::spawn(s_server_command(place))
}

/// In TLS 1.2 with session ids, in TLS 1.3 with tickets that are names of what the server keeps.
fn s_server_without_tickets(place: &Place<'_>) -> Child {
    let mut command = s_server_command(place);
    command.arg("-no_ticket");
    Child::spawn(command)
}

fn says_new_or_reused(page: &str) -> Option<bool> {
    match (page.contains("\nNew, TLSv"), page.contains("\nReused, TLSv")) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        _ => panic!("{page}"),
    }
}

pub(super) fn says_true_or_false(page: &str) -> Option<bool> {
    match page {
        page if page.ends_with("reused=true") => Some(true),
        page if page.ends_with("reused=false") => Some(false),
        page => panic!("{page}"),
    }
}

fn gnutls_serv(place: &Place<'_>) -> Child {
    const SERV: Program = Program { name: "gnutls-serv", package: "gnutls-bin" };
    let identity = &place.fixture.server;
    let version = if place.version == Version::Tls12 { "1.2" } else { "1.3" };
    let mut command = SERV.command();
    command.args(["--http", "--disable-client-cert", "--port", &place.port.to_string()]);
    command.arg(format!("--priority=NORMAL:-VERS-ALL:+VERS-TLS{version}"));
    command.arg("--x509certfile").arg(&identity.chain).arg("--x509keyfile").arg(&identity.key);
    Child::spawn(command)
}

/// Where a file of this test's own is.
pub(super) fn file(scratch: &Path, name: &str) -> String {
    scratch.join(name).to_str().unwrap().to_owned()
}
