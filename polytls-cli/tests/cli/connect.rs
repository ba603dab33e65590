//! `connect` against `serve`: both directions, the facts, and how connections end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use polytls::backend::by_name;
use polytls::{Capability, CipherSuite};
use tls_conformance::Authority;

use crate::support::{
    BACKENDS, Certificates, Finished, LIMIT, Running, Serving, can, command, connect,
    for_each_backend, in_full, newest, pem, polytls, refusal, with_input,
};

const LOCALHOST: [&str; 2] = ["--servername", "localhost"];

/// The cipher suite of a connection, which must be one of those on offer.
fn suite(facts: &serde_json::Value) -> CipherSuite {
    let mut all = CipherSuite::DEFAULT.iter().copied();
    all.find(|suite| facts["cipher"] == suite.to_string()).unwrap_or_else(|| panic!("{facts}"))
}

/// How to send something and have it echoed: by closing at once, unless that cuts off the echo.
fn exchange(version: &str, client: &str, server: &str) -> fn(Command, &[u8]) -> Finished {
    let half_close = |backend| can(backend, Capability::Tls12HalfClose);
    match version == "TLSv1.3" || half_close(client) && half_close(server) {
        true => with_input,
        false => in_full,
    }
}

/// Bytes that no block of is like another.
fn noise(len: usize) -> Vec<u8> {
    let words = (0_u64..).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    words.flatten().take(len).collect()
}

#[test]
fn every_pair_carries_bytes_both_ways_and_tells_the_facts() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    let payload = noise(1_500_001);
    for server_backend in BACKENDS.iter() {
        let server = files.echo(server_backend, &["--alpn", "two,one"]);
        for client_backend in BACKENDS.iter() {
            let args = ["--servername", "localhost", "--alpn", "one,two", "--facts", &facts];
            let command = files.connect(server.address, client_backend, &args);
            let newest = newest(client_backend, server_backend);
            let exchange = exchange(newest, client_backend, server_backend);
            let run = exchange(command, &payload).expect(0);
            assert!(run.stdout == payload, "{client_backend} → {server_backend}");

            let facts = files.facts("facts.json");
            assert_eq!(facts["backend"], client_backend.as_str());
            let library = by_name(client_backend).unwrap().library();
            assert_eq!(facts["library"], library.as_str());
            assert_eq!(facts["version"], newest);
            let suite = suite(&facts);
            assert_eq!(suite.is_tls13(), newest == "TLSv1.3");
            if suite.is_tls13() && can(server_backend, Capability::DefaultSuites) {
                assert_eq!(suite, CipherSuite::TLS13_AES_256_GCM_SHA384);
            }
            let group = facts["group"].as_str().unwrap().to_lowercase();
            assert!(group.contains("25519") || group == "secp256r1", "{group}");
            assert_eq!(facts["alpn"], "two", "the server's order decides");
            assert_eq!(facts["servername"], "localhost");
            assert_eq!(facts["resumed"], false);
            assert_eq!(facts["close"], "notify");
            let chain = facts["peer_chain"].as_array().unwrap();
            let server = std::fs::read_to_string(files.path("server.pem")).unwrap();
            let [leaf] = &chain[..] else { panic!("{chain:?}") };
            assert_eq!(leaf.as_str().unwrap(), server.replace("\r\n", "\n"));
        }
        server.terminate().expect(0);
    }
}

#[test]
fn tls12_alone_works_for_every_pair() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    for server_backend in BACKENDS.iter() {
        let server = files.echo(server_backend, &["--max-tls", "1.2"]);
        for client_backend in BACKENDS.iter() {
            let args = ["--servername", "localhost", "--facts", &facts];
            let command = files.connect(server.address, client_backend, &args);
            let exchange = exchange("TLSv1.2", client_backend, server_backend);
            assert_eq!(exchange(command, b"x").expect(0).stdout, b"x");
            let facts = files.facts("facts.json");
            assert_eq!(facts["version"], "TLSv1.2");
            let suite = suite(&facts);
            assert!(!suite.is_tls13());
            if can(server_backend, Capability::CipherSuites) {
                assert_eq!(suite, CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384);
            }
        }
    }
}

