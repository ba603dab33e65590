//! A run as one page for people, that needs nothing beside itself: `--html`.

use std::collections::HashMap;
use std::time::Duration;

use askama::Template;
use polytls::Capability;
use tls_conformance::{CASES, Case, Outcome, Role, Side};

use super::proof::Proof;
use super::run::{Library, Run, Tally, Verdict};
use crate::failure::{Failure, Result};

pub(super) fn report(run: &Run) -> Result<String> {
    Page::new(run).render().map_err(|e| Failure::Report(format!("HTML: {e}")))
}

/// What `templates/report.html` shows. The template escapes whatever it is given.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    version: &'static str,
    verdict: String,
    filter: &'a str,
    tally: Tally,
    cases: usize,
    libraries: &'a [Library],
    pairs: Vec<(&'static str, &'static str)>,
    matrix: Vec<MatrixRow<'a>>,
    capabilities: Vec<CapabilityRow>,
    /// Each client, and the servers that it met.
    columns: Vec<(&'static str, Vec<&'static str>)>,
    groups: Vec<Group>,
}

struct MatrixRow<'a> {
    client: &'static str,
    library: &'a str,
    tallies: Vec<Option<Tally>>,
}

struct CapabilityRow {
    capability: Capability,
    /// As client and as server, library by library.
    proofs: Vec<Option<Proof>>,
}

struct Group {
    name: &'static str,
    rows: Vec<Row>,
}

/// A case on every pair.
struct Row {
    name: &'static str,
    /// The name, cut where a line may end.
    pieces: Vec<&'static str>,
    promise: &'static str,
    about: String,
    outcomes: String,
    reasons: Vec<Reason>,
    cells: Vec<Option<Cell>>,
}

struct Cell {
    outcome: Shown,
    pair: String,
    /// Whether it is the first one of a client.
    first: bool,
    took: String,
}

/// Why something was refused or failed, and where.
struct Reason {
    outcome: Shown,
    why: String,
    pairs: Vec<String>,
}

/// How an outcome is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    class: &'static str,
    mark: &'static str,
    name: &'static str,
}

impl<'a> Page<'a> {
    fn new(run: &'a Run) -> Self {
        let pairs: Vec<_> = run.pairs().map(|all| (all[0].client, all[0].server)).collect();
        let servers =
            |all: &[(&'static str, &'static str)]| all.iter().map(|pair| pair.1).collect();
        let columns =
            pairs.chunk_by(|a, b| a.0 == b.0).map(|all| (all[0].0, servers(all))).collect();
        let groups = groups(run, &pairs);
        let cases = groups.iter().map(|group| group.rows.len()).sum();
        let tally = Tally::of(&run.verdicts);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            verdict: match tally.failed {
                0 => "Every promise is kept".to_owned(),
                1 => "1 trial failed".to_owned(),
                n => format!("{} trials failed", thousands(n)),
            },
            filter: &run.filter,
            tally,
            cases,
            libraries: &run.libraries,
            pairs,
            matrix: run.libraries.iter().map(|client| matrix_row(run, client)).collect(),
            capabilities: Capability::ALL.iter().map(|&what| capability_row(run, what)).collect(),
            columns,
            groups,
        }
    }

    fn failed_rows(&self) -> impl Iterator<Item = &Row> {
        let rows = self.groups.iter().flat_map(|group| &group.rows);
        rows.filter(|row| row.outcomes.contains(Shown::FAILED.class))
    }

    /// How many cases have this outcome on some pair.
    fn rows_with(&self, class: &str) -> usize {
        let rows = self.groups.iter().flat_map(|group| &group.rows);
        rows.filter(|row| row.outcomes.contains(class)).count()
    }

    fn number(&self, n: usize) -> String {
        thousands(n)
    }

    fn seconds(&self, took: Duration) -> String {
        format!("{:.1}", took.as_secs_f64())
    }
}

fn matrix_row<'a>(run: &'a Run, client: &'a Library) -> MatrixRow<'a> {
    let tally = |server: &Library| {
        let pair = (client.name, server.name);
        run.pairs().find(|all| (all[0].client, all[0].server) == pair).map(Tally::of)
    };
    let tallies = run.libraries.iter().map(tally).collect();
    MatrixRow { client: client.name, library: &client.library, tallies }
}

fn capability_row(run: &Run, capability: Capability) -> CapabilityRow {
    let of = |library| Side::BOTH.map(|side| Proof::of(run, library, capability, side));
    CapabilityRow { capability, proofs: run.libraries.iter().flat_map(of).collect() }
}

fn groups(run: &Run, pairs: &[(&'static str, &'static str)]) -> Vec<Group> {
    let mut verdicts: HashMap<_, Vec<&Verdict>> = HashMap::new();
    for verdict in &run.verdicts {
        verdicts.entry(verdict.case.name()).or_default().push(verdict);
    }
    let of_case = |case: &&'static Case| Some(Row::new(case, verdicts.get(case.name())?, pairs));
    let mut groups: Vec<Group> = Vec::new();
    for row in CASES.iter().filter_map(of_case) {
        let name = row.name.split("::").next().unwrap_or_default();
        match groups.last_mut().filter(|group| group.name == name) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { name, rows: vec![row] }),
        }
    }
    groups
}

