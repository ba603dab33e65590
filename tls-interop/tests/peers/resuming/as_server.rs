//! Our server, and a program as the client that comes back to it.

use std::io::Write as _;

use polytls::{Backend, Server, ServerConfig, TicketKeys, Tickets, Version, Versions};

use super::as_client::file;
use super::{Named, Place};
use crate::fixture::{Fixture, NAME};
use crate::http::Head;
use crate::ours::{self, Listener};
use crate::process::{Child, Program};

pub(super) const TESTS: &[Named] = &[
    ("openssl_s_client", "session_is_resumed", s_client),
    ("gnutls_cli", "session_is_resumed", |b, f, v| {
        if let Some(said) = serve(b, f, v, PLAIN, gnutls_cli) {
            assert!(said.contains("This is a resumed session"), "{said}");
        }
    }),
    ("python", "session_is_resumed", |b, f, v| {
        tells(serve(b, f, v, PLAIN, |place| super::python("client", place)));
    }),
    ("node", "session_is_resumed", |b, f, v| {
        tells(serve(b, f, v, PLAIN, |place| super::node("client", place)));
    }),
];

/// In TLS 1.2 curl resumes by session ids alone (it sets OpenSSL's `SSL_OP_NO_TICKET`), for which a server
/// has to keep something.
pub(super) const OF_CURL: &[(Version, Named)] = &[
    (
        Version::Tls12,
        ("curl", "client_that_wants_no_ticket_resumes_nothing", |b, f, v| {
            serve(b, f, v, Served { is_http: true, resumes: false, ..PLAIN }, curl);
        }),
    ),
    (
        Version::Tls12,
        ("curl", "session_is_resumed_from_the_cache", |b, f, v| {
            serve(b, f, v, Served { is_http: true, cache: 8, ..PLAIN }, curl);
        }),
    ),
    (
        Version::Tls13,
        ("curl", "session_is_resumed", |b, f, v| {
            serve(b, f, v, Served { is_http: true, ..PLAIN }, curl);
        }),
    ),
];

/// What a program sees of our server.
#[derive(Clone, Copy)]
struct Served {
    is_http: bool,
    /// Whether its second connection is to resume.
    resumes: bool,
    /// How many sessions our server keeps itself.
    cache: usize,
}

const PLAIN: Served = Served { is_http: false, resumes: true, cache: 0 };

/// A server that lets sessions be resumed; `None` if it refuses the configuration, as it must if it lacks
/// anything.
fn server(
    backend: &dyn Backend,
    fixture: &Fixture,
    version: Version,
    cache: usize,
) -> Option<Server> {
    let keys = TicketKeys::automatic(Tickets::LIFETIME).unwrap();
    let config = ServerConfig::builder(fixture.server.identity.clone());
    let config = config.tickets(Tickets::Keys(keys)).versions(Versions::only(version));
    let config = config.session_cache(cache).build().unwrap();
    ours::honoured(Server::new(&config, backend), config.required(), backend)
}

/// One connection from begin to end: whether it resumed.
fn serve_one(listener: &Listener, server: &Server, child: &mut Child, is_http: bool) -> bool {
    let mut tls = listener.accept(server, child);
    tls.handshake().unwrap();
    let answer = match is_http {
        true => {
            Head::receive(&mut tls);
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
        }
        false => "ok\n",
    };
    // Some go away as soon as they have a ticket.
    let _ = tls.write_all(answer.as_bytes()).and_then(|()| tls.close_notify());
    let _ = ours::rest(&mut tls);
    tls.negotiated().unwrap().resumed.unwrap()
}

/// Serves a program that comes back once by itself, and gives what it printed; `None` if there is no
/// such server.
fn serve(
    backend: &'static dyn Backend,
    fixture: &Fixture,
    version: Version,
    served: Served,
    start: fn(&Place<'_>) -> Child,
) -> Option<String> {
    let server = server(backend, fixture, version, served.cache)?;
    let (listener, scratch) = (Listener::new(), fixture.scratch());
    let place = Place { fixture, scratch: scratch.path(), port: listener.port(), version };
    let mut child = start(&place);
    for round in 0..2 {
        let resumed = serve_one(&listener, &server, &mut child, served.is_http);
        assert_eq!(resumed, served.resumes && round > 0, "round {round}: {}", child.said());
    }
    child.end_stdin();
    assert!(child.wait().success());
    Some(String::from_utf8(child.stdout()).unwrap())
}

/// Whether a script of ours says that its second connection resumed.
fn tells(said: Option<String>) {
    if let Some(said) = said {
        assert_eq!(said.trim(), "[false, true]");
    }
}

/// In two processes, by a file.
fn s_client(backend: &'static dyn Backend, fixture: &Fixture, version: Version) {
    let Some(server) = server(backend, fixture, version, 0) else { return };
    let (listener, scratch) = (Listener::new(), fixture.scratch());
    let session = file(scratch.path(), "session.pem");
    for (option, begin) in [("-sess_out", "New, TLSv"), ("-sess_in", "Reused, TLSv")] {
        let mut command = crate::openssl::OPENSSL.command();
        command.args(["s_client", "-connect", &format!("127.0.0.1:{}", listener.port())]);
        command.args(["-servername", NAME, "-verify_hostname", NAME, "-verify_return_error"]);
        command.arg("-CAfile").arg(&fixture.authority.file);
        command.arg(if version == Version::Tls12 { "-tls1_2" } else { "-tls1_3" });
        command.args([option, &session]);
        let mut child = Child::spawn(command);
        let resumed = serve_one(&listener, &server, &mut child, false);
        child.wait();
        assert_eq!(resumed, option == "-sess_in", "{}", child.said());
        let said = String::from_utf8(child.stdout()).unwrap();
        assert!(said.lines().any(|line| line.starts_with(begin)), "{said}");
    }
}

fn curl(place: &Place<'_>) -> Child {
    const CURL: Program = Program { name: "curl", package: "curl" };
    let Place { fixture, port, version, .. } = place;
    let mut command = CURL.command();
    // The first argument it looks at: no configuration of the user's.
    command.args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--http1.1"]);
    command.args(["--max-time", "15", "--resolve", &format!("{NAME}:{port}:127.0.0.1")]);
    command.arg("--cacert").arg(&fixture.authority.file);
    let version = if *version == Version::Tls12 { "1.2" } else { "1.3" };
    command.args([&format!("--tlsv{version}"), "--tls-max", version]);
    command.args(["one", "two"].map(|path| format!("https://{NAME}:{port}/{path}")));
    Child::spawn(command)
}

fn gnutls_cli(place: &Place<'_>) -> Child {
    const CLI: Program = Program { name: "gnutls-cli", package: "gnutls-bin" };
    let version = if place.version == Version::Tls12 { "1.2" } else { "1.3" };
    let mut command = CLI.command();
    command.args(["--resume", "--waitresumption", "--port", &place.port.to_string()]);
    command.arg(format!("--priority=NORMAL:-VERS-ALL:+VERS-TLS{version}"));
    command.arg("--x509cafile").arg(&place.fixture.authority.file);
    command.args(["--sni-hostname", NAME, "--verify-hostname", NAME, "127.0.0.1"]);
    Child::spawn(command)
}
