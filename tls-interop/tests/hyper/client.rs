//! The connector under hyper-util's client.

use std::time::{Duration, Instant};

use polytls::{
    Capability, CertificateError, Client, ClientConfig, ErrorKind, Negotiated, Server,
    ServerConfig, ServerName,
};
use tls_hyper::http::{Uri, Version};
use tls_hyper::hyper_util::client::legacy::connect::HttpConnector;
use tls_hyper::{Failure, HttpsConnector, tls_error};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::house::{BOTH, HTTP_1, House, KINDS, Kind, Running, fetch, http, listener, post, tick};
use crate::{Case, on_tokio};

pub(crate) const CASES: &[Case] = &[
    ("http_2_is_spoken_where_both_have_it_over_one_connection", http_2),
    ("http_1_is_spoken_where_one_side_has_no_http_2", fallback),
    ("bodies_arrive_whole_in_both_directions", bodies),
    ("a_strangers_certificate_is_found_in_the_chain_of_errors", stranger),
    ("a_certificate_for_another_name_is_refused", wrong_name),
    ("the_name_can_be_the_callers", callers_name),
    ("plain_http_is_refused_unless_it_is_allowed", plain),
    ("uris_that_lead_nowhere_are_refused", nowhere),
    ("the_error_of_the_connector_inside_keeps_its_kind", inner_error),
    ("a_silent_server_is_given_up_at_the_limit", limit),
    ("an_identity_is_presented", identity),
    ("sessions_are_resumed_with_the_same_server_and_no_other", resumption),
];

fn http_2(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            let server = Running::start(kind, house.listener().await);
            let http = house.http();
            let first = fetch(&http, server.uri("/peer")).await.unwrap();
            assert_eq!(first.response.version(), Version::HTTP_2, "{kind:?}");
            let negotiated = first.negotiated().unwrap();
            assert_eq!(negotiated.alpn.as_deref(), Some(&b"h2"[..]));
            assert!(negotiated.peer_certificate().is_some());
            let mut more = JoinSet::new();
            for _ in 0..20 {
                let (http, uri) = (http.clone(), server.uri("/peer"));
                more.spawn(async move { fetch(&http, uri).await.unwrap().bytes });
            }
            for peer in more.join_all().await {
                assert_eq!(peer, first.bytes, "another connection was made");
            }
            assert_eq!(fetch(&http, server.uri("/alpn")).await.unwrap().text(), "h2");
            assert_eq!(fetch(&http, server.uri("/x")).await.unwrap().text(), "HTTP/2.0 GET /x");
        }
    });
}

fn fallback(house: &House) {
    on_tokio(async {
        let none: &[&str] = &[];
        for (theirs, ours, agreed) in [
            (HTTP_1, BOTH, "http/1.1"),
            (BOTH, HTTP_1, "http/1.1"),
            (none, BOTH, ""),
            (BOTH, none, ""),
        ] {
            for kind in KINDS {
                let server = Running::start(kind, listener(house.server(theirs)).await);
                let http = http(HttpsConnector::new(house.client(ours)));
                let answer = fetch(&http, server.uri("/alpn")).await.unwrap();
                assert_eq!(answer.response.version(), Version::HTTP_11, "{theirs:?} {ours:?}");
                assert_eq!(answer.text(), agreed);
                // It is kept, and used again once hyper's task has put it back.
                let mut last = None;
                loop {
                    let peer = Some(fetch(&http, server.uri("/peer")).await.unwrap().bytes);
                    if peer == last {
                        break;
                    }
                    last = peer;
                    tick().await;
                }
            }
        }
    });
}

fn bodies(house: &House) {
    on_tokio(async {
        let body = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>();
        for (kind, alpn) in [(Kind::Axum, BOTH), (Kind::Axum, HTTP_1), (Kind::Hyper, BOTH)] {
            let server = Running::start(kind, listener(house.server(alpn)).await);
            let answer = post(&house.http(), server.uri("/echo"), body.clone()).await;
            assert!(answer.bytes == body, "{kind:?} {alpn:?}");
            assert!(server.failures.lock().unwrap().is_empty());
        }
    });
}

