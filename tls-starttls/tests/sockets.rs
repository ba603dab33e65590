//! Over real sockets: upgraded and encrypted, in time, and what is put in between refused.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tls_conformance::Authority;
use tls_core::{Blocking, Client, ClientConfig, Server, ServerConfig, Stream};
use tls_rustls::Rustls;
use tls_starttls::{ErrorKind, Protocol, Stage, Starttls};

const NAME: &str = "mail.test";

fn ends() -> (Client, Server) {
    let root = Authority::root("Root of STARTTLS");
    let client = ClientConfig::builder().roots(root.roots()).build().unwrap();
    let server = ServerConfig::builder(root.server(NAME)).build().unwrap();
    let backend = Rustls::ring();
    (Client::new(&client, &backend).unwrap(), Server::new(&server, &backend).unwrap())
}

/// Serves one client.
fn serve<T: Send + 'static>(
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (address, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// Reads a line in clear, and what came with it.
fn command(socket: &mut TcpStream) -> (String, Vec<u8>) {
    let mut read = Vec::new();
    let mut byte = [0; 512];
    while !read.contains(&b'\n') {
        let n = socket.read(&mut byte).unwrap();
        assert!(n > 0, "the client is gone");
        read.extend_from_slice(&byte[..n]);
    }
    let end = read.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let rest = read.split_off(end);
    (String::from_utf8(read).unwrap(), rest)
}

/// A mail server up to its go-ahead, after which it says `more` in clear.
fn smtp(socket: &mut TcpStream, more: &[u8]) {
    socket.write_all(b"220 mail.test\r\n").unwrap();
    assert_eq!(command(socket).0, "EHLO [127.0.0.1]\r\n");
    socket.write_all(b"250-mail.test\r\n250 STARTTLS\r\n").unwrap();
    let (asked, unread) = command(socket);
    assert_eq!(asked, "STARTTLS\r\n");
    Protocol::Smtp.check_client(&unread).unwrap();
    socket.write_all(&[b"220 go\r\n", more].concat()).unwrap();
}

#[test]
fn a_socket_is_upgraded_and_goes_on_in_tls() {
    let (client, server) = ends();
    let (address, serving) = serve(move |mut socket| {
        smtp(&mut socket, b"");
        let mut stream = server.accept(Blocking::new(socket)).unwrap();
        let mut asked = [0; 6];
        stream.read_exact(&mut asked).unwrap();
        stream.write_all(b"221 bye\r\n").unwrap();
        stream.close_notify().unwrap();
        asked
    });
    let tcp = TcpStream::connect(address).unwrap();
    Starttls::new(Protocol::Smtp).upgrade(&tcp).unwrap();
    assert_eq!(tcp.read_timeout().unwrap(), None);
    let mut stream = client.connect(NAME, Blocking::new(tcp)).unwrap();
    stream.write_all(b"QUIT\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "221 bye\r\n");
    assert_eq!(&serving.join().unwrap(), b"QUIT\r\n");
}

#[test]
fn what_is_injected_never_becomes_an_answer() {
    let (client, server) = ends();
    // With the go-ahead, or just after it: then the network holds it, and TLS is to refuse it.
    for late in [false, true] {
        let server = server.clone();
        let (address, serving) = serve(move |mut socket| {
            socket.set_nodelay(true).unwrap();
            smtp(&mut socket, if late { b"" } else { b"250 injected\r\n" });
            if late {
                thread::sleep(Duration::from_millis(50));
                let _ = socket.write_all(b"250 injected\r\n");
                let _ = server.accept(Blocking::new(socket)).unwrap().handshake();
            }
        });
        let tcp = TcpStream::connect(address).unwrap();
        let upgraded = Starttls::new(Protocol::Smtp).upgrade(&tcp);
        if !late {
            let e = upgraded.unwrap_err();
            assert_eq!((e.stage(), e.kind()), (Stage::Upgrade, ErrorKind::Injected));
            assert_eq!(e.peer_said(), Some(r"250 injected\r\n"));
            serving.join().unwrap();
            continue;
        }
        upgraded.unwrap();
        thread::sleep(Duration::from_millis(100));
        let mut stream: Stream<_> = client.connect(NAME, Blocking::new(tcp)).unwrap();
        let e = tls_core::Error::from(stream.handshake().unwrap_err());
        assert_eq!(e.kind(), tls_core::ErrorKind::NotTls);
        drop(stream);
        serving.join().unwrap();
    }
}

#[test]
fn a_server_that_trickles_meets_the_limit() {
    for trickles in [true, false] {
        let (address, serving) = serve(move |mut socket| {
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_secs(20) {
                let gone = match trickles {
                    true => socket.write_all(b"2").is_err(),
                    false => matches!(socket.read(&mut [0; 10]), Ok(0) | Err(_)),
                };
                if gone {
                    return true;
                }
                thread::sleep(Duration::from_millis(20));
            }
            false
        });
        let tcp = TcpStream::connect(address).unwrap();
        let begin = Instant::now();
        let limit = Some(Duration::from_millis(300));
        let e = Starttls::new(Protocol::Imap).limit(limit).upgrade(&tcp).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Timeout);
        assert!(begin.elapsed() < Duration::from_secs(10));
        assert_eq!(io::Error::from(e).kind(), io::ErrorKind::TimedOut);
        drop(tcp);
        assert!(serving.join().unwrap());
    }
}

#[test]
fn a_server_that_ends_is_told_from_one_that_refuses() {
    let (address, serving) = serve(|mut socket| socket.write_all(b"220-mail").unwrap());
    let tcp = TcpStream::connect(address).unwrap();
    let e = Starttls::new(Protocol::Smtp).upgrade(&tcp).unwrap_err();
    assert_eq!((e.kind(), e.peer_said()), (ErrorKind::Ended, Some("220-mail")));
    serving.join().unwrap();
}
