//! `polytls conformance`: the suite, with a table and reports.

mod html;
mod json;
mod junit;
mod markdown;
mod proof;
mod run;
mod summary;

use crate::cli::Conformance;
use crate::failure::{Failure, Result};
use crate::limbo;
use crate::output::{self, OutputFile};

use run::{Plan, Run, Tally};

pub(crate) use proof::by_side;

/// What a report makes of a run.
type Report = fn(&Run) -> Result<String>;

pub(crate) fn run(args: &Conformance) -> Result {
    if let Some(file) = &args.limbo {
        let filter = args.filter.as_deref().unwrap_or_default();
        let backends = run::choose(&args.backends)?;
        let (json, markdown) = (args.json.as_deref(), args.markdown.as_deref());
        return limbo::run(file, &backends, filter, json, markdown);
    }
    let plan = Plan::new(args)?;
    let reports = reports(args)?;
    let run = plan.judge();
    for (file, report) in reports {
        file.write(&report(&run)?)?;
    }
    conclude(&run)
}

/// Opens what was asked for: a wrong path is known before the suite runs.
fn reports(args: &Conformance) -> Result<Vec<(OutputFile, Report)>> {
    let wanted: [(_, Report); 4] = [
        (&args.html, html::report),
        (&args.json, json::report),
        (&args.junit, junit::report),
        (&args.markdown, markdown::report),
    ];
    let mut reports = Vec::new();
    for (path, report) in wanted {
        if let Some(path) = path {
            reports.push((OutputFile::create(path)?, report));
        }
    }
    Ok(reports)
}

fn conclude(run: &Run) -> Result {
    output::line(summary::text(run))?;
    let tally = Tally::of(&run.verdicts);
    match tally.failed {
        0 => Ok(()),
        n => Err(Failure::Report(format!("conformance: {n} of {} failed", tally.all()))),
    }
}

#[cfg(test)]
mod samples;

#[cfg(test)]
mod tests {
    use tls_conformance::Outcome;

    use super::*;

    #[test]
    fn a_failed_case_fails_the_run() {
        let failed = samples::run([Outcome::Passed, Outcome::Failed("it broke".into())]);
        assert!(matches!(conclude(&failed), Err(Failure::Report(_))));
        assert!(conclude(&samples::run([Outcome::Passed])).is_ok());
    }
}
