//! The listener, with axum and with hyper alone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use polytls::{ErrorKind, ServerConfig};
use tls_hyper::hyper_util::client::legacy;
use tls_hyper::{Failure, HttpsConnector};
use tls_tokio::TlsConnector;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::house::{BOTH, HTTP_1, House, KINDS, Kind, MEETING, Running, fetch, http, listener};
use crate::{Case, PATIENCE, on_tokio};

pub(crate) const CASES: &[Case] = &[
    ("two_hundred_connections_are_served_at_once", two_hundred),
    ("slow_peers_hold_up_nobody", slow_peers),
    ("not_more_handshakes_than_allowed_are_under_way", cap),
    ("who_takes_too_long_is_given_up_and_makes_room", deadline),
    ("what_is_no_tls_is_reported_and_disturbs_nobody", garbage),
    ("a_service_that_panics_ends_its_own_connection_only", panics),
    ("a_connection_can_leave_http", upgrade),
    ("a_reload_serves_new_connections_and_leaves_the_old", reload),
    ("a_unix_socket_is_served_too", unix),
];

fn two_hundred(house: &House) {
    let one_at_a_time = on_tokio_alone();
    on_tokio(async {
        for (kind, alpn) in [(Kind::Axum, BOTH), (Kind::Hyper, BOTH), (Kind::Axum, HTTP_1)] {
            let server = Running::start(kind, house.listener().await);
            let connector = HttpsConnector::new(house.client(alpn));
            let mut all = JoinSet::new();
            for _ in 0..MEETING {
                // A client of its own each, and so a connection.
                let (http, uri) = (http(connector.clone()), server.uri("/meet"));
                all.spawn(async move { fetch(&http, uri).await.unwrap() });
            }
            for answer in all.join_all().await {
                assert_eq!(answer.text(), "met");
            }
            assert!(server.failures.lock().unwrap().is_empty());
        }
    });
    drop(one_at_a_time);
}

/// Hundreds of sockets at once are enough.
fn on_tokio_alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.blocking_lock()
}

/// Peers that begin, and do not go on: some say nothing, some something.
async fn stall(address: SocketAddr, n: usize) -> Vec<TcpStream> {
    let mut stalled = Vec::new();
    for i in 0..n {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        // The beginning of a record with a ClientHello of 512 bytes.
        let hello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
        tcp.write_all(&hello[..i % hello.len()]).await.unwrap();
        stalled.push(tcp);
    }
    stalled
}

fn slow_peers(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            let listener = house.listener().await.handshake_limit(None);
            let server = Running::start(kind, listener);
            let _stalled = stall(server.address, 50).await;
            for _ in 0..3 {
                let answer = timeout(PATIENCE / 4, fetch(&house.http(), server.uri("/"))).await;
                answer.expect("it waits for slow peers").unwrap();
            }
            assert!(server.failures.lock().unwrap().is_empty());
        }
    });
}

fn cap(house: &House) {
    on_tokio(async {
        let listener = house.listener().await.handshakes_at_once(3).handshake_limit(None);
        let address = listener.local_addr().unwrap();
        let mut stalled = stall(address, 3).await;
        let mut listener = listener;
        let uri = format!("https://localhost:{}/", address.port()).parse().unwrap();
        let fast = tokio::spawn({
            let http = house.http();
            async move { fetch(&http, uri).await }
        });
        // A while longer than until there are three.
        let mut more = 3;
        while more > 0 {
            let accepting = timeout(Duration::from_millis(100), listener.accept());
            assert!(accepting.await.is_err(), "a fourth handshake was begun");
            assert!(listener.handshakes() <= 3);
            if listener.handshakes() == 3 {
                more -= 1;
            }
        }
        // One goes, and there is room for the one who is waiting.
        drop(stalled.pop());
        let (stream, _) = listener.accept().await;
        assert!(stream.is_established());
        assert_eq!(listener.handshakes(), 2);
        drop(stream);
        fast.await.unwrap().unwrap_err();
        // None is also one.
        let listener = house.listener().await.handshakes_at_once(0);
        let server = Running::start(Kind::Axum, listener);
        fetch(&house.http(), server.uri("/")).await.unwrap();
    });
}

