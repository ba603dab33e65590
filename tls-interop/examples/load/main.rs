//! Thousands of connections at once, a few of whose peers misbehave: nobody else may notice.
//!
//! `cargo xtask load` runs it. The server is a process of its own, so that its memory can be told from the
//! clients'; both are tokio programs over `tls-tokio`, on loopback sockets.
//!
//! The clients are of four kinds: idle ones, ones that ask something every second or so, ones that move
//! a lot, and ones that come and go. One in a hundred does none of that: see [`bad`]. A healthy client is
//! disturbed if its connection fails, ends, brings back other bytes, or lets it wait for too long.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how it fails

mod bad;
mod healthy;
mod machine;
mod report;
mod server;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use polytls::{Client, ClientConfig, Roots, backend};
use tls_tokio::TlsConnector;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::report::Tally;
use crate::server::ServerProcess;

/// The name in the server's certificate.
const NAME: &str = "load.test";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", backend, connections] => {
            machine::allow_files(connections.parse::<u64>().unwrap() + 500);
            server::run(backend);
            ExitCode::SUCCESS
        }
        [backend, connections, seconds] => {
            let connections = connections.parse::<usize>().expect("a number of connections");
            let seconds = seconds.parse::<u64>().expect("a number of seconds");
            machine::allow_files(connections as u64 + 500);
            load(backend, connections, Duration::from_secs(seconds))
        }
        _ => {
            eprintln!("usage: load BACKEND CONNECTIONS SECONDS");
            ExitCode::from(2)
        }
    }
}

/// Who the clients are, and where they go.
#[derive(Clone)]
struct Target {
    connector: TlsConnector,
    address: std::net::SocketAddr,
    tally: Arc<Tally>,
}

fn load(backend: &str, connections: usize, time: Duration) -> ExitCode {
    let mut server = ServerProcess::start(backend, connections);
    let backend = backend::by_name(backend).unwrap();
    let roots = Roots::empty().with_der(server.root.clone()).unwrap();
    let config = ClientConfig::builder().roots(roots).build().unwrap();
    let connector = TlsConnector::new(Client::new(&config, backend).unwrap())
        .handshake_limit(Some(healthy::PATIENCE));
    let tally = Arc::new(Tally::default());
    let target = Target { connector, address: server.address, tally: tally.clone() };
    let runtime = Runtime::new().unwrap();

    runtime.block_on(async {
        // What the first connections need once (tables, pools) is not counted.
        for peer in healthy::establish(&target, 0, 16).await {
            healthy::leave(peer).await.unwrap();
        }
        let before = (machine::resident(), server.resident());
        let begin = Instant::now();
        let peers = healthy::establish(&target, 0, connections).await;
        tally.set_up(peers.len(), begin.elapsed());
        tokio::time::sleep(Duration::from_secs(1)).await;
        tally.memory(before, (machine::resident(), server.resident()), peers.len());

        let until = tokio::time::Instant::now() + time;
        let mut tasks = JoinSet::new();
        for peer in peers {
            tasks.spawn(healthy::live(peer, target.clone(), until));
        }
        for slot in 0..(connections / 100).max(bad::KINDS) {
            tasks.spawn(bad::live(slot, target.clone(), until));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    });
    tally.server(server.stop());
    tally.print(backend, connections, time)
}
