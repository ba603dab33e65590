//! Bad usage and unreadable input: exit code 2, before any byte is sent.

use std::net::TcpListener;

use tls_conformance::Leaf;

use crate::support::{Certificates, polytls};

#[test]
fn bad_usage_exits_with_2() {
    for line in [
        "",
        "nonsense",
        "connect",
        "connect example.org",
        "connect ::1:443",
        "connect 127.0.0.1:443 --backend nonsense",
        "connect 127.0.0.1:443 --min-tls 1.1",
        "connect 127.0.0.1:443 --min-tls 1.3 --max-tls 1.2",
        "connect 127.0.0.1:443 --profile old",
        "connect 127.0.0.1:443 --protocols all,sslv3",
        "connect 127.0.0.1:443 --protocols all, --min-tls 1.2",
        "connect 127.0.0.1:443 --protocols !all",
        "connect 127.0.0.1:443 --ciphers HIGH:!aNULL",
        "connect 127.0.0.1:443 --ciphers RC4-SHA",
        "connect 127.0.0.1:443 --min-tls 1.2 --ciphers TLS_AES_128_GCM_SHA256",
        "connect 127.0.0.1:443 --groups P-521",
        "connect 127.0.0.1:443 --groups X25519,",
        "connect 127.0.0.1:443 --signature-schemes rsa_pkcs1_sha1",
        "connect 127.0.0.1:443 --signature-schemes ed25519,ed25519",
        "connect 127.0.0.1:443 --record-limit 511",
        "connect 127.0.0.1:443 --client-order",
        "serve 127.0.0.1:0 --self-signed localhost --echo --dh-params 1024",
        "serve 127.0.0.1:0 --self-signed localhost --echo --dh-params auto",
        "serve 127.0.0.1:0 --self-signed localhost --echo --ciphers DHE-RSA-AES128-GCM-SHA256",
        "serve 127.0.0.1:0 --self-signed localhost --echo --signature-schemes rsa_pss_rsae_sha256",
        "connect 127.0.0.1:443 --servername a..b",
        "connect 127.0.0.1:443 --alpn a,,b",
        "connect 127.0.0.1:443 --alpn a,a",
        "connect 127.0.0.1:443 --cert a.pem",
        "connect 127.0.0.1:443 --key a.pem",
        "connect 127.0.0.1:443 --key-password-file a",
        "connect 127.0.0.1:443 --pin sha256/AAAA",
        "connect 127.0.0.1:443 --verify-time tomorrow",
        "connect 127.0.0.1:443 --verify-time 253402300800",
        "connect 127.0.0.1:443 --verify-depth 7",
        "connect 127.0.0.1:443 --verify-depth -1",
        "connect 127.0.0.1:443 --uniform --insecure-no-verify-cert",
        "connect 127.0.0.1:443 --keylog /nonsense/keys",
        "connect 127.0.0.1:443 --export a",
        "connect 127.0.0.1:443 --export a:0",
        "connect 127.0.0.1:443 --export a:8161",
        "connect 127.0.0.1:443 --export a:1:0",
        "serve 127.0.0.1:0 --self-signed localhost --echo --keylog /nonsense/keys",
        "connect 127.0.0.1:443 --crl-leaf-only",
        "connect 127.0.0.1:443 --crl-allow-missing",
        "connect 127.0.0.1:443 --crl-allow-expired",
        "serve",
        "serve 127.0.0.1:0 --echo",
        "serve 127.0.0.1:0 --self-signed localhost",
        "serve 127.0.0.1:0 --self-signed localhost --echo --www .",
        "serve 127.0.0.1:0 --self-signed --echo",
        "serve 127.0.0.1:0 --self-signed a/b --echo",
        "serve 127.0.0.1:0 --cert a.pem --echo",
        "serve 127.0.0.1:0 --identity a.pem --echo",
        "serve 127.0.0.1:0 --identity a.pem,,b --echo",
        "serve 127.0.0.1:0 --identity a,b,c,d --echo",
        "serve 127.0.0.1:0 --self-signed localhost --echo --key-password-file a",
        "serve 127.0.0.1:0 --self-signed localhost --www /nonsense",
        "serve 127.0.0.1:0 --self-signed localhost --echo --connections 0",
        "serve 127.0.0.1:0 --self-signed localhost --echo --client-auth require",
        "serve 127.0.0.1:0 --self-signed localhost --echo --client-auth request",
        "serve nonsense --self-signed localhost --echo",
        "ocsp",
        "ocsp a.pem",
        "ocsp /nonsense /nonsense",
        "ocsp a.pem b.pem --nonce --no-nonce",
        "ocsp a.pem b.pem --response c.der --url http://d.test/",
        "ocsp a.pem b.pem --response c.der --out d.der",
        "connect 127.0.0.1:443 --ocsp-response /nonsense",
        "serve 127.0.0.1:0 --self-signed localhost --echo --staple /nonsense",
        "conformance --backend nonsense",
        "conformance --filter nonsense",
        "conformance --json /nonsense/report.json",
        "conformance --html /nonsense/report.html",
        "conformance --junit /nonsense/report.xml",
        "conformance --markdown /nonsense/report.md",
        "demo nonsense",
    ] {
        let run = polytls(line.split_whitespace()).expect(2);
        assert!(!run.stderr.is_empty() && run.stdout.is_empty(), "{line}");
    }
}

