//! `serve --reload`: what is put in place, when, and what is not.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use polytls::{Capability, Identity};
use tls_conformance::Authority;

use crate::support::{
    BACKENDS, Certificates, LIMIT, Running, Serving, can, for_each_backend, pem, signal, with_input,
};

/// Replaces `{name}.pem` and `{name}.key`, each at once.
fn replace(files: &Certificates, name: &str, identity: &Identity) {
    files.add("new", identity);
    for kind in ["pem", "key"] {
        fs::rename(files.path(&format!("new.{kind}")), files.path(&format!("{name}.{kind}")))
            .unwrap();
    }
}

/// The serial number of the certificate that is presented now.
fn presented(files: &Certificates, server: &Serving, backend: &str) -> String {
    let facts = files.path("facts.json");
    let args = ["--servername", "localhost", "--facts", &facts];
    let run = with_input(files.connect(server.address, backend, &args), b"x");
    assert_eq!(run.expect(0).stdout, b"x");
    files.facts("facts.json")["peer"]["serial"].as_str().unwrap().to_owned()
}

fn serial(identity: &Identity) -> String {
    identity.leaf_facts().serial().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Waits until something is so.
#[track_caller]
fn wait_until(mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !so() {
        assert!(Instant::now() < deadline, "it does not come to that");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn new_files_are_put_in_place_and_bad_ones_are_not() {
    for_each_backend(|backend| {
        let files = Certificates::new();
        let [first, second, third] = [(); 3].map(|()| files.authority.server("localhost"));
        files.add("server", &first);
        let server = files.echo(backend, &["--reload"]);
        assert_eq!(presented(&files, &server, backend), serial(&first));
        let localhost = ["--servername", "localhost"];
        let mut old = Running::start(files.connect(server.address, backend, &localhost));
        old.stdin.as_mut().unwrap().write_all(b"before").unwrap();
        assert_eq!(old.output(), b"before");

        replace(&files, "server", &second);
        wait_until(|| presented(&files, &server, backend) == serial(&second));

        // A bad file changes nothing, and the next good one is taken.
        files.write("server.key", "no key at all\n");
        thread::sleep(Duration::from_millis(2500));
        assert_eq!(presented(&files, &server, backend), serial(&second));
        replace(&files, "server", &third);
        wait_until(|| presented(&files, &server, backend) == serial(&third));

        // A connection from before it all goes on.
        old.stdin.as_mut().unwrap().write_all(b"after").unwrap();
        assert_eq!(old.output(), b"after");
        old.finish().expect(0);

        let ended = server.terminate().expect(0);
        assert_eq!(ended.stderr.lines().filter(|line| *line == "reloaded").count(), 2);
        let bad =
            ended.stderr.lines().filter(|line| line.contains("reloading")).collect::<Vec<_>>();
        let [bad] = bad[..] else { panic!("said once: {}", ended.stderr) };
        assert!(bad.starts_with("error: config: ") && bad.contains("server.key"), "{bad}");
    });
}

#[test]
fn without_the_option_nothing_is_followed() {
    let files = Certificates::new();
    let [first, second] = [(); 2].map(|()| files.authority.server("localhost"));
    files.add("server", &first);
    let server = files.echo(&BACKENDS[0], &[]);
    replace(&files, "server", &second);
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(presented(&files, &server, &BACKENDS[0]), serial(&first));
    assert_eq!(server.terminate().expect(0).stderr, "");
}

#[test]
fn whom_a_server_trusts_is_followed_too() {
    let backend = BACKENDS
        .iter()
        .find(|backend| can(backend, Capability::RequestClientCertificate))
        .expect("a backend that asks clients for certificates");
    let files = Certificates::with_server();
    let other = Authority::root("the clients of tomorrow");
    files.add("client", &other.client("early"));
    fs::create_dir(files.root().join("clients")).unwrap();
    files.write("clients/one.pem", &pem(&[files.authority.certificate()]));
    let clients = files.path("clients");
    let server = files.echo(backend, &["--reload", "--client-ca", &clients]);
    let identity = files.identity("client");
    let is_welcome = || {
        let args = ["--servername", "localhost"].into_iter();
        let args = args.chain(identity.iter().map(String::as_str)).collect::<Vec<_>>();
        with_input(files.connect(server.address, backend, &args), b"x").stdout == b"x"
    };
    assert!(!is_welcome());
    files.write("clients/two.pem", &pem(&[other.certificate()]));
    wait_until(is_welcome);
}

#[test]
fn a_certificate_made_on_the_spot_stays_and_the_signal_reloads_at_once() {
    let files = Certificates::with_server();
    let args = ["--echo", "--reload", "--backend", &BACKENDS[0], "--self-signed", "localhost"];
    let server = Serving::start(args);
    let facts = files.path("facts.json");
    // Everything at once is what every library can leave out.
    let switches = ["cert", "name", "time"].map(|part| format!("--insecure-no-verify-{part}"));
    let pin = || {
        let args = switches.iter().map(String::as_str).chain(["--facts", &facts]);
        let args = args.collect::<Vec<_>>();
        with_input(files.connect(server.address, &BACKENDS[0], &args), b"").expect(0);
        files.facts("facts.json")["peer"]["pin"].clone()
    };
    let before = pin();
    signal("HUP", &server.process);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(pin(), before);
    let ended = server.terminate().expect(0);
    assert_eq!(ended.stderr.lines().filter(|line| *line == "reloaded").count(), 1);
}
