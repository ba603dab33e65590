//! `connect --count` and `--session`: what is resumed, in one process and in the next.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use polytls::{Capability, CipherSuite, SignatureScheme};
use serde_json::Value;
use tls_conformance::Authority;

use crate::support::{
    BACKENDS, Certificates, Finished, Serving, can, connect, for_each_backend, pem, with_input,
};

const VERSIONS: [(&str, &str, Capability, Capability); 2] = [
    ("--max-tls=1.2", "TLSv1.2", Capability::Tls12Client, Capability::Tls12Server),
    ("--min-tls=1.3", "TLSv1.3", Capability::Tls13Client, Capability::Tls13Server),
];

/// Sends and receives nothing but what is needed to begin and to end. With a pair that cannot leave half
/// of a connection open, data could be cut off.
fn visit(files: &Certificates, server: &Serving, backend: &str, more: &[&str]) -> Finished {
    let args = [&["--servername", "localhost"], more].concat();
    with_input(files.connect(server.address, backend, &args), b"")
}

/// Whether the one connection that was made is said to be resumed.
fn resumed(run: &Finished) -> bool {
    let line = |what: &str| {
        let mut lines = run.stderr.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.any(|words| words == ["resumed", what])
    };
    assert!(line("yes") || line("no"), "{}", run.stderr);
    line("yes")
}

#[test]
fn the_second_of_several_connections_resumes() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    for server_backend in BACKENDS.iter() {
        for (option, version, on_client, on_server) in VERSIONS {
            if !can(server_backend, on_server) {
                continue;
            }
            let server = files.echo(server_backend, &[option]);
            for client in BACKENDS.iter().filter(|client| can(client, on_client)) {
                let args = ["--count", "3", "--facts", &facts, option];
                let run = visit(&files, &server, client, &args).expect(0);
                let all = files.facts("facts.json");
                let all = all.as_array().unwrap();
                assert_eq!(all.len(), 3);
                for (i, facts) in all.iter().enumerate() {
                    assert_eq!(facts["version"], version);
                    assert_eq!(facts["close"], "notify");
                    let pair = format!("{client} → {server_backend}, {version}, connection {i}");
                    let again = i > 0 && can(client, Capability::ResumeClient);
                    match (again, can(server_backend, Capability::ResumeServer)) {
                        (false, _) => assert_eq!(facts["resumed"], false, "{pair}"),
                        (true, true) => assert_eq!(facts["resumed"], true, "{pair}"),
                        // It may let it be resumed all the same, in its own way.
                        (true, false) => assert!(facts["resumed"].is_boolean(), "{pair}"),
                    }
                }
                let count = all.iter().filter(|facts| facts["resumed"] == true).count();
                let line = format!("{count} of 3 connections resumed an earlier session");
                assert!(run.stderr.lines().any(|found| found == line), "{}", run.stderr);
            }
        }
    }
}

#[test]
fn each_of_several_connections_sends_all_of_the_input() {
    let files = Certificates::with_server();
    let server = files.echo(&BACKENDS[0], &[]);
    let args = ["--servername", "localhost", "--count", "3"];
    let run = with_input(files.connect(server.address, &BACKENDS[0], &args), b"all of it. ");
    assert_eq!(run.expect(0).text(), "all of it. ".repeat(3));
}

#[test]
fn the_first_failure_ends_the_rest_and_the_facts_are_told() {
    let files = Certificates::with_server();
    let server = files.echo(&BACKENDS[0], &["--connections", "2"]);
    let facts = files.path("facts.json");
    let run = visit(&files, &server, &BACKENDS[0], &["--count", "9", "--facts", &facts]).expect(1);
    assert!(run.stderr.contains("connection 3 of 9"), "{}", run.stderr);
    assert!(!run.stderr.contains("connection 4 of 9"), "{}", run.stderr);
    assert_eq!(files.facts("facts.json").as_array().unwrap().len(), 3);
}

#[test]
fn a_second_process_resumes_by_the_file() {
    let files = Certificates::with_server();
    for server_backend in BACKENDS.iter() {
        for (option, _, on_client, on_server) in VERSIONS {
            if !can(server_backend, on_server) {
                continue;
            }
            let server = files.echo(server_backend, &[option]);
            let clients = BACKENDS.iter().filter(|client| can(client, on_client));
            for client in clients.filter(|client| can(client, Capability::ExportSessions)) {
                let session = files.path(&format!("{client}-{server_backend}{option}"));
                let again = can(server_backend, Capability::ResumeServer);
                for round in 0..4 {
                    let run = visit(&files, &server, client, &["--session", &session, option]);
                    let run = run.expect(0);
                    let pair = format!("{client} → {server_backend}, {option}, process {round}");
                    match (round, again) {
                        (0, _) => assert!(!resumed(&run), "{pair}"),
                        (_, true) => assert!(resumed(&run), "{pair}"),
                        // It may do so all the same, in its own way.
                        (_, false) => {}
                    }
                    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
                }
                let mode = fs::metadata(&session).unwrap().permissions().mode();
                assert_eq!(mode & 0o7777, 0o600);
            }
        }
    }
}

#[test]
fn a_backend_that_keeps_its_sessions_to_itself_says_so_and_makes_no_file() {
    let files = Certificates::with_server();
    let server = files.echo(&BACKENDS[0], &[]);
    for_each_backend(|backend| {
        if !can(backend, Capability::ExportSessions) {
            let session = files.path(backend);
            let run = visit(&files, &server, backend, &["--session", &session]).expect(2);
            assert!(run.has_error("unsupported(export-sessions)"), "{}", run.stderr);
            assert!(!Path::new(&session).exists());
        }
    });
}

