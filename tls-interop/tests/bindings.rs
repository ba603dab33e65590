//! Channel bindings and exporters as GnuTLS has them, on every backend: with the extended master secret, and
//! without it.
//!
//! A program that is not installed fails these tests; they are not skipped.
#![allow(clippy::unwrap_used)] // tests

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use polytls::{
    Backend, Blocking, Capability, ChannelBinding, Client, ClientConfig, ErrorKind, Result, Server,
    ServerConfig, Stream, Version,
};
use tls_conformance::Authority;

const NAME: &str = "bindings.test";
const LABEL: &str = "EXPERIMENTAL bindings";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What there is to compare.
const KINDS: [ChannelBinding; 3] =
    [ChannelBinding::TlsExporter, ChannelBinding::TlsServerEndPoint, ChannelBinding::TlsUnique];

type Tls = Stream<Blocking<TcpStream>>;

/// A child that is not left behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn gnutls(program: &str, version: Version, more: &str) -> Command {
    let version = if version == Version::Tls12 { "VERS-TLS1.2" } else { "VERS-TLS1.3" };
    let mut command = Command::new(program);
    command.arg(format!("--priority=NORMAL:-VERS-ALL:+{version}{more}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn start(mut command: Command) -> Running {
    Running(command.spawn().unwrap_or_else(|e| panic!("{command:?} (package gnutls-bin): {e}")))
}

fn prompt(socket: TcpStream) -> Blocking<TcpStream> {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    Blocking::new(socket)
}

/// A server of ours to which `gnutls-cli` has come, and all that that has printed.
fn served(backend: &dyn Backend, version: Version, more: &str) -> (Tls, String) {
    let root = Authority::root("Root of bindings");
    let config = ServerConfig::builder(root.server(NAME)).build().unwrap();
    let server = Server::new(&config, backend).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = gnutls("gnutls-cli", version, more);
    command.args(["--insecure", "--verbose", "--keymatexport", LABEL, "--keymatexportsize=32"]);
    command.arg(format!("--port={}", listener.local_addr().unwrap().port())).arg("127.0.0.1");
    let mut client = start(command);
    let mut tls = server.accept(prompt(listener.accept().unwrap().0)).unwrap();
    // It ends when both have.
    drop(client.0.stdin.take());
    assert_eq!(tls.read(&mut [0; 8]).unwrap(), 0);
    tls.shutdown().unwrap();
    let mut text = String::new();
    client.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    (tls, text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands behind `label` in a line of it.
fn after<'t>(text: &'t str, label: &str) -> &'t str {
    let found =
        text.lines().find_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(label));
    found.unwrap_or_else(|| panic!("no {label} in {text}")).trim()
}

fn speaks(backend: &dyn Backend, version: Version) -> bool {
    backend.capabilities().contains(match version {
        Version::Tls12 => Capability::Tls12Server,
        _ => Capability::Tls13Server,
    })
}

/// What this backend lacks to tell a binding of this kind, if anything.
fn lacked(backend: &dyn Backend, kind: ChannelBinding) -> Option<Capability> {
    let needed = match kind {
        ChannelBinding::TlsExporter => Capability::Exporter,
        ChannelBinding::TlsUnique => Capability::TlsUnique,
        _ => Capability::ReportLocalCertificate,
    };
    Some(needed).filter(|needed| !backend.capabilities().contains(*needed))
}

