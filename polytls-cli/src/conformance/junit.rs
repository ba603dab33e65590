//! The outcomes for CI systems, as JUnit XML: `--junit`.
//!
//! A test suite a pair, a test case a case. A refused case is shown as passed, because it was not
//! skipped: it ran, and the refusal is what had to come. Its output and a property name the
//! capability.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use tls_conformance::Outcome;

use super::run::{Run, Tally, Verdict};
use crate::failure::{Failure, Result};

pub(super) fn report(run: &Run) -> Result<String> {
    let mut report = Report::new("polytls conformance");
    report.set_time(Tally::of(&run.verdicts).took);
    report.add_test_suites(run.pairs().map(|verdicts| suite(run, verdicts)));
    report.to_string().map_err(|e| Failure::Report(format!("JUnit: {e}")))
}

fn suite(run: &Run, verdicts: &[Verdict]) -> TestSuite {
    let (client, server) = (verdicts[0].client, verdicts[0].server); // a pair that ran has a verdict
    let mut suite = TestSuite::new(pair(client, server));
    suite.set_time(Tally::of(verdicts).took);
    for (side, name) in [("client", client), ("server", server)] {
        let library = run.libraries.iter().find(|library| library.name == name);
        let library = library.map_or_else(String::new, |library| library.library.clone());
        suite.add_property(Property::new(side, name));
        suite.add_property(Property::new(format!("{side}-library"), library));
    }
    suite.add_test_cases(verdicts.iter().map(test_case));
    suite
}

fn test_case(verdict: &Verdict) -> TestCase {
    let Verdict { case, client, server, outcome, took } = verdict;
    let status = match outcome {
        Outcome::Passed | Outcome::Refused(_) => TestCaseStatus::success(),
        Outcome::Failed(why) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(why.lines().next().unwrap_or_default());
            status.set_type("broken-promise").set_description(why.as_str());
            status
        }
    };
    let (group, name) = case.name().split_once("::").unwrap_or(("", case.name()));
    let mut test = TestCase::new(name, status);
    // CI systems tell tests apart by class and name, and fold classes at the dots.
    test.set_classname(format!("{}.{group}", pair(client, server)));
    test.set_time(*took);
    test.add_property(Property::new("promise", case.promise()));
    if let Outcome::Refused(capability) = outcome {
        test.add_property(Property::new("refused", capability.name()));
        test.set_system_out(format!("refused, as it has to be: {capability} is not supported"));
    }
    test
}

fn pair(client: &str, server: &str) -> String {
    format!("{client}-to-{server}")
}

#[cfg(test)]
mod tests {
    use polytls::Capability;

    use super::super::samples;
    use super::*;

    #[test]
    fn every_outcome_can_be_read_back() {
        let why = "<broke> & \"why\"\u{1b}[0m\n  because: ]]>";
        let run = samples::run([
            Outcome::Passed,
            Outcome::Refused(Capability::PostQuantum),
            Outcome::Failed(why.into()),
        ]);
        let read = Report::deserialize_from_str(&report(&run).unwrap()).unwrap();
        assert_eq!((read.tests, read.failures, read.errors), (3, 1, 0));
        let tests = &read.test_suites[0].test_cases;
        for (test, verdict) in tests.iter().zip(&run.verdicts) {
            let (group, name) = verdict.case.name().split_once("::").unwrap();
            assert_eq!(test.name.as_str(), name);
            assert_eq!(
                test.classname.as_ref().unwrap().as_str(),
                format!("sample-to-sample.{group}")
            );
            assert_eq!(test.properties[0].value.as_str(), verdict.case.promise());
        }
        assert_eq!(tests[0].status, TestCaseStatus::success());
        assert_eq!(tests[1].status, TestCaseStatus::success());
        assert_eq!(tests[1].properties[1].value.as_str(), "post-quantum");
        assert!(tests[1].system_out.as_ref().unwrap().as_str().contains("post-quantum"));
        let TestCaseStatus::NonSuccess { message, description, .. } = &tests[2].status else {
            panic!("{:?}", tests[2].status);
        };
        // What XML has no way to write is left out.
        assert_eq!(message.as_ref().unwrap().as_str(), "<broke> & \"why\"");
        assert!(description.as_ref().unwrap().as_str().contains("because: ]]>"));
    }
}
