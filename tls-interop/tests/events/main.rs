//! What connections tell `tracing`: the same on every backend, in order, and nothing that is secret.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

#[path = "../by_hand/mod.rs"]
mod by_hand;
mod collector;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Trial};
use polytls::danger::KeyLog;
use polytls::{
    Alert, Backend, Capability, Client, ClientConfig, ClientConfigBuilder, Connection, EndOfStream,
    Incoming, Progress, Server, ServerConfig, ServerConfigBuilder, Version, Versions,
};
use tls_conformance::Authority;

use by_hand::Pair;
use collector::{Told, listen};

type Test = fn(&'static dyn Backend, Version);

/// Name, what a backend needs for it beside the version, the versions, and the test.
const TESTS: &[(&str, &[Capability], &[Version], Test)] = &[
    ("a_connection_is_told_from_begin_to_end", &[], BOTH, whole),
    ("a_refused_certificate_is_told_on_both_sides", &[], BOTH, refused),
    ("what_is_no_tls_is_told", &[], &[Version::Tls12], no_tls),
    ("a_truncated_connection_is_told", &[], BOTH, truncated),
    ("a_tolerated_truncation_is_told", &[], BOTH, tolerated),
    ("a_resumption_is_told", RESUMES, BOTH, resumed),
    ("new_keys_are_told", &[Capability::KeyUpdate], &[Version::Tls13], new_keys),
    ("a_server_that_is_chosen_late_is_told", &[], BOTH, chosen_late),
    ("a_client_that_nobody_serves_is_told", &[], &[Version::Tls12], nobody),
    ("nothing_secret_is_told", &[Capability::KeyLog], BOTH, nothing_secret),
];

const BOTH: &[Version] = &[Version::Tls12, Version::Tls13];
const RESUMES: &[Capability] =
    &[Capability::ResumeClient, Capability::ResumeServer, Capability::ReportResumed];
const NAME: &str = "events.test";

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for &backend in polytls::backend::all() {
        let can = |what: &Capability| backend.capabilities().contains(*what);
        for (name, _, versions, test) in TESTS.iter().filter(|(_, needs, ..)| needs.iter().all(can))
        {
            for &version in *versions {
                let (which, needs) = match version {
                    Version::Tls12 => ("tls12", [Capability::Tls12Client, Capability::Tls12Server]),
                    _ => ("tls13", [Capability::Tls13Client, Capability::Tls13Server]),
                };
                if needs.iter().all(can) {
                    trials.push(Trial::test(
                        format!("{}::{which}::{name}", backend.name()),
                        move || {
                            test(backend, version);
                            Ok(())
                        },
                    ));
                }
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn configs(version: Version) -> (ClientConfigBuilder, ServerConfigBuilder) {
    let root = Authority::root("Root of events");
    let only = Versions::only(version);
    (
        ClientConfig::builder().roots(root.roots()).versions(only),
        ServerConfig::builder(root.server(NAME)).versions(only),
    )
}

fn compiled(
    backend: &dyn Backend,
    (client, server): (ClientConfigBuilder, ServerConfigBuilder),
) -> (Client, Server) {
    let client = Client::new(&client.build().unwrap(), backend).unwrap();
    (client, Server::new(&server.build().unwrap(), backend).unwrap())
}

/// A pair that has not begun.
fn pair((client, server): &(Client, Server)) -> Pair {
    Pair { client: client.connection(NAME).unwrap(), server: server.connection().unwrap() }
}

fn established(ends: &(Client, Server)) -> Pair {
    let mut pair = pair(ends);
    pair.handshake().unwrap();
    pair
}

fn say(pair: &mut Pair, text: &[u8]) {
    assert_eq!(pair.client.write(text).unwrap(), Progress::Ready(text.len()));
    pair.carry();
    read(&mut pair.server, text);
    assert_eq!(pair.server.write(text).unwrap(), Progress::Ready(text.len()));
    pair.carry();
    read(&mut pair.client, text);
}

fn read(side: &mut Connection, expected: &[u8]) {
    let mut buf = [0; 100];
    assert_eq!(side.read(&mut buf).unwrap(), Progress::Ready(expected.len()));
    assert_eq!(&buf[..expected.len()], expected);
}

/// What the client and the server told.
fn both(act: impl FnOnce()) -> [Told; 2] {
    let told = listen(act);
    let told: [Told; 2] = told.try_into().expect("two connections");
    assert_eq!((&*told[0].span["side"], &*told[1].span["side"]), ("client", "server"));
    told
}

const STARTED: &str = "handshake started";
const FINISHED: &str = "handshake finished";

fn number(told: &Told, message: &str, field: &str) -> u64 {
    told.event(message)[field].parse().unwrap()
}

fn whole(backend: &'static dyn Backend, version: Version) {
    let ends = compiled(backend, configs(version));
    let [client, server] = both(|| {
        let mut pair = established(&ends);
        say(&mut pair, b"some words");
        assert_eq!(pair.client.close().unwrap(), Progress::Ready(()));
        pair.carry();
        assert_eq!(pair.server.read(&mut [0; 8]).unwrap(), Progress::Ready(0));
        assert_eq!(pair.server.close().unwrap(), Progress::Ready(()));
        pair.carry();
        assert_eq!(pair.client.read(&mut [0; 8]).unwrap(), Progress::Ready(0));
        // Told once, however often it is asked for.
        assert_eq!(pair.client.read(&mut [0; 8]).unwrap(), Progress::Ready(0));
        assert_eq!(pair.client.close().unwrap(), Progress::Ready(()));
        assert_eq!(pair.client.handshake().unwrap(), Progress::Ready(()));
    });
    assert_eq!(client.messages(), [STARTED, FINISHED, "close sent", "close received"]);
    assert_eq!(server.messages(), [STARTED, FINISHED, "close received", "close sent"]);
    for told in [&client, &server] {
        assert_eq!(told.span["backend"], backend.name());
        let facts = told.event(FINISHED);
        let can = |what| backend.capabilities().contains(what);
        if can(Capability::ReportVersion) {
            assert_eq!(facts["version"], version.to_string());
        }
        if can(Capability::ReportCipherSuite) {
            assert!(facts["cipher_suite"].starts_with("TLS"), "{facts:?}");
        }
        if can(Capability::ReportResumed) {
            assert_eq!(facts["resumed"], "false");
        }
        assert!(number(told, FINISHED, "duration_us") < 60_000_000);
        assert!(number(told, FINISHED, "bytes_sent") > 100);
    }
    let round_trips = if version == Version::Tls12 { 2 } else { 1 };
    assert_eq!(number(&client, FINISHED, "round_trips"), round_trips);
    assert_eq!(number(&server, FINISHED, "round_trips"), 1);
    let sent = number(&client, FINISHED, "bytes_sent");
    assert_eq!(sent, number(&server, FINISHED, "bytes_received"));
}

fn refused(backend: &'static dyn Backend, version: Version) {
    let (_, server) = configs(version);
    let (client, _) = configs(version); // which trusts somebody else
    let ends = compiled(backend, (client, server));
    let [client, server] = both(|| {
        let mut pair = pair(&ends);
        for _ in 0..10 {
            let client = pair.client.handshake();
            pair.carry();
            let server = pair.server.handshake();
            pair.carry();
            if client.is_err() && server.is_err() {
                return;
            }
            if client.is_err() {
                pair.server.wire().end();
            }
        }
        panic!("the handshake does not end");
    });
    assert_eq!(client.messages(), [STARTED, "alert sent", "handshake failed"]);
    let kind = &client.event("handshake failed")["kind"];
    assert!(kind.starts_with("certificate("), "{kind}");
    assert_eq!(server.messages(), [STARTED, "alert received", "handshake failed"]);
    let alert = &server.event("alert received")["alert"];
    assert_eq!(server.event("handshake failed")["kind"], format!("alert-received({alert})"));
    // Where it went in clear both tell the same.
    if let Some(sent) = client.event("alert sent").get("alert") {
        assert_eq!(sent, alert);
    }
}

fn no_tls(backend: &'static dyn Backend, version: Version) {
    let ends = compiled(backend, configs(version));
    let told = listen(|| {
        let mut server = ends.1.connection().unwrap();
        server.wire().feed(b"GET / HTTP/1.1\r\n\r\n");
        server.handshake().unwrap_err();
        server.handshake().unwrap_err();
    });
    assert_eq!(told[0].messages(), [STARTED, "handshake failed"]);
    assert_eq!(told[0].event("handshake failed")["kind"], "not-tls");
}

/// The connection ends without a word from the server.
fn cut(ends: &(Client, Server)) -> [Told; 2] {
    both(|| {
        let mut pair = established(ends);
        pair.client.wire().end();
        let _ = pair.client.read(&mut [0; 8]);
        let _ = pair.client.read(&mut [0; 8]);
    })
}

fn truncated(backend: &'static dyn Backend, version: Version) {
    let [client, server] = cut(&compiled(backend, configs(version)));
    assert_eq!(client.messages(), [STARTED, FINISHED, "connection failed"]);
    assert_eq!(client.event("connection failed")["kind"], "unexpected-eof");
    assert_eq!(server.messages(), [STARTED, FINISHED]);
}

fn tolerated(backend: &'static dyn Backend, version: Version) {
    let (client, server) = configs(version);
    let client = client.end_of_stream(EndOfStream::TolerateTruncation);
    let [client, _] = cut(&compiled(backend, (client, server)));
    assert_eq!(client.messages(), [STARTED, FINISHED, "ended without close"]);
}

fn resumed(backend: &'static dyn Backend, version: Version) {
    let ends = compiled(backend, configs(version));
    say(&mut established(&ends), b"and take a ticket");
    let told = both(|| drop(established(&ends)));
    for told in &told {
        assert_eq!(told.messages(), [STARTED, FINISHED, "session resumed"]);
        assert_eq!(told.event(FINISHED)["resumed"], "true");
    }
    assert_eq!(number(&told[0], FINISHED, "round_trips"), 1);
}

fn new_keys(backend: &'static dyn Backend, version: Version) {
    let ends = compiled(backend, configs(version));
    let [client, server] = both(|| {
        let mut pair = established(&ends);
        assert_eq!(pair.client.update_keys().unwrap(), Progress::Ready(()));
        say(&mut pair, b"some words");
    });
    assert_eq!(client.messages(), [STARTED, FINISHED, "keys updated"]);
    assert_eq!(client.event("keys updated")["by"], "program");
    // Its answer is the library's.
    assert_eq!(server.messages(), [STARTED, FINISHED]);

    let (client, server) = configs(version);
    let ends = compiled(backend, (client, server.key_update_after(2)));
    let [_, server] = both(|| {
        let mut pair = established(&ends);
        for _ in 0..3 {
            say(&mut pair, b"some words");
        }
    });
    assert_eq!(server.messages(), [STARTED, FINISHED, "keys updated"]);
    assert_eq!(server.event("keys updated")["by"], "limit");
}

fn chosen_late(backend: &'static dyn Backend, version: Version) {
    let (client, server) = compiled(backend, configs(version));
    let [_, server] = both(|| {
        let mut client = client.connection(NAME).unwrap();
        assert_ne!(client.handshake().unwrap(), Progress::Ready(()));
        let mut incoming = Incoming::new();
        incoming.wire().feed(client.wire().pending());
        let sent = client.wire().pending().len();
        client.wire().sent(sent);
        assert!(matches!(incoming.hello().unwrap(), Progress::Ready(_)));
        let mut pair = Pair { client, server: incoming.accept(&server).unwrap() };
        pair.handshake().unwrap();
    });
    assert_eq!(server.messages(), [STARTED, FINISHED]);
    assert_eq!(server.span["backend"], backend.name());
    assert_eq!(number(&server, FINISHED, "round_trips"), 1);
}

fn nobody(backend: &'static dyn Backend, version: Version) {
    let (client, _) = compiled(backend, configs(version));
    let [_, server] = both(|| {
        let mut client = client.connection(NAME).unwrap();
        let _ = client.handshake().unwrap();
        let mut incoming = Incoming::new();
        incoming.wire().feed(client.wire().pending());
        assert!(matches!(incoming.hello().unwrap(), Progress::Ready(_)));
        incoming.refuse(Alert::UNRECOGNIZED_NAME);
    });
    assert_eq!(server.messages(), [STARTED, "alert sent", "handshake failed"]);
    assert_eq!(server.event("alert sent")["alert"], Alert::UNRECOGNIZED_NAME.to_string());
    assert!(!server.span.contains_key("backend"), "none was chosen");
}

fn nothing_secret(backend: &'static dyn Backend, version: Version) {
    let secrets = Arc::<Mutex<Vec<String>>>::default();
    let to = secrets.clone();
    let log = KeyLog::to(move |line| to.lock().unwrap().push(line.to_owned()));
    let (client, server) = configs(version);
    let ends = compiled(backend, (client.key_log(log), server));
    let told = both(|| say(&mut established(&ends), b"a word of my own"));
    let all = format!("{told:?}");
    assert!(!all.contains("a word of my own") && !all.contains(NAME), "{all}");
    let secrets = secrets.lock().unwrap();
    assert!(!secrets.is_empty());
    for word in secrets.iter().flat_map(|line| line.split(' ').skip(1)) {
        assert!(!all.contains(word), "{word} is in {all}");
    }
}
