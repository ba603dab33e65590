//! Programs in C on our libtls, and on another.
#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

mod built;
mod fixtures;
mod oracle;
mod real;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use built::{BACKENDS, BUILT, files, source, succeed};

/// Runs a program with the shared object on one backend, and gives what it printed.
fn run(name: &str, backend: &str, arguments: &[&str], wrapper: &[&str]) -> String {
    let (program, folder) = (BUILT.program(name), files());
    let mut command = match wrapper {
        [] => Command::new(&program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(&program);
            command
        }
    };
    command.env("LD_LIBRARY_PATH", BUILT.library()).env("POLYTLS_BACKEND", backend);
    let output = succeed(command.arg(folder.path()).args(arguments));
    relative(&output.stdout, folder.path())
}

/// The output, without the name of the folder.
fn relative(output: &[u8], folder: &Path) -> String {
    String::from_utf8_lossy(output).replace(&folder.display().to_string(), "FOLDER")
}

/// Compares what a program printed with what is written down, on each backend.
fn expect(name: &str, arguments: &[&str], written: &str) {
    let file = source().join("tests/facts").join(written);
    if std::env::var_os("POLYTLS_WRITE_FACTS").is_some() {
        fs::write(&file, run(name, BACKENDS[0], arguments, &[])).unwrap();
    }
    for backend in BACKENDS {
        let printed = run(name, backend, arguments, &[]);
        let expected = fs::read_to_string(&file).unwrap();
        let (printed, expected): (Vec<_>, Vec<_>) =
            (printed.lines().collect(), expected.lines().collect());
        for (i, line) in expected.iter().enumerate() {
            let line = line.replace("BACKEND", backend);
            assert_eq!(
                printed.get(i).copied(),
                Some(&line[..]),
                "{name} {arguments:?} on {backend}, line {}",
                i + 1
            );
        }
        assert_eq!(printed.len(), expected.len(), "{name} on {backend}");
    }
}

#[test]
fn configurations_are_taken_and_refused_in_libtls_words() {
    expect("config", &[], "config.txt");
}

#[test]
fn peers_are_as_libtls_shows_them() {
    expect("peer", &[], "peer.txt");
}

#[test]
fn misuse_is_an_error_and_never_a_crash() {
    expect("misuse", &[], "misuse.txt");
}

#[test]
fn blocking_sockets_never_want() {
    expect("blocking", &[], "blocking.txt");
}

#[test]
fn an_echo_resumes_over_every_transport_and_version() {
    for version in ["tlsv1.2", "tlsv1.3"] {
        for transport in ["cbs", "crossed", "fds", "socket"] {
            expect("echo", &[transport, version], &format!("echo-{version}.txt"));
        }
    }
}

#[test]
fn calls_in_any_order_do_not_crash() {
    // By hand: FOLDER SEED SEQUENCES with a million of them.
    for backend in BACKENDS {
        assert_eq!(run("fuzz", backend, &["1", "500"], &[]), "sequences = 500\n", "{backend}");
    }
}

/// Runs a program under valgrind, which insists on no error and no leak.
fn under_valgrind(name: &str, arguments: &[&str]) {
    let wrapper = ["valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full"];
    // Children end in the middle of what they do.
    let supp = format!("--suppressions={}", source().join("tests/valgrind.supp").display());
    let wrapper = [&wrapper[..], &["--child-silent-after-fork=yes", &supp]].concat();
    for backend in BACKENDS {
        run(name, backend, arguments, &wrapper);
    }
}

#[test]
fn valgrind_finds_no_error_and_no_leak() {
    under_valgrind("config", &[]);
    under_valgrind("peer", &[]);
    under_valgrind("misuse", &[]);
    under_valgrind("blocking", &[]);
    under_valgrind("fuzz", &["7", "10"]);
    under_valgrind("echo", &["crossed", "tlsv1.2"]);
    under_valgrind("echo", &["socket", "tlsv1.3"]);
}

#[test]
fn the_object_exports_its_abi_and_nothing_else() {
    let mut nm = Command::new("nm");
    let object = BUILT.library().join("libtls.so.26");
    let output = succeed(nm.args(["-D", "--defined-only"]).arg(&object));
    let text = String::from_utf8(output.stdout).unwrap();
    let exported: BTreeSet<_> =
        text.lines().filter_map(|line| line.split(' ').next_back()).collect();
    let header = fs::read_to_string(source().join("include/tls.h")).unwrap();
    let header: String = header.split("/*").map(|part| part.split("*/").last().unwrap()).collect();
    let words = header.split(|c: char| !(c.is_ascii_alphanumeric() || "_(".contains(c)));
    let functions = words.filter_map(|word| word.split_once('(').map(|(name, _)| name));
    let declared: BTreeSet<_> = functions.filter(|name| name.starts_with("tls_")).collect();
    assert_eq!(declared.len(), 94);
    // A version would stand after an @.
    assert_eq!(exported, declared);
    let mut readelf = Command::new("readelf");
    let output = succeed(readelf.arg("-d").arg(&object));
    assert!(String::from_utf8_lossy(&output.stdout).contains("[libtls.so.26]"));
}

#[test]
fn every_function_is_called_by_a_program() {
    let header = fs::read_to_string(source().join("include/tls.h")).unwrap();
    let mut programs = String::new();
    for entry in fs::read_dir(source().join("tests/c")).unwrap() {
        programs += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    for word in header.split(|c: char| !(c.is_ascii_alphanumeric() || "_(".contains(c))) {
        let Some((name, _)) = word.split_once('(').filter(|(name, _)| name.starts_with("tls_"))
        else {
            continue;
        };
        assert!(programs.contains(&format!("{name}(")), "{name} is not called");
    }
}