#[test]
fn versions_without_overlap_fail_and_both_sides_say_why() {
    let files = Certificates::with_server();
    for server_backend in BACKENDS.iter() {
        for (on_server, needs, on_client) in [
            ("--max-tls=1.2", Capability::Tls12Server, "--min-tls=1.3"),
            ("--min-tls=1.3", Capability::Tls13Server, "--max-tls=1.2"),
        ] {
            let server = files.echo_if_it_can(server_backend, &[on_server], needs);
            let Some(server) = server else { continue };
            for client_backend in BACKENDS.iter() {
                let args = ["--servername", "localhost", on_client];
                Running::start(files.connect(server.address, client_backend, &args))
                    .finish()
                    .expect_error("alert-received(protocol_version)");
            }
            assert!(server.terminate().expect(0).has_error("no-shared-version"));
        }
    }
}

#[test]
fn what_comes_is_shown_at_once_whatever_its_form() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let mut client = Running::start(files.connect(server.address, backend, &LOCALHOST));
        for word in ["no newline", "a newline\nand more", "\0"] {
            client.stdin.as_mut().unwrap().write_all(word.as_bytes()).unwrap();
            let mut shown = Vec::new();
            while shown.len() < word.len() {
                shown.extend(client.output());
            }
            assert_eq!(shown, word.as_bytes());
        }
        assert!(client.finish().expect(0).stdout.is_empty());
    });
}

#[test]
fn every_address_of_a_name_is_tried() {
    // Where localhost has two addresses, the server listens on one of them.
    let files = Certificates::with_server();
    let server = files.echo(&BACKENDS[0], &[]);
    let peer = format!("localhost:{}", server.address.port());
    let mut command = command(["connect", &peer]);
    command.args(["--ca", &files.path("ca.pem")]);
    assert_eq!(with_input(command, b"x").expect(0).stdout, b"x");
}

#[test]
fn an_ipv6_address_is_written_in_brackets() {
    let files = Certificates::with_server();
    let server = {
        let identity = files.identity("server");
        Serving::start_at("[::1]:0", identity.iter().map(String::as_str).chain(["--echo"]))
    };
    assert!(server.address.is_ipv6());
    let run = with_input(files.connect(server.address, &BACKENDS[0], &LOCALHOST), b"x");
    assert_eq!(run.expect(0).stdout, b"x");
}

#[test]
fn nobody_listening_is_a_network_failure() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let files = Certificates::new();
    let run = Running::start(files.connect(unused, &BACKENDS[0], &[])).finish();
    let run = run.expect_error("io(connection refused)");
    assert!(run.stderr.contains(&unused.to_string()), "{}", run.stderr);
}

#[test]
fn plain_http_is_not_tls() {
    let files = Certificates::new();
    for_each_backend(|backend| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let web = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            assert!(socket.read(&mut [0; 4096]).unwrap() > 0);
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").unwrap();
            socket.shutdown(Shutdown::Write).unwrap();
            let _ = io::copy(&mut socket, &mut io::sink());
        });
        let facts = files.path("facts.json");
        let args = ["--facts", &facts];
        let run = Running::start(files.connect(address, backend, &args)).finish();
        let run = run.expect_error("not-tls");
        assert!(run.stderr.contains("plain HTTP"), "{}", run.stderr);
        // What is known is told, also of a connection that never was.
        let facts = files.facts("facts.json");
        assert_eq!(facts["backend"], backend);
        assert!(facts["version"].is_null() && facts["close"].is_null());
        web.join().unwrap();
    });
}

/// Carries one connection to `server`, and cuts it once the client has had `after` bytes.
fn cutting_proxy(server: SocketAddr, after: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (near, _) = listener.accept().unwrap();
        let far = TcpStream::connect(server).unwrap();
        let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut near_in, &mut far_out));
        let _ = io::copy(&mut Read::take(&far, after as u64), &mut &near);
        near.shutdown(Shutdown::Write).unwrap();
        thread::sleep(LIMIT); // whoever started this has an end by then
    });
    address
}

