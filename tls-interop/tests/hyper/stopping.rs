//! Servers that stop.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tls_hyper::axum::body::Body;
use tls_hyper::hyper::Response;
use tls_hyper::hyper::service::service_fn;
use tls_hyper::tls_tokio::TlsConnector;
use tls_hyper::{HttpsConnector, HttpsServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::house::{BOTH, HTTP_1, House, KINDS, Kind, Running, fetch, http, tick};
use crate::{Case, PATIENCE, on_tokio};

pub(crate) const CASES: &[Case] = &[
    ("requests_under_way_are_answered_and_nobody_else_is", answered),
    ("idle_connections_are_closed_in_order", idle),
    ("handshakes_under_way_are_ended", handshakes),
    ("a_client_that_asks_nothing_is_let_go_at_hypers_limit", silent),
];

fn answered(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            for alpn in [BOTH, HTTP_1] {
                let mut server = Running::start(kind, house.listener().await);
                let http = http(HttpsConnector::new(house.client(alpn)));
                let slow = tokio::spawn({
                    let (http, uri) = (http.clone(), server.uri("/slow"));
                    async move { fetch(&http, uri).await }
                });
                while *server.app.begun.lock().unwrap() == 0 {
                    tick().await;
                }
                server.stop();
                assert_eq!(slow.await.unwrap().unwrap().text(), "at last");
                (&mut server.served).await.unwrap();
                let e = fetch(&house.http(), server.uri("/")).await.unwrap_err();
                assert!(e.is_connect(), "{e:?}");
                assert!(server.failures.lock().unwrap().is_empty());
            }
        }
    });
}

fn idle(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            for question in ["", "GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
                let mut server = Running::start(kind, house.listener().await);
                let tcp = TcpStream::connect(server.address).await.unwrap();
                let connector = TlsConnector::new(house.client(HTTP_1));
                let mut stream = connector.connect("localhost", tcp).await.unwrap();
                stream.write_all(question.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                if !question.is_empty() {
                    assert_eq!(stream.read_u8().await.unwrap(), b'H');
                }
                // Until the server has it, it may be taken for a handshake.
                tokio::time::sleep(Duration::from_millis(500)).await;
                server.stop();
                let mut rest = Vec::new();
                let end = timeout(PATIENCE / 4, stream.read_to_end(&mut rest)).await.unwrap();
                // axum says nothing to who has said nothing.
                let in_order = end.is_ok() && stream.close_received();
                let nothing_said = matches!(kind, Kind::Axum) && question.is_empty();
                assert!(in_order || nothing_said, "{kind:?} {question:?} {end:?}");
                (&mut server.served).await.unwrap();
                assert!(server.failures.lock().unwrap().is_empty());
            }
        }
    });
}

fn handshakes(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            let mut server = Running::start(kind, house.listener().await.handshake_limit(None));
            let mut stalled = TcpStream::connect(server.address).await.unwrap();
            fetch(&house.http(), server.uri("/")).await.unwrap();
            server.stop();
            (&mut server.served).await.unwrap();
            let mut rest = Vec::new();
            let end = timeout(PATIENCE / 4, stalled.read_to_end(&mut rest)).await;
            assert!(end.is_ok(), "the handshake goes on");
        }
    });
}

fn silent(house: &House) {
    on_tokio(async {
        let (failed, failures) = std::sync::mpsc::channel();
        let listener = house.listener().await.on_failure(move |failure| {
            failed.send(failure).unwrap();
        });
        let address = listener.local_addr().unwrap();
        let limit = Duration::from_millis(300);
        let mut server = HttpsServer::new(listener);
        server.http1().header_read_timeout(limit);
        let service = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
        let serving = tokio::spawn(server.serve(service));
        let begin = Instant::now();
        let tcp = TcpStream::connect(address).await.unwrap();
        let connector = TlsConnector::new(house.client(HTTP_1));
        let mut stream = connector.connect("localhost", tcp).await.unwrap();
        // hyper lets go of it without a word: nothing was asked that could be cut short.
        let end = timeout(PATIENCE / 4, stream.read_to_end(&mut Vec::new())).await;
        assert!(end.is_ok(), "it is still there");
        assert!(begin.elapsed() >= limit);
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
        assert!(failures.recv().is_err(), "that is no failure");
    });
}
