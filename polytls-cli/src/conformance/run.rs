//! The run itself: which cases on which pairs, and how each ended.

use std::panic;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use polytls::{Backend, Capabilities, backend};
use tls_conformance::{CASES, Case, Outcome, Role, Told};

use crate::cli::{Conformance, usage};
use crate::failure::Result;

type Trial = (&'static dyn Backend, &'static dyn Backend, &'static Case);

/// What is to be run.
pub(super) struct Plan {
    backends: Vec<&'static dyn Backend>,
    filter: String,
    trials: Vec<Trial>,
}

/// What was run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) libraries: Vec<Library>,
    /// Only cases with this in their name ran. Empty: all.
    pub(super) filter: String,
    /// Pair by pair, each in the order of the cases.
    pub(super) verdicts: Vec<Verdict>,
    pub(super) faults: Vec<Observed>,
}

/// What each library makes of one fault, paired with itself.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) case: &'static Case,
    /// In the order of the libraries; `None` for one that does not come into the situation.
    pub(super) told: Vec<Option<Told>>,
}

/// A backend that took part.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) name: &'static str,
    /// As it calls itself.
    pub(super) library: String,
    pub(super) capabilities: Capabilities,
}

/// One case on one pair.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) case: &'static Case,
    pub(super) client: &'static str,
    pub(super) server: &'static str,
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
}

/// How many verdicts are which, and how long they took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) refused: usize,
    pub(super) failed: usize,
    pub(super) took: Duration,
}

impl Plan {
    pub(super) fn new(args: &Conformance) -> Result<Self> {
        let backends = choose(&args.backends)?;
        let filter = args.filter.clone().unwrap_or_default();
        let cases = CASES.iter().copied().filter(|case| case.name().contains(&filter));
        let trials = trials(&cases.collect::<Vec<_>>(), &backends, args.self_only);
        match trials.is_empty() {
            true => Err(usage(format!("no case that can run here has '{filter}' in its name"))),
            false => Ok(Self { backends, filter, trials }),
        }
    }

    /// Runs everything, with a bar that shows how far it is.
    pub(super) fn judge(self) -> Run {
        let bar = ProgressBar::new(self.trials.len() as u64);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        // A case fails by a panic, whose text is in the outcome.
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let mut verdicts = Vec::new();
        for (client, server, case) in self.trials {
            bar.set_message(format!("{} → {} {}", client.name(), server.name(), case.name()));
            let (client_name, server_name) = (client.name(), server.name());
            let began = Instant::now();
            let outcome = case.judge(client, server);
            let took = began.elapsed();
            let verdict = Verdict { case, client: client_name, server: server_name, outcome, took };
            verdicts.push(verdict);
            bar.inc(1);
        }
        let faults = observe(&self.backends, &self.filter);
        panic::set_hook(hook);
        bar.finish_and_clear();
        let libraries = self.backends.into_iter().map(Library::new).collect();
        Run { libraries, filter: self.filter, verdicts, faults }
    }
}

impl Run {
    /// The verdicts of each pair that ran.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &[Verdict]> {
        self.verdicts.chunk_by(|a, b| (a.client, a.server) == (b.client, b.server))
    }

    /// The verdicts on `library` paired with itself.
    pub(super) fn alone(&self, library: &Library) -> impl Iterator<Item = &Verdict> {
        let name = library.name;
        self.verdicts.iter().filter(move |verdict| (verdict.client, verdict.server) == (name, name))
    }
}

impl Library {
    fn new(backend: &dyn Backend) -> Self {
        let (name, library) = (backend.name(), backend.library());
        Self { name, library, capabilities: backend.capabilities() }
    }
}

impl Tally {
    pub(super) fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>) -> Self {
        let mut tally = Self::default();
        for verdict in verdicts {
            match verdict.outcome {
                Outcome::Passed => tally.passed += 1,
                Outcome::Refused(_) => tally.refused += 1,
                Outcome::Failed(_) => tally.failed += 1,
            }
            tally.took += verdict.took;
        }
        tally
    }

    pub(super) fn all(&self) -> usize {
        self.passed + self.refused + self.failed
    }
}

fn observe(backends: &[&dyn Backend], filter: &str) -> Vec<Observed> {
    let faults = CASES.iter().filter(|case| case.fault().is_some() && case.name().contains(filter));
    let observe = |case: &&'static Case| {
        let told = backends.iter().map(|&backend| case.observe(backend, backend)).collect();
        Observed { case, told }
    };
    faults.map(observe).collect()
}

pub(super) fn choose(names: &[String]) -> Result<Vec<&'static dyn Backend>> {
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
    self_only: bool,
) -> Vec<Trial> {
    let mut trials = Vec::new();
    for &client in backends {
        for &server in backends {
            let alone = client.name() == server.name();
            let fits = |case: &&&'static Case| match case.role() {
                Role::Client | Role::Server => alone,
                Role::Pair => alone || !self_only,
            };
            trials.extend(cases.iter().filter(fits).map(|&case| (client, server, case)));
        }
    }
    trials
}
