//! The process that sends.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;

use rustix::time::{ClockId, clock_gettime};

use crate::ways::{Site, Way};

/// Sends each of `clients` the file in `folder` so many times; tells where it listens, and at the end how
/// much processor time that took, in microseconds.
pub(crate) fn run(way: &str, clients: u64, files: u64, size: u64, folder: &Path) {
    let site = Arc::new(Site::new(folder, Way::parse(way)));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap());
    // All have shaken hands; all may begin.
    let barriers = [(); 2].map(|()| Arc::new(Barrier::new(clients as usize + 1)));
    let senders: Vec<_> = (0..clients)
        .map(|_| {
            let (tcp, _) = listener.accept().unwrap();
            tcp.set_nodelay(true).unwrap();
            let (site, barriers) = (site.clone(), barriers.clone());
            let file = File::open(folder.join("file")).unwrap();
            thread::spawn(move || {
                let mut connection = site.open(tcp);
                barriers.iter().for_each(|barrier| {
                    barrier.wait();
                });
                for _ in 0..files {
                    connection.send(&file, size).unwrap();
                }
                connection.end().unwrap();
            })
        })
        .collect();
    barriers[0].wait();
    let begin = processor_time();
    barriers[1].wait();
    for sender in senders {
        sender.join().unwrap();
    }
    println!("{}", processor_time() - begin);
}

/// What this process has used so far, in microseconds.
fn processor_time() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
}
