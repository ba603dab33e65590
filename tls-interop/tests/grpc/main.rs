//! tonic over `tls-tonic`, on every backend: our client and our server, and Python's client with our
//! server.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

#[path = "../../../tls-tonic/tests/hello/mod.rs"]
mod hello;
mod ours;
mod python;
mod service;

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use polytls::{
    Backend, Client, ClientAuth, ClientConfig, ClientConfigBuilder, Server, ServerConfig,
    ServerConfigBuilder, backend,
};
use tls_conformance::Authority;
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// The name that the server's certificate is for.
const NAME: &str = "greeter.grpc.test";

/// A promise: what it is called, and what shows it.
type Case = (&'static str, fn(Bench) -> Pin<Box<dyn Future<Output = ()>>>);

/// What a case has to work with.
#[derive(Clone)]
struct Bench {
    backend: &'static dyn Backend,
    authority: Arc<Authority>,
    stranger: Arc<Authority>,
}

impl Bench {
    /// A client's configuration that suits the server.
    fn client_config(&self) -> ClientConfigBuilder {
        ClientConfig::builder().roots(self.authority.roots()).alpn([tls_tonic::H2])
    }

    fn client(&self, config: ClientConfigBuilder) -> Client {
        Client::new(&config.build().unwrap(), self.backend).unwrap()
    }

    /// A server's configuration that suits the client.
    fn server_config(&self) -> ServerConfigBuilder {
        ServerConfig::builder(self.authority.server(NAME)).alpn([tls_tonic::H2])
    }

    /// The same, where clients have to show a certificate.
    fn asking_config(&self) -> ServerConfigBuilder {
        self.server_config().client_auth(ClientAuth::Require(self.authority.roots()))
    }

    fn server(&self, config: ServerConfigBuilder) -> Server {
        Server::new(&config.build().unwrap(), self.backend).unwrap()
    }
}

/// A list of the functions that are its cases.
macro_rules! cases {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($((stringify!($name), |bench| Box::pin($module::$name(bench)))),+),+]
    };
}

static CASES: &[Case] = cases! {
    ours: a_call_is_answered, a_server_knows_who_calls, streams_go_both_ways_at_once,
        calls_share_a_connection, the_scheme_does_not_decide, a_server_without_http_2_is_refused,
        a_servers_issuer_must_be_trusted, a_client_without_a_certificate_is_refused,
        one_bad_client_disturbs_nobody;
    python: python_is_answered, python_is_known_by_its_certificate,
        python_does_not_trust_a_stranger;
};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They wait for each other more than they compute.
    arguments.test_threads.get_or_insert(4);
    let authority = Arc::new(Authority::root("gRPC Root"));
    let stranger = Arc::new(Authority::root("gRPC Stranger"));
    let mut trials = Vec::new();
    for &backend in backend::all() {
        for &(name, case) in CASES {
            let (authority, stranger) = (authority.clone(), stranger.clone());
            let name = format!("{}::{name}", backend.name());
            trials.push(Trial::test(name, move || {
                let bench = Bench { backend, authority, stranger };
                let runtime = Runtime::new()?;
                runtime.block_on(async { timeout(PATIENCE, case(bench)).await })?;
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// How long a case may take.
const PATIENCE: Duration = Duration::from_secs(60);
