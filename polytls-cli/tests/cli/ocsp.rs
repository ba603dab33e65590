//! `ocsp`, and what `connect` and `serve` do about stapled responses.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use polytls::backend::by_name;
use polytls::pki_types::UnixTime;
use polytls::{Capability, Identity};
use serde_json::Value;
use tls_conformance::{Authority, Leaf, OcspAnswer};

use crate::support::{
    BACKENDS, Certificates, Finished, Running, can, for_each_backend, pem, polytls, refusal,
    signal, with_input,
};

const LOCALHOST: [&str; 2] = ["--servername", "localhost"];

/// A server, whose certificate says where to ask, and its issuer below the root.
struct Scene {
    files: Certificates,
    issuer: Authority,
    server: Identity,
    responder: Responder,
}

impl Scene {
    fn new() -> Self {
        let responder = Responder::start();
        let files = Certificates::new();
        let issuer = files.authority.intermediate("issuer of the command line's tests");
        let url = access_to(&responder.url);
        let leaf = Leaf::server(&["localhost"]).with(|params| params.custom_extensions.push(url));
        let server = issuer.issue(leaf);
        files.add("server", &server);
        files.write("issuer.pem", &pem(&[issuer.certificate()]));
        Self { files, issuer, server, responder }
    }

    fn good(&self) -> Vec<u8> {
        OcspAnswer::good(&self.issuer, self.server.leaf()).der()
    }

    fn revoked(&self) -> Vec<u8> {
        OcspAnswer::revoked(&self.issuer, self.server.leaf()).der()
    }

    fn write(&self, name: &str, response: &[u8]) -> String {
        let path = self.files.path(name);
        fs::write(&path, response).unwrap();
        path
    }

    fn ocsp(&self, backend: &str, more: &[&str]) -> Finished {
        let (cert, issuer) = (self.files.path("server.pem"), self.files.path("issuer.pem"));
        let args = ["ocsp", &cert, &issuer, "--backend", backend];
        polytls(args.iter().chain(more))
    }
}

/// SEQUENCE { SEQUENCE { id-ad-ocsp, [6] URL } }
pub(crate) fn access_to(url: &str) -> rcgen::CustomExtension {
    let wrap = |tag: u8, inner: &[u8]| [&[tag, inner.len() as u8], inner].concat();
    let oid = wrap(0x06, b"\x2b\x06\x01\x05\x05\x07\x30\x01");
    let description = wrap(0x30, &[oid, wrap(0x86, url.as_bytes())].concat());
    let content = wrap(0x30, &description);
    rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], content)
}

/// Answers every request with what it is told to.
struct Responder {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    answer: Vec<u8>,
    requests: Vec<Vec<u8>>,
}

impl Responder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for socket in listener.incoming() {
                answer(socket.unwrap(), &shared);
            }
        });
        Self { url, state }
    }

    fn set(&self, answer: Vec<u8>) {
        self.state.lock().unwrap().answer = answer;
    }

    fn requests(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().requests.clone()
    }
}

fn answer(mut socket: TcpStream, state: &Mutex<State>) {
    let (mut bytes, mut buf) = (Vec::new(), [0; 4096]);
    let body = loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        if let (Some(head), Some(length)) = (text.find("\r\n\r\n"), length) {
            let end = bytes.len() - length.trim().parse::<usize>().unwrap().min(bytes.len());
            if end >= head + 4 {
                break bytes.split_off(end);
            }
        }
        match socket.read(&mut buf) {
            Ok(n @ 1..) => bytes.extend_from_slice(&buf[..n]),
            Ok(0) | Err(_) => return,
        }
    };
    let mut state = state.lock().unwrap();
    state.requests.push(body);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length:";
    let head = format!("{head} {}\r\nConnection: close\r\n\r\n", state.answer.len());
    let _ = socket.write_all(&[head.as_bytes(), &state.answer].concat());
}

/// Checks with each backend that lends what a response is judged with.
fn for_each_lender(scene: &Scene, check: impl Fn(&str)) {
    for_each_backend(|backend| {
        if lends(scene, backend) {
            check(backend);
        }
    });
}

