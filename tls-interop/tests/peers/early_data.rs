//! Early data, to and from OpenSSL's commands, and from GnuTLS' client.

use std::fs;

use polytls::danger::ReplayableEarlyData;
use polytls::{Backend, Client, ClientConfig, EarlyData, Server, ServerConfig, Version, Versions};

use crate::fixture::{Fixture, NAME};
use crate::gnutls::CLI;
use crate::openssl::OPENSSL;
use crate::ours::{self, Listener, Tls};
use crate::process::{Child, free_port};

/// A promise of one side of ours to a program on the other.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&'static dyn Backend, &Fixture),
}

macro_rules! cases {
    ($($name:literal $run:ident;)*) => {
        pub(crate) static CASES: &[Case] = &[$(Case { name: $name, run: $run },)*];
    };
}

cases! {
    "client_of::openssl_s_server::early_data_is_accepted" accepted_by_s_server;
    "client_of::openssl_s_server::early_data_is_rejected" rejected_by_s_server;
    "server_for::openssl_s_client::early_data_is_accepted" accepted_of_s_client;
    "server_for::openssl_s_client::early_data_is_rejected" rejected_of_s_client;
    "server_for::gnutls_cli::early_data_is_accepted" accepted_of_gnutls;
}

const ALL: ReplayableEarlyData = ReplayableEarlyData::up_to(ReplayableEarlyData::MAX);

fn client(backend: &'static dyn Backend, fixture: &Fixture) -> Option<Client> {
    let config = ClientConfig::builder().roots(fixture.authority.roots.clone());
    let config = config.versions(Versions::only(Version::Tls13)).early_data(ALL).build().unwrap();
    ours::honoured(Client::new(&config, backend), config.required(), backend)
}

fn server(backend: &'static dyn Backend, fixture: &Fixture) -> Option<Server> {
    let config = ServerConfig::builder(fixture.server.identity.clone());
    let config = config.versions(Versions::only(Version::Tls13)).early_data(ALL).build().unwrap();
    ours::honoured(Server::new(&config, backend), config.required(), backend)
}

/// `s_server`, which takes early data if it is told to.
fn s_server(fixture: &Fixture, port: u16, takes: bool) -> Child {
    let mut command = OPENSSL.command();
    command.args(["s_server", "-tls1_3", "-accept", &format!("127.0.0.1:{port}")]);
    command.arg("-cert").arg(&fixture.server.chain);
    command.arg("-cert_chain").arg(&fixture.server.issuers);
    command.arg("-key").arg(&fixture.server.key);
    if takes {
        command.args(["-early_data", "-max_early_data", "16384"]);
    }
    Child::spawn(command)
}

/// Lets it say something, so that its tickets have come too.
fn hear(tls: &mut Tls, child: &Child, line: &[u8]) {
    child.feed(line);
    ours::receive(tls, line);
}

fn has(output: &[u8], text: &[u8]) -> bool {
    output.windows(text.len()).any(|window| window == text)
}

/// Ends a connection from our side, and waits for the program to do so too.
fn end(mut tls: Tls) {
    tls.close_notify().unwrap();
    assert_eq!(ours::rest(&mut tls).0, b"");
}

fn accepted_by_s_server(backend: &'static dyn Backend, fixture: &Fixture) {
    let Some(client) = client(backend, fixture) else { return };
    let port = free_port();
    let mut child = s_server(fixture, port, true);
    let mut first = ours::connect(&client, NAME, port, &mut child);
    assert_eq!(first.write_early(b"too soon").unwrap(), 0);
    first.handshake().unwrap();
    hear(&mut first, &child, b"first\n");
    end(first);

    let data = [&fixture.question.bytes[..640], b"said early\n"].concat();
    let mut again = ours::connect(&client, NAME, port, &mut child);
    assert_eq!(again.write_early(&data).unwrap(), data.len());
    again.handshake().unwrap();
    assert_eq!(again.negotiated().unwrap().early_data, Some(EarlyData::Accepted));
    child.wait_for_output(|output| has(output, &data));
    ours::send(&mut again, b"said late\n");
    child.wait_for_output(|output| has(output, b"said late\n"));
    hear(&mut again, &child, b"second\n");
    end(again);
}

fn rejected_by_s_server(backend: &'static dyn Backend, fixture: &Fixture) {
    let Some(client) = client(backend, fixture) else { return };
    let port = free_port();
    let mut child = s_server(fixture, port, true);
    let mut first = ours::connect(&client, NAME, port, &mut child);
    first.handshake().unwrap();
    hear(&mut first, &child, b"first\n");
    end(first);

    // Another one, with keys of its own, which takes none.
    let port = free_port();
    let mut child = s_server(fixture, port, false);
    let mut again = ours::connect(&client, NAME, port, &mut child);
    assert_eq!(again.write_early(b"said early\n").unwrap(), 11);
    again.handshake().unwrap();
    assert_eq!(again.negotiated().unwrap().early_data, Some(EarlyData::Rejected));
    ours::send(&mut again, b"said late\n");
    child.wait_for_output(|output| has(output, b"said late\n"));
    hear(&mut again, &child, b"second\n");
    assert!(!has(&child.stdout(), b"said early"), "nobody has sent it again");
    end(again);
}

