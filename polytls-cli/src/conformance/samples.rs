//! Runs that never happened, for the tests of the reports.

use std::time::Duration;

use polytls::{Capabilities, Capability};
use tls_conformance::{CASES, Case, Outcome, Side};

use super::run::{Library, Run, Verdict};

/// The first cases of the suite, with these outcomes.
pub(super) fn run(outcomes: impl IntoIterator<Item = Outcome>) -> Run {
    sample(CASES.iter().copied().zip(outcomes))
}

/// The first case that needs each capability of the client, with this outcome.
pub(super) fn run_of(needs: &[Capability], outcome: impl Fn(Capability) -> Outcome) -> Run {
    let first = |&needs: &Capability| {
        let needed = |case: &&Case| case.needs(Side::Client).contains(needs);
        let case = CASES.iter().copied().find(needed).unwrap();
        (case, outcome(needs))
    };
    sample(needs.iter().map(first))
}

/// One library paired with itself, which can do everything but post-quantum.
fn sample(verdicts: impl Iterator<Item = (&'static Case, Outcome)>) -> Run {
    let lacks = Capabilities::of(&[Capability::PostQuantum]);
    let library = Library {
        name: "sample",
        library: "Sample 1.2.3 4 May 2020".into(),
        capabilities: Capabilities::ALL.without(lacks),
    };
    let verdict = |(case, outcome)| Verdict {
        case,
        client: "sample",
        server: "sample",
        outcome,
        took: Duration::from_millis(2),
    };
    Run {
        libraries: vec![library],
        filter: String::new(),
        verdicts: verdicts.map(verdict).collect(),
        faults: Vec::new(),
    }
}
