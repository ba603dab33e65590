//! What a fetcher takes, and what it refuses.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use tls_core::ocsp::{CertStatus, IdHash, MAX_RESPONSE, OcspError, ResponseStatus};
use tls_staple::{FetchError, Fetched, Fetcher};
use x509_cert::der::Decode;
use x509_ocsp::{OcspRequest, OcspResponseStatus};

use crate::BACKEND;
use crate::responder::{Authority, Habit, OK, Responder};

fn start(habit: Habit) -> Responder {
    Responder::start(Authority::new(), habit)
}

fn fetch(responder: &Responder, fetcher: &Fetcher) -> Result<Fetched, FetchError> {
    let identity = responder.identity();
    fetcher.fetch(identity.leaf(), &identity.chain()[1], &BACKEND)
}

fn refusal(habit: Habit) -> FetchError {
    fetch(&start(habit), &Fetcher::new()).unwrap_err()
}

#[test]
fn a_responder_is_asked_where_the_certificate_says() {
    let responder = start(Habit::good(10, 100));
    let fetched = fetch(&responder, &Fetcher::new()).unwrap();
    assert_eq!(fetched.outcome.cert_status(), Some(CertStatus::Good));
    assert_eq!(fetched.outcome.url(), Some(&*responder.url()));
    let request = OcspRequest::from_der(&responder.requests()[0]).unwrap();
    assert!(request.nonce().is_none());
    let id = &request.tbs_request.request_list[0].req_cert;
    assert_eq!(id.issuer_key_hash.as_bytes().len(), 20);
}

#[test]
fn another_address_hash_and_nonce_can_be_chosen() {
    let responder = start(Habit::good(10, 100));
    let authority = Authority::new();
    let identity = authority.identity(None);
    let elsewhere = Responder::start(authority, Habit::good(10, 100));
    let fetcher = Fetcher::new().url(elsewhere.url()).hash(IdHash::Sha256).nonce(true);
    fetcher.fetch(identity.leaf(), &identity.chain()[1], &BACKEND).unwrap();
    assert!(responder.requests().is_empty());
    let request = OcspRequest::from_der(&elsewhere.requests()[0]).unwrap();
    assert_eq!(request.nonce().unwrap().0.as_bytes().len(), 32);
    let id = &request.tbs_request.request_list[0].req_cert;
    assert_eq!(id.issuer_key_hash.as_bytes().len(), 32);
}

#[test]
fn a_revocation_is_an_answer() {
    let fetched = fetch(&start(Habit::revoked()), &Fetcher::new()).unwrap();
    assert_eq!(fetched.outcome.cert_status(), Some(CertStatus::Revoked));
}

#[test]
fn what_is_not_to_be_believed_is_refused_by_its_kind() {
    let is = |habit, expected| match refusal(habit) {
        FetchError::Ocsp(e) => assert_eq!(e, expected),
        e => panic!("{e}"),
    };
    is(Habit::Forges, OcspError::BadSignature);
    is(Habit::good(1000, -120), OcspError::Expired);
}

#[test]
fn other_answers_are_refused_by_their_kind() {
    let unsuccessful = refusal(Habit::Refuses(OcspResponseStatus::TryLater));
    let status = ResponseStatus::TryLater;
    assert!(matches!(unsuccessful, FetchError::Ocsp(OcspError::Unsuccessful(s)) if s == status));
    let junk = refusal(Habit::Raw(OK, b"hello".to_vec()));
    assert!(matches!(junk, FetchError::Ocsp(OcspError::Malformed(_))), "{junk}");
    let html = "200 OK\r\nContent-Type: text/html; charset=utf-8";
    let html = refusal(Habit::Raw(html, b"<p>".to_vec()));
    let is_html = |e: &FetchError| matches!(e, FetchError::ContentType { content_type: Some(own), .. } if own == "text/html");
    assert!(is_html(&html), "{html}");
    let nothing = refusal(Habit::Raw("200 OK", Vec::new()));
    assert!(matches!(nothing, FetchError::ContentType { content_type: None, .. }), "{nothing}");
    for (head, status) in [
        ("404 Not Found", 404),
        ("500 Internal Server Error", 500),
        ("301 Moved Permanently\r\nLocation: http://127.0.0.1:1/", 301),
        ("307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/", 307),
    ] {
        let e = refusal(Habit::Raw(head, Vec::new()));
        assert!(matches!(e, FetchError::HttpStatus { status: own, .. } if own == status), "{e}");
    }
}

#[test]
fn an_answer_is_bounded_in_size() {
    let large = refusal(Habit::Raw(OK, vec![0; MAX_RESPONSE + 1]));
    assert!(matches!(large, FetchError::Ocsp(OcspError::TooLarge)), "{large}");
}

#[test]
fn an_answer_is_bounded_in_time() {
    let begun = Instant::now();
    let fetcher = Fetcher::new().timeout(Duration::from_millis(200));
    let e = fetch(&start(Habit::Sleeps), &fetcher).unwrap_err();
    assert!(matches!(e, FetchError::Network { .. }), "{e}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn who_cannot_be_asked_is_named() {
    let authority = Authority::new();
    let ask = |url: Option<&str>, fetcher: Fetcher| {
        let identity = authority.identity(url);
        fetcher.fetch(identity.leaf(), &authority.certificate, &BACKEND).unwrap_err()
    };
    assert!(matches!(ask(None, Fetcher::new()), FetchError::NoUrl));
    for url in ["https://a.test/", "ldap://a.test/", "a.test", "http:/a.test", "h\u{fc}ttp://a"] {
        let e = ask(None, Fetcher::new().url(url));
        assert!(matches!(e, FetchError::NotHttp(_)), "{e}");
    }
    assert!(matches!(ask(Some("https://a.test/"), Fetcher::new()), FetchError::NotHttp(_)));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let e = ask(Some(&format!("http://{nobody}/")), Fetcher::new());
    assert!(matches!(&e, FetchError::Network { url, .. } if url.contains(&nobody.to_string())));
    let e = ask(None, Fetcher::new().url("http://[/"));
    assert!(matches!(e, FetchError::Network { .. }), "{e}");
}