#[test]
fn a_truncated_connection_is_an_error_unless_allowed() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let payload = noise(100_000);
        for (more, code) in [(&[][..], 1), (&["--allow-truncation"], 0)] {
            let proxy = cutting_proxy(server.address, 50_000);
            let args = ["--servername", "localhost", "--facts", &facts];
            let args = [&args, more].concat();
            let run = with_input(files.connect(proxy, backend, &args), &payload).expect(code);
            assert_eq!(run.has_error("unexpected-eof"), code == 1, "{}", run.stderr);
            assert!(run.stdout.len() > 10_000, "what came before the end is not lost");
            assert!(payload.starts_with(&run.stdout));
            let facts = files.facts("facts.json");
            assert_eq!(
                (&facts["close"], &facts["version"]),
                (&"truncated".into(), &newest(backend, backend).into())
            );
        }
    });
}

#[test]
fn truncation_of_the_handshake_is_never_allowed() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let proxy = cutting_proxy(server.address, 100);
        let args = ["--servername", "localhost", "--allow-truncation"];
        Running::start(files.connect(proxy, backend, &args))
            .finish()
            .expect_error("unexpected-eof");
    });
}

#[test]
fn a_killed_server_truncates() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let args = ["--servername", "localhost", "--facts", &facts];
        let mut client = Running::start(files.connect(server.address, backend, &args));
        client.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        assert_eq!(client.output(), b"x");
        server.process.kill();
        // The end of the connection ends the program: its input is still open.
        let stdin = client.stdin.take();
        client.finish().expect_error("unexpected-eof");
        drop(stdin);
        assert_eq!(files.facts("facts.json")["close"], "truncated");
    });
}

#[test]
fn a_reset_in_the_middle_truncates_too() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        for (more, code) in [(&[][..], 1), (&["--allow-truncation"], 0)] {
            let server = files.echo(backend, &[]);
            let args = [&["--servername", "localhost", "--facts", &facts], more].concat();
            let mut client = Running::start(files.connect(server.address, backend, &args));
            // The server has unread bytes when it dies: its system answers with a reset.
            let mut stdin = client.stdin.take().unwrap();
            thread::spawn(move || while stdin.write_all(&[b'x'; 65_536]).is_ok() {});
            client.output();
            server.process.kill();
            client.finish().expect(code);
            assert_eq!(files.facts("facts.json")["close"], "truncated");
        }
    });
}

#[test]
fn a_server_that_closes_properly_ends_the_program_with_0() {
    let files = Certificates::with_server();
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let mut client = Running::start(files.connect(server.address, backend, &LOCALHOST));
        client.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        assert_eq!(client.output(), b"x");
        server.terminate().expect(0);
        let stdin = client.stdin.take();
        client.finish().expect(0);
        drop(stdin);
    });
}

#[test]
fn a_closed_standard_output_is_an_error_not_a_panic() {
    let files = Certificates::with_server();
    let server = files.echo(&BACKENDS[0], &[]);
    let mut command = files.connect(server.address, &BACKENDS[0], &LOCALHOST);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    thread::spawn(move || while stdin.write_all(&[b'x'; 4096]).is_ok() {});
    let deadline = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(5));
    };
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("error: io(broken pipe): "), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_refused_client_certificate_is_shown_as_the_servers_alert() {
    let files = Certificates::with_server();
    files.add("me", &files.authority.client("me"));
    files.add("stranger", &Authority::root("a stranger's root").client("stranger"));
    files.write("clients.pem", &pem(&[files.authority.certificate()]));
    let clients = files.path("clients.pem");
    let (me, stranger) = (files.identity("me"), files.identity("stranger"));
    for server_backend in BACKENDS.iter() {
        // --client-ca alone means require.
        let needs = Capability::RequestClientCertificate;
        let server = files.echo_if_it_can(server_backend, &["--client-ca", &clients], needs);
        let Some(server) = server else { continue };
        // Without an alert it is just the end that the client sees.
        let told = |alert: &str| match can(server_backend, Capability::EncryptedAlerts) {
            true => format!("alert-received({alert})"),
            false => "unexpected-eof".into(),
        };
        for client_backend in BACKENDS.iter() {
            let with = |identity: &[String]| {
                let identity = identity.iter().map(String::as_str);
                let args = LOCALHOST.into_iter().chain(identity).collect::<Vec<_>>();
                with_input(files.connect(server.address, client_backend, &args), &noise(200_000))
            };
            let run = with(&[]).expect_error(&told("certificate_required"));
            let is_told = run.stderr.contains("--cert");
            assert_eq!(is_told, can(server_backend, Capability::EncryptedAlerts), "{}", run.stderr);
            with(&stranger).expect_error(&told("unknown_ca"));
            assert_eq!(with(&me).expect(0).stdout.len(), 200_000);
        }
        let ended = server.terminate().expect(0);
        assert!(ended.has_error("no-peer-certificate"), "{}", ended.stderr);
        let refused = refusal(server_backend, "unknown-issuer");
        assert!(ended.has_error(&refused), "{}", ended.stderr);
    }
}

