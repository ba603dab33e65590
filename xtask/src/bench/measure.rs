//! Runs the benches, by themselves and under callgrind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::figures::Figure;
use crate::{cargo, root, succeed};

/// The program that measures.
pub(super) struct Bench(PathBuf);

impl Bench {
    pub(super) fn build() -> Result<Self> {
        succeed(cargo(&["build", "--release", "--locked", "--package", "polytls-benches"]))?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        let target = target.unwrap_or_else(|| root().join("target"));
        Ok(Self(target.join("release/polytls-benches")))
    }

    /// What it prints.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<Vec<Figure>> {
        println!("bench: {}", arguments.join(" "));
        let mut bench = Command::new(&self.0);
        bench.args(arguments);
        lines(&mut bench)?.lines().map(Figure::read).collect()
    }

    /// The instructions of each operation, as callgrind counts them.
    ///
    /// Without the two settings for glibc, callgrind counts one instruction for each byte that is copied: it
    /// takes `rep movsb` for a loop.
    pub(super) fn instructions(&self) -> Result<Vec<Figure>> {
        println!("bench: instructions");
        let folder = tempfile::tempdir()?;
        let files = folder.path().join("counts");
        let thresholds = ["movsb", "stosb"]
            .map(|which| format!("glibc.cpu.x86_rep_{which}_threshold=1073741824"));
        let mut valgrind = Command::new("valgrind");
        valgrind
            .env("GLIBC_TUNABLES", thresholds.join(":"))
            .args(["--quiet", "--tool=callgrind", "--collect-atstart=no"])
            .arg("--toggle-collect=*instructions::measured*")
            .arg("--dump-before=*instructions::written*")
            .arg(format!("--callgrind-out-file={}", files.display()))
            .arg(&self.0)
            .arg("instructions");
        let printed = lines(&mut valgrind)?;
        let mut figures = Vec::new();
        for (i, line) in printed.lines().enumerate() {
            let mut figure = Figure::read(line)?;
            let repeats = figure.values.first().copied().context("how often it was done")?;
            let file = files.with_extension((i + 1).to_string());
            figure.values = vec![total(&file)? / repeats];
            figures.push(figure);
        }
        Ok(figures)
    }
}

fn lines(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The sum in a file of callgrind's.
fn total(file: &Path) -> Result<f64> {
    let text = fs::read_to_string(file).context("callgrind has written too few files")?;
    read_total(&text).context("a file of callgrind's without a sum")
}

fn read_total(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_a_file_is_read() {
        assert_eq!(read_total("version: 1\nfn=(1) f\n1 2\n\ntotals: 239113\n"), Some(239_113.0));
        assert_eq!(read_total("summary: 1\n"), None);
    }
}