/// A backend that has sessions as bytes, on both sides.
fn able() -> Option<&'static String> {
    BACKENDS.iter().find(|backend| {
        can(backend, Capability::ExportSessions) && can(backend, Capability::ResumeServer)
    })
}

#[test]
fn a_session_is_for_one_port_and_one_way_to_verify() {
    let Some(backend) = able() else { return };
    let files = Certificates::with_server();
    let (one, other) = (files.echo(backend, &[]), files.echo(backend, &[]));
    let session = files.path("sessions");
    let resumes = |server: &Serving, more: &[&str]| {
        let args = [&["--session", &session], more].concat();
        resumed(&visit(&files, server, backend, &args).expect(0))
    };
    assert!(!resumes(&one, &[]) && resumes(&one, &[]));
    assert!(!resumes(&other, &[]), "another port");
    for other in ["--insecure-no-verify-cert", "--insecure-no-verify-name", "--alpn=one"] {
        assert!(!resumes(&one, &[other]), "{other}");
        assert!(resumes(&one, &[other]), "{other} again");
    }
    assert!(resumes(&one, &[]));
}

#[test]
fn what_the_system_trusts_now_decides() {
    let Some(backend) = able() else { return };
    let files = Certificates::with_server();
    let ca = fs::read_to_string(files.path("ca.pem")).unwrap();
    let stranger = pem(&[&Authority::root("stranger").certificate()]);
    files.write("other.pem", &stranger);
    files.write("both.pem", &(stranger + &ca));
    let (server, session) = (files.echo(backend, &[]), files.path("sessions"));
    let visit = |roots: &str| {
        let args = ["--servername", "localhost", "--backend", backend, "--session", &session];
        let mut command = connect(server.address, args);
        command.env("SSL_CERT_FILE", files.path(roots));
        with_input(command, b"")
    };
    assert!(!resumed(&visit("ca.pem").expect(0)) && resumed(&visit("ca.pem").expect(0)));
    visit("other.pem").expect_error("certificate(unknown-issuer)");
    assert!(!resumed(&visit("both.pem").expect(0)));
    assert!(resumed(&visit("ca.pem").expect(0)) && resumed(&visit("both.pem").expect(0)));
}

#[test]
fn a_file_that_is_not_fit_for_sessions_is_refused() {
    let Some(backend) = able() else { return };
    let files = Certificates::with_server();
    let server = files.echo(backend, &[]);
    let refused = |name: &str, why: &str| {
        let path = files.path(name);
        let run = visit(&files, &server, backend, &["--session", &path]).expect(2);
        assert!(run.has_config_error_about(&path) && run.stderr.contains(why), "{}", run.stderr);
    };
    let of_mode = |name: &str, text: &str, mode| {
        fs::set_permissions(files.write(name, text), Permissions::from_mode(mode)).unwrap();
    };
    of_mode("open", "", 0o644);
    refused("open", "0644");
    of_mode("junk", "junk", 0o600);
    refused("junk", "not a file of sessions");
    symlink(files.path("junk"), files.path("link")).unwrap();
    refused("link", "symbolic link");
    refused("none/sessions", "cannot be opened");
    of_mode("empty", "", 0o600);
    let empty = files.path("empty");
    visit(&files, &server, backend, &["--session", &empty]).expect(0);
    assert!(fs::metadata(&empty).unwrap().len() > 0);
}

#[test]
fn every_fact_is_told_in_the_same_words_to_people_and_to_programs() {
    let files = Certificates::with_server();
    let path = files.path("facts.json");
    let server = files.echo(&BACKENDS[0], &[]);
    for_each_backend(|backend| {
        let run = visit(&files, &server, backend, &["--facts", &path]).expect(0);
        let facts = files.facts("facts.json");
        let suite = facts["cipher"].as_str().unwrap().parse::<CipherSuite>().unwrap();
        assert_eq!(facts["strength_bits"], suite.strength_bits().unwrap());
        assert_eq!(facts["cipher_id"], format!("0x{:04x}", suite.0));
        let scheme = SignatureScheme::ECDSA_P256_SHA256.to_string();
        match can(backend, Capability::ReportSignatureScheme) {
            true => assert_eq!(facts["signature"], scheme),
            false => assert!(facts["signature"].is_null()),
        }
        assert!(facts["fips"].is_null() || facts["fips"] == false, "{facts}");
        assert!(facts["local_certificate"].is_null());
        let line = |name: &str, fact: &str| {
            let line = format!("  {name:<12}{fact}");
            assert!(run.stderr.lines().any(|found| found == line), "no {line:?} in {}", run.stderr);
        };
        let or_unknown = |fact: &Value| fact.as_str().unwrap_or("unknown").to_owned();
        for name in ["version", "cipher", "group", "signature", "servername"] {
            line(name, &or_unknown(&facts[name]));
        }
        line("strength", &format!("{} bits", facts["strength_bits"]));
        line("resumed", "no");
    });
}

#[test]
fn an_own_certificate_is_told() {
    let files = Certificates::with_server();
    files.add("me", &files.authority.client("me"));
    let path = files.path("facts.json");
    let server = files.echo(&BACKENDS[0], &["--client-ca", &files.path("ca.pem")]);
    let own = fs::read_to_string(files.path("me.pem")).unwrap().replace("\r\n", "\n");
    for_each_backend(|backend| {
        let identity = files.identity("me");
        let identity = identity.iter().map(String::as_str).collect::<Vec<_>>();
        let args = [&["--facts", &path], &identity[..]].concat();
        visit(&files, &server, backend, &args).expect(0);
        let told = &files.facts("facts.json")["local_certificate"];
        match can(backend, Capability::ReportLocalCertificate) {
            true => assert_eq!(*told, own),
            false => assert!(told.is_null()),
        }
    });
}
