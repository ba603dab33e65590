//! The counts that must not grow: `benches/baseline.tsv`.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, bail};

use super::figures::{ADAPTER, DISPATCHED, Figures, OURS};
use crate::root;

const FILE: &str = "benches/baseline.tsv";

/// What is counted, and is the same in each run.
const KINDS: &[&str] =
    &["instructions", "allocations-client", "allocations-server", "reads", "records", "writes"];

/// How much more there may be.
const TOLERANCE: f64 = 0.02;

/// A ratio, by its name.
type Row = (String, f64);

/// Makes what is counted now the baseline.
pub(super) fn write(figures: &Figures) -> Result<()> {
    fs::write(root().join(FILE), text(figures)).context(FILE)?;
    println!("bench: {FILE} is written");
    Ok(())
}

/// Fails if a count has grown.
pub(super) fn compare(figures: &Figures) -> Result<()> {
    let written = fs::read_to_string(root().join(FILE)).context(FILE)?;
    let there = libraries(&written);
    let mut left_out = Vec::new();
    for (backend, here) in figures.libraries() {
        let Some((_, library)) = there.iter().find(|(name, _)| *name == backend) else { continue };
        if *library != here {
            println!(
                "{backend}: not compared; the baseline is of {library}, this machine has {here}"
            );
            left_out.push(backend);
        }
    }
    let is_left_out = |name: &str| name.split('\t').any(|part| left_out.contains(&part));
    let (old, new) = (rows(&written)?, rows(&text(figures))?);
    let compared = old.iter().filter(|(name, _)| !is_left_out(name));
    let faults = grown(compared, &new);
    if !faults.is_empty() {
        bail!(
            "more than {FILE} says, by over {:.0} %:\n  {}\n`cargo xtask bench --baseline` writes \
             it anew, if that is meant",
            100.0 * TOLERANCE,
            faults.join("\n  ")
        );
    }
    println!("bench: none of {} counts has grown", old.len());
    Ok(())
}

/// What is more than it was, or gone.
fn grown<'a>(old: impl Iterator<Item = &'a Row>, new: &[Row]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, was) in old {
        match new.iter().find(|(other, _)| other == name) {
            None => faults.push(format!("{}: not counted any more", name.replace('\t', " "))),
            Some((_, is)) if *is > was * (1.0 + TOLERANCE) => {
                faults.push(format!("{}: {is:.4}, and was {was:.4}", name.replace('\t', " ")));
            }
            Some(_) => {}
        }
    }
    faults
}

fn text(figures: &Figures) -> String {
    let mut out = String::from(
        "# Counts of polytls, as ratios to the library: `cargo xtask bench --baseline`\n",
    );
    for (backend, library) in figures.libraries() {
        let _ = writeln!(out, "# {backend}: {library}"); // into memory
    }
    for figure in figures.iter() {
        let ours = [OURS, DISPATCHED, ADAPTER].contains(&figure.stack.as_str());
        if !ours || !KINDS.contains(&figure.kind.as_str()) {
            continue;
        }
        let (kind, scenario, library) = (&figure.kind, &figure.scenario, &figure.library);
        let stack = &figure.stack;
        if let Some(ratio) = figures.ratio(kind, scenario, library, stack) {
            let _ = writeln!(out, "{kind}\t{scenario}\t{library}\t{stack}\t{ratio:.4}");
        }
    }
    out
}

fn libraries(text: &str) -> Vec<(&str, &str)> {
    text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(": ")).collect()
}

fn rows(text: &str) -> Result<Vec<Row>> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let (name, ratio) = line.rsplit_once('\t').context(FILE)?;
        Ok((name.to_owned(), ratio.parse().with_context(|| format!("{FILE}: {line}"))?))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::figures::Figure;
    use super::*;

    fn figures(ours: f64) -> Figures {
        let line = |stack, value| format!("reads\tbulk\trustls\t{stack}\t{value}");
        let lines = [line("raw", 100.0), line("polytls", ours), line("tokio-rustls", 300.0)];
        let mut figures = Figures::default();
        figures.add(lines.iter().map(|line| Figure::read(line).unwrap()).collect());
        figures.add(vec![Figure::read("library\trustls 0.23\trustls\t-").unwrap()]);
        figures
    }

    fn compare(old: f64, new: f64) -> Vec<String> {
        let (old, new) = (text(&figures(old)), text(&figures(new)));
        grown(rows(&old).unwrap().iter(), &rows(&new).unwrap())
    }

    #[test]
    fn only_what_grows_by_more_than_the_tolerance_is_a_fault() {
        assert_eq!(compare(50.0, 50.0), [""; 0]);
        assert_eq!(compare(50.0, 50.9), [""; 0]);
        assert_eq!(compare(50.0, 20.0), [""; 0]);
        assert_eq!(compare(50.0, 51.1), ["reads bulk rustls polytls: 0.5110, and was 0.5000"]);
    }

    #[test]
    fn what_is_not_counted_any_more_is_a_fault() {
        let old = rows(&text(&figures(1.0))).unwrap();
        assert_eq!(grown(old.iter(), &[]), ["reads bulk rustls polytls: not counted any more"]);
    }

    #[test]
    fn the_libraries_are_in_the_file() {
        let text = text(&figures(1.0));
        assert!(libraries(&text).contains(&("rustls", "rustls 0.23")));
    }
}
