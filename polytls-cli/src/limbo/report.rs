//! The verdicts on a corpus, for people and for programs.

use serde_json::{Map, Value, json};

use super::corpus::Expected;
use super::{Judge, Opinion, Opinions};
use crate::output;

/// One row for each judge, then the chains on which not all agree.
pub(super) fn text(opinions: &Opinions) -> String {
    format!("{}\n\n{}", differing(opinions), counted(opinions))
}

/// The same for `docs/`.
pub(super) fn markdown(opinions: &Opinions) -> String {
    format!("{}\n\n{}\n", counted(opinions), differing(opinions))
}

fn counted(opinions: &Opinions) -> String {
    let mut table = output::table([
        "verifier",
        "chains",
        "as expected",
        "as uniform",
        "accepted, not expected",
        "refused, not expected",
        "cannot be asked",
    ]);
    for (i, judge) in opinions.judges.iter().enumerate() {
        let count = |wanted: &dyn Fn(&Opinion) -> bool| {
            opinions.cases.iter().filter(|case| wanted(case)).count().to_string()
        };
        table.add_row([
            judge.name(),
            opinions.cases.len().to_string(),
            count(&|case| case.is_expected(case.verdicts[i]) == Some(true)),
            count(&|case| opinions.uniform(case).next() == Some(case.verdicts[i])),
            count(&|case| {
                case.expected == Expected::Failure && case.verdicts[i].accepted() == Some(true)
            }),
            count(&|case| {
                case.expected == Expected::Success && case.verdicts[i].accepted() == Some(false)
            }),
            count(&|case| case.verdicts[i].accepted().is_none()),
        ]);
    }
    table.to_string()
}

/// The chains whose verdicts differ, from each other or from what is expected.
fn differing(opinions: &Opinions) -> String {
    let shown = opinions.columns();
    let header = ["chain".to_owned(), "expected".to_owned()];
    let mut table =
        output::table(header.into_iter().chain(shown.iter().map(|(name, _)| name.clone())));
    for case in &opinions.cases {
        let verdicts = shown.iter().map(|(_, i)| case.verdicts[*i]).collect::<Vec<_>>();
        let same = verdicts.iter().all(|verdict| *verdict == verdicts[0]);
        if same && case.is_expected(verdicts[0]) == Some(true) {
            continue;
        }
        let row = [case.id.clone(), expected(case).to_owned()];
        table.add_row(row.into_iter().chain(verdicts.iter().map(ToString::to_string)));
    }
    table.to_string()
}

/// Every verdict.
pub(super) fn json(opinions: &Opinions) -> String {
    let cases = opinions.cases.iter().map(|case| {
        let judged = opinions.judges.iter().zip(&case.verdicts);
        let verdicts = judged.map(|(judge, verdict)| (judge.name(), verdict.to_string().into()));
        json!({
            "id": case.id,
            "expected": expected(case),
            "verdicts": verdicts.collect::<Map<String, Value>>(),
        })
    });
    format!("{:#}\n", cases.collect::<Value>())
}

fn expected(case: &Opinion) -> &'static str {
    match case.expected {
        Expected::Failure => "refused",
        Expected::Success => "accepted",
    }
}

impl Opinions {
    /// The columns to show: where uniform verification is uniform, one for all backends.
    fn columns(&self) -> Vec<(String, usize)> {
        let one = self.cases.iter().all(|case| self.is_uniform(case));
        let mut seen = false;
        let shown = |(i, judge): (usize, &Judge)| match (judge.uniform, one) {
            (true, true) if seen => None,
            (true, true) => {
                seen = true;
                Some(("uniform".to_owned(), i))
            }
            _ => Some((judge.name(), i)),
        };
        self.judges.iter().enumerate().filter_map(shown).collect()
    }
}