#[test]
fn help_is_not_an_error() {
    for line in ["--help", "--version", "connect --help", "serve -h", "demo --help"] {
        assert!(!polytls(line.split(' ')).expect(0).text().is_empty());
    }
    assert!(polytls(["connect", "--help"]).text().contains("Examples:"));
}

#[test]
fn unreadable_input_exits_with_2_and_is_named() {
    let files = Certificates::with_server();
    files.add("other", &files.authority.server("other.test"));
    files.write("empty.pem", "no certificate here\n");
    files.write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    std::fs::create_dir(files.root().join("empty")).unwrap();
    // Nobody is asked for anything: the peer would be there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let peer = listener.local_addr().unwrap().to_string();

    for bad in ["missing.pem", "empty.pem", "broken.pem", "server.key", "empty"] {
        let path = files.path(bad);
        let run = polytls(["connect", &peer, "--ca", &path]).expect(2);
        assert!(run.has_config_error_about(&path), "{}", run.stderr);
    }
    let (good, key) = (files.path("server.pem"), files.path("server.key"));
    for (cert, key, at_fault) in [
        (&files.path("missing.pem"), &key, Some("missing.pem")),
        (&good, &files.path("missing.key"), Some("missing.key")),
        (&good, &files.path("empty.pem"), Some("empty.pem")),
        (&good, &files.path("other.key"), None),
    ] {
        for (command, more) in [("connect", &["--ca", &good][..]), ("serve", &["--echo"])] {
            let args = [command, &peer, "--cert", cert, "--key", key];
            let run = polytls(args.iter().chain(more)).expect(2);
            let at_fault = at_fault.map(|name| files.path(name)).unwrap_or_default();
            assert!(run.has_config_error_about(&at_fault), "{}", run.stderr);
        }
    }
    let missing = files.path("missing.pem");
    for how in ["none", "request", "require"] {
        let args = ["serve", "127.0.0.1:0", "--self-signed", "localhost", "--echo"];
        let clients = ["--client-auth", how, "--client-ca", &missing];
        let run = polytls(args.iter().chain(&clients)).expect(2);
        assert!(run.has_config_error_about(&missing), "{}", run.stderr);
    }
    let facts = files.path("missing/facts.json");
    polytls(["connect", &peer, "--ca", &good, "--facts", &facts]).expect(2);
    assert!(listener.accept().is_err(), "nothing connects before its input is readable");
}

#[test]
fn every_backend_refuses_a_key_that_is_not_the_certificates() {
    let files = Certificates::new();
    files.add("one", &Leaf::server(&["one.test"]).self_signed());
    files.add("two", &Leaf::server(&["two.test"]).self_signed());
    crate::support::for_each_backend(|backend| {
        let (one, two) = (files.path("one.pem"), files.path("two.key"));
        let args = ["serve", "127.0.0.1:0", "--echo", "--backend", backend];
        let good = ["--cert", &files.path("two.pem"), "--key", &two];
        let bad = ["--cert", &one, "--key", &two];
        let run = polytls(args.iter().chain(&good).chain(&bad)).expect(2);
        assert!(
            run.has_config_error_about(&one),
            "of several, the bad one is named: {}",
            run.stderr
        );
    });
}
