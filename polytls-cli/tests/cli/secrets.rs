//! `--keylog` and `--export`.

use std::fs;

use polytls::Capability;

use crate::support::{Certificates, Running, can, command, for_each_backend, with_input};

/// The labels and the randoms of a key log.
fn lines(path: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let split = |line: &str| {
        let parts = line.split(' ').collect::<Vec<_>>();
        let [label, random, _secret] = parts[..] else { panic!("not a line of a log: {line}") };
        (label.to_owned(), random.to_owned())
    };
    text.lines().map(split).collect()
}

#[test]
fn both_sides_log_what_they_are_told_to() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        if !can(backend, Capability::KeyLog) {
            return;
        }
        let (ours, theirs) = (files.path("client.keys"), files.path("server.keys"));
        for log in [&ours, &theirs] {
            let _ = fs::remove_file(log);
        }
        let server = files.echo(backend, &["--keylog", &theirs]);
        for connection in 1..=2 {
            let args = ["--servername", "localhost", "--keylog", &ours];
            let run = with_input(files.connect(server.address, backend, &args), b"hello").expect(0);
            assert_eq!(run.stdout, b"hello");
            assert!(run.stderr.contains("warning: --keylog"), "{}", run.stderr);
            let labels = lines(&ours).into_iter().filter(|(label, _)| label == "EXPORTER_SECRET");
            assert_eq!(labels.count(), connection, "{backend}: it is appended to");
        }
        let server = server.terminate().expect(0);
        assert!(server.stderr.contains("warning: --keylog"), "{}", server.stderr);
        let (ours, theirs) = (lines(&ours), lines(&theirs));
        assert!(ours.iter().all(|line| theirs.contains(line)), "{ours:?} {theirs:?}");
    });
}

#[test]
fn a_library_that_logs_nothing_refuses() {
    for_each_backend(|backend| {
        if can(backend, Capability::KeyLog) {
            return;
        }
        let files = Certificates::new();
        let log = files.path("keys");
        let args = ["connect", "127.0.0.1:1", "--backend", backend, "--keylog", &log];
        let run = Running::start(command(args)).finish().expect(2);
        assert!(run.has_error("unsupported(key-log)"), "{}", run.stderr);
    });
}

#[test]
fn the_environment_does_not_turn_the_log_on() {
    let files = Certificates::with_server();
    let log = files.path("environment.keys");
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let mut command = files.connect(server.address, backend, &["--servername", "localhost"]);
        command.env("SSLKEYLOGFILE", &log);
        with_input(command, b"").expect(0);
        assert!(!fs::exists(&log).unwrap(), "{backend}");
    });
}

#[test]
fn what_is_exported_is_shown() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let export = ["--export", "EXPERIMENTAL a:32", "--export", "EXPERIMENTAL a:32:00ff"];
        let server = files.echo(backend, &[]);
        let mut args = vec!["--servername", "localhost", "--facts", &facts];
        args.extend(export);
        let run = with_input(files.connect(server.address, backend, &args), b"");
        if !can(backend, Capability::Exporter) {
            assert!(run.expect(2).has_error("unsupported(exporter)"), "{backend}");
            return;
        }
        let run = run.expect(0);
        let facts = files.facts("facts.json");
        let [plain, with_context] = &facts["exports"].as_array().unwrap()[..] else {
            panic!("{facts}");
        };
        assert_ne!(plain["value"], with_context["value"]);
        assert!(plain["context"].is_null() && with_context["context"] == "00ff");
        for exported in [plain, with_context] {
            let value = exported["value"].as_str().unwrap();
            assert_eq!((value.len(), exported["length"].as_u64()), (64, Some(32)));
            assert_eq!(exported["label"], "EXPERIMENTAL a");
            assert!(run.stderr.contains(value), "{}", run.stderr);
        }

        let args = ["--servername", "localhost", "--export", "master secret:32"];
        let run = with_input(files.connect(server.address, backend, &args), b"").expect(2);
        assert!(run.stderr.contains("reserved"), "{}", run.stderr);
    });
}
