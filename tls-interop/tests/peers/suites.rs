//! Suites that only peers from long ago need, and OpenSSL as such a peer.

use std::path::PathBuf;

use polytls::{
    Backend, CipherSuite, Client, ClientConfig, DhParams, Identity, Profile, Roots, Server,
    ServerConfig, Version, Versions,
};
use tempfile::TempDir;

use crate::fixture::NAME;
use crate::openssl::OPENSSL;
use crate::ours::{self, Listener};
use crate::process::{Child, free_port};

type Run = fn(&'static dyn Backend);

/// What is tried, under the name of a test.
pub(crate) static CASES: &[(&str, Run)] = &[
    ("client_of::openssl_s_server::legacy_suites_are_spoken", as_client),
    ("server_for::openssl_s_client::legacy_suites_are_spoken", as_server),
];

/// A server's certificate of each kind of key, made by OpenSSL, which vouches for itself.
struct Site {
    dir: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: tempfile::tempdir().unwrap() };
        for (kind, new_key) in [("rsa", &["rsa:2048"][..]), ("ec", EC)] {
            let mut command = OPENSSL.command();
            command.args(["req", "-x509", "-nodes", "-days", "2", "-subj", &format!("/CN={kind}")]);
            command.args(["-addext", &format!("subjectAltName=DNS:{NAME}"), "-newkey"]);
            command.args(new_key).arg("-keyout").arg(site.key(kind));
            command.arg("-out").arg(site.certificate(kind));
            let made = command.output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        site
    }

    fn key(&self, kind: &str) -> PathBuf {
        self.dir.path().join(format!("{kind}.key"))
    }

    fn certificate(&self, kind: &str) -> PathBuf {
        self.dir.path().join(format!("{kind}.pem"))
    }

    fn identity(&self, kind: &str) -> Identity {
        let read = |path: PathBuf| std::fs::read(path).unwrap();
        Identity::from_pem(&read(self.certificate(kind)), &read(self.key(kind))).unwrap()
    }
}

const EC: &[&str] = &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/// The kind of key that signs or decrypts for it.
fn kind(suite: CipherSuite) -> &'static str {
    if suite.name().unwrap().contains("_ECDSA_") { "ec" } else { "rsa" }
}

fn tls12() -> Versions {
    Versions::only(Version::Tls12)
}

/// What a program of OpenSSL's has to say of a suite to have no other.
fn insist(command: &mut std::process::Command, suite: CipherSuite) {
    command.args(["-tls1_2", "-cipher", suite.openssl_name().unwrap()]);
}

/// Every legacy suite, at a server that has no other.
fn as_client(backend: &'static dyn Backend) {
    let site = Site::new();
    for suite in CipherSuite::LEGACY.iter().chain(CipherSuite::DHE).copied() {
        let identity = site.identity(kind(suite));
        let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
        let config = ClientConfig::builder().roots(roots).profile(Profile::Legacy);
        let config = match suite.is_dhe() {
            true => config.versions(tls12()).cipher_suites([suite]),
            false => config,
        };
        let config = config.build().unwrap();
        let compiled = Client::new(&config, backend);
        let Some(client) = ours::honoured(compiled, config.required(), backend) else { continue };
        let (mut command, port) = (OPENSSL.command(), free_port());
        command.args(["s_server", "-naccept", "1", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(site.certificate(kind(suite)));
        command.arg("-key").arg(site.key(kind(suite)));
        command.arg("-brief");
        insist(&mut command, suite);
        let mut child = Child::spawn(command);
        let mut tls = ours::connect(&client, NAME, port, &mut child);
        tls.handshake().unwrap();
        talk(&mut tls, &child, suite);
    }
}

/// Every legacy suite, to a client that has no other.
fn as_server(backend: &'static dyn Backend) {
    let site = Site::new();
    for suite in CipherSuite::LEGACY.iter().chain(CipherSuite::DHE).copied() {
        let config = ServerConfig::builder(site.identity(kind(suite))).profile(Profile::Legacy);
        let config = match suite.is_dhe() {
            true => config.versions(tls12()).cipher_suites([suite]).dh_params(DhParams::Auto),
            false => config,
        };
        let config = config.build().unwrap();
        let compiled = Server::new(&config, backend);
        let Some(server) = ours::honoured(compiled, config.required(), backend) else { continue };
        let listener = Listener::new();
        let mut command = OPENSSL.command();
        command.args(["s_client", "-connect", &format!("127.0.0.1:{}", listener.port())]);
        command.arg("-CAfile").arg(site.certificate(kind(suite))).arg("-verify_return_error");
        command.args(["-brief", "-verify_hostname", NAME]);
        insist(&mut command, suite);
        let mut child = Child::spawn(command);
        let mut tls = listener.accept(&server, &mut child);
        tls.handshake().unwrap();
        talk(&mut tls, &child, suite);
    }
}

fn talk(tls: &mut ours::Tls, child: &Child, suite: CipherSuite) {
    let negotiated = tls.negotiated().unwrap();
    assert_eq!(negotiated.cipher_suite, Some(suite));
    assert_eq!(negotiated.version, Some(Version::Tls12));
    ours::send(tls, b"an answer\n");
    child.wait_for_output(|bytes| bytes.ends_with(b"an answer\n"));
    child.feed(b"a question\n");
    ours::receive(tls, b"a question\n");
}
