//! What each backend can do, as `docs/BACKENDS.md`: `--markdown`.
//!
//! Two runs on machines with the same series of libraries write the same text: no times, no patch
//! levels. It shows each library paired with itself, whatever other pairs ran.

use std::fmt::Write as _;

use tls_conformance::{Answer, DIFFERENCES, Difference, Outcome, Told};

use super::proof::{Proof, by_side};
use super::run::{Library, Observed, Run, Tally};
use crate::failure::Result;
use crate::output;

pub(super) fn report(run: &Run) -> Result<String> {
    let sections = [
        head(run),
        libraries(run),
        capabilities(run),
        suite(run),
        faults(run),
        differences(run, DIFFERENCES),
    ];
    Ok(sections.join("\n"))
}

fn head(run: &Run) -> String {
    let mut text = HEAD.to_owned();
    if !run.filter.is_empty() {
        let _ = writeln!(text, "\nOnly the cases with `{}` in their name ran.", run.filter);
    }
    text
}

fn libraries(run: &Run) -> String {
    let mut table = output::table(["backend", "library"]);
    for library in &run.libraries {
        table.add_row([format!("`{}`", library.name), series(&library.library)]);
    }
    format!("{LIBRARIES}\n{table}\n")
}

fn capabilities(run: &Run) -> String {
    let names = run.libraries.iter().map(|library| format!("`{}`", library.name));
    let header = ["capability".to_owned(), "side".to_owned()].into_iter().chain(names);
    let mut table = output::table(header);
    for (capability, side) in by_side() {
        let cell = |library: &Library| match Proof::of(run, library, capability, side) {
            Some(Proof::Kept(cases)) => format!("yes, {cases}"),
            Some(Proof::Refused(cases)) => format!("**refused**, {cases}"),
            None => String::new(),
        };
        let row = [format!("`{capability}`"), side.name().to_owned()];
        table.add_row(row.into_iter().chain(run.libraries.iter().map(cell)));
    }
    format!("{CAPABILITIES}\n{table}\n")
}

fn suite(run: &Run) -> String {
    let mut table = output::table(["backend", "passed", "refused", "failed", "refused by"]);
    for library in &run.libraries {
        let Tally { passed, refused, failed, took: _ } = Tally::of(run.alone(library));
        let numbers = [passed, refused, failed].map(|n| n.to_string());
        let row = [format!("`{}`", library.name)].into_iter().chain(numbers);
        table.add_row(row.chain([refusals(run, library)]));
    }
    format!("{SUITE}\n{table}\n")
}

/// The capabilities that refused cases, and how many.
fn refusals(run: &Run, library: &Library) -> String {
    let count = |capability| {
        run.alone(library).filter(|v| v.outcome == Outcome::Refused(capability)).count()
    };
    let counts = polytls::Capability::ALL.iter().map(|&capability| (capability, count(capability)));
    let refused = counts.filter(|(_, n)| *n > 0).map(|(what, n)| format!("`{what}` {n}"));
    refused.collect::<Vec<_>>().join(", ")
}

fn faults(run: &Run) -> String {
    let names = run.libraries.iter().map(|library| format!("`{}`", library.name));
    let header = ["fault", "what is told"].map(str::to_owned);
    let mut table = output::table(header.into_iter().chain(names));
    for Observed { case, told } in &run.faults {
        let name = case.name().trim_start_matches("faults::").replace('_', " ");
        let expected = case.fault().and_then(|allowed| allowed.first());
        let cell = |told: &Option<Told>| match told {
            Some(told) if Some(told) == expected => "same".into(),
            Some(told) => format!("**{told}**"),
            None => "-".into(),
        };
        let row = [name, expected.map(ToString::to_string).unwrap_or_default()];
        table.add_row(row.into_iter().chain(told.iter().map(cell)));
    }
    format!("{FAULTS}\n{table}\n")
}

fn differences(run: &Run, differences: &[Difference]) -> String {
    let mut text = DIFFERENT.to_owned();
    for Difference { situation, answers, cases } in differences {
        let _ = writeln!(text, "\n### {situation}\n");
        for Answer { what, backends } in *answers {
            let _ = writeln!(text, "- {}: {what}", names(backends));
        }
        let told = |name| answers.iter().any(|answer| answer.backends.contains(&name));
        let others = run.libraries.iter().map(|library| library.name).filter(|name| !told(name));
        let others = others.collect::<Vec<_>>();
        if !others.is_empty() {
            let _ = writeln!(text, "- {}: not yet looked at", names(&others));
        }
        text.push('\n');
        match cases {
            [] => text.push_str("No case asks for this: it is known from reading and trying.\n"),
            cases => {
                text.push_str("Allowed by:\n\n");
                cases.iter().for_each(|case| {
                    let _ = writeln!(text, "- `{case}`");
                });
            }
        }
    }
    text
}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A library's name without what two machines may have differently: the third number of a version
/// and what follows it, and a date.
fn series(library: &str) -> String {
    let words = library.split(' ').collect::<Vec<_>>();
    let mut series: Vec<String> = Vec::new();
    let mut rest = words.as_slice();
    while let [word, after @ ..] = rest {
        rest = after;
        match (date(word, after), series.last_mut()) {
            (Some((behind, after)), Some(last)) => {
                last.push_str(behind);
                rest = after;
            }
            _ => series.push(two_numbers(word)),
        }
    }
    series.join(" ")
}

