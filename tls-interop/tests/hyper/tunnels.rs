//! Through proxies.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;

use polytls::{CertificateError, ErrorKind};
use tls_hyper::http::Version;
use tls_hyper::hyper_util::client::legacy::connect::HttpConnector;
use tls_hyper::tower_service::Service;
use tls_hyper::{HttpsConnector, ProxyRefusal, Tunnel};

use crate::client::kind_of;
use crate::house::{BOTH, HTTP_1, House, Kind, Running, fetch, http, listener};
use crate::proxy::Proxy;
use crate::{Case, on_tokio};

pub(crate) const CASES: &[Case] = &[
    ("a_proxy_sees_where_to_and_nothing_else", through),
    ("a_proxy_that_asks_who_it_is_is_told", authorization),
    ("a_proxy_is_spoken_to_in_tls_and_tls_goes_through_it", tls_in_tls),
    ("nothing_is_said_in_clear_to_a_proxy_with_tls", never_in_clear),
    ("it_is_known_whose_certificate_was_refused", whose_certificate),
    ("a_connection_can_be_dropped_at_any_poll", dropped),
    ("plain_http_through_a_proxy_with_tls_has_no_tls", plain_inside),
];

fn through(house: &House) {
    on_tokio(async {
        for (alpn, version) in [(BOTH, Version::HTTP_2), (HTTP_1, Version::HTTP_11)] {
            let server = Running::start(Kind::Axum, listener(house.server(alpn)).await);
            let proxy = Proxy::start(None, None).await;
            let tunnel = Tunnel::new(proxy.uri(), HttpConnector::new()).unwrap();
            let http = http(HttpsConnector::wrap(house.client(BOTH), tunnel));
            let answer = fetch(&http, server.uri("/secret")).await.unwrap();
            assert_eq!(answer.response.version(), version);
            assert_eq!(answer.text(), format!("{version:?} GET /secret"));
            let at = format!("localhost:{}", server.address.port());
            assert_eq!(proxy.seen(), [format!("CONNECT {at} HTTP/1.1\r\nhost: {at}\r\n\r\n")]);
        }
    });
}

