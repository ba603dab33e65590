//! The same programs on Debian's libretls: each difference is written down in `docs/c.md`, with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use crate::built::{BUILT, files, source, succeed};

/// The values of each fact, in order.
type Facts = BTreeMap<String, Vec<String>>;

fn facts(text: &str) -> Facts {
    let mut facts = Facts::new();
    for line in text.lines() {
        let (name, value) = line.split_once(" = ").unwrap_or((line, ""));
        facts.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    facts
}

/// The facts of a program that the page says are different.
fn documented(program: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(source().join("../docs/c.md")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let (of, fact) = (cells.next()?.strip_suffix('`')?, cells.next()?);
        let reason = cells.next()?.strip_suffix(" |")?;
        assert!(!reason.is_empty(), "{line}");
        (of == program).then(|| fact.trim_matches('`').to_owned())
    });
    rows.collect()
}

/// Compares what is written down of `program` with what it prints on libretls.
fn compare(program: &str, arguments: &[&str], written: &str) {
    let folder = files();
    let mut command = Command::new(BUILT.program(program));
    // The linker has found ours; the loader finds the system's.
    command.env_remove("LD_LIBRARY_PATH").env("LIBRETLS", "1");
    let output = succeed(command.arg(folder.path()).args(arguments));
    let text = String::from_utf8_lossy(&output.stdout);
    let theirs = facts(&text.replace(&folder.path().display().to_string(), "FOLDER"));
    let ours = fs::read_to_string(source().join("tests/facts").join(written)).unwrap();
    let ours = facts(&ours);
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).cloned().collect();
    let differ: BTreeSet<_> =
        names.into_iter().filter(|name| ours.get(name) != theirs.get(name)).collect();
    // A group of facts is written with a star.
    let documented = documented(program);
    let fits = |fact: &str, row: &str| match row.strip_suffix('*') {
        Some(beginning) => fact.starts_with(beginning),
        None => fact == row,
    };
    let unknown: Vec<_> =
        differ.iter().filter(|fact| !documented.iter().any(|row| fits(fact, row))).collect();
    assert!(unknown.is_empty(), "{program} {arguments:?}: not on the page: {unknown:?}");
    let untrue: Vec<_> =
        documented.iter().filter(|row| !differ.iter().any(|fact| fits(fact, row))).collect();
    assert!(untrue.is_empty(), "{program} {arguments:?}: not true any more: {untrue:?}");
}

#[test]
fn libretls_differs_where_the_page_says_so() {
    compare("config", &[], "config.txt");
    compare("peer", &[], "peer.txt");
    compare("blocking", &[], "blocking.txt");
    for version in ["tlsv1.2", "tlsv1.3"] {
        for transport in ["cbs", "crossed", "fds", "socket"] {
            compare("echo", &[transport, version], &format!("echo-{version}.txt"));
        }
    }
}
