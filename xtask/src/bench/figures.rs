//! What the benches print, to be asked for by name.

use anyhow::{Context, Result};

/// The library by itself.
pub(super) const RAW: &str = "raw";
/// polytls on it.
pub(super) const OURS: &str = "polytls";
/// The same, over a transport that is a trait object.
pub(super) const DISPATCHED: &str = "polytls, dyn transport";
/// The same, as a stream of tokio's.
pub(super) const ADAPTER: &str = "tls-tokio";
/// The backends that are measured.
pub(super) const LIBRARIES: &[&str] = &["rustls", "openssl", "boring", "native"];

/// One line.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) kind: String,
    pub(super) scenario: String,
    pub(super) library: String,
    pub(super) stack: String,
    pub(super) values: Vec<f64>,
}

impl Figure {
    /// Reads a line of columns.
    pub(super) fn read(line: &str) -> Result<Self> {
        let mut columns = line.split('\t').map(str::to_owned);
        let mut next = || columns.next().with_context(|| format!("a line too short: {line}"));
        let (kind, scenario, library, stack) = (next()?, next()?, next()?, next()?);
        let values = columns.map(|value| value.parse().context("not a number"));
        Ok(Self { kind, scenario, library, stack, values: values.collect::<Result<_>>()? })
    }
}

/// All lines.
#[derive(Debug, Default)]
pub(super) struct Figures(Vec<Figure>);

impl Figures {
    pub(super) fn add(&mut self, more: Vec<Figure>) {
        self.0.extend(more);
    }

    /// All of it, as it was read.
    pub(super) fn text(&self) -> String {
        let line = |figure: &Figure| {
            let Figure { kind, scenario, library, stack, values } = figure;
            let values: String = values.iter().map(|value| format!("\t{value}")).collect();
            format!("{kind}\t{scenario}\t{library}\t{stack}{values}\n")
        };
        self.0.iter().map(line).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Figure> {
        self.0.iter()
    }

    /// All columns of a line.
    pub(super) fn values(
        &self,
        kind: &str,
        scenario: &str,
        library: &str,
        stack: &str,
    ) -> Option<&[f64]> {
        let is_it = |figure: &&Figure| {
            figure.kind == kind
                && figure.scenario == scenario
                && figure.library == library
                && figure.stack == stack
        };
        self.0.iter().find(is_it).map(|figure| &figure.values[..])
    }

    /// The first column.
    pub(super) fn get(
        &self,
        kind: &str,
        scenario: &str,
        library: &str,
        stack: &str,
    ) -> Option<f64> {
        self.values(kind, scenario, library, stack)?.first().copied()
    }

    /// As a ratio to the library by itself; none where that has nothing.
    pub(super) fn ratio(
        &self,
        kind: &str,
        scenario: &str,
        library: &str,
        stack: &str,
    ) -> Option<f64> {
        let raw = self.get(kind, scenario, library, RAW).filter(|raw| *raw > 0.0)?;
        Some(self.get(kind, scenario, library, stack)? / raw)
    }

    /// What was measured of `kind`, in order and once.
    pub(super) fn scenarios(&self, kind: &str) -> Vec<&str> {
        self.distinct(kind, |figure| &figure.scenario)
    }

    /// The stacks on a library, in order and once.
    pub(super) fn stacks(&self, library: &str) -> Vec<&str> {
        let of = self.0.iter().filter(|figure| figure.library == library && figure.kind == "reads");
        let mut found = Vec::new();
        for figure in of {
            if !found.contains(&figure.stack.as_str()) {
                found.push(figure.stack.as_str());
            }
        }
        found
    }

    /// What people put on a library today, with tokio.
    pub(super) fn wrapper(&self, library: &str) -> Option<&str> {
        self.stacks(library).into_iter().find(|stack| stack.starts_with("tokio-"))
    }

    /// What each library says of itself.
    pub(super) fn libraries(&self) -> Vec<(&str, &str)> {
        let told = self.0.iter().filter(|figure| figure.kind == "library");
        told.map(|figure| (figure.library.as_str(), figure.scenario.as_str())).collect()
    }

    fn distinct<'a>(&'a self, kind: &str, what: impl Fn(&'a Figure) -> &'a String) -> Vec<&'a str> {
        let mut found = Vec::new();
        for figure in self.0.iter().filter(|figure| figure.kind == kind) {
            if !found.contains(&what(figure).as_str()) {
                found.push(what(figure).as_str());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_written_as_it_was() {
        let lines = "heap\tidle\trustls\traw\t8400\t7733.5\nlibrary\tr 0.23\trustls\t-\n";
        let mut figures = Figures::default();
        figures.add(lines.lines().map(|line| Figure::read(line).unwrap()).collect());
        assert_eq!(figures.text(), lines);
        assert_eq!(figures.values("heap", "idle", "rustls", RAW), Some(&[8400.0, 7733.5][..]));
        assert_eq!(figures.libraries(), [("rustls", "r 0.23")]);
        assert!(Figure::read("heap\tidle").is_err() && Figure::read("a\tb\tc\td\te").is_err());
    }
}
