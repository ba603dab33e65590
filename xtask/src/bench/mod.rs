//! What polytls costs: `docs/PERFORMANCE.md`, and the counts that must not grow.
//!
//! Times are only reported, since they are never twice the same. What is counted is the same in each run, and
//! as a ratio to the library in the same run it is nearly the same on another machine and with another
//! compiler: so that is what `--check` compares (docs/decisions/0033).

mod baseline;
mod chart;
mod figures;
mod machine;
mod measure;
mod page;
mod targets;

use std::fs;

use anyhow::{Context, Result};

use crate::root;
use figures::{Figure, Figures};

const PAGE: &str = "docs/PERFORMANCE.md";

/// What the last whole run has measured.
const LAST: &str = "target/bench.tsv";

/// What is to be done with what is measured.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write nothing; count what is the same in each run, and fail if it has grown
    #[arg(long, conflicts_with_all = ["baseline", "again"])]
    check: bool,
    /// Make what is counted now the baseline that must not grow
    #[arg(long)]
    baseline: bool,
    /// Write the page from what the last run has measured
    #[arg(long)]
    again: bool,
}

/// Counts what is the same in each run, and fails if it has grown.
pub(crate) fn check() -> Result<()> {
    let bench = measure::Bench::build()?;
    let mut figures = Figures::default();
    figures.add(bench.run(&["counted"])?);
    figures.add(bench.instructions()?);
    baseline::compare(&figures)
}

/// Measures everything, writes the page and compares with the baseline.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.check {
        return check();
    }
    let last = root().join(LAST);
    if !arguments.again {
        fs::write(&last, measure()?.text()).context(LAST)?;
    }
    let mut figures = Figures::default();
    let text = fs::read_to_string(&last).context("nothing has been measured yet")?;
    figures.add(text.lines().map(Figure::read).collect::<Result<_>>()?);
    for (name, chart) in page::charts(&figures) {
        let path = root().join("docs/performance").join(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(&path, chart).with_context(|| name.to_owned())?;
    }
    fs::write(root().join(PAGE), page::write(&figures)?).context(PAGE)?;
    println!("bench: {PAGE} is written");
    if arguments.baseline {
        return baseline::write(&figures);
    }
    baseline::compare(&figures)
}

fn measure() -> Result<Figures> {
    let bench = measure::Bench::build()?;
    let mut figures = Figures::default();
    for part in [&["counted"][..], &["heap", "50"], &["growth"], &["time"]] {
        figures.add(bench.run(part)?);
    }
    figures.add(bench.instructions()?);
    Ok(figures)
}
