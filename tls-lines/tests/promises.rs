//! The promises of the words, on whatever backends are in the build.

mod words;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let trials = words::trials(polytls::backend::all());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