impl Row {
    fn new(
        case: &'static Case,
        verdicts: &[&Verdict],
        pairs: &[(&'static str, &'static str)],
    ) -> Self {
        let mut before = "";
        let cell = |&(client, server): &(&'static str, &'static str)| {
            let first = std::mem::replace(&mut before, client) != client;
            let verdict = verdicts.iter().find(|v| (v.client, v.server) == (client, server))?;
            let (outcome, pair) = (Shown::of(&verdict.outcome), pair(verdict));
            Some(Cell { outcome, pair, first, took: milliseconds(verdict.took) })
        };
        let mut reasons: Vec<Reason> = Vec::new();
        let mut classes: Vec<_> = Vec::new();
        for verdict in verdicts {
            let outcome = Shown::of(&verdict.outcome);
            classes.push(outcome.class);
            let why = match &verdict.outcome {
                Outcome::Passed => continue,
                Outcome::Refused(capability) => capability.to_string(),
                Outcome::Failed(why) => why.clone(),
            };
            match reasons.iter_mut().find(|reason| reason.outcome == outcome && reason.why == why) {
                Some(reason) => reason.pairs.push(pair(verdict)),
                None => reasons.push(Reason { outcome, why, pairs: vec![pair(verdict)] }),
            }
        }
        classes.sort_unstable();
        classes.dedup();
        Self {
            name: case.name(),
            pieces: case.name().split_inclusive(['_', ':']).collect(),
            promise: case.promise(),
            about: about(case),
            outcomes: classes.concat(),
            reasons,
            cells: pairs.iter().map(cell).collect(),
        }
    }
}

/// Which side a case concerns, and what it needs.
fn about(case: &Case) -> String {
    let mut about = Vec::new();
    match case.role() {
        Role::Client => about.push("a client alone".to_owned()),
        Role::Server => about.push("a server alone".to_owned()),
        Role::Pair => {}
    }
    for side in Side::BOTH {
        let needs = case.needs(side);
        if !needs.is_empty() {
            about.push(format!("the {} needs {needs}", side.name()));
        }
    }
    about.join("; ")
}

impl Reason {
    fn first_line(&self) -> &str {
        self.why.lines().next().unwrap_or_default()
    }
}

impl Shown {
    const PASSED: Self = Self { class: "p", mark: "✓", name: "passed" };
    const REFUSED: Self = Self { class: "r", mark: "⊘", name: "refused" };
    const FAILED: Self = Self { class: "f", mark: "✗", name: "failed" };

    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::PASSED,
            Outcome::Refused(_) => Self::REFUSED,
            Outcome::Failed(_) => Self::FAILED,
        }
    }
}

fn pair(verdict: &Verdict) -> String {
    format!("{} → {}", verdict.client, verdict.server)
}

/// With one decimal where it says something.
fn milliseconds(took: Duration) -> String {
    match took.as_secs_f64() * 1000.0 {
        ms if ms < 9.95 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

/// 12,345.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn what_a_case_says_is_escaped() {
        let why = "</script><script>alert('\"&')</script>\nbecause: <b>";
        let mut run = samples::run([Outcome::Passed, Outcome::Failed(why.into())]);
        run.filter = "<i>\"'&".into();
        run.libraries[0].library = "<u>Sample</u>".into();
        let page = report(&run).unwrap();
        for raw in ["<script>alert", "<b>\n", "because: <", "<i>", "<u>"] {
            assert!(!page.contains(raw), "{raw} in\n{page}");
        }
        // The one script of the page, and what was escaped: in the list of failures and in the row.
        assert_eq!(page.matches("<script>").count(), 1);
        assert_eq!(page.matches("script&#62;alert(").count(), 2, "{page}");
    }

    #[test]
    fn a_case_says_why_it_was_refused_or_failed_once_for_all_pairs() {
        let mut run = samples::run([
            Outcome::Refused(Capability::PostQuantum),
            Outcome::Failed("it broke".into()),
            Outcome::Passed,
        ]);
        let other = samples::run([Outcome::Refused(Capability::PostQuantum)]);
        run.verdicts.extend(other.verdicts.into_iter().map(|v| Verdict { server: "other", ..v }));
        let page = Page::new(&run);
        let rows: Vec<_> = page.groups.iter().flat_map(|group| &group.rows).collect();
        assert_eq!(
            rows.iter().map(|row| row.outcomes.as_str()).collect::<Vec<_>>(),
            ["r", "f", "p"]
        );
        assert_eq!(rows[0].reasons.len(), 1);
        assert_eq!(rows[0].reasons[0].pairs, ["sample → sample", "sample → other"]);
        assert_eq!(page.failed_rows().map(|row| row.name).collect::<Vec<_>>(), [rows[1].name]);
        assert!(page.verdict.contains("1 trial failed"));
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        let ms = |micros| milliseconds(Duration::from_micros(micros));
        assert_eq!([40, 1_250, 9_949, 9_950, 12_345].map(ms), ["0.0", "1.2", "9.9", "10", "12"]);
    }
}
