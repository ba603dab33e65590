//! Clients that come again and again, at a steady rate, to whichever server is up.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use polytls::backend::by_name;
use polytls::{
    Blocking, Client, ClientConfig, Resumption, Roots, Version, Versions, pki_types::CertificateDer,
};

use crate::support::LIMIT;

/// Where servers are; the place of one that is down is empty. Whoever visits one holds on to its place.
pub(crate) type Places = [RwLock<Option<SocketAddr>>];

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Visits that could resume: all but the first of each client.
    attempts: AtomicUsize,
    resumed: AtomicUsize,
    done: AtomicBool,
}

impl Tally {
    pub(crate) fn stop(&self) {
        self.done.store(true, Ordering::Relaxed);
    }

    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }

    pub(crate) fn resumed(&self) -> usize {
        self.resumed.load(Ordering::Relaxed)
    }
}

/// A client that trusts `root`, and one version.
pub(crate) fn client(backend: &str, root: &CertificateDer<'static>, version: Version) -> Client {
    let roots = Roots::empty().with_der(root.clone()).unwrap();
    let config = ClientConfig::builder()
        .roots(roots)
        .resumption(Resumption::Memory(1))
        .versions(Versions::only(version));
    Client::new(&config.build().unwrap(), by_name(backend).unwrap()).unwrap()
}

/// One connection, from its begin to a proper end; whether it resumed another.
pub(crate) fn visit(client: &Client, address: SocketAddr) -> bool {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    let mut transport = Blocking::new(socket);
    transport.set_deadline(Some(Instant::now() + LIMIT)).unwrap();
    let mut tls = client.connect("localhost", transport).unwrap();
    tls.handshake().unwrap();
    tls.write_all(b"x").unwrap();
    tls.flush().unwrap();
    let mut answer = [0];
    tls.read_exact(&mut answer).unwrap();
    tls.shutdown().unwrap();
    tls.negotiated().unwrap().resumed.unwrap()
}

/// Has each client come so many times a second, to one server after the other, until the tally is stopped.
pub(crate) fn come(clients: &[Client], each: u32, places: &Places, tally: &Tally) {
    let pause = Duration::from_secs(1) / each;
    thread::scope(|scope| {
        for (i, client) in clients.iter().enumerate() {
            scope.spawn(move || {
                let mut due = Instant::now() + pause * i as u32 / clients.len() as u32;
                let mut turn = i;
                let mut known = false;
                while !tally.done.load(Ordering::Relaxed) {
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    // What could not be done in time is done soon, or not at all.
                    due = due.max(Instant::now() - Duration::from_secs(1)) + pause;
                    let Some(resumed) = places.iter().find_map(|_| {
                        turn += 1;
                        let place = places[turn % places.len()].read().unwrap();
                        place.map(|address| visit(client, address))
                    }) else {
                        continue;
                    };
                    if known {
                        tally.attempts.fetch_add(1, Ordering::Relaxed);
                        tally.resumed.fetch_add(usize::from(resumed), Ordering::Relaxed);
                    }
                    known = true;
                }
            });
        }
    });
}
