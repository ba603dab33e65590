//! `serve`: many clients, bad clients, files, identities, and how it stops.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{
    BACKENDS, Certificates, LIMIT, Running, Serving, for_each_backend, signal, with_input,
};

const LOCALHOST: [&str; 2] = ["--servername", "localhost"];

#[test]
fn fifty_clients_are_served_at_once() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &["--connections", "50"]);
        let start = || Running::start(files.connect(server.address, backend, &LOCALHOST));
        let mut clients = (0..50).map(|_| start()).collect::<Vec<_>>();
        for (i, client) in clients.iter_mut().enumerate() {
            write!(client.stdin.as_mut().unwrap(), "client {i}").unwrap();
        }
        // All are answered while all are connected.
        for (i, client) in clients.iter().enumerate() {
            let mut answer = Vec::new();
            while answer.len() < format!("client {i}").len() {
                answer.extend(client.output());
            }
            assert_eq!(answer, format!("client {i}").as_bytes());
        }
        for client in clients {
            client.finish().expect(0);
        }
        let ended = server.process.finish().expect(0);
        assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
    });
}

#[test]
fn a_bad_client_disturbs_nobody() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let socket = || TcpStream::connect(server.address).unwrap();
        let mut good = Running::start(files.connect(server.address, backend, &LOCALHOST));
        good.stdin.as_mut().unwrap().write_all(b"before").unwrap();
        assert_eq!(good.output(), b"before");

        let _silent = socket();
        let mut half = socket();
        half.write_all(b"\x16\x03\x01\x02\x00\x01\x00").unwrap();
        drop(socket());
        let mut web = socket();
        web.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        web.set_read_timeout(Some(LIMIT)).unwrap();
        let _ = web.read_to_end(&mut Vec::new()); // its end, or a reset
        let mut garbage = socket();
        garbage.write_all(&[0xa5; 4096]).unwrap();
        garbage.set_read_timeout(Some(LIMIT)).unwrap();
        let _ = garbage.read_to_end(&mut Vec::new());

        good.stdin.as_mut().unwrap().write_all(b"after").unwrap();
        assert_eq!(good.output(), b"after");
        good.finish().expect(0);
        let another = with_input(files.connect(server.address, backend, &LOCALHOST), b"x");
        assert_eq!(another.expect(0).stdout, b"x");

        let peer = web.local_addr().unwrap();
        let ended = server.terminate().expect(0);
        let about = |peer: String| {
            ended
                .stderr
                .lines()
                .filter(|line| line.ends_with(&format!("(peer {peer})")))
                .collect::<Vec<_>>()
        };
        let lines = about(peer.to_string());
        assert!(matches!(&lines[..], [line] if line.starts_with("error: not-tls: ")), "{lines:?}");
        let lines = about(garbage.local_addr().unwrap().to_string());
        assert!(matches!(&lines[..], [line] if line.starts_with("error: not-tls: ")), "{lines:?}");
        assert!(ended.has_error("unexpected-eof"), "{}", ended.stderr);
    });
}

#[test]
fn a_client_that_ends_without_close_is_logged() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &["--connections", "1"]);
        let mut client = Running::start(files.connect(server.address, backend, &LOCALHOST));
        client.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        assert_eq!(client.output(), b"x");
        client.kill();
        assert!(server.process.finish().expect(0).has_error("unexpected-eof"));
    });
}

#[test]
fn signals_stop_it_properly() {
    let files = Certificates::with_server();
    for name in ["TERM", "INT"] {
        let idle = files.echo(&BACKENDS[0], &[]);
        signal(name, &idle.process);
        assert_eq!(idle.process.finish().expect(0).stderr, "");

        let busy = files.echo(&BACKENDS[0], &[]);
        let mut client = Running::start(files.connect(busy.address, &BACKENDS[0], &LOCALHOST));
        client.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        assert_eq!(client.output(), b"x");
        let _silent = TcpStream::connect(busy.address).unwrap();
        std::thread::sleep(Duration::from_millis(50)); // for it to be accepted
        signal(name, &busy.process);
        assert_eq!(busy.process.finish().expect(0).stderr, "");
        client.finish().expect(0);
    }
}

#[test]
fn it_ends_after_the_connections_it_was_asked_for() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &["--connections", "2"]);
        for _ in 0..2 {
            let run = with_input(files.connect(server.address, backend, &LOCALHOST), b"x");
            assert_eq!(run.expect(0).stdout, b"x");
        }
        server.process.finish().expect(0);
        Running::start(files.connect(server.address, backend, &LOCALHOST))
            .finish()
            .expect_error("io(connection refused)");
    });
}

#[test]
fn an_address_in_use_is_a_network_failure() {
    let files = Certificates::with_server();
    let first = files.echo(&BACKENDS[0], &[]);
    let address = first.address.to_string();
    let run = crate::support::polytls(["serve", &address, "--self-signed", "localhost", "--echo"]);
    let run = run.expect_error("io(address in use)");
    assert!(run.stderr.contains(&address), "{}", run.stderr);
}

