//! Measures what polytls costs over the libraries themselves, beside what people put on them today.
//!
//! Prints a line a figure, in columns: what was counted, scenario, library, stack, the figure, and for times
//! the quartiles beside it. `cargo xtask bench` runs it and makes a page of it.

mod counted;
mod end;
mod ffi;
mod heap;
mod instructions;
mod io;
mod scenario;
mod stacks;
mod time;

use std::process::ExitCode;

use stacks::Result;

/// A line of the output.
fn line(kind: &str, scenario: &str, library: &str, stack: &str, figures: &[f64]) {
    let figures: Vec<_> = figures.iter().map(|figure| format!("{figure:.4}")).collect();
    println!("{kind}\t{scenario}\t{library}\t{stack}\t{}", figures.join("\t"));
}

fn run() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["instructions"] => instructions::run(|_, _| true),
        ["instructions", library, scenario] => {
            instructions::run(|l, s| l == library && s == scenario)
        }
        ["counted"] => counted::run(),
        ["heap", connections] => heap::run(connections.parse()?),
        ["growth"] => heap::growth(),
        ["time"] => time::run(),
        _ => Err("usage: polytls-benches instructions|counted|heap CONNECTIONS|growth|time".into()),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}
