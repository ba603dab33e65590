//! Servers that begin in clear, and our client that has them begin TLS; and OpenSSL's client, which has
//! ours begin it.

mod daemon;
mod programs;
mod talk;

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use libtest_mimic::Trial;
use polytls::{Backend, Client, ClientConfig, Server, ServerConfig};
use tls_starttls::{Agreed, Error, ErrorKind, Protocol, Starttls};

use self::daemon::Daemon;
use self::programs::{PROGRAMS, Program};
use crate::fixture::{Fixture, NAME};
use crate::openssl::OPENSSL;
use crate::ours::{self, Listener, patient};
use crate::process::{Child, PATIENCE, TICK};

/// A test for each program and backend, and one for each program that takes its TLS away.
pub(crate) fn trials(fixture: &Arc<Fixture>) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add = |name: String, run: Box<dyn FnOnce(&Fixture) + Send>| {
        let fixture = fixture.clone();
        trials.push(Trial::test(name, move || {
            run(&fixture);
            Ok(())
        }));
    };
    for program in PROGRAMS {
        for &backend in polytls::backend::all() {
            let name = format!("{}::client_of::{}::starttls", backend.name(), program.name);
            add(name, Box::new(|fixture| goes_on_in_tls(backend, program, fixture)));
        }
        let name = format!("starttls::{}::without_tls_it_is_not_offered", program.name);
        add(name, Box::new(|fixture| is_not_offered(program, fixture)));
    }
    for &backend in polytls::backend::all() {
        let name = format!("{}::server_for::openssl::starttls", backend.name());
        add(name, Box::new(|fixture| serves_openssl(backend, fixture)));
    }
    trials
}

fn goes_on_in_tls(backend: &'static dyn Backend, program: &Program, fixture: &Fixture) {
    let config = ClientConfig::builder().roots(fixture.authority.roots.clone()).build().unwrap();
    let client = Client::new(&config, backend).unwrap();
    let mut daemon = Daemon::start(program, fixture, true);
    for (i, protocol) in program.protocols.iter().enumerate() {
        let tcp = connect(&mut daemon, i);
        let agreed = upgrade(*protocol, &tcp).unwrap();
        assert_eq!(agreed.mysql_handshake.is_some(), *protocol == Protocol::Mysql);
        let mut tls = client.connect(NAME, patient(tcp)).unwrap();
        tls.handshake().unwrap_or_else(|e| panic!("{protocol}: {e:?}\n{}", daemon.said()));
        talk::in_tls(*protocol, &mut tls);
    }
    daemon.stop();
}

fn is_not_offered(program: &Program, fixture: &Fixture) {
    let mut daemon = Daemon::start(program, fixture, false);
    for (i, protocol) in program.protocols.iter().enumerate() {
        let tcp = connect(&mut daemon, i);
        let e = upgrade(*protocol, &tcp).unwrap_err();
        // A server of LDAP may know the operation and still not be able to do it; one of XMPP may end a
        // stream that has nothing to offer.
        let kinds = match protocol {
            Protocol::Ldap | Protocol::Xmpp | Protocol::XmppServer => {
                &[ErrorKind::NotOffered, ErrorKind::Refused][..]
            }
            _ => &[ErrorKind::NotOffered],
        };
        assert!(kinds.contains(&e.kind()), "{e}");
    }
    daemon.stop();
}

fn upgrade(protocol: Protocol, tcp: &TcpStream) -> Result<Agreed, Error> {
    Starttls::new(protocol).name(NAME).limit(Some(PATIENCE)).upgrade(tcp)
}

/// Connects to a program's port for its protocol number `i`, as soon as it listens.
fn connect(daemon: &mut Daemon, i: usize) -> TcpStream {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, daemon.ports[i])) {
            Ok(tcp) => return tcp,
            Err(e) => assert!(Instant::now() < deadline, "{e}\n{}", daemon.said()),
        }
        assert!(daemon.is_running(), "it exits\n{}", daemon.said());
        thread::sleep(TICK);
    }
}

/// OpenSSL's client gets our server to begin TLS, which looks whether it has waited.
fn serves_openssl(backend: &'static dyn Backend, fixture: &Fixture) {
    let config = ServerConfig::builder(fixture.server.identity.clone()).build().unwrap();
    let server = Server::new(&config, backend).unwrap();
    for (protocol, name, greeting, answers) in [
        (
            Protocol::Smtp,
            "smtp",
            "220 mail\r\n",
            &[("EHLO", "250-mail\r\n250 STARTTLS\r\n"), ("STARTTLS", "220 go\r\n")][..],
        ),
        (
            Protocol::Imap,
            "imap",
            "* OK hi\r\n",
            &[(" CAPABILITY", "* CAPABILITY STARTTLS\r\n. OK\r\n"), (" STARTTLS", ". OK\r\n")],
        ),
    ] {
        let listener = Listener::new();
        let mut command = OPENSSL.command();
        let peer = format!("127.0.0.1:{}", listener.port());
        command.args(["s_client", "-quiet", "-verify_return_error", "-starttls", name]);
        command.args(["-verify_hostname", NAME, "-connect", &peer]);
        let mut child = Child::spawn({
            command.arg("-CAfile").arg(&fixture.authority.file);
            command
        });
        let mut tcp = listener.accept_in_clear(&mut child);
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.write_all(greeting.as_bytes()).unwrap();
        for (asked, answer) in answers {
            let (line, unread) = talk::line_in_clear(&mut tcp);
            assert!(line.contains(asked), "{line}");
            protocol.check_client(&unread).unwrap();
            tcp.write_all(answer.as_bytes()).unwrap();
        }
        let mut tls = server.accept(patient(tcp)).unwrap();
        ours::send(&mut tls, b"in TLS");
        child.wait_for_output(|said| said.ends_with(b"in TLS"));
        tls.close_notify().unwrap();
    }
}
