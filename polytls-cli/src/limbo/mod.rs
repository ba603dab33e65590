//! `polytls conformance --limbo FILE`: what each backend thinks of the chains of a corpus.

mod corpus;
mod drive;
mod report;

use std::path::Path;

use polytls::{Backend, Capability, Verification};

use crate::cli::usage;
use crate::failure::{Failure, Result};
use crate::output::{self, OutputFile};

use corpus::{Corpus, Expected};
use drive::Verdict;

/// All verdicts on a corpus.
#[derive(Debug)]
pub(crate) struct Opinions {
    /// Whose: a backend's own verification, or the uniform one on it.
    judges: Vec<Judge>,
    cases: Vec<Opinion>,
}

/// A backend, and how it verifies.
#[derive(Clone, Debug)]
struct Judge {
    backend: &'static dyn Backend,
    uniform: bool,
}

/// What the judges think of one chain.
#[derive(Debug)]
struct Opinion {
    id: String,
    expected: Expected,
    /// In the order of the judges.
    verdicts: Vec<Verdict>,
}

/// Runs the corpus in `file`, writes what was asked for, and fails if uniform verification does not
/// give one verdict.
pub(crate) fn run(
    file: &Path,
    backends: &[&'static dyn Backend],
    filter: &str,
    json: Option<&Path>,
    markdown: Option<&Path>,
) -> Result {
    let corpus = Corpus::read(file)?;
    let json = json.map(OutputFile::create).transpose()?;
    let markdown = markdown.map(OutputFile::create).transpose()?;
    let opinions = ask(&corpus, backends, filter);
    if opinions.cases.is_empty() {
        return Err(usage(format!("no case of the corpus has '{filter}' in its name")));
    }
    if let Some(file) = json {
        file.write(&report::json(&opinions))?;
    }
    if let Some(file) = markdown {
        file.write(&report::markdown(&opinions))?;
    }
    output::line(report::text(&opinions))?;
    match opinions.cases.iter().filter(|case| !opinions.is_uniform(case)).count() {
        0 => Ok(()),
        n => Err(Failure::Report(format!(
            "conformance: uniform verification differs between backends on {n} chains"
        ))),
    }
}

fn ask(corpus: &Corpus, backends: &[&'static dyn Backend], filter: &str) -> Opinions {
    let own = backends.iter().map(|&backend| Judge { backend, uniform: false });
    let able = |backend: &&&'static dyn Backend| {
        backend.capabilities().contains(Capability::UniformVerification)
    };
    let uniform = backends.iter().filter(able);
    let uniform = uniform.map(|&backend| Judge { backend, uniform: true });
    let judges = own.chain(uniform).collect::<Vec<_>>();
    let presenter = presenter();
    let cases = corpus.testcases.iter().filter(|case| case.id.contains(filter)).map(|case| {
        let verdicts = judges.iter().map(|judge| {
            let verification = match judge.uniform {
                true => Verification::Uniform,
                false => Verification::Library,
            };
            let presenter = presenter.unwrap_or(judge.backend);
            drive::verdict(case, judge.backend, presenter, verification)
        });
        Opinion {
            id: case.id.clone(),
            expected: case.expected_result,
            verdicts: verdicts.collect(),
        }
    });
    let cases = cases.collect();
    Opinions { judges, cases }
}

/// A backend for the other side, which can present a chain without its key.
fn presenter() -> Option<&'static dyn Backend> {
    let able = |backend: &&&'static dyn Backend| {
        backend.capabilities().contains(Capability::ExternalSigner)
    };
    polytls::backend::all().iter().find(able).copied()
}

impl Opinions {
    /// Whether uniform verification gives the same verdict, to the kind, wherever it runs.
    fn is_uniform(&self, case: &Opinion) -> bool {
        let mut told = self.uniform(case);
        let first = told.next();
        told.all(|verdict| Some(verdict) == first)
    }

    /// The verdicts of uniform verification on one chain.
    fn uniform<'a>(&'a self, case: &'a Opinion) -> impl Iterator<Item = Verdict> + 'a {
        let judged = self.judges.iter().zip(&case.verdicts);
        judged.filter(|(judge, _)| judge.uniform).map(|(_, verdict)| *verdict)
    }
}

impl Opinion {
    /// Whether `verdict` is what the corpus expects; `None` if the backend could not be asked.
    fn is_expected(&self, verdict: Verdict) -> Option<bool> {
        verdict.accepted().map(|accepted| accepted == (self.expected == Expected::Success))
    }
}

impl Judge {
    /// `openssl`, or `openssl, uniform`.
    fn name(&self) -> String {
        match self.uniform {
            true => format!("{}, uniform", self.backend.name()),
            false => self.backend.name().to_owned(),
        }
    }
}