/// `s_client`, with a file for its session, and with early data or without.
fn s_client(fixture: &Fixture, port: u16, more: &[&str]) -> Child {
    let mut command = OPENSSL.command();
    command.args(["s_client", "-tls1_3", "-ign_eof", "-connect", &format!("127.0.0.1:{port}")]);
    command.args(["-servername", NAME, "-verify_hostname", NAME, "-verify_return_error"]);
    command.arg("-CAfile").arg(&fixture.authority.file).args(more);
    Child::spawn(command)
}

/// Serves one connection: what came early, and then the same for the rest.
fn serve(listener: &Listener, server: &Server, child: &mut Child) -> (Vec<u8>, Option<EarlyData>) {
    let mut tls = listener.accept(server, child);
    let (mut early, mut buf) = (Vec::new(), [0; 1000]);
    loop {
        match tls.read_early(&mut buf).unwrap() {
            0 => break,
            n => early.extend_from_slice(&buf[..n]),
        }
    }
    let fact = tls.negotiated().unwrap().early_data;
    ours::send(&mut tls, b"tickets come along\n");
    child.wait_for_output(|output| has(output, b"tickets come along\n"));
    child.feed(b"said late\n");
    ours::receive(&mut tls, b"said late\n");
    tls.close_notify().unwrap();
    assert!(child.wait().success());
    (early, fact)
}

fn accepted_of_s_client(backend: &'static dyn Backend, fixture: &Fixture) {
    let Some(server) = server(backend, fixture) else { return };
    let (listener, scratch) = (Listener::new(), fixture.scratch());
    let (session, data) = (scratch.path().join("session"), scratch.path().join("early"));
    let (session, file) = (session.to_str().unwrap(), data.to_str().unwrap());
    fs::write(file, &fixture.question.bytes[..6400]).unwrap();

    let mut child = s_client(fixture, listener.port(), &["-sess_out", session]);
    let none = (Vec::new(), Some(EarlyData::NotOffered));
    assert_eq!(serve(&listener, &server, &mut child), none);

    let with = ["-sess_in", session, "-early_data", file];
    let mut child = s_client(fixture, listener.port(), &with);
    let (early, fact) = serve(&listener, &server, &mut child);
    assert!(early == fixture.question.bytes[..6400], "{} bytes came early", early.len());
    assert_eq!(fact, Some(EarlyData::Accepted));
    assert!(has(&child.stdout(), b"Early data was accepted"));
}

fn rejected_of_s_client(backend: &'static dyn Backend, fixture: &Fixture) {
    let (Some(first), Some(other)) = (server(backend, fixture), server(backend, fixture)) else {
        return;
    };
    let (listener, scratch) = (Listener::new(), fixture.scratch());
    let (session, data) = (scratch.path().join("session"), scratch.path().join("early"));
    let (session, file) = (session.to_str().unwrap(), data.to_str().unwrap());
    fs::write(file, &fixture.question.bytes[..6400]).unwrap();

    let mut child = s_client(fixture, listener.port(), &["-sess_out", session]);
    serve(&listener, &first, &mut child);

    let with = ["-sess_in", session, "-early_data", file];
    let mut child = s_client(fixture, listener.port(), &with);
    let none = (Vec::new(), Some(EarlyData::Rejected));
    assert_eq!(serve(&listener, &other, &mut child), none);
    assert!(has(&child.stdout(), b"Early data was rejected"));
}

/// It connects twice by itself.
fn accepted_of_gnutls(backend: &'static dyn Backend, fixture: &Fixture) {
    let Some(server) = server(backend, fixture) else { return };
    let (listener, scratch) = (Listener::new(), fixture.scratch());
    let file = scratch.path().join("early");
    fs::write(&file, b"said early by somebody else\n").unwrap();
    let mut command = CLI.command();
    command.args(["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "--resume"]);
    command.arg(format!("--earlydata={}", file.display()));
    command.args(["--sni-hostname", NAME, "--verify-hostname", NAME, "--port"]);
    command.arg(listener.port().to_string());
    command.arg("--x509cafile").arg(&fixture.authority.file).arg("127.0.0.1");
    let mut child = Child::spawn(command);

    let mut first = listener.accept(&server, &mut child);
    assert_eq!(first.read_early(&mut [0; 8]).unwrap(), 0);
    ours::send(&mut first, b"tickets come along\n");
    let _ = ours::rest(&mut first);
    let _ = first.close_notify();

    let mut again = listener.accept(&server, &mut child);
    let (mut early, mut buf) = (Vec::new(), [0; 7]);
    loop {
        match again.read_early(&mut buf).unwrap() {
            0 => break,
            n => early.extend_from_slice(&buf[..n]),
        }
    }
    assert_eq!(early, b"said early by somebody else\n");
    assert_eq!(again.negotiated().unwrap().early_data, Some(EarlyData::Accepted));
    child.feed(b"said late\n");
    ours::receive(&mut again, b"said late\n");
}
