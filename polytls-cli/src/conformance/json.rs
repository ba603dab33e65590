//! Every outcome for programs: `--json`.

use serde_json::{Value, json};
use tls_conformance::Outcome;

use super::run::{Run, Verdict};
use crate::failure::Result;

pub(super) fn report(run: &Run) -> Result<String> {
    let verdicts = run.verdicts.iter().map(to_json).collect::<Value>();
    Ok(format!("{verdicts:#}\n"))
}

fn to_json(verdict: &Verdict) -> Value {
    let Verdict { case, client, server, outcome, took } = verdict;
    let (outcome, capability, reason) = match outcome {
        Outcome::Passed => ("passed", None, None),
        Outcome::Refused(capability) => ("refused", Some(capability.name()), None),
        Outcome::Failed(reason) => ("failed", None, Some(reason)),
    };
    json!({
        "case": case.name(),
        "promise": case.promise(),
        "client": client,
        "server": server,
        "outcome": outcome,
        "capability": capability,
        "reason": reason,
        "milliseconds": took.as_secs_f64() * 1000.0,
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_failure_is_told_with_its_reason() {
        let run = samples::run([Outcome::Passed, Outcome::Failed("it broke".into())]);
        let report: Value = serde_json::from_str(&report(&run).unwrap()).unwrap();
        assert_eq!(report[0]["reason"], Value::Null);
        assert_eq!(
            (&report[1]["outcome"], &report[1]["reason"]),
            (&"failed".into(), &"it broke".into())
        );
    }
}
