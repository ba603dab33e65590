//! Everything that has to pass before a change lands.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::{
    cargo, floors, kernel, licences, load, packages, places, programs, root, succeed, truth,
};

/// The features of the facade that make a backend available.
pub(crate) const BACKENDS: &[&str] =
    &["boring", "native", "openssl", "rustls", "rustls-ring", "s2n"];

pub(crate) fn run(install: bool) -> ExitCode {
    let mut tally = Tally::default();
    tally.step("programs", || programs::provide(install));
    if tally.failed > 0 {
        return tally.end(); // nothing else can be told
    }
    tally.step("format", || succeed(cargo(&["fmt", "--all", "--check"])));
    tally.step("floors", floors::check);
    tally.step("places", places::check);
    tally.step("licences", licences::check);
    match has_advisories() {
        true => tally.step("advisories", advisories),
        // Not counted as passed: it was not looked at.
        false => println!("\n== advisories: not looked at; no cargo-deny with a database is here"),
    }
    let all = all();
    tally.step("clippy", || {
        let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--features", &all];
        succeed(cargo(&[&clippy[..], &["--", "-D", "warnings"]].concat()))?;
        // The other interfaces for C, which exclude the one that is built by default.
        let clippy = ["clippy", "-p", "tls-capi", "--all-targets", "--locked"];
        let features = ["--no-default-features", "--features", "client,fio,rustls-ring"];
        succeed(cargo(&[&clippy[..], &features, &["--", "-D", "warnings"]].concat()))
    });
    tally.step("feature combinations", combinations);
    tally.step("one program, each backend", swap);
    tally.step("one application, each backend", web);
    tally.step("docs", || {
        let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--locked", "--features", &all]);
        doc.env("RUSTDOCFLAGS", "-D warnings");
        succeed(doc)
    });
    tally.step("truth", || truth::run(true));
    tally.step("packages", packages::check);
    tally.step("load", || load::run(500, 5, None));
    tally.tests(&["test", "--workspace", "--locked", "--no-fail-fast", "--features", &all]);
    // What the other objects for C are made of: `libtls` is the one that is built by default.
    tally.tests(&[
        "test",
        "--package=tls-capi",
        "--lib",
        "--locked",
        "--no-default-features",
        "--features=client,rustls-ring",
    ]);
    tally.tests(&["test", "-p", "polytls", "--locked", "--no-fail-fast", "--no-default-features"]);
    tally.counted("kernels with TLS", |count| kernel::check(&all, count));
    tally.end()
}

/// All of them at once, for the crates that take the choice.
fn all() -> String {
    let both = BACKENDS.iter().flat_map(|name| ["polytls", "polytls-cli"].map(|c| (c, name)));
    let features = both.map(|(krate, name)| format!("{krate}/{name}"));
    features
        .chain(["tls-hyper/axum", "tls-rustls/ring"].map(str::to_owned))
        .collect::<Vec<_>>()
        .join(",")
}

/// Steps and tests, passed and failed.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    faults: Vec<String>,
}

impl Tally {
    fn step(&mut self, name: &str, step: impl FnOnce() -> Result<()>) {
        println!("\n== {name}");
        let begin = Instant::now();
        match step() {
            Ok(()) => self.passed += 1,
            Err(e) => {
                eprintln!("error: {e:#}");
                self.fail(name);
            }
        }
        println!("== {name}: {:.0} s", begin.elapsed().as_secs_f32());
    }

    fn fail(&mut self, name: &str) {
        self.failed += 1;
        self.faults.push(name.to_owned());
    }

    /// Runs tests, and counts what the test binaries say.
    fn tests(&mut self, arguments: &[&str]) {
        self.counted("tests", |count| run_tests(arguments, count));
    }

    fn counted(
        &mut self,
        name: &str,
        run: impl FnOnce(&mut dyn FnMut(usize, usize)) -> Result<()>,
    ) {
        println!("\n== {name}");
        let begin = Instant::now();
        let before = (self.passed, self.failed);
        let ended = run(&mut |passed, failed| {
            self.passed += passed;
            self.failed += failed;
        });
        let (passed, failed) = (self.passed - before.0, self.failed - before.1);
        match ended {
            Ok(()) if passed > 0 && failed == 0 => {}
            Ok(()) if passed == 0 => self.fail(&format!("{name}: none ran")),
            Ok(()) => self.faults.push(format!("{name}: {failed} tests")),
            // A test that failed is counted already; a build or a crash is not.
            Err(e) if failed == 0 => self.fail(&format!("{name}: {e:#}")),
            Err(_) => self.faults.push(format!("{name}: {failed} tests")),
        }
        println!("== {name}: {:.0} s", begin.elapsed().as_secs_f32());
    }

