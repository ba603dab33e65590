//! Figures, from what was measured to a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};

/// The processor time of each way, a figure a round, in microseconds.
#[derive(Debug)]
pub(super) struct Times(BTreeMap<String, Vec<f64>>);

/// The system calls of each way, by their names.
#[derive(Debug)]
pub(super) struct Calls(BTreeMap<String, BTreeMap<String, u64>>);

impl Times {
    /// Reads lines such as `rustls:user 123456 234567`.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut times: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let [way, processor, _time] = words[..] else { continue };
            let processor = processor.parse().with_context(|| line.to_owned())?;
            times.entry(way.to_owned()).or_default().push(processor);
        }
        Ok(Self(times))
    }

    fn of(&self, way: &str) -> &[f64] {
        self.0.get(way).map_or(&[], Vec::as_slice)
    }
}

impl Calls {
    /// Reads lines such as `rustls:user writev 1027 read 16`.
    pub(super) fn read(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let calls = lines.map(|(way, rest)| {
            let words: Vec<_> = rest.split_whitespace().collect();
            let pairs = words.chunks_exact(2);
            let counts = pairs.filter_map(|pair| Some((pair[0].to_owned(), pair[1].parse().ok()?)));
            (way.to_owned(), counts.collect())
        });
        Self(calls.collect())
    }

    /// All, and those that write.
    fn of(&self, way: &str) -> Option<(u64, u64)> {
        let calls = self.0.get(way)?;
        let write = |name: &str| calls.get(name).copied().unwrap_or_default();
        Some((calls.values().sum(), WRITING.iter().map(|name| write(name)).sum()))
    }
}

/// A row for each way.
pub(super) fn table(ways: &[String], times: &Times, calls: Option<&Calls>) -> String {
    let mut table =
        "| way | CPU, s | ratio | system calls | writes |\n|---|---|---|---|---|\n".to_owned();
    for way in ways {
        let all = times.of(way);
        let base = way.split_once(':').map(|(library, _)| times.of(&format!("{library}:loop-16")));
        let ratios: Vec<_> =
            all.iter().zip(base.unwrap_or_default()).map(|(one, base)| one / base).collect();
        let ratio = match spread(&ratios) {
            Some((least, middle, most)) => format!("{middle:.2} ({least:.2}–{most:.2})"),
            None => String::new(),
        };
        let seconds =
            spread(all).map_or_else(String::new, |(_, middle, _)| format!("{:.3}", middle / 1e6));
        let (calls, writes) = match calls.and_then(|calls| calls.of(way)) {
            Some((all, writes)) => (all.to_string(), writes.to_string()),
            None => Default::default(),
        };
        let way = way.replace(':', " ");
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {way} | {seconds} | {ratio} | {calls} | {writes} |");
    }
    table
}

/// The least, the median and the greatest.
fn spread(all: &[f64]) -> Option<(f64, f64, f64)> {
    let mut sorted = all.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = match sorted.len() {
        0 => return None,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    };
    Some((*sorted.first()?, middle, *sorted.last()?))
}

const WRITING: &[&str] =
    &["write", "writev", "pwrite64", "sendto", "sendmsg", "sendmmsg", "sendfile", "sendfile64"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_round_by_round() {
        let times = "x:user 10 1\nx:loop-16 20 1\nx:user 30 1\nx:loop-16 10 1\nx:user 20 1\nx:loop-16 20 1\n";
        let calls = Calls::read("x:user writev 4 read 2\n");
        let rows = table(&["x:user".to_owned()], &Times::read(times).unwrap(), Some(&calls));
        let row = rows.lines().last().unwrap();
        assert_eq!(row, "| x user | 0.000 | 1.00 (0.50–3.00) | 6 | 4 |");
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some((1.0, 2.0, 3.0)));
        assert_eq!(spread(&[4.0, 1.0]), Some((1.0, 2.5, 4.0)));
        assert_eq!(spread(&[]), None);
    }
}