fn stranger(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            let server = Running::start(kind, house.listener().await);
            let e = fetch(&house.elsewhere().http(), server.uri("/")).await.unwrap_err();
            assert!(e.is_connect(), "{e:?}");
            assert_eq!(kind_of(&e), house.reason(CertificateError::UnknownIssuer));
            server.failure(|failure| matches!(failure, Failure::Handshake { .. })).await;
            // Nobody else is concerned.
            fetch(&house.http(), server.uri("/")).await.unwrap();
        }
    });
}

fn wrong_name(house: &House) {
    on_tokio(async {
        let config = ServerConfig::builder(house.root.server("elsewhere.test")).build().unwrap();
        let server = Server::new(&config, house.backend).unwrap();
        let server = Running::start(Kind::Axum, listener(server).await);
        let e = fetch(&house.http(), server.uri("/")).await.unwrap_err();
        assert_eq!(kind_of(&e), house.reason(CertificateError::NameMismatch));
        // As an address it is another name.
        let server = Running::start(Kind::Axum, house.listener().await);
        let by_address = format!("https://{}/", server.address).parse().unwrap();
        fetch(&house.http(), by_address).await.unwrap();
    });
}

fn callers_name(house: &House) {
    on_tokio(async {
        let config = ServerConfig::builder(house.root.server("elsewhere.test")).build().unwrap();
        let server = Server::new(&config, house.backend).unwrap();
        let server = Running::start(Kind::Axum, listener(server).await);
        let name = ServerName::parse("elsewhere.test").unwrap();
        let http = http(HttpsConnector::new(house.client(BOTH)).server_name(name));
        let answer = fetch(&http, server.uri("/name")).await.unwrap();
        let told = house.backend.capabilities().contains(Capability::ReportServerName);
        assert_eq!(answer.text(), if told { "elsewhere.test" } else { "" });
        // It is expected of all.
        let server = Running::start(Kind::Axum, house.listener().await);
        let e = fetch(&http, server.uri("/")).await.unwrap_err();
        assert_eq!(kind_of(&e), house.reason(CertificateError::NameMismatch));
    });
}

fn plain(house: &House) {
    on_tokio(async {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let app = tls_hyper::axum::Router::new().fallback(|| async { "in clear" });
        tokio::spawn(async { tls_hyper::axum::serve(tcp, app).await });
        let uri = format!("http://{address}/").parse::<Uri>().unwrap();
        let e = fetch(&house.http(), uri.clone()).await.unwrap_err();
        assert_eq!(kind_of(&e), ErrorKind::Config);
        let both = http(HttpsConnector::new(house.client(BOTH)).allow_http());
        let answer = fetch(&both, uri).await.unwrap();
        assert_eq!(answer.text(), "in clear");
        assert!(answer.negotiated().is_none());
        let server = Running::start(Kind::Axum, house.listener().await);
        let answer = fetch(&both, server.uri("/")).await.unwrap();
        assert_eq!(answer.response.version(), Version::HTTP_2);
        // Nothing weaker is tried where TLS is wanted, and not had.
        let e = fetch(&both, format!("https://{address}/").parse().unwrap()).await.unwrap_err();
        assert_eq!(kind_of(&e), ErrorKind::NotTls);
    });
}

fn nowhere(house: &House) {
    on_tokio(async {
        let mut connector = HttpsConnector::new(house.client(BOTH)).allow_http();
        for uri in
            ["/path", "localhost:443", "ftp://localhost/", "https://1.2.3.4.5/", "https://a..b/"]
        {
            let uri = uri.parse::<Uri>().unwrap();
            let e = tls_hyper::tower_service::Service::call(&mut connector, uri.clone()).await;
            assert_eq!(e.unwrap_err().kind(), ErrorKind::Config, "{uri}");
        }
    });
}

