//! The process that receives, and tells what sending took.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use polytls::pki_types::CertificateDer;
use tls_conformance::Authority;

const NAME: &str = "localhost";

/// What is sent.
pub(crate) struct Load {
    pub(crate) clients: u64,
    /// To each of them.
    pub(crate) files: u64,
    pub(crate) size: u64,
}

/// Measures all ways, one after the other, as often as there are rounds, and prints a line each: the way,
/// and then the microseconds of processor time and of time, or else the names and numbers of the system
/// calls.
pub(crate) fn run(calls: bool, rounds: u64, load: &Load, ways: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::root("root of the benchmark");
    let (root, identity) = (authority.certificate(), authority.server(NAME));
    std::fs::write(folder.path().join("certificate"), identity.leaf()).unwrap();
    std::fs::write(folder.path().join("key"), identity.key().unwrap().secret_der()).unwrap();
    write(&folder.path().join("file"), load.size);
    for round in 0..rounds {
        // Whoever comes first in one round comes last in the next.
        let mut order = ways.to_vec();
        if round % 2 == 1 {
            order.reverse();
        }
        for way in order {
            println!("{way} {}", measure(calls, load, way, folder.path(), &root));
        }
    }
}

fn measure(
    calls: bool,
    load: &Load,
    way: &str,
    folder: &Path,
    root: &CertificateDer<'_>,
) -> String {
    let own = std::env::current_exe().unwrap();
    let counts = folder.join("counts");
    let mut sender = match calls {
        true => {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-c", "-o"]).arg(&counts).arg(own);
            strace
        }
        false => Command::new(own),
    };
    let Load { clients, files, size } = load;
    let numbers = [clients, files, size].map(u64::to_string);
    sender.arg("send").arg(way).args(numbers).arg(folder);
    let mut sender = sender.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(sender.stdout.take().unwrap()).lines();
    let address: SocketAddr = said.next().unwrap().unwrap().parse().unwrap();
    let begin = Instant::now();
    let config = (way != "tcp").then(|| config(root));
    let expected = files * size;
    let clients: Vec<_> = (0..*clients)
        .map(|_| {
            let config = config.clone();
            thread::spawn(move || assert_eq!(receive(address, config), expected))
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let time = begin.elapsed().as_micros();
    let processor_time = said.next().unwrap().unwrap();
    assert!(sender.wait().unwrap().success(), "{way}");
    match calls {
        true => summary(&std::fs::read_to_string(counts).unwrap()),
        false => format!("{processor_time} {time}"),
    }
}

fn config(root: &CertificateDer<'_>) -> Arc<rustls::ClientConfig> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    // The same for all, whatever each would choose.
    provider.cipher_suites =
        vec![rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256];
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone().into_owned()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// How many bytes came before the end.
fn receive(address: SocketAddr, config: Option<Arc<rustls::ClientConfig>>) -> u64 {
    let tcp = TcpStream::connect(address).unwrap();
    let mut stream: Box<dyn Read> = match config {
        Some(config) => {
            let name = NAME.try_into().unwrap();
            let connection = rustls::ClientConnection::new(config, name).unwrap();
            Box::new(rustls::StreamOwned::new(connection, tcp))
        }
        None => Box::new(tcp),
    };
    let (mut buf, mut all) = (vec![0; 256 << 10], 0);
    loop {
        match stream.read(&mut buf).unwrap() {
            0 => return all,
            n => all += n as u64,
        }
    }
}

/// strace's table in a line: `sendto 65536 read 12 …`.
fn summary(table: &str) -> String {
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let calls = rows.filter_map(|row| {
        let number = row.get(3)?.parse::<u64>().ok()?;
        row.last().filter(|name| **name != "total").map(|name| format!("{name} {number}"))
    });
    calls.collect::<Vec<_>>().join(" ")
}

fn write(path: &Path, size: u64) {
    let mut file = File::create(path).unwrap();
    let block: Vec<u8> =
        (0..1_u32 << 20).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
    let mut left = size;
    while left > 0 {
        let n = left.min(block.len() as u64);
        file.write_all(&block[..n as usize]).unwrap();
        left -= n;
    }
}