#[test]
fn identities_are_chosen_by_the_name_the_client_asks_for() {
    let files = Certificates::new();
    for name in ["one.test", "two.test", "*.three.test"] {
        files.add(name.trim_start_matches("*."), &files.authority.server(name));
    }
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let names = ["one.test", "two.test", "three.test"];
        let identities = names.iter().flat_map(|name| files.identity(name)).collect::<Vec<_>>();
        let identities = identities.iter().map(String::as_str);
        let server = Serving::start(identities.chain(["--backend", backend, "--echo"]));
        for (asked, presented) in [
            ("one.test", "one.test"),
            ("two.test", "two.test"),
            ("x.three.test", "three.test"),
            ("unknown.test", "one.test"),
            ("127.0.0.1", "one.test"),
        ] {
            let args = ["--servername", asked, "--facts", &facts, "--insecure-no-verify-name"];
            with_input(files.connect(server.address, backend, &args), b"").expect(0);
            let chain = files.facts("facts.json")["peer_chain"][0].as_str().unwrap().to_owned();
            let meant = fs::read_to_string(files.path(&format!("{presented}.pem"))).unwrap();
            assert_eq!(chain, meant.replace("\r\n", "\n"), "asked for {asked}");
        }
    });
}

/// A server of the files in `www/`, which has `hello.txt` and `big`.
fn web_server(files: &Certificates, backend: &str) -> Serving {
    let directory = files.root().join("www");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("hello.txt"), "hello, files\n").unwrap();
    fs::write(directory.join("big"), vec![b'b'; 3 << 20]).unwrap();
    let (identity, www) = (files.identity("server"), files.path("www"));
    let args = ["--backend", backend, "--www", &www];
    Serving::start(identity.iter().map(String::as_str).chain(args))
}

#[test]
fn files_are_served_over_http() {
    let files = Certificates::with_server();
    files.write("secret", "not for the web");
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let server = web_server(&files, backend);
        let get = |requests: &str| {
            let args = ["--servername", "localhost", "--alpn", "h2,http/1.1", "--facts", &facts];
            let run =
                with_input(files.connect(server.address, backend, &args), requests.as_bytes());
            String::from_utf8(run.expect(0).stdout).unwrap()
        };
        let answer = get("GET /hello.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("\r\ncontent-type: text/plain\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nhello, files\n"), "{answer}");
        assert_eq!(files.facts("facts.json")["alpn"], "http/1.1");

        // Two on one connection, whose end is the client's close.
        let answers =
            get("GET /big HTTP/1.1\r\nHost: a\r\n\r\nHEAD /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2);
        assert!(answers.len() > 3 << 20);

        // A part, and the rest of it on another connection.
        let ranged = |range: &str| {
            let head = "GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
            get(&format!("{head}Range: bytes={range}\r\n\r\n"))
        };
        let answer = ranged("3-6");
        assert!(
            answer.starts_with("HTTP/1.1 206 ") && answer.ends_with("\r\n\r\nlo, "),
            "{answer}"
        );
        assert!(answer.contains("\r\ncontent-range: bytes 3-6/13\r\n"), "{answer}");
        assert!(ranged("7-").ends_with("\r\n\r\nfiles\n"));
        assert!(ranged("-3").ends_with("\r\n\r\nes\n"));
        assert!(ranged("13-").starts_with("HTTP/1.1 416 "));

        for path in ["/missing", "/../secret", "/%2e%2e/secret"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let answer = get(&request);
            assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
            assert!(!answer.contains("not for the web"));
        }
        server.terminate().expect(0);
    });
}

#[test]
fn what_is_not_http_is_answered_and_logged() {
    let files = Certificates::with_server();
    let server = web_server(&files, &BACKENDS[0]);
    let command = files.connect(server.address, &BACKENDS[0], &LOCALHOST);
    let run = with_input(command, b"what is this?\r\n\r\n").expect(0);
    assert!(run.text().starts_with("HTTP/1.1 400"), "{}", run.text());
    let ended = server.terminate().expect(0);
    assert!(ended.has_error("http"), "{}", ended.stderr);
}

#[test]
fn a_web_client_without_alpn_is_served_and_one_without_http1_is_refused() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = web_server(&files, backend);
        let request = b"GET /hello.txt HTTP/1.0\r\n\r\n";
        let run = with_input(files.connect(server.address, backend, &LOCALHOST), request);
        assert!(run.expect(0).text().ends_with("hello, files\n"));
        let args = ["--servername", "localhost", "--alpn", "h2"];
        let run = Running::start(files.connect(server.address, backend, &args)).finish();
        run.expect_error("alert-received(no_application_protocol)");
        assert!(server.terminate().expect(0).has_error("no-shared-alpn"));
    });
}

#[test]
fn an_idle_web_client_does_not_keep_the_server_from_stopping() {
    let files = Certificates::with_server();
    let server = web_server(&files, &BACKENDS[0]);
    let mut client = Running::start(files.connect(server.address, &BACKENDS[0], &LOCALHOST));
    let request = b"GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n";
    client.stdin.as_mut().unwrap().write_all(request).unwrap();
    client.output();
    let said = server.terminate().expect(0).stderr;
    assert!(said.starts_with("GET /hello.txt: 200") && said.lines().count() == 1, "{said}");
    let stdin = client.stdin.take();
    client.finish().expect(0);
    drop(stdin);
}