fn inner_error(house: &House) {
    on_tokio(async {
        // Whom the system gave the port to a moment ago is gone.
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let uri = format!("https://{address}/").parse::<Uri>().unwrap();
        let e = fetch(&house.http(), uri).await.unwrap_err();
        assert_eq!(kind_of(&e), ErrorKind::Io(std::io::ErrorKind::ConnectionRefused));
        // A connector that takes nothing but http says so itself.
        let strict = http(HttpsConnector::wrap(house.client(BOTH), HttpConnector::new()));
        let e = fetch(&strict, "https://localhost/".parse().unwrap()).await.unwrap_err();
        assert_eq!(kind_of(&e), ErrorKind::Io(std::io::ErrorKind::Other));
    });
}

fn limit(house: &House) {
    on_tokio(async {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("https://{}/", silent.local_addr().unwrap()).parse::<Uri>().unwrap();
        let limit = Duration::from_millis(300);
        let connector = HttpsConnector::new(house.client(BOTH)).connect_limit(Some(limit));
        let begin = Instant::now();
        let e = fetch(&http(connector), uri).await.unwrap_err();
        assert_eq!(kind_of(&e), ErrorKind::Timeout);
        assert!(begin.elapsed() >= limit);
    });
}

fn identity(house: &House) {
    on_tokio(async {
        let auth = polytls::ClientAuth::Require(house.root.roots());
        let config = ServerConfig::builder(house.identity()).alpn(BOTH).client_auth(auth);
        let server = match Server::new(&config.build().unwrap(), house.backend) {
            Ok(server) => server,
            Err(e) => {
                let lacked = Capability::RequestClientCertificate;
                assert!(!house.backend.capabilities().contains(lacked));
                assert_eq!(e.kind(), ErrorKind::Unsupported(lacked));
                return;
            }
        };
        for kind in KINDS {
            let server = Running::start(kind, listener(server.clone()).await);
            let identity = house.root.client("known");
            let config = ClientConfig::builder().roots(house.root.roots()).alpn(BOTH);
            let config = config.identity(identity.clone()).build().unwrap();
            let client = Client::new(&config, house.backend).unwrap();
            let known = http(HttpsConnector::new(client));
            let answer = fetch(&known, server.uri("/certificate")).await.unwrap();
            let mut expected = Negotiated::default();
            expected.peer_chain = identity.chain().to_vec();
            assert_eq!(answer.text(), expected.peer_chain_pem());
            fetch(&house.http(), server.uri("/certificate")).await.unwrap_err();
            server
                .failure(|failure| match failure {
                    Failure::Handshake { error, .. } => {
                        error.kind() == ErrorKind::NoPeerCertificate
                    }
                    _ => false,
                })
                .await;
        }
    });
}

fn resumption(house: &House) {
    on_tokio(async {
        let tls = house.server(BOTH);
        let server = Running::start(Kind::Hyper, listener(tls.clone()).await);
        // It has the same keys, and another port.
        let other = Running::start(Kind::Hyper, listener(tls).await);
        let connector = HttpsConnector::new(house.client(BOTH));
        let mut resumed = Vec::new();
        for uri in [server.uri("/"), server.uri("/"), other.uri("/")] {
            // Without a connection to use again.
            let answer = fetch(&http(connector.clone()), uri).await.unwrap();
            resumed.push(answer.negotiated().unwrap().resumed);
        }
        let can = house.backend.capabilities();
        if !can.contains(Capability::ReportResumed) {
            assert_eq!(resumed, [None; 3]);
            return;
        }
        let both = [Capability::ResumeClient, Capability::ResumeServer];
        let again = both.iter().all(|&capability| can.contains(capability));
        assert_eq!(resumed, [Some(false), Some(again), Some(false)]);
    });
}

/// The kind of the error of ours in the chain.
pub(crate) fn kind_of(e: &(dyn std::error::Error + 'static)) -> ErrorKind {
    tls_error(e).unwrap_or_else(|| panic!("no error of ours in {e:?}")).kind()
}

impl House {
    /// What a refused certificate is called, as far as the backend can tell.
    pub(crate) fn reason(&self, why: CertificateError) -> ErrorKind {
        let told = self.backend.capabilities().contains(Capability::CertificateReasons);
        ErrorKind::Certificate(if told { why } else { CertificateError::Other })
    }
}
