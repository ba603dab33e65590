//! `conformance --limbo`: verdicts on a corpus that is made here.

use std::fs;

use polytls::{Capability, Identity};
use serde_json::{Value, json};
use tls_conformance::{Authority, Leaf};

use crate::support::{BACKENDS, Certificates, can, for_each_backend, polytls, refusal};

/// Within the validity of what is made here, and an instant long before it.
const NOW: Option<&str> = None;
const LONG_AGO: Option<&str> = Some("1971-02-03T04:05:06+00:00");

fn pem(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der))
}

/// One test case, in the format of x509-limbo.
fn case(id: &str, root: &Authority, peer: &Identity, time: Option<&str>, expected: &str) -> Value {
    let chain = peer.chain().iter().map(|der| pem("CERTIFICATE", der)).collect::<Vec<_>>();
    json!({
        "id": id,
        "validation_kind": "SERVER",
        "trusted_certs": [pem("CERTIFICATE", &root.certificate())],
        "untrusted_intermediates": chain[1..],
        "peer_certificate": chain[0],
        "peer_certificate_key": pem("PRIVATE KEY", peer.key().unwrap().secret_der()),
        "validation_time": time,
        "expected_result": expected,
        "expected_peer_name": {"kind": "DNS", "value": "peer.test"},
        "max_chain_depth": null,
        "features": [],
    })
}

fn corpus() -> Value {
    let (root, stranger) = (Authority::root("limbo root"), Authority::root("stranger"));
    let below = root.intermediate("limbo intermediate");
    let peer = below.server("peer.test");
    let mut keyless = case("keyless", &root, &peer, NOW, "SUCCESS");
    keyless["peer_certificate_key"] = Value::Null;
    let mut shallow = case("shallow", &root, &peer, NOW, "FAILURE");
    shallow["max_chain_depth"] = 0.into();
    let client = below.issue(Leaf::client("peer"));
    let mut client = case("client", &root, &client, NOW, "SUCCESS");
    client["validation_kind"] = "CLIENT".into();
    client["expected_peer_name"] = Value::Null;
    json!({
        "version": 1,
        "testcases": [
            case("good", &root, &peer, NOW, "SUCCESS"),
            case("early", &root, &peer, LONG_AGO, "FAILURE"),
            case("strange", &stranger, &peer, NOW, "FAILURE"),
            case("named", &root, &below.server("other.test"), NOW, "FAILURE"),
            case("wrongly", &root, &peer, NOW, "FAILURE"),
            keyless,
            shallow,
            client,
        ],
    })
}

#[test]
fn every_chain_gets_a_verdict_from_every_backend() {
    let files = Certificates::new();
    let (corpus_file, report) = (files.path("corpus.json"), files.path("report.json"));
    fs::write(&corpus_file, corpus().to_string()).unwrap();
    let run = polytls(["conformance", "--limbo", &corpus_file, "--json", &report]).expect(0);
    let report = files.facts("report.json");
    let verdict = |id: &str, judge: &str| {
        let mut cases = report.as_array().unwrap().iter();
        let case = cases.find(|case| case["id"] == id).unwrap();
        case["verdicts"][judge].as_str().unwrap_or_default().to_owned()
    };
    // Named by its kind where the backend can, and by `lacks` where it cannot be asked.
    let or_lacks = |backend: &str, needs: &[Capability], otherwise: String| {
        let missing = needs.iter().find(|what| !can(backend, **what));
        missing.map_or(otherwise, |what| format!("lacks {what}"))
    };
    let refused = |backend: &str, why: &str| {
        let kind = refusal(backend, why);
        kind.trim_start_matches("certificate(").trim_end_matches(')').to_owned()
    };
    for_each_backend(|backend| {
        assert_eq!(verdict("good", backend), "accepted");
        assert_eq!(verdict("wrongly", backend), "accepted");
        assert_eq!(verdict("keyless", backend), "accepted");
        assert_eq!(verdict("strange", backend), refused(backend, "unknown-issuer"));
        assert_eq!(verdict("named", backend), refused(backend, "name-mismatch"));
        let early = refused(backend, "not-yet-valid");
        let early = or_lacks(backend, &[Capability::VerificationTime], early);
        assert_eq!(verdict("early", backend), early);
        let shallow = refused(backend, "chain-too-long");
        let shallow = or_lacks(backend, &[Capability::LimitChain], shallow);
        assert_eq!(verdict("shallow", backend), shallow);
        let asks = [Capability::RequestClientCertificate];
        assert_eq!(verdict("client", backend), or_lacks(backend, &asks, "accepted".into()));
        if can(backend, Capability::UniformVerification) {
            let judge = format!("{backend}, uniform");
            for (id, expected) in [
                ("good", "accepted"),
                ("early", "not-yet-valid"),
                ("strange", "unknown-issuer"),
                ("named", "name-mismatch"),
                ("keyless", "accepted"),
                ("shallow", "chain-too-long"),
                ("client", "accepted"),
            ] {
                assert_eq!(verdict(id, &judge), expected, "{id}");
            }
        }
    });
    // A verdict that nobody expected is told, and no reason to fail.
    assert!(run.text().contains("wrongly"), "{}", run.text());
    assert!(BACKENDS.iter().all(|backend| run.text().contains(&**backend)), "{}", run.text());
}

#[test]
fn a_corpus_that_cannot_be_read_is_named() {
    let files = Certificates::new();
    let corpus_file = files.path("corpus.json");
    for (text, said) in [
        ("", "not a corpus"),
        ("{\"version\": 1}", "testcases"),
        ("{\"version\": 7, \"testcases\": []}", "version 7"),
        ("{\"version\": 1, \"testcases\": []}", "no case of the corpus"),
    ] {
        fs::write(&corpus_file, text).unwrap();
        let run = polytls(["conformance", "--limbo", &corpus_file]).expect(2);
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
    let run = polytls(["conformance", "--limbo", "/no/such/corpus"]).expect(2);
    assert!(run.stderr.contains("/no/such/corpus: cannot be read"), "{}", run.stderr);
}
