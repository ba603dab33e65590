//! What a key log describes, Wireshark decrypts: for every backend with the capability, in both versions
//! and both roles, after new keys, and after a resumption.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

mod pcap;
mod tshark;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Trial};
use polytls::danger::KeyLog;
use polytls::{
    Backend, Capability, Client, ClientConfig, Connection, Group, Progress, Server, ServerConfig,
    Version, Versions,
};
use tls_conformance::Authority;

use pcap::{Capture, From};
use tshark::{Plaintext, decrypt};

type Test = fn(&dyn Backend, Version);

/// Name, what a backend needs for it, the versions, and the test.
const TESTS: &[(&str, &[Capability], &[Version], Test)] = &[
    ("a_clients_log_decrypts_both_ways", &[], BOTH, |backend, version| {
        plain(From::Client, backend, version);
    }),
    ("a_servers_log_decrypts_both_ways", &[], BOTH, |backend, version| {
        plain(From::Server, backend, version);
    }),
    ("nothing_is_decrypted_without_the_log", &[], BOTH, without),
    ("new_keys_are_followed", &[Capability::KeyUpdate], &[Version::Tls13], new_keys),
    ("a_resumed_connection_is_decrypted", RESUMES, BOTH, resumed),
    ("a_hybrid_group_is_decrypted", HYBRID, &[Version::Tls13], hybrid),
];

