//! `polytls conformance`: the suite, with a table and a report.

use std::fmt::Write as _;
use std::panic;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use polytls::{Backend, backend};
use serde_json::{Value, json};
use tls_conformance::{CASES, Case, Outcome, Role};

use crate::cli::{Conformance, usage};
use crate::facts::JsonFile;
use crate::failure::{Failure, Result};
use crate::output;

/// One case on one pair.
struct Verdict {
    case: &'static Case,
    client: &'static str,
    server: &'static str,
    outcome: Outcome,
    took: Duration,
}

type Pair = (&'static dyn Backend, &'static dyn Backend);

pub(crate) fn run(args: &Conformance) -> Result {
    let backends = choose(&args.backends)?;
    let filter = args.filter.as_deref().unwrap_or_default();
    let cases =
        CASES.iter().copied().filter(|case| case.name().contains(filter)).collect::<Vec<_>>();
    let trials = trials(&cases, &backends);
    if trials.is_empty() {
        return Err(usage(format!("no case that can run here has '{filter}' in its name")));
    }
    let json = args.json.as_deref().map(JsonFile::create).transpose()?;
    let verdicts = judge(&trials);
    if let Some(file) = json {
        file.write(&verdicts.iter().map(to_json).collect())?;
    }
    output::line(summary(&verdicts))?;
    match verdicts.iter().filter(|verdict| matches!(verdict.outcome, Outcome::Failed(_))).count() {
        0 => Ok(()),
        n => Err(Failure::Report(format!("conformance: {n} of {} failed", verdicts.len()))),
    }
}

fn choose(names: &[String]) -> Result<Vec<&'static dyn Backend>> {
    if names.is_empty() {
        return Ok(backend::all().to_vec());
    }
    let mut chosen: Vec<&'static dyn Backend> = Vec::new();
    for name in names {
        let backend = backend::by_name(name)?;
        if chosen.iter().all(|already| already.name() != backend.name()) {
            chosen.push(backend);
        }
    }
    Ok(chosen)
}

fn trials(
    cases: &[&'static Case],
    backends: &[&'static dyn Backend],
) -> Vec<(Pair, &'static Case)> {
    let mut trials = Vec::new();
    for &client in backends {
        for &server in backends {
            let alone = client.name() == server.name();
            let fits = |case: &&&'static Case| match case.role() {
                Role::Client | Role::Server => alone,
                Role::Pair => true,
            };
            trials.extend(cases.iter().filter(fits).map(|&case| ((client, server), case)));
        }
    }
    trials
}

fn judge(trials: &[(Pair, &'static Case)]) -> Vec<Verdict> {
    let bar = ProgressBar::new(trials.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    // A case fails by a panic, whose text is in the outcome.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let mut verdicts = Vec::new();
    for &((client, server), case) in trials {
        bar.set_message(format!("{} → {} {}", client.name(), server.name(), case.name()));
        let began = Instant::now();
        let outcome = case.judge(client, server);
        let took = began.elapsed();
        verdicts.push(Verdict {
            case,
            client: client.name(),
            server: server.name(),
            outcome,
            took,
        });
        bar.inc(1);
    }
    panic::set_hook(hook);
    bar.finish_and_clear();
    verdicts
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

/// What failed, then one row a pair.
fn summary(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    for Verdict { case, client, server, outcome, .. } in verdicts {
        if let Outcome::Failed(why) = outcome {
            let why = why.replace('\n', "\n  ");
            let _ = writeln!(text, "FAILED {} ({client} → {server})", case.name());
            let _ = writeln!(text, "  promised: {}\n  {why}", case.promise());
        }
    }
    let mut table = output::table(["client", "server", "passed", "refused", "failed", "seconds"]);
    let pair = |a: &Verdict, b: &Verdict| (a.client, a.server) == (b.client, b.server);
    for group in verdicts.chunk_by(pair) {
        let [mut passed, mut refused, mut failed] = [0_u32; 3];
        for verdict in group {
            match verdict.outcome {
                Outcome::Passed => passed += 1,
                Outcome::Refused(_) => refused += 1,
                Outcome::Failed(_) => failed += 1,
            }
        }
        let took = group.iter().map(|verdict| verdict.took).sum::<Duration>();
        table.add_row([
            group[0].client.to_owned(), // a chunk is never empty
            group[0].server.to_owned(),
            passed.to_string(),
            refused.to_string(),
            failed.to_string(),
            format!("{:.2}", took.as_secs_f64()),
        ]);
    }
    let _ = write!(text, "{table}");
    text
}