fn deadline(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            let limit = Duration::from_millis(300);
            let listener =
                house.listener().await.handshakes_at_once(4).handshake_limit(Some(limit));
            let server = Running::start(kind, listener);
            let begin = Instant::now();
            let mut stalled = stall(server.address, 8).await;
            let answer = fetch(&house.http(), server.uri("/")).await.unwrap();
            assert!(begin.elapsed() >= 2 * limit, "eight of them had only four places");
            assert_eq!(answer.text(), "HTTP/2.0 GET /");
            for tcp in &mut stalled {
                let own = tcp.local_addr().unwrap();
                server
                    .failure(|failure| match failure {
                        Failure::Handshake { peer, error } => {
                            *peer == own && error.kind() == ErrorKind::Timeout
                        }
                        _ => false,
                    })
                    .await;
                // It is told, or at least let go.
                let mut rest = Vec::new();
                let _ = timeout(PATIENCE / 4, tcp.read_to_end(&mut rest)).await.unwrap();
            }
        }
    });
}

fn garbage(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            let server = Running::start(kind, house.listener().await);
            let mut tcp = TcpStream::connect(server.address).await.unwrap();
            tcp.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
            let own = tcp.local_addr().unwrap();
            server
                .failure(|failure| match failure {
                    Failure::Handshake { peer, error } => {
                        *peer == own && error.kind() == ErrorKind::NotTls
                    }
                    _ => false,
                })
                .await;
            let (shown, cause) = {
                let failure = &server.failures.lock().unwrap()[0];
                (failure.to_string(), failure.cause().to_string())
            };
            assert!(shown.contains(&own.to_string()), "{shown}");
            assert!(cause.starts_with("the peer does not speak TLS"), "{cause}");
            fetch(&house.http(), server.uri("/")).await.unwrap();
            assert_eq!(server.failures.lock().unwrap().len(), 1);
        }
    });
}

fn panics(house: &House) {
    on_tokio(async {
        for (alpn, kind) in [(BOTH, Kind::Hyper), (HTTP_1, Kind::Hyper), (BOTH, Kind::Axum)] {
            let server = Running::start(kind, house.listener().await);
            let others = house.http();
            let before = fetch(&others, server.uri("/peer")).await.unwrap();
            let http = http(HttpsConnector::new(house.client(alpn)));
            let e: legacy::Error = fetch(&http, server.uri("/panic")).await.unwrap_err();
            assert!(!e.is_connect(), "{e:?}");
            let after = fetch(&others, server.uri("/peer")).await.unwrap();
            assert_eq!(before.bytes, after.bytes, "the connection was kept");
            if matches!(kind, Kind::Hyper) && alpn.len() == 1 {
                server.failure(|failure| matches!(failure, Failure::Panic(_))).await;
            }
        }
    });
}

fn upgrade(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            let server = Running::start(kind, house.listener().await);
            let tcp = TcpStream::connect(server.address).await.unwrap();
            let connector = TlsConnector::new(house.client(HTTP_1));
            let mut stream = connector.connect("localhost", tcp).await.unwrap();
            let question = "GET /upgrade HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n\
                            Upgrade: capitals\r\n\r\n";
            stream.write_all(question.as_bytes()).await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            assert!(head.starts_with(b"HTTP/1.1 101 "));
            stream.write_all(b"no longer http").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "NO LONGER HTTP");
        }
    });
}

fn reload(house: &House) {
    on_tokio(async {
        let tls = house.server(BOTH);
        let server = Running::start(Kind::Axum, listener(tls.clone()).await);
        let old = house.http();
        let before = fetch(&old, server.uri("/peer")).await.unwrap();
        let theirs = house.elsewhere();
        let config = ServerConfig::builder(theirs.identity()).alpn(HTTP_1).build().unwrap();
        tls.reload(&config, house.backend).unwrap();
        let answer = fetch(&theirs.http(), server.uri("/alpn")).await.unwrap();
        assert_eq!(answer.text(), "http/1.1");
        let after = fetch(&old, server.uri("/peer")).await.unwrap();
        assert_eq!(before.bytes, after.bytes);
    });
}

fn unix(house: &House) {
    on_tokio(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let socket = tokio::net::UnixListener::bind(&path).unwrap();
        let mut listener = tls_hyper::TlsListener::new(socket, house.server(BOTH));
        let connector = TlsConnector::new(house.client(BOTH));
        let connecting = tokio::spawn(async move {
            let socket = tokio::net::UnixStream::connect(path).await.unwrap();
            let mut stream = connector.connect("localhost", socket).await.unwrap();
            stream.write_all(b"through a file").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        });
        let (mut stream, _) = listener.accept().await;
        let mut received = String::new();
        stream.read_to_string(&mut received).await.unwrap();
        stream.write_all(received.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(connecting.await.unwrap(), "through a file");
        assert_eq!(listener.handshakes(), 0);
    });
}