    /// Ends with the line that counts, whatever happened.
    fn end(self) -> ExitCode {
        println!();
        for fault in &self.faults {
            println!("failed: {fault}");
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Runs Cargo's tests, shows what they print, and tells each binary's counts.
fn run_tests(arguments: &[&str], mut count: impl FnMut(usize, usize)) -> Result<()> {
    let mut tests = cargo(arguments);
    // Cargo gives documentation tests no order of libraries (docs/decisions/0010).
    if let Ok(folder) = output(Command::new("pkg-config").args(["--variable=libdir", "openssl"])) {
        let libraries = ["ssl", "crypto"].map(|name| format!("-Clink-arg={folder}/lib{name}.so"));
        tests.env("RUSTDOCFLAGS", libraries.join(" "));
    }
    tests.env("SSL_CERT_FILE", one_root()?);
    let mut tests = tests.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    let output = tests.stdout.take().context("the pipe just made")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some((passed, failed)) = counts(&line) {
            count(passed, failed);
        }
    }
    let status = tests.wait()?;
    if !status.success() {
        bail!("cargo ended with {status}");
    }
    Ok(())
}

/// A file with one certificate, to be the system's roots.
///
/// native-tls reads all of them for each client, also for those that do not want them, and the suite
/// makes thousands.
pub(crate) fn one_root() -> Result<PathBuf> {
    let (file, key) = (root().join("target/one-root.pem"), root().join("target/one-root.key"));
    if !file.is_file() {
        let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650";
        let mut openssl = Command::new("openssl");
        openssl.args(new.split(' ')).args(["-subj", "/CN=Root of a machine for tests", "-keyout"]);
        openssl.arg(key).arg("-out").arg(&file).stderr(Stdio::null());
        succeed(openssl)?;
    }
    Ok(file)
}

/// What `command` prints, without the end of its line.
fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}

/// Reads `test result: ok. 12 passed; 0 failed; …`.
pub(crate) fn counts(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = counts.split("; ");
    let passed = counts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = counts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some((passed, failed))
}

/// The facade compiles with no backend, with each, with every two and with all of them, and so do its
/// examples, its tests and the program; the backend of several providers compiles without any, and so does
/// the adapter to hyper without any of its parts. The module for Lua compiles for the other Lua too.
fn combinations() -> Result<()> {
    let check = |package, features: &str| {
        println!("{package} with {}", if features.is_empty() { "no feature" } else { features });
        let clippy = ["clippy", "--quiet", "--locked", "--no-default-features", "-p", package];
        let features = ["--features", features, "--", "-D", "warnings"];
        let targets = match package {
            "tls-hyper" | "tls-lua" | "tls-rustls" => "--lib",
            _ => "--all-targets",
        };
        succeed(cargo(&[&clippy[..], &[targets], &features].concat()))
    };
    let mut sets = vec![String::new(), BACKENDS.join(","), "rustls,serde".to_owned()];
    for (i, one) in BACKENDS.iter().enumerate() {
        sets.push((*one).to_owned());
        sets.extend(BACKENDS[..i].iter().map(|other| format!("{other},{one}")));
    }
    for features in sets {
        check("polytls", &features)?;
        if !features.contains("serde") {
            check("polytls-cli", &features)?; // which has it always
        }
    }
    let parts = ["", "client", "server", "axum"];
    parts.into_iter().try_for_each(|features| check("tls-hyper", features))?;
    check("tls-lua", "luajit,rustls")?;
    ["", "aws-lc-rs", "ring"].into_iter().try_for_each(|features| check("tls-rustls", features))
}

/// The example `swap` runs unchanged with each backend as the only one.
fn swap() -> Result<()> {
    for backend in BACKENDS {
        let swap = ["run", "--quiet", "--locked", "-p", "polytls", "--example", "swap"];
        let features = ["--no-default-features", "--features", backend];
        succeed(cargo(&[&swap[..], &features].concat()))?;
    }
    Ok(())
}

/// The application with axum, hyper, tonic and PostgreSQL goes all the way with each backend as the only
/// one: its own test starts the database.
fn web() -> Result<()> {
    for backend in BACKENDS {
        println!("{backend}");
        let test = ["test", "--quiet", "--locked", "-p", "polytls-example-web"];
        let features = ["--no-default-features", "--features", backend];
        let mut test = cargo(&[&test[..], &features].concat());
        test.env("SSL_CERT_FILE", one_root()?);
        succeed(test)?;
    }
    Ok(())
}

/// Whether cargo-deny and its database are on the machine.
fn has_advisories() -> bool {
    let deny = Command::new("cargo-deny").arg("--version").stdout(Stdio::null()).status();
    let database =
        std::env::home_dir().is_some_and(|home| home.join(".cargo/advisory-dbs").is_dir());
    database && deny.is_ok_and(|status| status.success())
}

/// Known vulnerabilities.
fn advisories() -> Result<()> {
    succeed(cargo(&["deny", "--offline", "check", "advisories", "bans", "sources"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_of_a_test_binary_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured";
        assert_eq!(counts(line), Some((12, 3)));
        assert_eq!(counts("test result: ok. 0 passed; 0 failed; 0 ignored;"), Some((0, 0)));
        assert_eq!(counts("running 3 tests"), None);
    }
}
