//! WebSockets over streams of every backend: tungstenite over blocking and non-blocking ones,
//! tokio-tungstenite over those of `tls-tokio`. There is no adapter between: nothing is missing.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

mod asynchronous;
mod blocking;
mod nonblocking;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use polytls::{Backend, Client, ClientConfig, Server, ServerConfig, backend};
use tls_conformance::Authority;

/// The name that the server's certificate is for.
const NAME: &str = "socket.test";

const URL: &str = "wss://socket.test/chat";

/// A client and a server that get along, on the same backend.
#[derive(Clone)]
struct Ends {
    client: Client,
    server: Server,
}

impl Ends {
    fn new(backend: &dyn Backend) -> Self {
        let root = Authority::root("WebSockets Root");
        let config = ServerConfig::builder(root.server(NAME)).alpn(["http/1.1"]).build().unwrap();
        let server = Server::new(&config, backend).unwrap();
        let config = ClientConfig::builder().roots(root.roots()).alpn(["http/1.1"]);
        let client = Client::new(&config.build().unwrap(), backend).unwrap();
        Self { client, server }
    }
}

/// Around every change of a frame's form (RFC 6455 §5.2), a record's end, and much more than both.
const SIZES: &[usize] =
    &[0, 1, 125, 126, 127, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 1_500_000];

fn message(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i % 251) as u8).collect()
}

/// Lists the functions that are cases.
macro_rules! cases {
    ($($module:ident: $($name:ident),+;)+) => {
        &[$($((stringify!($name), $module::$name)),+),+]
    };
}

/// A promise: what it is called, and what shows it.
type Case = (&'static str, fn(Ends));

static CASES: &[Case] = cases! {
    blocking: messages_of_all_sizes_come_back, a_cut_is_no_close;
    nonblocking: a_shy_transport_loses_nothing;
    asynchronous: two_tasks_speak_and_listen, both_sides_end_in_peace, a_cut_is_an_error;
};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(4);
    let mut trials = Vec::new();
    for &backend in backend::all() {
        for &(name, case) in CASES {
            trials.push(Trial::test(format!("{}::{name}", backend.name()), move || {
                case(Ends::new(backend));
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
