//! tokio-postgres over `tls-postgres`, on every backend, against a real PostgreSQL.
//!
//! PostgreSQL refuses to run as root: then its servers run as somebody else. One that is not installed
//! fails these tests; the message names the package.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

mod bindings;
mod certificates;
mod clear;
mod direct;
mod fixture;
mod middle;
mod queries;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use polytls::{Backend, backend};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::fixture::Fixture;

/// A promise: what it is called, and what shows it.
type Case = (&'static str, fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>);

/// What a case has to work with.
#[derive(Clone)]
struct Bench {
    backend: &'static dyn Backend,
    fixture: Arc<Fixture>,
}

/// A list of the functions that are its cases.
macro_rules! cases {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($((stringify!($name), |bench| Box::pin($module::$name(bench)))),+),+]
    };
}

static CASES: &[Case] = cases! {
    queries: data_goes_both_ways_over_tls, a_query_is_cancelled_over_tls,
        a_wrong_password_is_the_servers_refusal, a_unix_socket_needs_no_tls;
    bindings: a_required_binding_is_used, a_binding_by_sha_384_is_used,
        a_man_in_the_middle_is_found_out, a_method_without_a_binding_is_refused;
    certificates: a_servers_issuer_must_be_trusted, a_servers_name_must_be_its_own,
        an_address_is_a_name, a_bad_name_is_refused, a_client_shows_its_certificate,
        a_client_without_a_certificate_is_refused, a_strange_clients_certificate_is_refused;
    clear: a_server_without_tls_is_refused, a_silent_server_is_given_up,
        what_follows_the_answer_in_clear_is_not_read;
    direct: tls_comes_first_if_asked, an_answer_to_alpn_can_be_required,
        another_protocol_is_refused;
};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They wait for each other more than they compute.
    arguments.test_threads.get_or_insert(4);
    let fixture = Arc::new(Fixture::new());
    let mut trials = Vec::new();
    for &backend in backend::all() {
        for &(name, case) in CASES {
            let bench = Bench { backend, fixture: fixture.clone() };
            let name = format!("{}::{name}", backend.name());
            trials.push(Trial::test(name, move || {
                let runtime = Runtime::new()?;
                runtime.block_on(async { timeout(PATIENCE, case(bench)).await })?;
                Ok(())
            }));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(fixture); // its servers end here
    conclusion.exit_code()
}

/// How long a case may take.
const PATIENCE: Duration = Duration::from_secs(60);