/// One that lends, if any does.
fn a_lender(scene: &Scene) -> Option<&'static str> {
    BACKENDS.iter().map(String::as_str).find(|backend| lends(scene, backend))
}

/// Whether the backend lends what a response is judged with; the program refuses one that does not.
fn lends(scene: &Scene, backend: &str) -> bool {
    let lends = !by_name(backend).unwrap().signature_algorithms().is_empty();
    if !lends {
        let run = scene.ocsp(backend, &["--response", "/nonsense"]).expect(2);
        assert!(run.has_error("usage") && run.stderr.contains(backend), "{}", run.stderr);
    }
    lends
}

#[test]
fn each_verdict_has_a_code_and_every_fact_is_told() {
    let scene = Scene::new();
    let unknown = OcspAnswer::unknown(&scene.issuer, scene.server.leaf()).der();
    for_each_lender(&scene, |backend| {
        scene.responder.set(scene.good());
        let run = scene.ocsp(backend, &[]).expect(0);
        assert_eq!(run.stderr, "");
        let url = format!("url          {}", scene.responder.url);
        for fact in
            ["status       good: ", "this update  ", "next update  ", "believed     yes", &url]
        {
            assert!(run.text().contains(fact), "{fact}: {}", run.text());
        }
        assert!(!run.text().contains("revoked at"), "{}", run.text());

        scene.responder.set(scene.revoked());
        let run = scene.ocsp(backend, &[]).expect(3);
        assert!(run.has_error("revoked"), "{}", run.stderr);
        for fact in ["status       revoked: ", "reason       keyCompromise", "revoked at   "] {
            assert!(run.text().contains(fact), "{fact}: {}", run.text());
        }

        scene.responder.set(unknown.clone());
        let run = scene.ocsp(backend, &[]).expect(4);
        assert!(run.has_error("unknown") && run.text().contains("result       unknown"));
    });
}

#[test]
fn what_is_not_to_be_believed_is_told_all_the_same() {
    let scene = Scene::new();
    let Some(backend) = a_lender(&scene) else { return };
    let about = scene.server.leaf();
    let spoilt = OcspAnswer::good(&scene.issuer, about).spoilt().der();
    let old = OcspAnswer::good(&scene.issuer, about).hours(-48, -24).der();
    let other = OcspAnswer::good(&scene.issuer, scene.issuer.server("other").leaf()).der();
    for (answer, kind, said) in [
        (spoilt, "bad-signature", "result       good"),
        (old, "expired", "result       good"),
        (other, "other-certificate", "it says nothing of this certificate"),
        (OcspAnswer::later(), "trylater", "result       trylater"),
    ] {
        scene.responder.set(answer);
        let run = scene.ocsp(backend, &[]).expect_error(&format!("ocsp({kind})"));
        assert!(run.text().contains(said), "{}", run.text());
        assert!(run.text().contains("believed     no: "), "{}", run.text());
    }
    scene.responder.set(b"hello".to_vec());
    scene.ocsp(backend, &[]).expect_error("ocsp(malformed)");
}

#[test]
fn what_is_asked_and_where_can_be_chosen() {
    let scene = Scene::new();
    let Some(backend) = a_lender(&scene) else { return };
    let elsewhere = Responder::start();
    let good = scene.good();
    elsewhere.set(good.clone());
    let out = scene.files.path("out.der");
    let args = ["--url", &elsewhere.url, "--out", &out];
    scene.ocsp(backend, &args).expect(0);
    assert_eq!(fs::read(&out).unwrap(), good);
    scene.ocsp(backend, &["--url", &elsewhere.url, "--sha256", "--no-nonce"]).expect(0);
    // This responder does not heed the nonce.
    scene.ocsp(backend, &["--url", &elsewhere.url, "--nonce"]).expect_error("ocsp(nonce-mismatch)");
    let sizes = elsewhere.requests().iter().map(Vec::len).collect::<Vec<_>>();
    let [plain, sha256, nonce] = sizes[..] else { panic!("{sizes:?}") };
    assert!(sha256 >= plain + 24 && nonce >= plain + 32, "{sizes:?}");
    assert!(scene.responder.requests().is_empty());
}

