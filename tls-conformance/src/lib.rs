//! The promises that every backend makes, as one suite.
//!
//! For the author of a backend [`run`] is the whole interface: a test binary's `main`. Programs
//! that show results ([`CASES`], [`Case::judge`]) and tests that pair two backends use the rest.
//!
//! A case says which capabilities it needs of the client's and of the server's backend. Where they
//! are there, it must pass. Where one is missing, the case is not skipped: it must be refused by
//! exactly that capability, and it must fail when the backend is made to claim it; a table that
//! denies what the library can do is as much a lie as one that claims what it cannot.
//!
//! A case that leaves the version open is about the newest that both backends have. Where that is TLS
//! 1.2, it may also be refused for [`Tls12HalfClose`](tls_core::Capability::Tls12HalfClose), by a
//! backend that lacks it.

pub mod adapter;
mod case;
mod cases;
mod certs;
mod claim;
mod crls;
mod differences;
mod fault;
mod kernel;
mod ocsp;
mod pair;
mod raw;
mod streams;
mod told;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use tls_core::Backend;

pub use case::{Case, Outcome, Role};
pub use cases::CASES;
pub use certs::{Authority, Leaf};
pub use claim::Claiming;
pub use crls::List;
pub use differences::{Answer, DIFFERENCES, Difference};
pub use fault::Told;
pub use ocsp::{Answer as OcspAnswer, Responder};
pub use pair::Side;

/// Runs every case against `backend`, as client and as server: a test binary's `main`.
pub fn run(backend: impl Backend + 'static) -> ExitCode {
    let backend: &'static dyn Backend = Box::leak(Box::new(backend)); // for the rest of the process
    run_pairs(&[(backend, backend)])
}

/// Runs the cases on each pair of a client's and a server's backend, as a test binary's `main`.
///
/// A case that concerns one side only runs where a backend is paired with itself.
pub fn run_pairs(pairs: &[(&'static dyn Backend, &'static dyn Backend)]) -> ExitCode {
    let mut trials = Vec::new();
    for &(client, server) in pairs {
        let alone = client.name() == server.name();
        for case in CASES.iter().filter(|case| alone || case.role() == Role::Pair) {
            let name = match (alone, pairs.len()) {
                (true, 1) => case.name().to_owned(),
                _ => format!("{}-{}::{}", client.name(), server.name(), case.name()),
            };
            trials.push(Trial::test(name, move || match case.judge(client, server) {
                Outcome::Passed | Outcome::Refused(_) => Ok(()),
                Outcome::Failed(why) => Err(why.into()),
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
