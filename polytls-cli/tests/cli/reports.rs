//! `demo`, `backends` and `conformance`.

use polytls::{Capability, backend::by_name};
use serde_json::Value;
use tls_conformance::CASES;

use crate::support::{BACKENDS, Certificates, polytls};

/// The cells of the rows below the header.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

#[test]
fn the_demo_has_one_row_for_every_pair() {
    let demo = polytls(["demo"]).expect(0);
    let rows = rows(demo.text());
    assert_eq!(rows.len(), BACKENDS.len().pow(2), "{}", demo.text());
    for (row, n) in rows.iter().zip(0..) {
        let (client, server) = (&*BACKENDS[n / BACKENDS.len()], &*BACKENDS[n % BACKENDS.len()]);
        assert_eq!((row[0], row[1]), (client, server));
        let can = |name, what| by_name(name).unwrap().capabilities().contains(what);
        let both = |clients, servers| can(client, clients) && can(server, servers);
        let newest = both(Capability::Tls13Client, Capability::Tls13Server);
        let told = can(client, Capability::ReportVersion);
        match (told, newest) {
            (true, true) => assert_eq!(row[2], "TLSv1.3"),
            (true, false) => assert_eq!(row[2], "TLSv1.2"),
            (false, _) => assert_eq!(row[2], "-"),
        }
        let alpn = both(Capability::AlpnClient, Capability::AlpnServer);
        assert_eq!(row[5], if alpn { "demo/1" } else { "-" });
        let mutual = both(Capability::ClientIdentity, Capability::RequestClientCertificate);
        assert_eq!(row[6], if mutual { "yes" } else { "-" });
        assert!(row[7].parse::<u32>().is_ok(), "{row:?}");
    }
}

#[test]
fn backends_are_told_to_people_and_to_programs() {
    let json = polytls(["backends", "--json"]).expect(0);
    let list: Value = serde_json::from_slice(&json.stdout).unwrap();
    let people = polytls(["backends"]).expect(0);
    for backend in list.as_array().unwrap() {
        assert_eq!(backend.as_object().unwrap().len(), 3);
        assert!(people.text().contains(backend["library"].as_str().unwrap()));
        for capability in backend["capabilities"].as_array().unwrap() {
            let name = capability.as_str().unwrap();
            assert!(name.parse::<polytls::Capability>().is_ok(), "{name}");
            assert!(people.text().contains(name), "{name}");
        }
    }
}

#[test]
fn the_conformance_report_has_every_trial() {
    let files = Certificates::new();
    let report = files.path("report.json");
    let filter = CASES[0].name();
    let run = polytls(["conformance", "--filter", filter, "--json", &report]).expect(0);
    let report = files.facts("report.json");
    let trials = report.as_array().unwrap();
    let chosen = CASES.iter().filter(|case| case.name().contains(filter)).count();
    assert!(!trials.is_empty() && trials.len() <= chosen * BACKENDS.len().pow(2));
    for trial in trials {
        assert_eq!(trial["case"], filter);
        assert_eq!(trial["promise"], CASES[0].promise());
        assert!(trial["milliseconds"].is_number());
        match trial["outcome"].as_str().unwrap() {
            "passed" => assert!(trial["capability"].is_null() && trial["reason"].is_null()),
            "refused" => assert!(trial["capability"].is_string()),
            other => panic!("{other}: {trial}"),
        }
    }
    assert!(!rows(run.text()).is_empty(), "{}", run.text());
}

#[test]
fn the_conformance_run_can_be_narrowed_to_backends() {
    let one = BACKENDS[0].as_str();
    let run =
        polytls(["conformance", "--backend", one, "--backend", one, "--filter", CASES[0].name()]);
    let run = run.expect(0);
    let rows = rows(run.text());
    assert_eq!(rows.len(), 1, "{}", run.text());
    assert_eq!(rows[0][..2], [one, one]);
}
