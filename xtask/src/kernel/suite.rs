//! What the gate runs on kernels with TLS: the cases about files, which demand there that the kernel has the
//! records, and downloads by programs of others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use super::{Guest, Machine, Release};
use crate::{cargo, root, test};

/// The backends whose libraries give their keys away.
const GIVING: &[&str] = &["tls-boring", "tls-openssl", "tls-rustls"];

/// Runs all of it, and gives what each binary of tests says of itself to `count`.
pub(crate) fn check(features: &str, mut count: impl FnMut(usize, usize)) -> Result<()> {
    let tests = binaries(features)?;
    let worlds = [
        // No key is set twice; keys are; and the kernel of most containers.
        (Release::Bookworm, true, &["TlsTxSw", "TlsRxSw"][..]),
        (Release::Sid, true, &["TlsTxSw", "TlsRxSw"][..]),
        (Release::Bookworm, false, &[][..]),
    ];
    let mut faults = Vec::new();
    for (release, tls, rise) in worlds {
        let machine = Machine::new(release, tls)?;
        let mut run = |package: &str, target: &str, filter: &str, rise: &[&str]| -> Result<()> {
            println!(
                "\n{package} {filter} on {release:?}{}",
                if tls { "" } else { " without TLS" }
            );
            let place = tests.get(&(package.to_owned(), target.to_owned()));
            let mut guest = Guest::new(&place.context("it was not built")?.display().to_string())?;
            guest.arguments = vec![filter.to_owned()];
            guest.folder = root().join(package);
            guest.limit = LIMIT;
            guest.memory = MEMORY;
            if tls {
                guest.environment.push(("KTLS_REQUIRED".to_owned(), "1".to_owned()));
            }
            let (mut passed, mut failed) = (0, 0);
            let ended = machine.run(&guest, |line| {
                println!("{line}");
                let (more, worse) = test::counts(line).unwrap_or_default();
                (passed, failed) = (passed + more, failed + worse);
            })?;
            count(passed, failed);
            if ended.status != 0 || passed == 0 {
                bail!("{passed} passed, {failed} failed, and it ended with {}", ended.status);
            }
            let risen = |name: &&str| ended.risen.get(*name).is_some_and(|count| *count > 0);
            match rise.iter().find(|name| !risen(name)) {
                Some(name) => bail!("the kernel's counter {name} has not risen"),
                None => Ok(()),
            }
        };
        let mut all = vec![("tls-kernel", "sockets", "", rise)];
        // Without TLS it is the kernel that refuses, whatever the library.
        for package in if tls { GIVING } else { &GIVING[..1] } {
            all.push((package, "conformance", "sendfile::", rise));
        }
        if tls && release == Release::Sid {
            all.push(("polytls-cli", "cli", "downloads", rise));
        }
        for (package, target, filter, rise) in all {
            if let Err(e) = run(package, target, filter, rise) {
                eprintln!("error: {package} on {release:?}: {e:#}");
                faults.push(format!("{package} on {release:?}"));
            }
        }
    }
    match faults.as_slice() {
        [] => Ok(()),
        faults => bail!("{}", faults.join(", ")),
    }
}

/// Where the tests are that Cargo has built, or builds now, by package and target.
fn binaries(features: &str) -> Result<BTreeMap<(String, String), PathBuf>> {
    let arguments = ["test", "--workspace", "--locked", "--no-run", "--features", features];
    let mut build = cargo(&[&arguments[..], &["--message-format", "json"]].concat());
    let mut build = build.stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    let output = build.stdout.take().context("the pipe just made")?;
    let mut found = BTreeMap::new();
    for message in Message::parse_stream(std::io::BufReader::new(output)) {
        let Message::CompilerArtifact(artifact) = message? else { continue };
        let package = artifact.manifest_path.parent().and_then(|folder| folder.file_name());
        if let (Some(executable), Some(package), true) =
            (artifact.executable, package, artifact.target.is_test())
        {
            found
                .insert((package.to_owned(), artifact.target.name), executable.into_std_path_buf());
        }
    }
    let status = build.wait()?;
    if !status.success() {
        bail!("cargo ended with {status}");
    }
    Ok(found)
}

/// For one binary, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);
/// In MiB: a file of 1 GiB is in memory there.
const MEMORY: u32 = 2560;