#[test]
fn a_refused_client_certificate_is_an_alert_in_tls12_too() {
    let files = Certificates::with_server();
    let ca = files.path("ca.pem");
    for server_backend in BACKENDS.iter() {
        let args = ["--client-ca", &ca, "--max-tls", "1.2"];
        let needs = Capability::RequestClientCertificate;
        let server = files.echo_if_it_can(server_backend, &args, needs);
        let Some(server) = server else { continue };
        for client_backend in BACKENDS.iter() {
            let command = files.connect(server.address, client_backend, &LOCALHOST);
            let run = with_input(command, b"x").expect(1);
            // The alert is the library's choice here (RFC 5246 §7.4.6).
            assert!(run.stderr.contains("error: alert-received("), "{}", run.stderr);
        }
        assert!(server.terminate().expect(0).has_error("no-peer-certificate"));
    }
}

#[test]
fn input_that_cannot_be_read_exits_with_2() {
    let files = Certificates::with_server();
    let server = files.echo(&BACKENDS[0], &[]);
    let mut command = files.connect(server.address, &BACKENDS[0], &LOCALHOST);
    command.stdin(std::fs::File::open(files.root()).unwrap());
    let output = Running::start_with_stdin(command).finish().expect(2);
    assert!(output.has_config_error_about("standard input"), "{}", output.stderr);
}

#[test]
fn a_requested_client_certificate_may_be_missing_but_not_wrong() {
    let files = Certificates::with_server();
    files.add("stranger", &Authority::root("a stranger's root").client("stranger"));
    let (ca, stranger) = (files.path("ca.pem"), files.identity("stranger"));
    for_each_backend(|backend| {
        let args = ["--client-ca", &ca, "--client-auth", "request"];
        let needs = Capability::RequestClientCertificate;
        let Some(server) = files.echo_if_it_can(backend, &args, needs) else { return };
        let run = with_input(files.connect(server.address, backend, &LOCALHOST), b"x");
        assert_eq!(run.expect(0).stdout, b"x");
        let identity = stranger.iter().map(String::as_str);
        let args = LOCALHOST.into_iter().chain(identity).collect::<Vec<_>>();
        let told = match can(backend, Capability::EncryptedAlerts) {
            true => "alert-received(unknown_ca)",
            false => "unexpected-eof",
        };
        with_input(files.connect(server.address, backend, &args), b"x").expect_error(told);
    });
}

#[test]
fn an_unsupported_wish_is_refused_by_name() {
    let list = polytls(["backends", "--json"]).expect(0);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let files = Certificates::with_server();
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for backend in list.as_array().unwrap() {
        let has = |name| backend["capabilities"].as_array().unwrap().iter().any(|c| c == name);
        let args = ["--backend", backend["name"].as_str().unwrap(), "--alpn", "http/1.1"];
        let run = Running::start(connect(
            unused,
            args.into_iter().chain(["--ca", &files.path("ca.pem")]),
        ));
        let run = run.finish();
        if has("alpn-client") {
            run.expect_error("io(connection refused)");
        } else {
            assert!(run.expect(2).stderr.contains("unsupported(alpn-client)"));
        }
    }
}
