//! OpenSSL without the extended master secret (RFC 7627), which a configuration may insist on.

use std::process::Command;

use polytls::{
    Backend, Client, ClientConfig, Error, ErrorKind, Profile, Server, ServerConfig, Version,
    Versions,
};
use tempfile::TempDir;

use crate::fixture::{Fixture, NAME};
use crate::openssl::OPENSSL;
use crate::ours::{self, Listener, Tls};
use crate::process::{Child, free_port};

type Run = fn(&'static dyn Backend, &Fixture);

/// What is tried, under the name of a test.
pub(crate) static CASES: &[(&str, Run)] = &[
    ("client_of::openssl_s_server::tls12_without_the_extended_master_secret", as_client),
    ("server_for::openssl_s_client::tls12_without_the_extended_master_secret", as_server),
];

/// One of OpenSSL's programs, in TLS 1.2, with or without the extension.
fn program(name: &str, scratch: &TempDir, without: bool) -> Command {
    let path = scratch.path().join("openssl.cnf");
    let sign = if without { '-' } else { '+' };
    let sections = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = defaults\n";
    let text = format!("{sections}[defaults]\nOptions = {sign}ExtendedMasterSecret\n");
    std::fs::write(&path, text).unwrap();
    let mut command = OPENSSL.command();
    command.env("OPENSSL_CONF", path).args([name, "-brief", "-tls1_2"]);
    command
}

/// Whether the other side has it, whether it has to, and so whether they come together.
const TABLE: &[(bool, bool, bool)] =
    &[(true, true, true), (true, false, true), (false, false, true), (false, true, false)];

fn as_client(backend: &'static dyn Backend, fixture: &Fixture) {
    for &(has, must, good) in TABLE {
        let config = ClientConfig::builder().roots(fixture.authority.roots.clone());
        let config = match must {
            true => config.profile(Profile::Fips),
            false => config.versions(Versions::only(Version::Tls12)),
        };
        let config = config.build().unwrap();
        let compiled = Client::new(&config, backend);
        let Some(client) = ours::honoured(compiled, config.required(), backend) else { continue };
        let (scratch, port) = (fixture.scratch(), free_port());
        let mut command = program("s_server", &scratch, !has);
        command.args(["-naccept", "1", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(&fixture.server.chain).arg("-key").arg(&fixture.server.key);
        command.arg("-cert_chain").arg(&fixture.server.issuers);
        let mut child = Child::spawn(command);
        judge(ours::connect(&client, NAME, port, &mut child), good, has);
    }
}

fn as_server(backend: &'static dyn Backend, fixture: &Fixture) {
    for &(has, must, good) in TABLE {
        let config = ServerConfig::builder(fixture.server.identity.clone());
        let config = match must {
            true => config.profile(Profile::Fips),
            false => config.versions(Versions::only(Version::Tls12)),
        };
        let config = config.build().unwrap();
        let compiled = Server::new(&config, backend);
        let Some(server) = ours::honoured(compiled, config.required(), backend) else { continue };
        let (scratch, listener) = (fixture.scratch(), Listener::new());
        let mut command = program("s_client", &scratch, !has);
        command.args(["-connect", &format!("127.0.0.1:{}", listener.port())]);
        let mut child = Child::spawn(command);
        judge(listener.accept(&server, &mut child), good, has);
    }
}

fn judge(mut tls: Tls, good: bool, has: bool) {
    let outcome = tls.handshake().map_err(|e| Error::from(e).kind());
    if good {
        outcome.unwrap();
        let told = tls.negotiated().unwrap().extended_master_secret;
        assert!(told.is_none() || told == Some(has), "{told:?}");
    } else {
        assert_eq!(outcome, Err(ErrorKind::Protocol));
    }
}
