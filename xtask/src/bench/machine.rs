//! The machine, as far as a reader of figures wants to know it.

use std::fs;
use std::process::Command;
use std::thread;

/// One line a fact.
pub(super) fn describe() -> Vec<String> {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let mut facts = vec![format!("{cores} cores of {}", processor())];
    facts.extend(said("uname", &["-sr"]));
    facts.extend(said("rustc", &["--version"]));
    facts.extend(said("valgrind", &["--version"]));
    facts
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, model)| model.to_owned())
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
