//! A server that is reloaded all the time while clients come: every connection meets one whole
//! configuration, none fails, and nothing is left behind.
//!
//! Some seconds for each backend; for a longer run, `POLYTLS_RELOAD_SECONDS=60 cargo test -p tls-interop
//! --test reload -- --nocapture`.
#![allow(clippy::unwrap_used)] // tests

use std::env;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use polytls::{
    Backend, Capability, Client, ClientAuth, ClientConfig, ErrorKind, Identity, Progress, Roots,
    Server, ServerConfig,
};
use tls_conformance::Authority;

use by_hand::Pair;

mod by_hand;

const NAME: &str = "reload.test";
/// How many clients come in a second.
const RATE: u32 = 200;
/// Memory that allocators and libraries keep as they like.
const SLACK: u64 = 4 << 20;

/// Two configurations that differ in all their parts, and one that is no good.
struct Configs {
    first: ServerConfig,
    second: ServerConfig,
    bad: ServerConfig,
    first_leaf: Identity,
    second_leaf: Identity,
    client: ClientConfig,
    asks: bool,
    chooses_alpn: bool,
}

impl Configs {
    fn new(backend: &dyn Backend) -> Self {
        let can = |what| backend.capabilities().contains(what);
        let asks = can(Capability::RequestClientCertificate) && can(Capability::ClientIdentity);
        let chooses_alpn = can(Capability::AlpnServer) && can(Capability::AlpnClient);
        let (one, two) = (Authority::root("Before a reload"), Authority::root("After a reload"));
        let (first_leaf, second_leaf) = (one.server(NAME), two.server(NAME));
        let alpn = |name| Some(name).filter(|_| chooses_alpn).into_iter();

        // The one that is meant is not the first of its identities, so that a number from one
        // configuration, used in the other, would show.
        let first = ServerConfig::builder(one.server("elsewhere.test"))
            .add_identity(first_leaf.clone())
            .alpn(alpn("first"))
            .client_auth(if asks { ClientAuth::Require(one.roots()) } else { ClientAuth::None });
        let second = ServerConfig::builder(second_leaf.clone()).alpn(alpn("second"));
        let wrong = second_leaf.key().unwrap();
        let wrong = Identity::from_der(first_leaf.chain().to_vec(), wrong.secret_der()).unwrap();

        let both = Roots::empty().with_der(one.certificate()).unwrap();
        let both = both.with_der(two.certificate()).unwrap();
        let mut client = ClientConfig::builder().roots(both);
        if asks {
            client = client.identity(one.client("a client"));
        }
        if chooses_alpn {
            client = client.alpn(["first", "second"]);
        }
        Self {
            first: first.build().unwrap(),
            second: second.build().unwrap(),
            bad: ServerConfig::builder(wrong).build().unwrap(),
            first_leaf,
            second_leaf,
            client: client.build().unwrap(),
            asks,
            chooses_alpn,
        }
    }

    /// Checks that all parts of what the two settled come from one configuration.
    fn check(&self, pair: &Pair) {
        let (client, server) =
            (pair.client.negotiated().unwrap(), pair.server.negotiated().unwrap());
        let is_first = client.peer_certificate() == Some(self.first_leaf.leaf());
        assert!(is_first || client.peer_certificate() == Some(self.second_leaf.leaf()));
        let alpn: &[u8] = if is_first { b"first" } else { b"second" };
        assert_eq!(client.alpn.as_deref(), self.chooses_alpn.then_some(alpn));
        assert_eq!(server.alpn, client.alpn);
        assert_eq!(server.peer_certificate().is_some(), self.asks && is_first);
    }
}

/// What happened in one run.
#[derive(Default)]
struct Tally {
    connections: AtomicU64,
    across: AtomicU64,
    reloads: AtomicU64,
    refused: AtomicU64,
    stop: AtomicBool,
}

#[test]
fn reloading_disturbs_no_connection_on_any_backend() {
    let seconds = env::var("POLYTLS_RELOAD_SECONDS").ok();
    let seconds = seconds.map_or(3, |text| text.parse().unwrap());
    for &backend in polytls::backend::all() {
        run(backend, Duration::from_secs(seconds));
    }
}

