//! `ocsp`, and a server that keeps its staples fresh, against a responder that nobody here wrote.

use std::net::TcpListener;
use std::process::Command;

use polytls::backend::by_name;
use polytls::x509::CertificateFacts;
use polytls::{Capability, Identity};
use tls_conformance::{Authority, Leaf};

use crate::support::{Certificates, Running, can, for_each_backend, pem, polytls, with_input};

/// `openssl ocsp` with an index of one good certificate and a revoked one.
struct Responder {
    files: Certificates,
    url: String,
    _process: Running,
}

impl Responder {
    fn start() -> Self {
        let files = Certificates::new();
        let issuer = files.authority.intermediate("issuer with a responder");
        // The system's choice; nobody else takes it at once.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let url = format!("http://{free}/");
        let mut index = String::new();
        for (name, entry) in [
            ("server", Some("V\t491231000000Z\t")),
            ("revoked", Some("R\t491231000000Z\t240101000000Z,superseded")),
            ("unknown", None),
        ] {
            let identity = issue(&issuer, &url);
            files.add(name, &identity);
            if let Some(entry) = entry {
                index += &format!("{entry}\t{}\tunknown\t/CN=x\n", number(&identity));
            }
        }
        files.add("issuer", &issuer.as_identity());
        files.write("issuer.pem", &pem(&[issuer.certificate()]));
        let index = files.write("index.txt", &index);

        let (issuer, key) = (files.path("issuer.pem"), files.path("issuer.key"));
        let mut openssl = Command::new("openssl");
        openssl.args(["ocsp", "-CA", &issuer, "-rsigner", &issuer, "-rkey", &key, "-index"]);
        openssl.arg(index).args(["-ndays", "1", "-port", &free.port().to_string()]);
        let process = Running::start(openssl);
        let said = String::from_utf8(process.output()).unwrap();
        assert!(said.starts_with("ACCEPT"), "{said}");
        Self { files, url, _process: process }
    }
}

fn issue(issuer: &Authority, url: &str) -> Identity {
    let leaf = Leaf::server(&["localhost"]);
    issuer.issue(leaf.with(|params| params.custom_extensions.push(crate::ocsp::access_to(url))))
}

/// A certificate's number, as OpenSSL writes it.
fn number(identity: &Identity) -> String {
    let facts = CertificateFacts::read(identity.leaf()).unwrap();
    let digits = facts.serial().iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    digits.strip_prefix("00").unwrap_or(&digits).to_owned() // a sign, not a digit
}

fn lenders(check: impl Fn(&str)) {
    for_each_backend(|backend| {
        if !by_name(backend).unwrap().signature_algorithms().is_empty() {
            check(backend);
        }
    });
}

#[test]
fn openssls_responder_is_understood() {
    let responder = Responder::start();
    lenders(|backend| {
        for (name, code, result) in
            [("server", 0, "good"), ("revoked", 3, "superseded"), ("unknown", 4, "unknown")]
        {
            let cert = responder.files.path(&format!("{name}.pem"));
            let issuer = responder.files.path("issuer.pem");
            for more in [&[][..], &["--nonce", "--sha256"]] {
                let args = ["ocsp", &cert, &issuer, "--backend", backend];
                let run = polytls(args.iter().chain(more)).expect(code);
                let result = format!("result       {result}\n");
                assert!(run.text().contains(&result), "{}", run.text());
                assert!(run.text().contains(&responder.url), "{}", run.text());
                assert!(run.text().contains("believed     yes"), "{}", run.text());
            }
        }
    });
}

#[test]
fn a_server_staples_what_openssls_responder_says() {
    let responder = Responder::start();
    let files = &responder.files;
    lenders(|backend| {
        let refresh = ["--staple-refresh"];
        let Some(server) = files.echo_if_it_can(backend, &refresh, Capability::SendStaple) else {
            return;
        };
        if !can(backend, Capability::RequestStaple) {
            return;
        }
        let args = ["--servername", "localhost", "--require-staple", "--facts"];
        let facts = files.path("facts.json");
        let args = [&args[..], &[&facts]].concat();
        // It asks in the background: the first clients may come too early.
        let connect = || with_input(files.connect(server.address, backend, &args), b"x");
        let stapled = (0..100).map(|_| connect()).find(|run| run.code == Some(0));
        assert_eq!(stapled.expect("a staple in time").stdout, b"x");
        assert_eq!(files.facts("facts.json")["staple"]["result"], "good");
    });
}
