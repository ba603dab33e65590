//! The project's own commands; run with `cargo xtask`.

mod floors;
mod licences;
mod packages;
mod places;
mod programs;
mod test;
mod truth;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

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
    /// Check that crates depend only on those below them
    Floors,
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
    /// Install the libraries and programs that the tests need
    Install,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Test { no_install } => return test::run(!no_install),
        Task::Floors => floors::check(),
        Task::Licences => licences::check(),
        Task::Packages => packages::check(),
        Task::Places => places::check(),
        Task::Truth { check } => truth::run(check),
        Task::Install => programs::provide(true),
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
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root()).args(arguments);
    command
}

/// Runs `command` and insists on success.
fn succeed(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
