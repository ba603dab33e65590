//! The adapter to hyper on every backend: clients, proxies, servers, and programs that nobody here wrote.
//! All on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

mod chromium;
mod client;
mod curl;
mod house;
mod nginx;
#[path = "../peers/process.rs"]
#[allow(dead_code)] // of the tests that own it
mod process;
mod proxy;
mod server;
mod stopping;
mod tunnels;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};

use crate::house::House;

/// A test: its name, and what it does with a backend.
type Case = (&'static str, fn(&House));

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They wait for each other more than they compute.
    arguments.test_threads.get_or_insert(4);
    let groups: [(&str, &[Case]); 7] = [
        ("chromium", chromium::CASES),
        ("client", client::CASES),
        ("curl", curl::CASES),
        ("nginx", nginx::CASES),
        ("server", server::CASES),
        ("stopping", stopping::CASES),
        ("tunnels", tunnels::CASES),
    ];
    let mut trials = Vec::new();
    for &backend in polytls::backend::all() {
        for (group, cases) in groups {
            for &(case, run) in cases {
                let name = format!("{}::{group}::{case}", backend.name());
                trials.push(Trial::test(name, move || {
                    run(&House::new(backend));
                    Ok(())
                }));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs `test` on a runtime of its own, and not for longer than anything may take.
fn on_tokio<T>(test: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap();
    let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await });
    runtime.shutdown_background();
    ended.expect("it takes too long")
}

const PATIENCE: Duration = Duration::from_secs(120);
