//! `docs/BACKENDS.md`: written from what the libraries say and the suite shows, and compared.
//!
//! A library that is linked from the system may be of another series here than where the page was
//! written, and then it may do more. Its cells are not compared, and that is said: the suite shows
//! all the same that what it says of itself is true. All other cells are compared.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{cargo, root, succeed, test};

const PAGE: &str = "docs/BACKENDS.md";

/// Writes the page anew; or, with `check`, says where it is no longer true.
pub(crate) fn run(check: bool) -> Result<()> {
    let observed = observe()?;
    let path = root().join(PAGE);
    if !check {
        fs::write(path, observed).context(PAGE)?;
        println!("truth: {PAGE} is written");
        return Ok(());
    }
    let written = fs::read_to_string(path).context(PAGE)?;
    let elsewhere = other_series(&written, &observed);
    for (backend, there, here) in &elsewhere {
        println!("{backend}: not compared; {PAGE} is about {there}, this machine has {here}");
    }
    let left_out: Vec<_> = elsewhere.iter().map(|(backend, ..)| *backend).collect();
    let (written, observed) = (without(&written, &left_out), without(&observed, &left_out));
    if let Some(fault) = first_difference(&written, &observed) {
        bail!("{PAGE} is not true any more; `cargo xtask truth` writes it anew\n{fault}");
    }
    println!("truth: {PAGE} is what the suite shows");
    Ok(())
}

/// Runs the suite on every backend, and gives the page.
fn observe() -> Result<String> {
    let made = root().join("target/BACKENDS.md");
    let features = test::BACKENDS.join(",");
    let mut suite = cargo(&["run", "--quiet", "--locked", "--package", "polytls-cli"]);
    suite.args(["--features", &features, "--", "conformance", "--self-only", "--markdown"]);
    suite.arg(&made).env("SSL_CERT_FILE", test::one_root()?);
    succeed(suite)?;
    fs::read_to_string(&made).with_context(|| made.display().to_string())
}

/// The backends that both pages have, of another series: the name and both series.
fn other_series<'a>(written: &'a str, observed: &'a str) -> Vec<(&'a str, &'a str, &'a str)> {
    let libraries = |page: &'a str| {
        let is_header = |line: &&str| cells(line).is_some_and(|row| row == ["backend", "library"]);
        let rows = page.lines().skip_while(move |line| !is_header(line)).map_while(cells);
        rows.skip(2).filter_map(|row| Some((*row.first()?, *row.get(1)?)))
    };
    let here = |name| libraries(observed).find(|(other, _)| *other == name);
    let both = libraries(written).filter_map(|(name, there)| Some((name, there, here(name)?.1)));
    both.filter(|(_, there, here)| there != here).collect()
}

/// The page with tables trimmed to their words, without the rows and columns of these backends.
fn without(page: &str, backends: &[&str]) -> String {
    let mut out = String::new();
    let mut dropped: Vec<bool> = Vec::new();
    let mut in_table = false;
    for line in page.lines() {
        let Some(row) = cells(line) else {
            in_table = false;
            out.push_str(line);
            out.push('\n');
            continue;
        };
        if !in_table {
            in_table = true;
            dropped = row.iter().map(|cell| backends.contains(cell)).collect();
        }
        if row.first().is_some_and(|first| backends.contains(first)) {
            continue;
        }
        let kept = row.iter().zip(&dropped).filter(|(_, dropped)| !**dropped);
        let kept = kept.map(|(cell, _)| if is_rule(cell) { "-" } else { cell });
        out.push_str(&kept.collect::<Vec<_>>().join(" | "));
        out.push('\n');
    }
    out
}

/// The cells of a line of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

/// Whether this is a piece of the line below a header, which is as long as the column is wide.
fn is_rule(cell: &str) -> bool {
    !cell.is_empty() && cell.chars().all(|c| c == '-')
}

fn first_difference(written: &str, observed: &str) -> Option<String> {
    let (mut written, mut observed) = (written.lines(), observed.lines());
    loop {
        match (written.next(), observed.next()) {
            (None, None) => return None,
            (there, here) if there == here => {}
            (there, here) => {
                let line = |line: Option<&str>| line.unwrap_or("the end").to_owned();
                return Some(format!("  written:  {}\n  observed: {}", line(there), line(here)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Page

| backend       | library     |
|---------------|-------------|
| `openssl`     | OpenSSL 3.0 |
| `rustls`      | rustls 0.23 |

| capability     | side   | `openssl` | `rustls` |
|----------------|--------|-----------|----------|
| `post-quantum` | client | no        | yes, 3   |
";

    fn compare(written: &str, observed: &str) -> Option<String> {
        let elsewhere = other_series(written, observed);
        let left_out: Vec<_> = elsewhere.iter().map(|(backend, ..)| *backend).collect();
        first_difference(&without(written, &left_out), &without(observed, &left_out))
    }

    #[test]
    fn a_page_is_compared_cell_by_cell() {
        assert_eq!(compare(PAGE, PAGE), None);
        for other in ["no", "yes, 3", "side", "OpenSSL"] {
            let changed = PAGE.replacen(other, "changed", 1);
            let excused = other == "OpenSSL";
            assert_eq!(compare(PAGE, &changed).is_none(), excused, "{other}");
        }
        assert!(compare(PAGE, &format!("{PAGE}more\n")).is_some());
    }

    #[test]
    fn only_a_library_of_another_series_is_excused() {
        let newer = PAGE.replace("OpenSSL 3.0", "OpenSSL 3.5 LTS").replace(" no ", " yes ");
        assert_eq!(other_series(PAGE, &newer), [("`openssl`", "OpenSSL 3.0", "OpenSSL 3.5 LTS")]);
        assert_eq!(compare(PAGE, &newer), None);
        assert!(compare(PAGE, &newer.replace("yes, 3", "yes, 2")).is_some());
        let gone = PAGE.replace("| `rustls`      | rustls 0.23 |\n", "");
        assert!(compare(PAGE, &gone).is_some());
    }
}
