//! `demo`, `backends` and `conformance`.

use polytls::{Capability, backend::by_name};
use quick_junit::Report;
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
        assert_eq!(backend.as_object().unwrap().len(), 5);
        assert!(people.text().contains(backend["library"].as_str().unwrap()));
        let names = |list: &str| {
            let list = backend[list].as_array().unwrap();
            list.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>()
        };
        for name in names("capabilities") {
            assert!(name.parse::<Capability>().is_ok(), "{name}");
            assert!(people.text().contains(name), "{name}");
            assert!(names("client").contains(&name) || names("server").contains(&name), "{name}");
        }
        assert!(!names("client").contains(&"alpn-server"));
        assert!(!names("server").contains(&"alpn-client"));
    }
    let rows = rows(people.text());
    let sides = |name: &str| {
        let of = rows.iter().filter(|row| row[0] == name);
        of.map(|row| row[1]).collect::<Vec<_>>()
    };
    assert_eq!(sides("alpn-server"), ["server"]);
    assert_eq!(sides("cipher-suites"), ["client", "server"]);
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
fn the_page_has_every_case_once_and_needs_nothing_else() {
    let files = Certificates::new();
    let path = files.path("report.html");
    polytls(["conformance", "--filter", "facts::", "--html", &path]).expect(0);
    let page = std::fs::read_to_string(path).unwrap();
    for case in CASES {
        let rows = page.matches(&format!("<tr id=\"{}\"", case.name())).count();
        assert_eq!(rows, usize::from(case.name().contains("facts::")), "{}", case.name());
    }
    // A pair is a column: each case that is not of one side alone has a cell in each.
    let pairs = CASES.iter().filter(|case| case.name().contains("facts::"));
    let pairs = pairs.filter(|case| case.role() == tls_conformance::Role::Pair).count();
    for client in BACKENDS.iter() {
        for server in BACKENDS.iter() {
            let cells = page.matches(&format!("data-pair=\"{client} → {server}\"")).count();
            assert!(cells == pairs || client == server && cells > pairs, "{client} → {server}");
        }
    }
    for outside in ["src=", "http:", "https:", "url(", "@import", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn the_junit_report_has_what_the_json_report_has() {
    let files = Certificates::new();
    let (json, junit) = (files.path("report.json"), files.path("report.xml"));
    let args = ["conformance", "--filter", "facts::", "--json", &json, "--junit", &junit];
    polytls(args).expect(0);
    let json = files.facts("report.json");
    let trials = json.as_array().unwrap();
    let junit = Report::deserialize_from_str(&std::fs::read_to_string(junit).unwrap()).unwrap();
    assert_eq!(junit.test_suites.len(), BACKENDS.len().pow(2));
    assert_eq!((junit.tests, junit.failures, junit.errors), (trials.len(), 0, 0));
    let tests = junit.test_suites.iter().flat_map(|suite| &suite.test_cases);
    for (test, trial) in tests.zip(trials) {
        let [case, client, server] =
            ["case", "client", "server"].map(|of| trial[of].as_str().unwrap());
        let (group, name) = case.split_once("::").unwrap();
        assert_eq!(test.name.as_str(), name);
        let class = test.classname.as_ref().unwrap().as_str();
        assert_eq!(class, format!("{client}-to-{server}.{group}"));
        let refused = test.properties.iter().find(|property| property.name.as_str() == "refused");
        assert_eq!(refused.map(|property| property.value.as_str()), trial["capability"].as_str());
    }
}

#[test]
fn the_markdown_is_the_same_again_and_whatever_other_pairs_ran() {
    let files = Certificates::new();
    let write = |name: &str, more: &[&str]| {
        let path = files.path(name);
        let args = ["conformance", "--filter", "alpn::", "--markdown", &path];
        polytls(args.iter().chain(more)).expect(0);
        std::fs::read_to_string(path).unwrap()
    };
    let page = write("all.md", &[]);
    assert_eq!(page, write("again.md", &["--self-only"]));
    for backend in BACKENDS.iter() {
        assert!(page.contains(&format!("`{backend}`")), "{page}");
    }
    let alpn = rows(&page).into_iter().find(|row| row[0] == "`alpn-server`").unwrap();
    assert!(alpn[1] == "server" && alpn[2].starts_with("yes, "), "{alpn:?}");
    for difference in tls_conformance::DIFFERENCES {
        assert!(page.contains(difference.situation), "{page}");
    }
}

#[test]
fn a_library_can_be_paired_with_itself_only() {
    let run = polytls(["conformance", "--self-only", "--filter", CASES[0].name()]).expect(0);
    let rows = rows(run.text());
    assert_eq!(rows.len(), BACKENDS.len(), "{}", run.text());
    assert!(rows.iter().all(|row| row[0] == row[1]), "{}", run.text());
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
