//! `tls_client.h` from C and from Python, and `fio_tls.h` from C, on each TLS library.
#![allow(clippy::unwrap_used)] // tests

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Output;
use std::thread;
use std::time::Duration;

use objects::{BACKENDS, Object, Run, compile, include, source};
use server::{Server, closed_port};

mod fio;
mod objects;
mod server;

fn run(object: &Object, promise: &str, server: &Server, port: u16) -> Run {
    let program = object.program("client", &source("client/client.c"));
    object.run(&program).args([promise, "localhost", &port.to_string()]).roots(server.roots())
}

fn passes(what: &str, output: &Output) {
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {}\n{out}\n{err}", output.status);
}

/// As text, for a file.
fn pem(tag: &str, der: &[u8]) -> String {
    ::pem::encode(&::pem::Pem::new(tag, der))
}

/// Runs a promise on every library, against a server on every library.
fn on_all(promise: &str, serve: server::Serve) {
    for server in BACKENDS {
        let server = Server::begin(server, serve);
        for client in BACKENDS {
            let output = run(Object::client(client), promise, &server, server.port()).output();
            passes(&format!("{promise}: {client} at {}", server.backend()), &output);
        }
    }
}

/// Runs a promise on every library, against one server.
fn on_each(promise: &str, argument: Option<&str>, serve: server::Serve) {
    let server = Server::begin("rustls-ring", serve);
    for client in BACKENDS {
        let port = server.port();
        let output = run(Object::client(client), promise, &server, port).args(argument).output();
        passes(&format!("{promise}: {client}"), &output);
    }
}

#[test]
fn bytes_come_back_as_they_were() {
    on_all("echo", server::echo);
}

#[test]
fn a_connection_is_open_until_all_that_came_has_been_read() {
    on_all("end", server::end);
}

#[test]
fn a_truncated_answer_is_an_error_after_its_bytes() {
    on_all("truncated", server::truncated);
}

#[test]
fn a_server_that_says_nothing_holds_nobody_up() {
    on_each("mute", None, server::mute);
}

#[test]
fn misuse_is_told_and_harms_nobody() {
    on_each("misuse", None, server::mute);
}

#[test]
fn closing_ends_the_waiting_of_another_thread() {
    on_each("threads", None, server::mute);
}

#[test]
fn a_library_that_is_not_there_is_told_by_name() {
    on_each("no_library", None, server::mute);
}

#[test]
fn whatever_goes_wrong_is_told_by_the_next_call() {
    on_each("told", Some("TLS_NOT_TLS"), server::clear);
    on_each("told", Some("TLS_UNEXPECTED_EOF"), server::hang_up);
    let server = Server::begin("rustls-ring", server::echo);
    let other = Server::begin("rustls-ring", server::echo);
    for backend in BACKENDS {
        let object = Object::client(backend);
        let program = object.program("client", &source("client/client.c"));
        for (host, port, code) in [
            ("localhost", closed_port().to_string(), "TCP_CONNECT_ERROR"),
            ("::1", closed_port().to_string(), "TCP_CONNECT_ERROR"),
            ("nobody.invalid", "443".into(), "GETADDRINFO_ERROR"),
            ("localhost", "no-such-service".into(), "GETADDRINFO_ERROR"),
            // Trusted, but for another name; and not trusted.
            ("127.0.0.1", server.port().to_string(), "TLS_CERTIFICATE_ERROR"),
            ("localhost", other.port().to_string(), "TLS_CERTIFICATE_ERROR"),
        ] {
            let run = object.run(&program).args(["told", host, &port, code]);
            passes(&format!("{backend}: {host} {port}"), &run.roots(server.roots()).output());
        }
    }
}

#[test]
fn roots_that_cannot_be_read_are_told_at_the_beginning() {
    for backend in BACKENDS {
        let object = Object::client(backend);
        let program = object.program("client", &source("client/client.c"));
        let nowhere = PathBuf::from("/nowhere/roots.pem");
        let run = object.run(&program).args(["no_roots", "localhost", "1"]).roots(&nowhere);
        passes(backend, &run.output());
    }
}