fn authorization(house: &House) {
    on_tokio(async {
        let server = Running::start(Kind::Axum, house.listener().await);
        let proxy = Proxy::start(None, Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")).await;
        let tunnel = Tunnel::new(proxy.uri(), HttpConnector::new()).unwrap();
        let told = tunnel.clone().basic_auth("Aladdin", "open sesame").unwrap();
        assert!(!format!("{told:?}").contains("QWxh"), "{told:?}");
        let known = http(HttpsConnector::wrap(house.client(BOTH), told));
        fetch(&known, server.uri("/")).await.unwrap();
        let wrong = tunnel.clone().basic_auth("Aladdin", "open wheat").unwrap();
        for tunnel in [tunnel, wrong] {
            let unknown = http(HttpsConnector::wrap(house.client(BOTH), tunnel));
            let e = fetch(&unknown, server.uri("/")).await.unwrap_err();
            assert_eq!(kind_of(&e), ErrorKind::Io(io::ErrorKind::ConnectionRefused));
            assert_eq!(ProxyRefusal::find(&e).unwrap().status(), 407);
        }
    });
}

fn tls_in_tls(house: &House) {
    on_tokio(async {
        let server = Running::start(Kind::Axum, house.listener().await);
        // The proxy is somebody else's: each is trusted for itself only.
        let theirs = house.elsewhere();
        let proxy = Proxy::start(Some(theirs.server(HTTP_1)), Some("Basic dTpw")).await;
        let way = HttpsConnector::new(theirs.client(HTTP_1));
        let tunnel = Tunnel::new(proxy.uri(), way).unwrap().basic_auth("u", "p").unwrap();
        let through = HttpsConnector::wrap(house.client(BOTH), tunnel);
        let answer = fetch(&http(through), server.uri("/")).await.unwrap();
        assert_eq!(answer.response.version(), Version::HTTP_2);
        let shown = answer.negotiated().unwrap().peer_certificate().unwrap();
        assert_ne!(Some(shown), theirs.identity().chain().first());
        assert_eq!(proxy.seen().len(), 1);
    });
}

fn never_in_clear(house: &House) {
    on_tokio(async {
        // What connects to it makes no TLS, though it is asked to.
        let proxy = Proxy::start(None, None).await;
        let address = proxy.uri().to_string().replace("http:", "https:").parse().unwrap();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let tunnel = Tunnel::new(address, tcp).unwrap().basic_auth("u", "p").unwrap();
        let through = http(HttpsConnector::wrap(house.client(BOTH), tunnel));
        let e = fetch(&through, "https://localhost/".parse().unwrap()).await.unwrap_err();
        assert_eq!(kind_of(&e), ErrorKind::Config);
        assert!(proxy.seen().is_empty());

        // HTTP/2 with the proxy would be another protocol than the one spoken.
        let proxy = Proxy::start(Some(house.server(BOTH)), None).await;
        let tunnel = Tunnel::new(proxy.uri(), HttpsConnector::new(house.client(BOTH))).unwrap();
        let through = http(HttpsConnector::wrap(house.client(BOTH), tunnel));
        let e = fetch(&through, "https://localhost/".parse().unwrap()).await.unwrap_err();
        assert_eq!(kind_of(&e), ErrorKind::Config);
        assert!(proxy.seen().is_empty());
    });
}

fn whose_certificate(house: &House) {
    on_tokio(async {
        let server = Running::start(Kind::Axum, house.listener().await);
        let proxy = Proxy::start(Some(house.server(HTTP_1)), None).await;
        let strangers = || house.elsewhere().client(HTTP_1);
        let unknown = house.reason(CertificateError::UnknownIssuer);
        let way = HttpsConnector::new(strangers());
        let tunnel = Tunnel::new(proxy.uri(), way).unwrap();
        let through = http(HttpsConnector::wrap(house.client(BOTH), tunnel));
        let e = fetch(&through, server.uri("/")).await.unwrap_err();
        assert_eq!(kind_of(&e), unknown);
        assert!(tls_hyper::tls_error(&e).unwrap().to_string().contains("the proxy"), "{e:?}");
        assert!(proxy.seen().is_empty());

        let way = HttpsConnector::new(house.client(HTTP_1));
        let tunnel = Tunnel::new(proxy.uri(), way).unwrap();
        let through = http(HttpsConnector::wrap(strangers(), tunnel));
        let e = fetch(&through, server.uri("/")).await.unwrap_err();
        assert_eq!(kind_of(&e), unknown);
        assert!(!tls_hyper::tls_error(&e).unwrap().to_string().contains("the proxy"), "{e:?}");
        assert_eq!(proxy.seen().len(), 1);
    });
}

fn dropped(house: &House) {
    on_tokio(async {
        let server = Running::start(Kind::Hyper, house.listener().await);
        let proxy = Proxy::start(Some(house.server(HTTP_1)), None).await;
        let way = HttpsConnector::new(house.client(HTTP_1));
        let tunnel = Tunnel::new(proxy.uri(), way).unwrap();
        let mut connector = HttpsConnector::wrap(house.client(BOTH), tunnel);
        // How many it takes is up to the machine, so some come to their end.
        for polls in 0..30 {
            if let Some(connected) = polled(connector.call(server.uri("/")), polls).await {
                assert!(connected.unwrap().negotiated().is_some());
            }
        }
        // Both go on as if nothing had been.
        fetch(&http(connector), server.uri("/")).await.unwrap();
    });
}

/// Polls a future so many times at most, and then drops it.
async fn polled<F: Future>(future: F, mut times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match times {
        0 => Poll::Ready(None),
        _ => {
            times -= 1;
            future.as_mut().poll(cx).map(Some)
        }
    })
    .await
}

fn plain_inside(house: &House) {
    on_tokio(async {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let app = tls_hyper::axum::Router::new()
            .fallback(|uri: tls_hyper::http::Uri| async move { format!("{uri}") });
        tokio::spawn(async { tls_hyper::axum::serve(tcp, app).await });
        let proxy = Proxy::start(Some(house.server(HTTP_1)), None).await;
        let way = HttpsConnector::new(house.client(HTTP_1));
        let tunnel = Tunnel::new(proxy.uri(), way).unwrap();
        let through = http(HttpsConnector::wrap(house.client(BOTH), tunnel).allow_http());
        let answer = fetch(&through, format!("http://{address}/x").parse().unwrap()).await.unwrap();
        assert_eq!(answer.text(), "/x");
        assert!(answer.negotiated().is_none(), "that is the proxy's");
    });
}
