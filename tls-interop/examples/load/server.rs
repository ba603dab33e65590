//! The server: sends back what comes, to each client in a task of its own.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use polytls::pki_types::CertificateDer;
use polytls::{Server, ServerConfig, backend};
use tls_conformance::Authority;
use tls_tokio::{TlsAcceptor, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

use crate::{NAME, machine};

/// How long a handshake may take before the client is given up.
pub(crate) const HANDSHAKE_LIMIT: Duration = Duration::from_secs(20);

/// Connections by how they went, as the server saw it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Ended with close_notify.
    pub(crate) closed: u64,
    /// Never finished the handshake.
    pub(crate) refused: u64,
    /// Failed after it.
    pub(crate) failed: u64,
}

/// The server's side of the process: tells its port and root, its memory when asked, and at the end of
/// its standard input how it went.
pub(crate) fn run(backend: &str) {
    let root = Authority::root("Root of the load");
    let config = ServerConfig::builder(root.server(NAME)).build().unwrap();
    let server = Server::new(&config, backend::by_name(backend).unwrap()).unwrap();
    let acceptor = TlsAcceptor::new(server).handshake_limit(Some(HANDSHAKE_LIMIT));
    let runtime = Runtime::new().unwrap();
    let counts: Arc<[AtomicU64; 3]> = Arc::default();
    let listener = runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        // All clients may come at once.
        socket.listen(4096)
    });
    let listener = listener.unwrap();
    let hex = |der: &[u8]| der.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    println!("{} {}", listener.local_addr().unwrap(), hex(&root.certificate()));
    let counting = counts.clone();
    runtime.spawn(async move {
        loop {
            // No more files, or a client that is gone already: others are still there.
            let Ok((tcp, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let (acceptor, counts) = (acceptor.clone(), counting.clone());
            tokio::spawn(async move {
                let how = serve(acceptor, tcp).await;
                counts[how].fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    for line in io::stdin().lines().map_while(Result::ok) {
        if line == "memory" {
            println!("{}", machine::resident().unwrap_or_default());
        }
    }
    let [closed, refused, failed] = [0, 1, 2].map(|how| counts[how].load(Ordering::Relaxed));
    println!("{closed} {refused} {failed}");
    runtime.shutdown_background();
}

/// Serves one client, and tells how that went: see [`Seen`].
async fn serve(acceptor: TlsAcceptor, tcp: TcpStream) -> usize {
    let _ = tcp.set_nodelay(true);
    let Ok(mut stream) = acceptor.accept(tcp).await else { return 1 };
    match echo(&mut stream).await {
        Ok(()) => 0,
        Err(_) => 2,
    }
}

/// Sends messages back, each after its length. Between them it keeps no memory for them, so that an
/// idle connection is what TLS and the task need.
async fn echo(stream: &mut TlsStream<TcpStream>) -> io::Result<()> {
    let mut length = [0; 4];
    while stream.read(&mut length[..1]).await? > 0 {
        stream.read_exact(&mut length[1..]).await?;
        let mut message = vec![0; (u32::from_be_bytes(length) as usize).min(MAX_MESSAGE)];
        stream.read_exact(&mut message).await?;
        stream.write_all(&length).await?;
        stream.write_all(&message).await?;
        stream.flush().await?;
    }
    stream.shutdown().await
}

/// No client sends more at once.
pub(crate) const MAX_MESSAGE: usize = 256 * 1024;

/// The clients' side of it. Killed when dropped.
pub(crate) struct ServerProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    pub(crate) root: CertificateDer<'static>,
}

impl ServerProcess {
    pub(crate) fn start(backend: &str, connections: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["serve", backend, &connections.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let (address, root) = line.trim().split_once(' ').expect("where it listens");
        let root = root
            .as_bytes()
            .chunks(2)
            .map(|digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
        let root = CertificateDer::from(root.collect::<Vec<_>>());
        Self { address: address.parse().unwrap(), root, child, stdin, stdout }
    }

    /// How much memory it has.
    pub(crate) fn resident(&mut self) -> Option<u64> {
        self.stdin.as_mut()?.write_all(b"memory\n").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().parse().ok().filter(|bytes| *bytes > 0)
    }

    /// Ends it, and tells how it went.
    pub(crate) fn stop(mut self) -> Seen {
        drop(self.stdin.take());
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let counts: Vec<u64> = line.split_whitespace().map(|n| n.parse().unwrap()).collect();
        let [closed, refused, failed] = counts[..] else { panic!("it said {line:?}") };
        Seen { closed, refused, failed }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
