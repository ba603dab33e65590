//! `docs/SENDFILE.md`: what it costs to send files, measured by `tls-interop/examples/sendfile`.

mod figures;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::kernel::{Guest, Machine, Release};
use crate::{cargo, root, succeed};
use figures::{Calls, Times};

/// What `cargo xtask bench-sendfile` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How often each way is measured on this machine
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// And on the kernel with TLS, which is slower
    #[arg(long, default_value_t = 3)]
    kernel_rounds: u32,
}

/// What is sent: a name, and the clients, the files for each, and their size.
const LOADS: &[(&str, [u64; 3])] =
    &[("1 GiB to one client", [1, 1, 1 << 30]), ("256 × 4 MiB to 64 clients", [64, 4, 4 << 20])];

const LIBRARIES: &[&str] = &["rustls", "openssl", "boring"];

/// Measures, and writes the page.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let build = ["build", "--release", "--locked", "-p", "tls-interop", "--example", "sendfile"];
    succeed(cargo(&build))?;
    let mut page = HEAD.to_owned();
    let ways = |kinds: &[&str]| {
        let all = LIBRARIES
            .iter()
            .flat_map(|name| kinds.iter().map(move |kind| format!("{name}:{kind}")));
        std::iter::once("tcp".to_owned()).chain(all).collect::<Vec<_>>()
    };
    for (name, load) in LOADS {
        let ways = ways(&["user", "loop-16", "loop-64"]);
        let times = Times::read(&here("times", arguments.rounds, *load, &ways)?)?;
        let calls = Calls::read(&here("calls", 1, *load, &ways)?);
        writeln!(page, "\n## {name}\n\n{}", figures::table(&ways, &times, Some(&calls)))?;
    }
    let machine = Machine::new(Release::Sid, true)?;
    for (name, load) in LOADS {
        let ways = ways(&["kernel", "user", "loop-16"]);
        let times = Times::read(&there(&machine, "times", arguments.kernel_rounds, *load, &ways)?)?;
        // Each call is stopped twice there, so only those are counted that are not counted above.
        let kernels: Vec<_> = ways.iter().filter(|way| way.ends_with(":kernel")).cloned().collect();
        let calls = Calls::read(&there(&machine, "calls", 1, *load, &kernels)?);
        writeln!(
            page,
            "\n## {name}, on a kernel with TLS\n\n{}",
            figures::table(&ways, &times, Some(&calls))
        )?;
    }
    page += FOOT;
    fs::write(root().join(PAGE), page).context(PAGE)?;
    println!("{PAGE} is written");
    Ok(())
}

fn here(what: &str, rounds: u32, load: [u64; 3], ways: &[String]) -> Result<String> {
    let mut measure = Command::new(root().join(PROGRAM));
    measure.args(words(what, rounds, load, ways));
    let output = measure.output().with_context(|| format!("cannot run {measure:?}"))?;
    if !output.status.success() {
        bail!("{measure:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let told = String::from_utf8(output.stdout)?;
    print!("{told}");
    Ok(told)
}

fn there(
    machine: &Machine,
    what: &str,
    rounds: u32,
    load: [u64; 3],
    ways: &[String],
) -> Result<String> {
    let mut guest = Guest::new(&root().join(PROGRAM).display().to_string())?;
    guest.arguments = words(what, rounds, load, ways);
    guest.limit = Duration::from_secs(3600);
    guest.memory = 3072;
    let mut told = String::new();
    let ended = machine.run(&guest, |line| {
        println!("{line}");
        told += line;
        told.push('\n');
    })?;
    if ended.status != 0 {
        bail!("it ended with {}", ended.status);
    }
    Ok(told)
}

fn words(what: &str, rounds: u32, load: [u64; 3], ways: &[String]) -> Vec<String> {
    let numbers = [u64::from(rounds)].into_iter().chain(load).map(|number| number.to_string());
    let words = ["measure", what].into_iter().map(str::to_owned).chain(numbers);
    words.chain(ways.iter().cloned()).collect()
}

const PAGE: &str = "docs/SENDFILE.md";
const PROGRAM: &str = "target/release/examples/sendfile";

const HEAD: &str = "\
# What it costs to send files

Written by `cargo xtask bench-sendfile`; not to be edited by hand.

One process sends, another receives, over the loopback, in TLS 1.3 with AES-128-GCM. *user* is `sendfile`
in user space, *kernel* the same with records that the kernel encrypts, *loop-16* and *loop-64* read a file
and write it to the library as it is, by hand, 16 or 64 KiB at a time; *tcp* is `sendfile(2)` without TLS.

*CPU* is the processor time of the process that sends, its own and the system's, from the last
handshake to the last close: the median of all rounds. *Ratio* compares it with *loop-16* of the same
library in the same round: the median, and the smallest and the greatest of all rounds. The ways are
measured in turns, and in the reverse order in each second round. *Writes* are the system calls that
write, by strace, all of the process.
";

const FOOT: &str = "
The kernel with TLS is user-mode Linux, in which a system call is many times as dear as elsewhere, and ciphers
are written in C for no processor in particular: its figures compare with one another, and with no others.
";