#[test]
fn gnutls_has_the_same_bindings_and_exports_the_same() {
    for &backend in polytls::backend::all() {
        for version in [Version::Tls12, Version::Tls13] {
            if !speaks(backend, version) {
                continue; // the suite shows that it refuses
            }
            let (tls, text) = served(backend, version, "");
            for kind in KINDS {
                let theirs = after(&text, &format!("'{}': ", kind.name()));
                let ours = tls.channel_binding(kind);
                let place = format!("{} {version} {}", backend.name(), kind.name());
                match (lacked(backend, kind), ours) {
                    (_, Err(e)) if theirs == "not available" => {
                        assert_eq!(kind, ChannelBinding::TlsUnique, "{place}");
                        let none = ErrorKind::Unsupported(Capability::TlsUnique);
                        assert!([ErrorKind::Misuse, none].contains(&e.kind()), "{place}: {e}");
                    }
                    (None, ours) => assert_eq!(hex(&ours.unwrap()), theirs, "{place}"),
                    (Some(lacked), ours) => {
                        assert_eq!(kind_of(ours), ErrorKind::Unsupported(lacked), "{place}");
                    }
                }
            }
            if backend.capabilities().contains(Capability::Exporter) {
                let mut ours = [0; 32];
                tls.export_keying_material(&mut ours, LABEL.as_bytes(), None).unwrap();
                assert_eq!(hex(&ours), after(&text, "Key material: "), "{}", backend.name());
            }
        }
    }
}

fn kind_of<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// Without the extended master secret two connections can be made to share what they export (RFC 7627 §1).
fn check_without(tls: &Tls, backend: &dyn Backend) {
    let can = |what| backend.capabilities().contains(what);
    let negotiated = tls.negotiated().unwrap();
    let extended = negotiated.extended_master_secret;
    let refused = kind_of(tls.channel_binding(ChannelBinding::TlsExporter));
    match can(Capability::Exporter) {
        true => {
            assert_eq!((extended, refused), (Some(false), ErrorKind::Misuse), "{}", backend.name());
        }
        false => assert_eq!(refused, ErrorKind::Unsupported(Capability::Exporter)),
    }
    // That is no reason against this one in a full handshake.
    match tls.channel_binding(ChannelBinding::TlsUnique) {
        Ok(unique) => assert!(can(Capability::TlsUnique) && unique.len() == 12),
        Err(e) => assert_eq!(e.kind(), ErrorKind::Unsupported(Capability::TlsUnique)),
    }
}

#[test]
fn a_server_exports_no_binding_without_the_extended_master_secret() {
    for &backend in polytls::backend::all() {
        let (tls, text) = served(backend, Version::Tls12, ":%NO_SESSION_HASH");
        check_without(&tls, backend);
        if let Ok(unique) = tls.channel_binding(ChannelBinding::TlsUnique) {
            assert_eq!(hex(&unique), after(&text, "'tls-unique': "));
        }
    }
}

#[test]
fn a_client_exports_no_binding_without_the_extended_master_secret() {
    let root = Authority::root("Root of bindings");
    let own = root.server(NAME);
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    let encode = |label, der: &[u8]| pem::encode(&pem::Pem::new(label, der));
    std::fs::write(&chain, encode("CERTIFICATE", own.leaf())).unwrap();
    std::fs::write(&key, encode("PRIVATE KEY", own.key().unwrap().secret_der())).unwrap();
    // A port that was free; the program cannot be given a socket.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = gnutls("gnutls-serv", Version::Tls12, ":%NO_SESSION_HASH");
    command.args(["--echo", "--quiet", "--disable-client-cert"]).arg(format!("--port={port}"));
    command.arg("--x509certfile").arg(&chain).arg("--x509keyfile").arg(&key);
    command.stdout(Stdio::null());
    let _server = start(command);
    for &backend in polytls::backend::all() {
        let config = ClientConfig::builder().roots(root.roots()).build().unwrap();
        let client = Client::new(&config, backend).unwrap();
        let mut tls = client.connect(NAME, prompt(dial(([127, 0, 0, 1], port).into()))).unwrap();
        tls.write_all(b"hello\n").unwrap();
        tls.flush().unwrap();
        tls.read_exact(&mut [0; 6]).unwrap();
        check_without(&tls, backend);
    }
}

/// As soon as somebody listens there.
fn dial(address: SocketAddr) -> TcpStream {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect(address) {
            Ok(socket) => return socket,
            Err(e) => assert!(Instant::now() < deadline, "{e}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}
