//! `connect --starttls`: in clear up to the go-ahead, and not a byte further.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use polytls::backend::by_name;
use polytls::{Blocking, Server, ServerConfig};

use crate::support::{Certificates, Running, for_each_backend, polytls, with_input};

/// Answers one client: what it has to say, and what it gets for it.
type Turns = &'static [(&'static [u8], &'static [u8])];

const SMTP: Turns = &[
    (b"", b"220 mail\r\n"),
    (b"EHLO [127.0.0.1]\r\n", b"250-mail\r\n250 STARTTLS\r\n"),
    (b"STARTTLS\r\n", b"220 go\r\n"),
];
const NAMED: Turns = &[
    (b"", b"220 mail\r\n"),
    (b"LHLO me.example.org\r\n", b"250-mail\r\n250 STARTTLS\r\n"),
    (b"STARTTLS\r\n", b"220 go\r\n"),
];
const POSTGRES: Turns = &[(b"\0\0\0\x08\x04\xd2\x16\x2f", b"S")];
const XMPP: Turns = &[
    (
        b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
          xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>",
        b"<stream:stream version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>\
          <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
    ),
    (
        b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
        b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ),
];
const POOR: Turns = &[(b"", b"220 mail\r\n"), (b"EHLO [127.0.0.1]\r\n", b"250 \x1b[31mmail\r\n")];
const INJECTING: Turns = &[
    (b"", b"* OK hi\r\n"),
    (b"P1 CAPABILITY\r\n", b"* CAPABILITY STARTTLS\r\nP1 OK\r\n"),
    (b"P2 STARTTLS\r\n", b"P2 OK\r\n* OK injected\r\n"),
];

/// A server that talks in clear, and then echoes once in TLS; or, without, tells what else it hears.
fn serve(turns: Turns, server: Option<Server>) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        for (expected, answer) in turns {
            let mut asked = vec![0; expected.len()];
            socket.read_exact(&mut asked).unwrap();
            assert_eq!(asked.escape_ascii().to_string(), expected.escape_ascii().to_string());
            socket.write_all(answer).unwrap();
        }
        match server {
            Some(server) => echo(&server, socket),
            None => {
                let mut rest = Vec::new();
                let _ = socket.read_to_end(&mut rest);
                rest
            }
        }
    });
    (address, serving)
}

fn echo(server: &Server, socket: TcpStream) -> Vec<u8> {
    let mut stream = server.accept(Blocking::new(socket)).unwrap();
    let mut asked = [0; 4];
    stream.read_exact(&mut asked).unwrap();
    stream.write_all(&asked).unwrap();
    stream.close_notify().unwrap();
    let _ = stream.read(&mut [0; 100]);
    asked.into()
}

#[test]
fn a_server_that_begins_in_clear_goes_on_in_tls_on_every_backend() {
    let files = Certificates::with_server();
    let config = ServerConfig::builder(files.authority.server("localhost")).build().unwrap();
    for_each_backend(|backend| {
        let server = Server::new(&config, by_name(backend).unwrap()).unwrap();
        for (turns, options) in [
            (SMTP, &["--starttls", "smtp"][..]),
            (NAMED, &["--starttls", "lmtp", "--starttls-name", "me.example.org"]),
            (POSTGRES, &["--starttls", "postgres"]),
            (XMPP, &["--starttls", "xmpp"]),
        ] {
            let (address, serving) = serve(turns, Some(server.clone()));
            let args = [&["--servername", "localhost"][..], options].concat();
            let run = with_input(files.connect(address, backend, &args), b"ping").expect(0);
            assert_eq!(run.stdout, b"ping");
            assert_eq!(serving.join().unwrap(), b"ping");
        }
    });
}

#[test]
fn a_server_without_tls_is_told_nothing() {
    let files = Certificates::new();
    for_each_backend(|backend| {
        let (address, serving) = serve(POOR, None);
        let args = ["--servername", "localhost", "--starttls", "smtp"];
        let run = with_input(files.connect(address, backend, &args), b"secret");
        let run = run.expect_error("starttls(not-offered)");
        assert!(run.stderr.contains("smtp, at the capabilities: "), "{}", run.stderr);
        assert!(run.stderr.contains(&address.to_string()), "{}", run.stderr);
        assert!(run.stdout.is_empty());
        assert_eq!(serving.join().unwrap(), b"", "nothing is said in clear");
    });
}

#[test]
fn what_is_injected_after_the_go_ahead_ends_it() {
    let files = Certificates::new();
    let (address, serving) = serve(INJECTING, None);
    let args = ["--starttls", "imap"];
    let backend = &crate::support::BACKENDS[0];
    let run = Running::start(files.connect(address, backend, &args)).finish();
    let run = run.expect_error("starttls(injected)");
    assert!(run.stderr.contains(r"'* OK injected\r\n'"), "{}", run.stderr);
    assert!(run.stdout.is_empty());
    assert_eq!(serving.join().unwrap(), b"");
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_is_called() {
    // Nobody listens there.
    let peer = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for args in [
        &["--starttls", "gopher"][..],
        &["--starttls-name", "x"],
        &["--starttls", "smtp", "--starttls-name", "a b"],
        &["--starttls", "xmpp", "--starttls-name", "a'b"],
    ] {
        let run = polytls(["connect", &peer].iter().chain(args)).expect(2);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    }
    let run = polytls(["connect", &peer, "--starttls", "gopher"]).expect(2);
    assert!(run.stderr.contains("xmpp-server"), "{}", run.stderr);
}
