//! Servers on loopback, for as long as a test wants them.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use polytls::{Blocking, ServerConfig, Stream, backend};
use tempfile::NamedTempFile;
use tls_conformance::Authority;

/// What a server does with a connection. The handshake comes with the first byte that it moves.
pub(crate) type Serve = fn(&mut Served);

type Served = Stream<Blocking<TcpStream>>;

/// A server that serves one connection after the other until it is dropped.
pub(crate) struct Server {
    backend: &'static str,
    port: u16,
    roots: NamedTempFile,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn begin(
        backend: &'static str,
        mut serve: impl FnMut(&mut Served) + Send + 'static,
    ) -> Self {
        let authority = Authority::root("The client's tests");
        let mut roots = NamedTempFile::new().unwrap();
        let root = crate::pem("CERTIFICATE", &authority.certificate());
        roots.write_all(root.as_bytes()).unwrap();
        let config = ServerConfig::builder(authority.server("localhost")).build().unwrap();
        let library = backend::by_name(backend).unwrap();
        let server = polytls::Server::new(&config, library).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = is_over.clone();
        let thread = thread::spawn(move || {
            for tcp in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let tcp = tcp.unwrap();
                // A client that is gone, or stuck, is not waited for.
                tcp.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                tcp.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
                serve(&mut server.accept(Blocking::new(tcp)).unwrap());
            }
        });
        Self { backend, port, roots, is_over, thread: Some(thread) }
    }

    pub(crate) fn backend(&self) -> &'static str {
        self.backend
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A file with what a client has to trust.
    pub(crate) fn roots(&self) -> &Path {
        self.roots.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || thread::panicking());
        }
    }
}

/// A port that nobody listens on.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Says what it hears, to the end.
pub(crate) fn echo(stream: &mut Served) {
    let mut buf = [0; 4096];
    while let Ok(n @ 1..) = stream.read(&mut buf) {
        if stream.write_all(&buf[..n]).is_err() {
            return;
        }
    }
}

/// Says 40,000 bytes, and that there are no more.
pub(crate) fn end(stream: &mut Served) {
    let bytes: Vec<u8> = (0..40_000_u32).map(|i| i as u8).collect();
    stream.write_all(&bytes).unwrap();
    stream.close_notify().unwrap();
    wait_for_end(stream);
}

/// Says "half", and that is that.
pub(crate) fn truncated(stream: &mut Served) {
    stream.write_all(b"half").unwrap();
    stream.flush().unwrap();
    thread::sleep(Duration::from_millis(100));
    tcp(stream).shutdown(Shutdown::Write).unwrap();
    wait_for_end(stream);
}

/// Takes the connection, and says nothing.
pub(crate) fn mute(stream: &mut Served) {
    wait_for_end(stream);
}

/// Speaks something else.
pub(crate) fn clear(stream: &mut Served) {
    let mut tcp = tcp(stream);
    tcp.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").unwrap();
    wait_for_end(stream);
}

/// Says what it hears, whatever becomes of that, and for a moment only.
pub(crate) fn any(stream: &mut Served) {
    let _ = tcp(stream).set_read_timeout(Some(Duration::from_millis(5)));
    let mut buf = [0; 4096];
    if let Ok(n @ 1..) = stream.read(&mut buf) {
        let _ = stream.write_all(&buf[..n]);
    }
}

/// Ends the connection at once.
pub(crate) fn hang_up(stream: &mut Served) {
    let mut tcp = tcp(stream);
    let _ = tcp.read(&mut [0; 16_384]);
    let _ = tcp.shutdown(Shutdown::Write);
    wait_for_end(stream);
}

fn tcp(stream: &Served) -> &TcpStream {
    stream.transport().get_ref()
}

/// Without TLS: whatever comes is of no interest.
fn wait_for_end(stream: &Served) {
    let mut tcp = tcp(stream);
    while let Ok(1..) = tcp.read(&mut [0; 4096]) {}
}