fn run(backend: &'static dyn Backend, length: Duration) {
    let (configs, tally) = (Configs::new(backend), Tally::default());
    let server = Server::new(&configs.first, backend).unwrap();
    let client = Client::new(&configs.client, backend).unwrap();
    let (begin, mut warm) = (Instant::now(), None);
    thread::scope(|scope| {
        let reloading = scope.spawn(|| reload(&server, backend, &configs, &tally));
        let stop = StopAtEnd(&tally);
        let mut old = begin_pair(&client, &server);
        old.handshake().unwrap();
        for number in 1.. {
            if begin.elapsed() >= length {
                break;
            }
            connect(&client, &server, &configs, &tally, number);
            if number % 50 == 0 {
                talk(&mut old);
            }
            if warm.is_none() && begin.elapsed() >= length / 3 {
                warm = Some(resident());
            }
            // A machine that is too busy for the rate does what it can.
            let due = begin + number * Duration::from_secs(1) / RATE;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        drop(stop);
        reloading.join().unwrap();
        talk(&mut old);
    });
    let (warm, end) = (warm.unwrap(), resident());
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    println!(
        "{}: {} connections in {:.1} s, {} of them across a reload; {} reloads, {} bad ones \
         refused; memory {:.1} MiB after a third, {:.1} MiB at the end",
        backend.name(),
        count(&tally.connections),
        begin.elapsed().as_secs_f32(),
        count(&tally.across),
        count(&tally.reloads),
        count(&tally.refused),
        warm as f64 / 1048576.0,
        end as f64 / 1048576.0,
    );
    for (what, least) in
        [(&tally.connections, 20), (&tally.across, 2), (&tally.reloads, 10), (&tally.refused, 1)]
    {
        assert!(count(what) >= least, "{}: too little happened", backend.name());
    }
    assert!(end <= warm + SLACK, "{}: memory grows from {warm} to {end}", backend.name());
}

/// Tells the other thread to stop, also when this one fails.
struct StopAtEnd<'a>(&'a Tally);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

/// Reloads all the time: one, the other, and now and then the bad one.
fn reload(server: &Server, backend: &dyn Backend, configs: &Configs, tally: &Tally) {
    while !tally.stop.load(Ordering::Relaxed) {
        for config in [&configs.second, &configs.first] {
            server.reload(config, backend).unwrap();
            tally.reloads.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1));
        }
        if tally.reloads.load(Ordering::Relaxed) % 10 == 0 {
            let e = server.reload(&configs.bad, backend).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config);
            tally.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn begin_pair(client: &Client, server: &Server) -> Pair {
    Pair { client: client.connection(NAME).unwrap(), server: server.connection().unwrap() }
}

/// One connection, from its first byte to its close; of every ten, one whose handshake sees a reload.
fn connect(client: &Client, server: &Server, configs: &Configs, tally: &Tally, number: u32) {
    let mut pair = begin_pair(client, server);
    if number % 10 == 0 {
        assert!(!pair.round().unwrap(), "one round is no handshake");
        let before = tally.reloads.load(Ordering::Relaxed);
        let patience = Instant::now() + Duration::from_secs(20);
        while tally.reloads.load(Ordering::Relaxed) < before + 2 {
            assert!(Instant::now() < patience, "nothing is reloaded");
            thread::sleep(Duration::from_millis(1));
        }
        tally.across.fetch_add(1, Ordering::Relaxed);
    }
    pair.handshake().unwrap();
    configs.check(&pair);
    talk(&mut pair);
    tally.connections.fetch_add(1, Ordering::Relaxed);
}

/// Something each way.
fn talk(pair: &mut Pair) {
    assert_eq!(pair.client.write(b"question").unwrap(), Progress::Ready(8));
    pair.carry();
    let mut buf = [0; 16];
    assert_eq!(pair.server.read(&mut buf).unwrap(), Progress::Ready(8));
    assert_eq!(&buf[..8], b"question");
    assert_eq!(pair.server.write(b"answer").unwrap(), Progress::Ready(6));
    pair.carry();
    assert_eq!(pair.client.read(&mut buf).unwrap(), Progress::Ready(6));
    assert_eq!(&buf[..6], b"answer");
}

/// How much memory this process has, in bytes, where the system tells (Linux).
fn resident() -> u64 {
    let Ok(text) = fs::read_to_string("/proc/self/statm") else { return 0 };
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
