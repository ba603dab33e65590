//! Whom `connect` trusts, and what each switch leaves out.

use std::fs;
use std::time::Duration;

use polytls::Capability;
use tls_conformance::{Authority, Leaf};

use crate::support::{
    Certificates, Running, Serving, can, connect, for_each_backend, pem, polytls, refusal,
    with_input,
};

#[test]
fn an_unknown_authority_is_refused() {
    let files = Certificates::with_server();
    files.write("wrong.pem", &pem(&[Authority::root("another root").certificate()]));
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let wrong = files.path("wrong.pem");
        let args = ["--backend", backend, "--servername", "localhost", "--ca", &wrong];
        let args = args.into_iter().chain(["--facts", "/dev/null"]);
        let run = Running::start(connect(server.address, args)).finish();
        let run = run.expect_error(&refusal(backend, "unknown-issuer"));
        assert!(run.stderr.contains(&server.address.to_string()), "{}", run.stderr);
        // The server is told why, says so, and goes on.
        let again = with_input(
            files.connect(server.address, backend, &["--servername", "localhost"]),
            b"x",
        );
        assert_eq!(again.expect(0).stdout, b"x");
        assert!(server.terminate().expect(0).has_error("alert-received(unknown_ca)"));
    });
}

#[test]
fn the_name_must_be_in_the_certificate() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        for args in [&["--servername", "elsewhere.test"][..], &[]] {
            Running::start(files.connect(server.address, backend, args))
                .finish()
                .expect_error(&refusal(backend, "name-mismatch"));
        }
    });
}

#[test]
fn an_address_is_looked_for_in_the_certificate() {
    let files = Certificates::new();
    files.add("server", &files.authority.issue(Leaf::server(&["127.0.0.1", "::1"])));
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let run = with_input(files.connect(server.address, backend, &["--facts", &facts]), b"x");
        assert_eq!(run.expect(0).stdout, b"x");
        assert!(files.facts("facts.json")["servername"].is_null());
    });
}

#[test]
fn each_switch_leaves_out_one_part() {
    let files = Certificates::new();
    let stranger = Authority::root("a stranger's root");
    let expired = |leaf: Leaf| {
        leaf.with(|params| {
            let decades = 30 * 365 * 24 * Duration::from_secs(3600);
            params.not_after = params.not_before + decades; // from 1975
        })
    };
    let localhost = || Leaf::server(&["localhost"]);
    for (fault, identity, kind, switch) in [
        ("chain", stranger.issue(localhost()), "unknown-issuer", "--insecure-no-verify-cert"),
        (
            "name",
            files.authority.issue(Leaf::server(&["elsewhere.test"])),
            "name-mismatch",
            "--insecure-no-verify-name",
        ),
        (
            "time",
            files.authority.issue(expired(localhost())),
            "expired",
            "--insecure-no-verify-time",
        ),
    ] {
        files.add("server", &identity);
        for_each_backend(|backend| {
            let server = files.echo(backend, &[]);
            for (given, needs) in [
                ("--insecure-no-verify-cert", Capability::SkipChainVerification),
                ("--insecure-no-verify-name", Capability::SkipNameVerification),
                ("--insecure-no-verify-time", Capability::SkipTimeVerification),
            ] {
                let args = ["--servername", "localhost", given];
                let run = with_input(files.connect(server.address, backend, &args), b"x");
                assert!(run.stderr.contains(&format!("warning: {given}")), "{}", run.stderr);
                if !can(backend, needs) {
                    let run = run.expect(2);
                    let refused = format!("unsupported({needs})");
                    assert!(run.has_error(&refused), "{}", run.stderr);
                } else if given == switch {
                    assert_eq!(run.expect(0).stdout, b"x", "{fault} {backend}");
                } else {
                    run.expect_error(&refusal(backend, kind));
                }
            }
        });
    }
}