/// Of a date such as `25 Aug 2026`, the bracket behind the year, and what follows.
fn date<'a, 'b>(day: &str, words: &'b [&'a str]) -> Option<(&'a str, &'b [&'a str])> {
    let number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains('.');
    let month = |word: &str| word.len() == 3 && word.chars().all(|c| c.is_ascii_alphabetic());
    match words {
        [name, year, after @ ..] if number(day) && month(name) && number(year) => {
            Some((year.trim_start_matches(|c: char| c.is_ascii_digit()), after))
        }
        _ => None,
    }
}

/// `3.0.22` as `3.0`; what is no version as it is.
fn two_numbers(word: &str) -> String {
    let Some(at) = word.find(|c: char| c.is_ascii_digit()) else { return word.to_owned() };
    let (before, version) = word.split_at(at);
    let mut numbers = version.split('.');
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(major), Some(minor), Some(_)) => {
            let brackets = version.trim_start_matches(|c| !matches!(c, ')' | ']' | ','));
            format!("{before}{major}.{minor}{brackets}")
        }
        _ => word.to_owned(),
    }
}

const HEAD: &str = "\
# What each backend can do

<!-- Written by `cargo xtask truth`; a change by hand is found by `cargo xtask test`. -->

What a backend says of itself (`capabilities()`), and what the shared suite showed of it when it was paired with itself.
`polytls conformance --markdown FILE` writes this page for any build.
";

const LIBRARIES: &str = "\
## The libraries

The page holds for these series. What a library can do may depend on the one that is linked: OpenSSL has `post-quantum`
from 3.5 on. `polytls backends` asks the libraries on your machine.
";

const CAPABILITIES: &str = "\
## Capabilities

- **yes, 12**: the backend says that it can, and 12 cases that need it on this side passed. 0 means that the cases need
  of the other side what this one lacks there: they pass beside other backends, in the tests of all pairs.
- **refused, 3**: it says that it cannot; 3 cases that need it on this side were refused by exactly this name, and failed
  when the backend was made to claim it. 0 means that such cases are refused for something else that is missing too.

A capability has a row for each side on which it means something: where a case needs it of the client, of the server.
";

const SUITE: &str = "\
## The suite

A refused case needs what the backend says it lacks, and was refused by its name.
";

const FAULTS: &str = "\
## Faults

What every backend should say of a fault: the kind of the error on the side that meets it, and in brackets the alert that
the other side sees; and what each library said of it, paired with itself. **Bold**: something else, allowed where the
library leaves no choice, or where it has no reasons to tell. A dash: it does not come into the situation, for what it
lacks. Each row is a case of the suite, `faults::…`.
";

const DIFFERENT: &str = "\
## Where backends still differ

Everything else that the suite asks gives the same answer on every backend. These do not, because a library decides it
where nobody else can. All of them fail safely: the difference is in how a refusal looks, or in a peer that no one should
meet. Where cases meet one of them they allow exactly what stands here.
";

#[cfg(test)]
mod tests {
    use polytls::Capability;

    use super::super::samples;
    use super::*;

    #[test]
    fn the_page_has_what_was_shown_and_no_more() {
        let outcome = |needs| match needs {
            Capability::PostQuantum => Outcome::Refused(needs),
            _ => Outcome::Passed,
        };
        let run = samples::run_of(&[Capability::PostQuantum, Capability::Tls12Client], outcome);
        let page = report(&run).unwrap();
        let rows: Vec<Vec<_>> = page
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
            .collect();
        for row in [
            &["`sample`", "Sample 1.2"][..],
            &["`post-quantum`", "client", "**refused**, 1"],
            &["`tls12-client`", "client", "yes, 1"],
            &["`sample`", "1", "1", "0", "`post-quantum` 1"],
        ] {
            assert!(rows.iter().any(|found| found == row), "no {row:?} in\n{page}");
        }
        assert!(!page.contains("`tls12-client` | server"));
    }

    #[test]
    fn a_backend_that_no_difference_names_is_not_passed_over() {
        let answers = &[Answer { what: "goes on", backends: &["other"] }];
        let difference = Difference { situation: "It rains", answers, cases: &[] };
        let text = differences(&samples::run([Outcome::Passed]), &[difference]);
        assert!(text.contains("- `other`: goes on\n- `sample`: not yet looked at\n"), "{text}");
    }

    #[test]
    fn a_series_has_no_patch_level_and_no_date() {
        for (library, expected) in [
            ("OpenSSL 3.0.22 25 Aug 2026", "OpenSSL 3.0"),
            ("over (OpenSSL 3.5.1 1 Jul 2025)", "over (OpenSSL 3.5)"),
            ("over (OpenSSL 3.5.1)", "over (OpenSSL 3.5)"),
            ("OpenSSL 3.0.2-beta1+fips", "OpenSSL 3.0"),
            ("rustls 0.23 with aws-lc-rs", "rustls 0.23 with aws-lc-rs"),
            ("s2n-tls v1.5.27", "s2n-tls v1.5"),
        ] {
            assert_eq!(series(library), expected);
        }
    }
}
