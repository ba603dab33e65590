//! What proxies answer, and what comes of it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests

use std::io;
use std::time::Duration;

use polytls::{Error, ErrorKind};
use tls_hyper::hyper_util::client::legacy::connect::{Connection, HttpConnector};
use tls_hyper::tower_service::Service;
use tls_hyper::{ProxyRefusal, Tunnel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Asks a proxy that reads a request and then sends `answer`, byte by byte if it is short, and ends if it
/// `goes`. Gives what it was asked, and what came of it.
async fn ask(uri: &str, answer: Vec<u8>, goes: bool) -> (String, Result<(), Error>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let serving = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap());
        }
        let piece = if answer.len() < 100 { 1 } else { answer.len() };
        for bytes in answer.chunks(piece) {
            let _ = tcp.write_all(bytes).await; // it may have heard enough
            tokio::task::yield_now().await;
        }
        if !goes {
            let _ = tcp.read_u8().await;
        }
        String::from_utf8(head).unwrap()
    });
    let mut tunnel = Tunnel::new(proxy, HttpConnector::new()).unwrap();
    let outcome = timeout(Duration::from_secs(20), tunnel.call(uri.parse().unwrap())).await;
    let outcome = outcome.expect("it hangs").map(|tunneled| {
        let connected = tunneled.connected();
        assert!(!connected.is_proxied() && !connected.is_negotiated_h2());
    });
    (serving.await.unwrap(), outcome)
}

async fn answered(answer: &[u8]) -> Result<(), Error> {
    ask("https://target.test/", answer.to_vec(), false).await.1
}

fn is_io(result: &Result<(), Error>, kind: io::ErrorKind) -> bool {
    result.as_ref().is_err_and(|e| e.kind() == ErrorKind::Io(kind))
}

#[tokio::test]
async fn every_success_is_one() {
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nVia: x\r\n\r\n",
        // Such fields mean nothing here (RFC 9110 §9.3.6).
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        // What comes before the answer is none.
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let outcome = answered(answer.as_bytes()).await;
        assert!(outcome.is_ok(), "{answer:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn every_refusal_says_its_status() {
    for status in [101, 301, 400, 403, 407, 502, 999] {
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
        let outcome = answered(answer.as_bytes()).await;
        assert!(is_io(&outcome, io::ErrorKind::ConnectionRefused), "{status}: {outcome:?}");
        let e = outcome.unwrap_err();
        assert_eq!(ProxyRefusal::find(&e).unwrap().status(), status);
        assert!(e.to_string().contains(&status.to_string()), "{e}");
    }
}

/// The target is not spoken to yet: whoever sends something then makes it up.
#[tokio::test]
async fn what_is_sent_beyond_the_answer_is_refused() {
    // Long, so that it comes in one piece: what comes later is for TLS to refuse.
    for field in ["X: ", "Content-Length: 5\r\nX: ", "Transfer-Encoding: chunked\r\nX: "] {
        let answer = format!("HTTP/1.1 200 OK\r\n{field}{}\r\n\r\nHELLO", "x".repeat(100));
        let outcome = answered(answer.as_bytes()).await;
        assert!(is_io(&outcome, io::ErrorKind::InvalidData), "{field:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_nothing_grows_without_bound() {
    let long = [&b"HTTP/1.1 200 OK\r\nX: "[..], &vec![b'x'; 5_000_000]].concat();
    let many = [&b"HTTP/1.1 200 OK\r\n"[..], &b"X: x\r\n".repeat(1000), b"\r\n"].concat();
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..],
        b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: empty\r\n\r\n",
        &long,
        &many,
    ] {
        let outcome = answered(answer).await;
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(50)]);
        assert!(is_io(&outcome, io::ErrorKind::InvalidData), "{shown:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_goes_away_is_an_early_end() {
    for answer in ["", "HTTP/1.1 ", "HTTP/1.1 200 OK\r\nX: x\r\n"] {
        let outcome = ask("https://target.test/", answer.into(), true).await.1;
        let kind = outcome.unwrap_err().kind();
        assert_eq!(kind, ErrorKind::UnexpectedEof, "{answer:?}");
    }
}

#[tokio::test]
async fn it_is_asked_for_the_host_and_port_of_the_uri_and_nothing_else() {
    for (uri, target) in [
        ("https://target.test/path?query", "target.test:443"),
        ("http://target.test/", "target.test:80"),
        ("https://user:secret@target.test:8443/", "target.test:8443"),
        ("https://[::1]/", "[::1]:443"),
        ("https://127.0.0.1:1/", "127.0.0.1:1"),
    ] {
        let (asked, outcome) = ask(uri, b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), false).await;
        outcome.unwrap();
        assert_eq!(asked, format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n"), "{uri}");
    }
}

#[test]
fn what_cannot_be_a_proxy_or_a_name_is_refused_at_once() {
    for bad in ["proxy.test:3128", "/proxy", "socks5://proxy.test", "http://u:secret@proxy.test"] {
        let e = Tunnel::new(bad.parse().unwrap(), HttpConnector::new()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Config, "{bad}");
        assert!(!e.to_string().contains("secret"), "{e}");
    }
    let tunnel =
        || Tunnel::new("http://proxy.test".parse().unwrap(), HttpConnector::new()).unwrap();
    for (user, password) in [("a:b", "c"), ("a\r\nX: y", "c"), ("a", "c\n")] {
        let e = tunnel().basic_auth(user, password).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Config);
    }
    assert!(tunnel().basic_auth("", "a:b").is_ok());
}
