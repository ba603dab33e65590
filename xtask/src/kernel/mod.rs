//! Runs a program on a Linux kernel that has TLS of its own, whatever the machine's has: docs/decisions/0030.

mod download;
mod init;
mod machine;
mod modules;
mod suite;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};

pub(crate) use machine::{Guest, Machine};
pub(crate) use suite::check;

/// What `cargo xtask kernel` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Whose kernel it is
    #[arg(long, value_enum, default_value_t = Release::Bookworm)]
    kernel: Release,
    /// Without the module `tls`, and without a way to load it
    #[arg(long)]
    without_tls: bool,
    /// How long the program may take
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Fail unless these counters of /proc/net/tls_stat have risen, such as TlsTxSw
    #[arg(long, value_delimiter = ',')]
    rise: Vec<String>,
    /// The memory of the machine, in MiB
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(64..=65_536))]
    memory: u32,
    /// The program, in the path or by its place, and what it is given
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    program: Vec<String>,
}

/// A release of Debian, for its kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Release {
    /// Linux 6.1, which takes keys once
    Bookworm,
    /// A kernel that takes new keys after a key update (Linux 6.14 or later)
    Sid,
}

impl Release {
    /// What the archive calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Bookworm => "bookworm",
            Self::Sid => "sid",
        }
    }

    /// Whether its kernel does not know the registers of newer processors.
    fn needs_registers(self) -> bool {
        match self {
            Self::Bookworm => true,
            Self::Sid => false,
        }
    }

    /// Whether its programs want a newer C library than the oldest Debian that this is run on has.
    fn needs_its_own_libraries(self) -> bool {
        match self {
            Self::Bookworm => false,
            Self::Sid => true,
        }
    }
}

/// Runs the program, shows what it prints, and ends as it ended.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let ended = Machine::new(arguments.kernel, !arguments.without_tls).and_then(|machine| {
        let mut guest = Guest::new(&arguments.program[0])?;
        guest.arguments = arguments.program[1..].to_vec();
        guest.limit = Duration::from_secs(arguments.seconds);
        guest.memory = arguments.memory;
        let ended = machine.run(&guest, |line| println!("{line}"))?;
        let risen = |name: &String| ended.risen.get(name).is_some_and(|count| *count > 0);
        if let Some(name) = arguments.rise.iter().find(|name| !risen(name)) {
            bail!("the counter {name} has not risen: {:?}", ended.risen);
        }
        Ok(ended)
    });
    match ended {
        Ok(ended) => ExitCode::from(ended.status),
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::from(NO_STATUS)
        }
    }
}

/// What `cargo xtask kernel` ends with when there is no program's own status to pass on.
const NO_STATUS: u8 = 125;