#[test]
fn what_was_written_arrives_after_closing() {
    for backend in BACKENDS {
        let (report, counted) = std::sync::mpsc::channel();
        let server = Server::begin("rustls-ring", move |stream| {
            // The client has closed by then, with all that nobody has taken so far.
            thread::sleep(Duration::from_millis(300));
            let mut bytes = Vec::new();
            let end = stream.read_to_end(&mut bytes);
            report.send((bytes.len(), end.is_ok())).unwrap();
        });
        let mut child =
            run(Object::client(backend), "closing", &server, server.port()).spawn_piped();
        let counted = counted.recv_timeout(Duration::from_secs(60));
        child.stdin.take().unwrap().write_all(b".").unwrap();
        let output = child.wait_with_output().unwrap();
        passes(backend, &output);
        let written: usize = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        assert_eq!(counted.unwrap(), (written, true), "{backend}");
    }
}

#[test]
fn codes_are_symbols_where_julia_is() {
    let object = Object::client("rustls-ring");
    let program = object.program("symbols", &source("client/symbols.c"));
    passes("symbols", &object.run(&program).output());
}

#[test]
fn python_uses_it_through_ctypes() {
    for backend in BACKENDS {
        let object = Object::client(backend);
        let server = Server::begin(backend, server::echo);
        let ports = [server.port(), closed_port()].map(|port| port.to_string());
        let run = object
            .run("python3".as_ref())
            .args([source("client/client.py").to_str().unwrap(), object.path().to_str().unwrap()])
            .args(["localhost", &ports[0], &ports[1]])
            .roots(server.roots());
        passes(backend, &run.output());
    }
}

#[test]
fn nothing_is_lost_or_read_amiss_in_memory() {
    for backend in BACKENDS {
        for (promise, serve) in [
            ("echo", server::echo as server::Serve),
            ("end", server::end),
            ("truncated", server::truncated),
            ("misuse", server::mute),
            ("threads", server::mute),
            ("mute", server::mute),
        ] {
            let server = Server::begin(backend, serve);
            let output = run(Object::client(backend), promise, &server, server.port())
                .under_valgrind(backend)
                .output();
            passes(&format!("{backend}: {promise} under valgrind"), &output);
        }
    }
}

/// Some hundred sequences; more with `POLYTLS_FUZZ_SEQUENCES=1000000`.
#[test]
fn calls_in_any_order_with_any_arguments_do_no_harm() {
    let sequences = std::env::var("POLYTLS_FUZZ_SEQUENCES").unwrap_or_else(|_| "500".into());
    for backend in BACKENDS {
        let server = Server::begin(backend, server::any);
        let object = Object::client(backend);
        let program = object.program("fuzz", &source("client/fuzz.c"));
        let ports = [server.port(), closed_port()].map(|port| port.to_string());
        let fuzz = |seed: &str, sequences: &str| {
            let run = object.run(&program).args(&ports).args([seed, sequences]);
            run.roots(server.roots())
        };
        passes(&format!("{backend}: fuzz"), &fuzz("1", &sequences).patient_output());
        let few = fuzz("2", "30").under_valgrind(backend);
        passes(&format!("{backend}: fuzz under valgrind"), &few.output());
    }
}

#[test]
fn the_object_has_what_the_header_declares_and_nothing_else() {
    let header = fs::read_to_string(include().join("tls_client.h")).unwrap();
    let declared = objects::declared(&header);
    assert!(declared.len() == 8 && declared.contains("tls_bytesavailable"), "{declared:?}");
    for backend in BACKENDS {
        assert_eq!(Object::client(backend).symbols(), declared, "{backend}");
    }
}

#[test]
fn the_header_is_plain_c_and_cplusplus() {
    for (compiler, standard) in [("cc", "-std=c99"), ("c++", "-std=c++11")] {
        let unit = b"#include <tls_client.h>\n";
        compile(compiler, &[standard, "-pedantic-errors", "-fsyntax-only"], unit);
    }
}
