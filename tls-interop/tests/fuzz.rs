//! Random and mutated bytes into the wires of clients and servers, on every backend: no panic, no
//! hang, always a typed error. The seed of the junk is fixed, `POLYTLS_FUZZ_SEED` and
//! `POLYTLS_FUZZ_COUNT` set others; keys and nonces are fresh in each run, so what is mutated is not
//! the same twice.

use std::env;
use std::thread;

use polytls::{
    Alert, Backend, Client, ClientConfig, Connection, ErrorKind, Progress, Server, ServerConfig,
};
use tls_conformance::Authority;

/// How many strings each role of each backend gets.
const COUNT: u64 = 100_000;

#[test]
fn junk_of_every_kind_is_a_typed_error() {
    let seed = number("POLYTLS_FUZZ_SEED").unwrap_or(20_261_121);
    let count = number("POLYTLS_FUZZ_COUNT").unwrap_or(COUNT);
    thread::scope(|scope| {
        for backend in polytls::backend::all() {
            for role in [Role::Client, Role::Server] {
                scope.spawn(move || Fuzz::new(*backend, role, seed).run(count));
            }
        }
    });
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

struct Fuzz {
    backend: &'static dyn Backend,
    role: Role,
    client: Client,
    server: Server,
    /// What a peer of this role really sends, for mutation: its first flights.
    corpus: Vec<Vec<u8>>,
    random: Random,
    seed: u64,
}

impl Fuzz {
    fn new(backend: &'static dyn Backend, role: Role, seed: u64) -> Self {
        let root = Authority::root("Fuzz root");
        let client = ClientConfig::builder().roots(root.roots()).alpn(["h2"]).build().unwrap();
        let server =
            ServerConfig::builder(root.server("server.test")).alpn(["h2"]).build().unwrap();
        let mut fuzz = Self {
            backend,
            role,
            client: Client::new(&client, backend).unwrap(),
            server: Server::new(&server, backend).unwrap(),
            corpus: Vec::new(),
            random: Random(seed ^ role as u64),
            seed,
        };
        fuzz.collect();
        fuzz
    }

    /// Records what the peer of the role sends in an honest handshake with some data.
    fn collect(&mut self) {
        let (mut client, mut server) = self.pair();
        for _ in 0..6 {
            let _ = (client.handshake().unwrap(), server.handshake().unwrap());
            if client.is_established() {
                let _ = client.write(b"a few bytes of data").unwrap();
            }
            if server.is_established() {
                let _ = server.write(b"a few bytes of data").unwrap();
            }
            let to_server = take(&mut client);
            let to_client = take(&mut server);
            server.wire().feed(&to_server);
            client.wire().feed(&to_client);
            let seen = if self.role == Role::Client { to_client } else { to_server };
            if !seen.is_empty() {
                self.corpus.push(seen);
            }
        }
        assert!(!self.corpus.is_empty());
    }

    fn pair(&self) -> (Connection, Connection) {
        (self.client.connection("server.test").unwrap(), self.server.connection().unwrap())
    }

    fn run(mut self, count: u64) {
        for i in 0..count {
            // A connection is a hundred times dearer than a string; some live ones are needed to
            // get beyond the first messages.
            match i % 100 {
                0..50 => self.random_bytes(i),
                50..99 => self.mutated_flight(i),
                _ => self.mutated_in_transit(i),
            }
        }
    }

    fn random_bytes(&mut self, i: u64) {
        let length = self.random.below(600) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| self.random.next() as u8).collect();
        // Most random bytes are no TLS; half of them are given a record header.
        if i % 2 == 0 && length >= 5 {
            let kind = 20 + self.random.below(5) as u8;
            let inside = if self.random.below(2) == 0 {
                (length - 5) as u16
            } else {
                self.random.next() as u16
            };
            bytes[..3].copy_from_slice(&[kind, 3, self.random.below(5) as u8]);
            bytes[3..5].copy_from_slice(&inside.to_be_bytes());
        }
        self.feed(i, &bytes);
    }

    fn mutated_flight(&mut self, i: u64) {
        let at = self.random.below(self.corpus.len() as u64) as usize;
        let mut bytes = self.corpus[at].clone();
        self.random.mutate(&mut bytes);
        self.feed(i, &bytes);
    }

    /// One fresh connection gets `bytes` in a few pieces, and then the end.
    fn feed(&mut self, i: u64, bytes: &[u8]) {
        let mut connection = match self.role {
            Role::Client => self.client.connection("server.test").unwrap(),
            Role::Server => self.server.connection().unwrap(),
        };
        let _ = connection.handshake().unwrap();
        take(&mut connection);
        let cut = self.random.below(bytes.len() as u64 + 1) as usize;
        for piece in [&bytes[..cut], &bytes[cut..]] {
            connection.wire().feed(piece);
            if self.is_over(i, &mut connection) {
                return;
            }
        }
        connection.wire().end();
        assert!(self.is_over(i, &mut connection), "{}: no end at the end", self.at(i));
    }

    /// An honest pair, but one byte string in transit to the role is mutated.
    fn mutated_in_transit(&mut self, i: u64) {
        let (mut client, mut server) = self.pair();
        let victim = self.random.below(6);
        for round in 0..12 {
            let over = (self.is_over(i, &mut client), self.is_over(i, &mut server));
            let mut to_server = take(&mut client);
            let mut to_client = take(&mut server);
            if round == victim {
                let target =
                    if self.role == Role::Client { &mut to_client } else { &mut to_server };
                self.random.mutate(target);
            }
            server.wire().feed(&to_server);
            client.wire().feed(&to_client);
            if over.0 || over.1 {
                break;
            }
        }
        for connection in [&mut client, &mut server] {
            connection.wire().end();
            for _ in 0..100 {
                if self.is_over(i, connection) {
                    break;
                }
            }
            assert!(self.is_over(i, connection), "{}: no end at the end", self.at(i));
        }
    }

    /// Moves `connection` on as far as it goes, and checks the error it may end with.
    fn is_over(&self, i: u64, connection: &mut Connection) -> bool {
        let mut buf = [0; 1000];
        // Each step consumes input or ends; more than this would be a hang.
        for _ in 0..1000 {
            let result = match connection.is_established() {
                false => connection.handshake().map(|progress| match progress {
                    Progress::Ready(()) => Progress::Ready(1),
                    Progress::WantRead => Progress::WantRead,
                    Progress::WantWrite => Progress::WantWrite,
                    Progress::WantSignature => Progress::WantSignature,
                }),
                true => {
                    if connection.wire().pending().is_empty() {
                        let _ = connection.write(b"some data");
                    }
                    connection.read(&mut buf)
                }
            };
            match result {
                Ok(Progress::Ready(0)) => return true,
                Ok(Progress::Ready(_)) => {}
                Ok(Progress::WantRead | Progress::WantWrite | Progress::WantSignature) => {
                    return false;
                }
                Err(e) => {
                    let again = connection.read(&mut buf).unwrap_err();
                    assert_eq!(e.kind(), again.kind(), "{}: not the same error again", self.at(i));
                    assert!(is_the_peers_fault(e.kind()), "{}: {e:?}", self.at(i));
                    return true;
                }
            }
        }
        panic!("{}: no end in sight", self.at(i));
    }

    fn at(&self, i: u64) -> String {
        format!("{} {:?}, string {i} of seed {}", self.backend.name(), self.role, self.seed)
    }
}

/// The kinds that bytes from a peer can cause.
fn is_the_peers_fault(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::AlertReceived(Alert(_))
            | ErrorKind::BadRecord
            | ErrorKind::Certificate(_)
            | ErrorKind::NoPeerCertificate
            | ErrorKind::NoSharedAlpn
            | ErrorKind::NoSharedCipher
            | ErrorKind::NoSharedGroup
            | ErrorKind::NoSharedSignature
            | ErrorKind::NoSharedVersion
            | ErrorKind::NotTls
            | ErrorKind::Protocol
            | ErrorKind::UnexpectedEof
    )
}

fn take(connection: &mut Connection) -> Vec<u8> {
    let pending = connection.wire().pending().to_vec();
    connection.wire().sent(pending.len());
    pending
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// SplitMix64: enough for junk.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// Changes, removes, doubles or cuts some bytes.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len() as u64) as usize;
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.next() as u8,
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, self.next() as u8),
                4 => bytes.truncate(at),
                _ => {
                    let end = (at + self.below(40) as usize).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
    }
}
