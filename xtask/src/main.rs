//! The project's own commands; run with `cargo xtask`.

mod bench;
mod floors;
mod install_c;
mod kernel;
mod licences;
mod load;
mod new_backend;
mod packages;
mod places;
mod programs;
mod sendfile;
mod test;
mod truth;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that has to pass before a change lands, in one command
    Test {
        /// Do not install missing programs, only name them
        #[arg(long)]
        no_install: bool,
    },
    /// Measure what polytls costs over the libraries themselves, and write docs/PERFORMANCE.md
    Bench(bench::Arguments),
    /// Check that crates depend only on those below them
    Floors,
    /// Hold many connections at once while some peers misbehave, and print the memory of an idle one
    Load {
        /// How many connections; each is an open file of the clients and one of the server
        #[arg(long, default_value_t = 5000)]
        connections: u32,
        /// How long there is traffic
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// On this backend only
        #[arg(long)]
        backend: Option<String>,
    },
    /// Measure what it costs to send files, here and on a kernel with TLS, and write docs/SENDFILE.md
    BenchSendfile(sendfile::Arguments),
    /// Run a program on a Linux kernel that has TLS of its own, which this machine's may not have
    ///
    /// The kernel is an ordinary process (user-mode Linux, from a package of Debian). The program sees the files
    /// of this machine and cannot change them; it can write to /run and to its TMPDIR, which are gone at
    /// the end. It ends with the program's status, or with 125 if there is none.
    Kernel(kernel::Arguments),
    /// Check the licences of all dependencies against deny.toml
    Licences,
    /// Build what would be published, outside of the workspace, with one backend at a time
    Packages,
    /// Check that feature `cfg` and `unsafe` stand only where they may
    Places,
    /// Write docs/BACKENDS.md: what each backend says of itself, and what the suite shows of it
    Truth {
        /// Write nothing, and fail if the page is not true any more
        #[arg(long)]
        check: bool,
    },
    /// Make the crate of a new backend, which the suite shows red until it is written
    NewBackend {
        /// What it is called everywhere, such as `wolf`
        name: String,
    },
    /// Install the libraries and programs that the tests need
    Install,
    /// Build a library for C on a backend, and install it: shared, static, its header and its pkg-config file
    InstallC(install_c::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test { no_install } => return test::run(!no_install),
        Task::Kernel(arguments) => return kernel::run(&arguments),
        Task::BenchSendfile(arguments) => sendfile::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Floors => floors::check(),
        Task::Licences => licences::check(),
        Task::Load { connections, seconds, backend } => {
            load::run(connections, seconds, backend.as_deref())
        }
        Task::Packages => packages::check(),
        Task::NewBackend { name } => new_backend::run(&root(), &name),
        Task::Places => places::check(),
        Task::Truth { check } => truth::run(check),
        Task::Install => programs::provide(true),
        Task::InstallC(arguments) => install_c::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Cargo, at the root of the workspace.
fn cargo(arguments: &[&str]) -> Command {
    cargo_in(&root(), arguments)
}

fn cargo_in(root: &Path, arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(arguments);
    command
}

/// What rustfmt makes of `text`, under the rules of the workspace at `root`.
fn format_in(root: &Path, text: &str) -> Result<String> {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.current_dir(root).args(["--edition", "2024", "--emit", "stdout"]);
    let mut rustfmt = rustfmt
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run rustfmt")?;
    // rustfmt reads all of it before it writes anything.
    rustfmt.stdin.take().context("the pipe just made")?.write_all(text.as_bytes())?;
    let output = rustfmt.wait_with_output()?;
    if !output.status.success() {
        bail!("rustfmt ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs `command` and insists on success.
fn succeed(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