#[test]
fn the_systems_roots_are_those_of_the_environment_if_it_names_some() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let args = ["--backend", backend, "--servername", "localhost"];
        let mut trusting = connect(server.address, args);
        trusting.env("SSL_CERT_FILE", files.path("ca.pem"));
        assert_eq!(with_input(trusting, b"x").expect(0).stdout, b"x");

        files.write("other.pem", &pem(&[Authority::root("another root").certificate()]));
        let mut wary = connect(server.address, args);
        wary.env("SSL_CERT_FILE", files.path("other.pem"));
        Running::start(wary).finish().expect_error(&refusal(backend, "unknown-issuer"));

        // --ca means only those: the environment adds nothing.
        let other = files.path("other.pem");
        let mut narrow = connect(server.address, args.into_iter().chain(["--ca", &other]));
        narrow.env("SSL_CERT_FILE", files.path("ca.pem"));
        Running::start(narrow).finish().expect_error(&refusal(backend, "unknown-issuer"));
    });
}

#[test]
fn a_server_that_is_one_of_the_systems_roots_itself_is_trusted() {
    let files = Certificates::new();
    let names = Leaf::server(&["localhost"]).params.subject_alt_names;
    // What `openssl req -x509` makes: a server's certificate that says it is an authority's.
    let server = Authority::root_with("localhost", |params| {
        params.subject_alt_names = names;
        params.key_usages.clear();
    });
    files.add("server", &server.as_identity());
    files.write("system.pem", &pem(&[server.certificate()]));
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let mut run = connect(server.address, ["--backend", backend, "--servername", "localhost"]);
        run.env("SSL_CERT_FILE", files.path("system.pem"));
        assert_eq!(with_input(run, b"x").expect(0).stdout, b"x");
    });
}

#[test]
fn authorities_may_be_several_files_and_directories() {
    let files = Certificates::with_server();
    files.write("other.pem", &pem(&[Authority::root("another root").certificate()]));
    let directory = files.root().join("roots");
    fs::create_dir(&directory).unwrap();
    fs::copy(files.path("ca.pem"), directory.join("ca.pem")).unwrap();
    fs::write(directory.join("README"), "no certificate\n").unwrap();
    let (other, directory) = (files.path("other.pem"), files.path("roots"));
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let args = ["--backend", backend, "--servername", "localhost"];
        let args = args.into_iter().chain(["--ca", &other, "--ca", &directory]);
        assert_eq!(with_input(connect(server.address, args), b"x").expect(0).stdout, b"x");
    });
}

#[test]
fn a_self_signed_server_prints_what_to_trust() {
    let files = Certificates::new();
    for_each_backend(|backend| {
        let args = ["--backend", backend, "--echo", "--self-signed", "localhost", "127.0.0.1"];
        let server = Serving::start(args.into_iter().chain(["--connections", "2"]));
        let refused = files.connect(server.address, backend, &[]);
        Running::start(refused).finish().expect_error(&refusal(backend, "self-signed"));

        let facts = files.path("facts.json");
        // Everything at once is what every library can leave out.
        let switches = ["cert", "name", "time"].map(|part| format!("--insecure-no-verify-{part}"));
        let args = switches.iter().map(String::as_str).chain(["--facts", &facts]);
        let args = args.collect::<Vec<_>>();
        with_input(files.connect(server.address, backend, &args), b"").expect(0);
        let chain = files.facts("facts.json")["peer_chain"][0].as_str().map(str::to_owned);
        let ended = server.process.finish().expect(0);
        match chain {
            Some(chain) => assert!(ended.stderr.contains(&chain), "{}", ended.stderr),
            None => assert!(!can(backend, Capability::ReportPeerChain)),
        }
    });
}

#[test]
fn a_name_that_does_not_resolve_is_a_network_failure() {
    let files = Certificates::new();
    let ca = files.path("ca.pem");
    let run = polytls(["connect", "nonsense.invalid:443", "--ca", &ca]).expect(1);
    assert!(run.stderr.starts_with("error: io("), "{}", run.stderr);
    assert!(run.stderr.contains("nonsense.invalid"), "{}", run.stderr);
}
