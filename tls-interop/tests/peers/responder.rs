//! OpenSSL's OCSP responder, and what we ask it.

use std::sync::mpsc;

use polytls::ocsp::{CertStatus, CrlReason, IdHash, OcspError, Outcome};
use polytls::{Backend, Identity, Server, ServerConfig, Staple};
use tempfile::TempDir;
use tls_staple::{FetchError, Fetcher, Keeper, Pace, Status};

use crate::fixture::{Fixture, NAME};
use crate::openssl::OPENSSL;
use crate::ours::{self, Listener};
use crate::process::{Child, PATIENCE, free_port};
use crate::responses::{Desk, Entry, REVOKED_AT};

/// A promise to who asks a responder.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&'static dyn Backend, &Fixture),
}

macro_rules! cases {
    ($($name:ident;)*) => {
        pub(crate) static CASES: &[Case] = &[
            $(Case { name: stringify!($name), run: $name },)*
        ];
    };
}

cases! {
    every_status_is_told;
    a_nonce_comes_back;
    another_issuers_certificate_is_not_known;
    a_kept_staple_is_believed;
}

/// A responder that knows a good and a revoked certificate.
struct Responder {
    url: String,
    good: Identity,
    revoked: Identity,
    unknown: Identity,
    _child: Child,
    _scratch: TempDir,
}

impl Responder {
    fn start(fixture: &Fixture) -> Self {
        let scratch = fixture.scratch();
        let issue = || fixture.issuing.server(NAME);
        let (good, revoked, unknown) = (issue(), issue(), issue());
        let entries = [Entry::Valid(good.leaf()), Entry::Revoked(revoked.leaf())];
        let mut command = Desk::new(&fixture.issuing, &entries, scratch.path()).command();
        let port = free_port();
        command.arg("-port").arg(port.to_string());
        let child = Child::spawn(command);
        // Not by connecting to it: who says nothing stops it for everybody.
        child.wait_for_output(|said| said.starts_with(b"ACCEPT"));
        let url = format!("http://127.0.0.1:{port}/");
        Self { url, good, revoked, unknown, _child: child, _scratch: scratch }
    }

    /// What it says of a certificate; `None` if the backend lends nothing to judge that with, and is
    /// named for it.
    fn ask(&self, of: &Identity, fetcher: &Fetcher, backend: &dyn Backend) -> Option<Outcome> {
        let fetcher = fetcher.clone().url(&self.url);
        let [leaf, issuer, ..] = of.chain() else { unreachable!() };
        let fetched = fetcher.fetch(leaf, issuer, backend);
        if backend.signature_algorithms().is_empty() {
            assert!(matches!(fetched, Err(FetchError::Ocsp(OcspError::NothingLent))));
            return None;
        }
        Some(fetched.unwrap().outcome)
    }
}

fn every_status_is_told(backend: &'static dyn Backend, fixture: &Fixture) {
    let responder = Responder::start(fixture);
    for hash in [IdHash::Sha1, IdHash::Sha256] {
        let fetcher = Fetcher::new().hash(hash);
        let ask = |of: &Identity| responder.ask(of, &fetcher, backend);
        let Some(good) = ask(&responder.good) else { return };
        assert_eq!((good.cert_status(), good.result()), (Some(CertStatus::Good), "good"));
        assert!(good.next_update() > good.this_update());
        let revoked = ask(&responder.revoked).unwrap();
        assert_eq!(revoked.cert_status(), Some(CertStatus::Revoked));
        assert_eq!(revoked.crl_reason(), Some(CrlReason::KeyCompromise));
        assert_eq!(revoked.revocation_time(), Some(REVOKED_AT));
        let unknown = ask(&responder.unknown).unwrap();
        assert_eq!(unknown.cert_status(), Some(CertStatus::Unknown));
    }
}

fn a_nonce_comes_back(backend: &'static dyn Backend, fixture: &Fixture) {
    let responder = Responder::start(fixture);
    let outcome = responder.ask(&responder.good, &Fetcher::new().nonce(true), backend);
    let Some(outcome) = outcome else { return };
    assert_eq!(outcome.result(), "good");
}

fn another_issuers_certificate_is_not_known(backend: &'static dyn Backend, fixture: &Fixture) {
    let responder = Responder::start(fixture);
    let strange = &fixture.strange_client.identity;
    let [leaf, issuer, ..] = strange.chain() else { unreachable!() };
    let fetched = Fetcher::new().url(&responder.url).fetch(leaf, issuer, backend);
    // It says "unknown" in its own name, which is not that certificate's issuer.
    match fetched.unwrap_err() {
        FetchError::Ocsp(OcspError::UntrustedResponder) => {}
        FetchError::Ocsp(OcspError::NothingLent) => {
            assert!(backend.signature_algorithms().is_empty());
        }
        e => panic!("{e}"),
    }
}

/// A server of ours that keeps its staple fresh, and OpenSSL's client, which verifies it.
fn a_kept_staple_is_believed(backend: &'static dyn Backend, fixture: &Fixture) {
    let responder = Responder::start(fixture);
    let identity = responder.good.clone().with_staple(Staple::empty());
    let config = ServerConfig::builder(identity.clone()).build().unwrap();
    let server = Server::new(&config, backend);
    let Some(server) = ours::honoured(server, config.required(), backend) else { return };
    let (send, reports) = mpsc::channel();
    let fetcher = Fetcher::new().url(&responder.url);
    let report = move |status| drop(send.send(status));
    let _keeper = Keeper::start(&identity, fetcher, Pace::default(), backend, report).unwrap();
    let status = reports.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(status, Status::Fresh { .. }), "{status:?}");

    let listener = Listener::new();
    let mut command = OPENSSL.command();
    command.args(["s_client", "-status", "-connect", &format!("127.0.0.1:{}", listener.port())]);
    command.args(["-servername", NAME, "-verify_return_error", "-no-CApath"]);
    command.arg("-CAfile").arg(&fixture.authority.file);
    let mut child = Child::spawn(command);
    let mut tls = listener.accept(&server, &mut child);
    tls.handshake().unwrap();
    child.wait_for_output(|said| {
        let said = String::from_utf8_lossy(said);
        said.contains("OCSP Response Status: successful") && said.contains("Cert Status: good")
    });
}