#[test]
fn nothing_is_written_that_is_not_to_be_believed() {
    let scene = Scene::new();
    let Some(backend) = a_lender(&scene) else { return };
    scene.responder.set(OcspAnswer::good(&scene.issuer, scene.server.leaf()).spoilt().der());
    let out = scene.files.path("out.der");
    scene.ocsp(backend, &["--out", &out]).expect(1);
    assert_eq!(fs::read(&out).unwrap(), b"");
}

#[test]
fn a_response_in_a_file_is_judged_without_asking() {
    let scene = Scene::new();
    let Some(backend) = a_lender(&scene) else { return };
    let file = scene.write("good.der", &scene.good());
    let run = scene.ocsp(backend, &["--response", &file]).expect(0);
    assert!(!run.text().contains("asked"), "{}", run.text());
    let file = scene.write("revoked.der", &scene.revoked());
    scene.ocsp(backend, &["--response", &file]).expect(3);
    assert!(scene.responder.requests().is_empty());
}

#[test]
fn certificates_may_be_der_and_have_to_belong_together() {
    let scene = Scene::new();
    let Some(backend) = a_lender(&scene) else { return };
    scene.responder.set(scene.good());
    let cert = scene.write("server.der", scene.server.leaf());
    let (issuer, root) = (scene.files.path("issuer.pem"), scene.files.path("ca.pem"));
    let ocsp = |args: &[&str]| polytls(["ocsp", "--backend", backend].iter().chain(args));
    ocsp(&[&cert, &issuer]).expect(0);
    ocsp(&[&cert, &root]).expect_error("ocsp(not-its-issuer)");
    let junk = scene.write("junk.pem", b"junk");
    for args in [[&*junk, &issuer], [&cert, &junk], [&cert, "/nonsense"]] {
        assert!(ocsp(&args).expect(2).has_error("config"));
    }
    // A certificate that does not say where to ask.
    let run = ocsp(&[&issuer, &root]).expect(2);
    assert!(run.has_error("usage") && run.stderr.contains("--url"), "{}", run.stderr);
    assert!(ocsp(&[&issuer, &root, "--url", "https://a.test"]).expect(2).has_error("usage"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{nobody}/");
    ocsp(&[&issuer, &root, "--url", &nobody]).expect_error("ocsp(network)");
}

/// Runs `connect` against a server that staples `staple`, if it can; `None` where a side lacks
/// something, and the program says so.
fn stapled(
    scene: &Scene,
    server: &str,
    client: &str,
    staple: &str,
    more: &[&str],
) -> Option<Finished> {
    let server =
        scene.files.echo_if_it_can(server, &["--staple", staple], Capability::SendStaple)?;
    Some(asked(scene, server.address, client, more))
}

fn asked(scene: &Scene, address: std::net::SocketAddr, client: &str, more: &[&str]) -> Finished {
    let facts = scene.files.path("facts.json");
    let args = [&LOCALHOST[..], &["--facts", &facts], more].concat();
    let run = with_input(scene.files.connect(address, client, &args), b"x");
    if !can(client, Capability::RequestStaple) && more.iter().any(|arg| arg.ends_with("-staple")) {
        let kind = format!("unsupported({})", Capability::RequestStaple);
        assert!(run.has_error(&kind), "{}", run.stderr);
    }
    run
}

fn facts(scene: &Scene) -> Value {
    scene.files.facts("facts.json")["staple"].clone()
}

#[test]
fn a_staple_goes_from_server_to_client_and_is_shown() {
    let scene = Scene::new();
    let file = scene.write("good.der", &scene.good());
    for_each_backend(|backend| {
        for option in ["--request-staple", "--require-staple"] {
            let Some(run) = stapled(&scene, backend, backend, &file, &[option]) else { return };
            if !can(backend, Capability::RequestStaple) {
                continue;
            }
            assert_eq!(run.expect(0).stdout, b"x");
            let staple = facts(&scene);
            assert_eq!(staple["result"], "good");
            assert_eq!(staple["cert_status"], "good");
            assert_eq!(staple["response_status"], "successful");
            assert_eq!(staple["url"], *scene.responder.url);
            assert!(staple["this_update"].is_u64() && staple["next_update"].is_u64());
            assert!(staple["crl_reason"].is_null() && staple["revocation_time"].is_null());
        }
        let Some(run) = stapled(&scene, backend, backend, &file, &[]) else { return };
        run.expect(0);
        assert!(facts(&scene).is_null(), "it was not asked for");
    });
}

#[test]
fn a_bad_staple_is_refused_and_the_server_warns_of_it() {
    let scene = Scene::new();
    let old = OcspAnswer::good(&scene.issuer, scene.server.leaf()).hours(-48, -24).der();
    let (revoked, old) =
        (scene.write("revoked.der", &scene.revoked()), scene.write("old.der", &old));
    for_each_backend(|backend| {
        for (file, reason) in [(&revoked, "revoked"), (&old, "staple-invalid")] {
            let staple = ["--staple", file];
            let Some(server) = scene.files.echo_if_it_can(backend, &staple, Capability::SendStaple)
            else {
                return;
            };
            let run = asked(&scene, server.address, backend, &["--request-staple"]);
            if can(backend, Capability::RequestStaple) {
                run.expect_error(&refusal(backend, reason));
            }
            let stopped = server.terminate().expect(0);
            let warns = !by_name(backend).unwrap().signature_algorithms().is_empty();
            let warning = format!("warning: {file}: clients will refuse it");
            assert_eq!(stopped.stderr.contains(&warning), warns, "{}", stopped.stderr);
        }
    });
}

#[test]
fn a_server_without_a_staple_is_refused_only_if_one_is_required() {
    let scene = Scene::new();
    for_each_backend(|backend| {
        let server = scene.files.echo(backend, &[]);
        let requested = asked(&scene, server.address, backend, &["--request-staple"]);
        let required = asked(&scene, server.address, backend, &["--require-staple"]);
        if can(backend, Capability::RequestStaple) {
            assert!(requested.expect(0).stderr.contains("staple      none"));
            required.expect_error(&refusal(backend, "staple-missing"));
        }
    });
}

#[test]
fn a_response_from_elsewhere_counts_for_the_server() {
    let scene = Scene::new();
    let good = scene.write("good.der", &scene.good());
    let revoked = scene.write("revoked.der", &scene.revoked());
    let spoilt = OcspAnswer::good(&scene.issuer, scene.server.leaf()).spoilt().der();
    let spoilt = scene.write("spoilt.der", &spoilt);
    let issuer = scene.files.path("issuer.pem");
    for_each_lender(&scene, |backend| {
        let server = scene.files.echo(backend, &[]);
        let with = |file: &str| {
            // Where the chain cannot be told, the issuer is found among what is trusted.
            asked(&scene, server.address, backend, &["--ca", &issuer, "--ocsp-response", file])
        };
        let run = with(&good).expect(0);
        assert_eq!(run.stdout, b"x");
        assert!(run.stderr.contains("response    good until "), "{}", run.stderr);
        let run = with(&revoked).expect_error("certificate(revoked)");
        assert!(run.stdout.is_empty() && run.stderr.contains("keyCompromise"), "{}", run.stderr);
        if can(backend, Capability::VerificationTime) {
            let later = (UnixTime::now().as_secs() + 5 * 24 * 60 * 60).to_string();
            let args = ["--ca", &issuer, "--ocsp-response", &good, "--verify-time", &later];
            asked(&scene, server.address, backend, &args).expect_error("ocsp(expired)");
        }
        let run = with(&spoilt).expect_error("ocsp(bad-signature)");
        assert!(run.stdout.is_empty() && run.stderr.contains(&spoilt), "{}", run.stderr);
    });
    let junk = scene.write("junk.der", b"junk");
    let Some(backend) = a_lender(&scene) else { return };
    let args = ["connect", "127.0.0.1:1", "--ca", &issuer, "--ocsp-response", &junk];
    let args = args.into_iter().chain(["--backend", backend]);
    assert!(polytls(args).expect(2).has_config_error_about(&junk));
}

#[test]
fn a_server_fetches_its_staples() {
    let scene = Scene::new();
    scene.responder.set(scene.good());
    for_each_lender(&scene, |backend| {
        let refresh = ["--staple-refresh"];
        let Some(server) = scene.files.echo_if_it_can(backend, &refresh, Capability::SendStaple)
        else {
            return;
        };
        if can(backend, Capability::RequestStaple) {
            // It is asked for in the background.
            let mut tries = 0;
            while asked(&scene, server.address, backend, &["--require-staple"]).code != Some(0) {
                tries += 1;
                assert!(tries < 100, "no staple in time");
            }
            assert_eq!(facts(&scene)["result"], "good");
        }
        let stopped = server.terminate().expect(0);
        assert!(!stopped.stderr.contains("warning: staple"), "{}", stopped.stderr);
    });
}

#[test]
fn a_server_that_is_reloaded_goes_on_stapling() {
    let scene = Scene::new();
    let Some(backend) = a_lender(&scene) else { return };
    scene.responder.set(scene.good());
    let refresh = ["--staple-refresh", "--reload"];
    let Some(server) = scene.files.echo_if_it_can(backend, &refresh, Capability::SendStaple) else {
        return;
    };
    if !can(backend, Capability::RequestStaple) {
        return;
    }
    let stapled = || asked(&scene, server.address, backend, &["--require-staple"]).code == Some(0);
    assert!((0..100).any(|_| stapled()), "no staple in time");
    scene.responder.set(OcspAnswer::later());
    signal("HUP", &server.process);
    // Long enough for it.
    for _ in 0..10 {
        assert!(stapled());
        thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(scene.responder.requests().len(), 1, "what it has is not asked for again");
    let stopped = server.terminate().expect(0);
    assert!(stopped.stderr.contains("reloaded"), "{}", stopped.stderr);
}

#[test]
fn what_cannot_be_kept_fresh_is_refused_before_anybody_is_served() {
    let scene = Scene::new();
    let Some(backend) = a_lender(&scene) else { return };
    let start = |more: &[&str]| {
        let args = ["serve", "127.0.0.1:0", "--echo", "--staple-refresh", "--backend", backend];
        polytls(args.iter().chain(more)).expect(2)
    };
    let run = start(&["--self-signed", "localhost"]);
    assert!(run.stderr.contains("--staple-refresh: localhost"), "{}", run.stderr);
    scene.files.add("plain", &scene.issuer.server("plain.test"));
    let plain = scene.files.identity("plain");
    let run = start(&plain.each_ref().map(String::as_str));
    assert!(run.stderr.contains("names no OCSP responder"), "{}", run.stderr);
    let server = scene.files.identity("server");
    let junk = scene.write("junk.der", b"junk");
    let args = ["serve", "127.0.0.1:0", "--echo", "--staple", &junk].into_iter();
    let run = polytls(args.chain(server.iter().map(String::as_str))).expect(2);
    assert!(run.has_config_error_about(&junk), "{}", run.stderr);
}

#[test]
fn a_failing_responder_is_told_and_disturbs_nobody() {
    let scene = Scene::new();
    scene.responder.set(OcspAnswer::later());
    let Some(backend) = a_lender(&scene) else { return };
    let refresh = ["--staple-refresh"];
    let Some(server) = scene.files.echo_if_it_can(backend, &refresh, Capability::SendStaple) else {
        return;
    };
    while scene.responder.requests().is_empty() {
        thread::yield_now();
    }
    let run = Running::start(scene.files.connect(server.address, backend, &LOCALHOST)).finish();
    run.expect(0);
    let stopped = server.terminate().expect(0);
    let warning = "warning: staple of localhost: ocsp(trylater): ";
    assert!(stopped.stderr.contains(warning), "{}", stopped.stderr);
}
