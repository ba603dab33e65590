//! What is printed at the end: what failed, then one row a pair.

use std::fmt::Write as _;

use tls_conformance::Outcome;

use super::run::{Run, Tally, Verdict};
use crate::output;

pub(super) fn text(run: &Run) -> String {
    let mut text = String::new();
    for Verdict { case, client, server, outcome, .. } in &run.verdicts {
        if let Outcome::Failed(why) = outcome {
            let why = why.replace('\n', "\n  ");
            let _ = writeln!(text, "FAILED {} ({client} → {server})", case.name());
            let _ = writeln!(text, "  promised: {}\n  {why}", case.promise());
        }
    }
    let mut table = output::table(["client", "server", "passed", "refused", "failed", "seconds"]);
    for verdicts in run.pairs() {
        let Tally { passed, refused, failed, took } = Tally::of(verdicts);
        table.add_row([
            verdicts[0].client.to_owned(), // a pair that ran has a verdict
            verdicts[0].server.to_owned(),
            passed.to_string(),
            refused.to_string(),
            failed.to_string(),
            format!("{:.2}", took.as_secs_f64()),
        ]);
    }
    let _ = write!(text, "{table}");
    text
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_failed_case_is_told() {
        let run = samples::run([Outcome::Passed, Outcome::Failed("it broke".into())]);
        let text = text(&run);
        assert!(text.contains(run.verdicts[1].case.name()) && text.contains("it broke"), "{text}");
    }
}
