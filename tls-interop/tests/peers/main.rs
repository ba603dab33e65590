//! Programs that nobody here wrote, against every backend: as servers to our client, and as
//! clients of our server. All on loopback.
//!
//! A test's name says backend, role, program and promise: `rustls::client_of::nginx::…` is our
//! client on the rustls backend, connected to nginx; `asks` is about OCSP responders,
//! `starttls` about servers that begin in clear. The cases are one list for all programs; what
//! a program cannot do, and where it has its own way, stands in its [habits](peer::ServerHabits).
//! What a backend lacks has to be refused by name, and then that is the test.
//! A program that is not installed fails its tests; the message names the package.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

mod as_client;
mod as_server;
mod curl;
mod early_data;
mod fixture;
mod gnutls;
mod http;
mod master_secret;
mod nginx;
mod node;
mod openssl;
mod ours;
mod peer;
mod process;
mod python;
mod responder;
mod responses;
mod resuming;
mod script;
mod stapling;
mod starttls;
mod suites;
mod without_tickets;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

use crate::fixture::Fixture;
use crate::peer::{ClientProgram, ServerProgram};

static CLIENTS: &[&dyn ClientProgram] =
    &[&openssl::SClient, &curl::Curl, &gnutls::Cli, &python::PYTHON, &node::NODE];

static SERVERS: &[&dyn ServerProgram] =
    &[&openssl::SServer, &nginx::Nginx, &gnutls::Serv, &python::PYTHON, &node::NODE];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They wait for each other more than they compute.
    arguments.test_threads.get_or_insert(4);
    let fixture = Arc::new(Fixture::new());
    let mut trials = Vec::new();
    for &backend in polytls::backend::all() {
        for &program in SERVERS {
            let cases = as_client::CASES.iter().chain(stapling::CASES);
            for case in cases.filter(|case| (case.applies)(&program.habits())) {
                let name =
                    format!("{}::client_of::{}::{}", backend.name(), program.name(), case.name);
                let fixture = fixture.clone();
                trials.push(Trial::test(name, move || {
                    (case.run)(&as_client::Bench { backend, program, fixture: &fixture });
                    Ok(())
                }));
            }
        }
        for &program in CLIENTS {
            for case in as_server::CASES.iter().filter(|case| (case.applies)(&program.habits())) {
                let name =
                    format!("{}::server_for::{}::{}", backend.name(), program.name(), case.name);
                let fixture = fixture.clone();
                trials.push(Trial::test(name, move || {
                    (case.run)(&as_server::Bench { backend, program, fixture: &fixture });
                    Ok(())
                }));
            }
        }
        trials.extend(resuming::trials(backend, &fixture));
        for case in early_data::CASES {
            let fixture = fixture.clone();
            trials.push(Trial::test(format!("{}::{}", backend.name(), case.name), move || {
                (case.run)(backend, &fixture);
                Ok(())
            }));
        }
        for &(name, run) in master_secret::CASES.iter().chain(without_tickets::CASES) {
            let fixture = fixture.clone();
            trials.push(Trial::test(format!("{}::{name}", backend.name()), move || {
                run(backend, &fixture);
                Ok(())
            }));
        }
        for &(name, run) in suites::CASES {
            trials.push(Trial::test(format!("{}::{name}", backend.name()), move || {
                run(backend);
                Ok(())
            }));
        }
        for case in responder::CASES {
            let name = format!("{}::asks::openssl_ocsp::{}", backend.name(), case.name);
            let fixture = fixture.clone();
            trials.push(Trial::test(name, move || {
                (case.run)(backend, &fixture);
                Ok(())
            }));
        }
    }
    trials.extend(starttls::trials(&fixture));
    libtest_mimic::run(&arguments, trials).exit_code()
}