const BOTH: &[Version] = &[Version::Tls12, Version::Tls13];
const RESUMES: &[Capability] = &[Capability::ResumeClient, Capability::ResumeServer];
const HYBRID: &[Capability] = &[Capability::Groups, Capability::PostQuantum];
const NAME: &str = "capture.test";

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for &backend in polytls::backend::all() {
        let can = |what: &Capability| backend.capabilities().contains(*what);
        if !can(&Capability::KeyLog) {
            continue; // the suite shows that it refuses
        }
        for &(name, _, versions, test) in
            TESTS.iter().filter(|(_, needs, ..)| needs.iter().all(can))
        {
            for &version in versions {
                let which = if version == Version::Tls12 { "tls12" } else { "tls13" };
                let name = format!("{}::{which}::{name}", backend.name());
                trials.push(Trial::test(name, move || {
                    test(backend, version);
                    Ok(())
                }));
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A client and a server, and who logs.
struct Bench {
    client: Client,
    server: Server,
    lines: Arc<Mutex<String>>,
}

impl Bench {
    fn new(logs: From, backend: &dyn Backend, version: Version, groups: &[Group]) -> Self {
        let lines = Arc::<Mutex<String>>::default();
        let to = lines.clone();
        let log = KeyLog::to(move |line| {
            let mut lines = to.lock().unwrap();
            lines.push_str(line);
            lines.push('\n');
        });
        let root = Authority::root("Root of a capture");
        let only = Versions::only(version);
        let mut client =
            ClientConfig::builder().roots(root.roots()).versions(only).groups(groups.to_vec());
        let mut server = ServerConfig::builder(root.server(NAME)).versions(only);
        match logs {
            From::Client => client = client.key_log(log),
            From::Server => server = server.key_log(log),
        }
        Self {
            client: Client::new(&client.build().unwrap(), backend).unwrap(),
            server: Server::new(&server.build().unwrap(), backend).unwrap(),
            lines,
        }
    }

    /// A connection that has finished its handshake.
    fn connect(&self) -> Recorded {
        let (client, server) =
            (self.client.connection(NAME).unwrap(), self.server.connection().unwrap());
        let mut both = Recorded { client, server, flights: Vec::new(), said: Plaintext::default() };
        for _ in 0..100 {
            let client = both.client.handshake().unwrap();
            both.carry();
            let server = both.server.handshake().unwrap();
            both.carry();
            if (client, server) == (Progress::Ready(()), Progress::Ready(())) {
                return both;
            }
        }
        panic!("the handshake does not end");
    }

    fn log(&self) -> String {
        self.lines.lock().unwrap().clone()
    }
}

/// Two connections in memory, and all that went between them.
struct Recorded {
    client: Connection,
    server: Connection,
    flights: Vec<(From, Vec<u8>)>,
    said: Plaintext,
}

impl Recorded {
    fn carry(&mut self) {
        let Self { client, server, flights, .. } = self;
        move_all(From::Client, client, server, flights);
        move_all(From::Server, server, client, flights);
    }

    /// Has one side say something, and the other hear it.
    fn say(&mut self, who: From, data: &[u8]) {
        let mut left = data;
        while !left.is_empty() {
            let speaker = if who == From::Client { &mut self.client } else { &mut self.server };
            match speaker.write(left).unwrap() {
                Progress::Ready(n) => left = &left[n..],
                other => panic!("{other:?}"),
            }
            self.carry();
            let hearer = if who == From::Client { &mut self.server } else { &mut self.client };
            while let Progress::Ready(1..) = hearer.read(&mut [0; 20_000]).unwrap() {}
            self.carry();
        }
        match who {
            From::Client => self.said.client.extend(data),
            From::Server => self.said.server.extend(data),
        }
    }

    /// A word and a long text, each way.
    fn talk(&mut self) {
        let long = b"More than one record holds. ".repeat(1000);
        self.say(From::Client, b"GET / HTTP/1.1\r\n\r\n");
        self.say(From::Server, b"HTTP/1.1 200 OK\r\n\r\n");
        self.say(From::Client, &long);
        self.say(From::Server, &long);
    }
}

fn move_all(
    who: From,
    from: &mut Connection,
    to: &mut Connection,
    flights: &mut Vec<(From, Vec<u8>)>,
) {
    let bytes = from.wire().pending().to_vec();
    if !bytes.is_empty() {
        from.wire().sent(bytes.len());
        to.wire().feed(&bytes);
        flights.push((who, bytes));
    }
}

/// A capture of one connection.
fn capture(of: &Recorded) -> Capture {
    let mut capture = Capture::new();
    capture.add(50_000, &of.flights);
    capture
}

fn plain(logs: From, backend: &dyn Backend, version: Version) {
    let bench = Bench::new(logs, backend, version, &[]);
    let mut both = bench.connect();
    both.talk();
    assert_eq!(decrypt(&capture(&both), &bench.log(), 0), both.said);
}

fn without(backend: &dyn Backend, version: Version) {
    let bench = Bench::new(From::Client, backend, version, &[]);
    let mut both = bench.connect();
    both.talk();
    // The log of another connection is there, and of no use.
    let other = Bench::new(From::Client, backend, version, &[]);
    other.connect();
    assert_eq!(decrypt(&capture(&both), &other.log(), 0), Plaintext::default());
}

fn new_keys(backend: &dyn Backend, version: Version) {
    let bench = Bench::new(From::Client, backend, version, &[]);
    let mut both = bench.connect();
    for _ in 0..3 {
        assert_eq!(both.client.update_keys().unwrap(), Progress::Ready(()));
        both.talk();
        assert_eq!(both.server.update_keys().unwrap(), Progress::Ready(()));
        both.talk();
    }
    assert_eq!(decrypt(&capture(&both), &bench.log(), 0), both.said);
}

fn resumed(backend: &dyn Backend, version: Version) {
    for logs in [From::Client, From::Server] {
        let bench = Bench::new(logs, backend, version, &[]);
        let mut first = bench.connect();
        first.talk(); // and gets its tickets
        let mut second = bench.connect();
        second.talk();
        assert_eq!(second.client.negotiated().unwrap().resumed, Some(true));
        second.say(From::Client, b"goes on from the first");
        let mut capture = capture(&first);
        capture.add(50_001, &second.flights);
        assert_eq!(decrypt(&capture, &bench.log(), 0), first.said);
        assert_eq!(decrypt(&capture, &bench.log(), 1), second.said);
    }
}

fn hybrid(backend: &dyn Backend, version: Version) {
    let bench = Bench::new(From::Server, backend, version, &[Group::X25519MLKEM768]);
    let mut both = bench.connect();
    both.talk();
    assert_eq!(decrypt(&capture(&both), &bench.log(), 0), both.said);
}
