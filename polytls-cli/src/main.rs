//! The command line of polytls: try, connect, serve, and prove TLS libraries.

mod backends;
mod checks;
mod cli;
mod conformance;
mod connect;
mod demo;
mod early;
mod facts;
mod failure;
mod identities;
mod key_password;
mod ktls;
mod limbo;
mod ocsp;
mod output;
mod parameters;
mod peer;
mod secrets;
mod serve;
mod sessions;
mod signal;
mod starttls;
mod ticket_keys;
mod transport;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Backends(args) => backends::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Connect(args) => connect::run(&args),
        Command::Demo => demo::run(),
        Command::Ocsp(args) => ocsp::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::TicketKeys(args) => ticket_keys::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
