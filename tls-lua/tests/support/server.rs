//! A server that does as it is told, a line at a time.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use polytls::{ServerConfig, Staple, backend};
use tls_lines::{LineStream, WordError};

use super::fixtures::Fixtures;

pub(crate) struct Server {
    port: u16,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves on a free port of the loopback interface until it is dropped.
    pub(crate) fn start(backend: &str, fixtures: &Fixtures) -> Self {
        let staple = fs::read(fixtures.path().join("good.der")).unwrap();
        let identity = fixtures.server.clone().with_staple(Staple::new(staple));
        let config = ServerConfig::builder(identity).alpn(["hello", "http/1.1"]).build().unwrap();
        let server = polytls::Server::new(&config, backend::by_name(backend).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let accepting = thread::spawn(move || {
            for socket in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let connection = server.connection().unwrap();
                let stream = LineStream::new(connection, socket.unwrap()).unwrap();
                // Ends with the script at the latest, which closes its side.
                thread::spawn(move || obey(&stream));
            }
        });
        Self { port, stop, accepting: Some(accepting) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
    }
}

/// Does what each line says, until it is told to stop or the client has gone.
fn obey(stream: &LineStream) -> Option<()> {
    loop {
        let line = match stream.line() {
            Ok(line) => line,
            Err(WordError::Closed) => return stream.close().ok(),
            Err(_) => return None,
        };
        let line = line.strip_suffix(b"\n")?;
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (word, said) =
            (std::str::from_utf8(&line[..end]).ok()?, line.get(end + 1..).unwrap_or_default());
        let number = || std::str::from_utf8(said).ok()?.parse::<usize>().ok();
        match word {
            // Gives it back.
            "echo" => stream.write(&[said, b"\n"].concat()).ok()?,
            // The same without an end of the line.
            "part" => stream.write(said).ok()?,
            // Gives so many bytes.
            "give" => stream.write(&vec![b'x'; number()?]).ok()?,
            // Takes so many bytes, and says so.
            "take" => {
                let taken = stream.exact(number()?).ok()?;
                let sum = taken.iter().fold(0_u32, |sum, byte| sum.wrapping_add((*byte).into()));
                stream.write(format!("{} {sum}\n", taken.len()).as_bytes()).ok()?;
            }
            // Waits so many milliseconds.
            "wait" => thread::sleep(Duration::from_millis(number()? as u64)),
            // Ends the connection as it should be.
            "bye" => return stream.close().ok(),
            // Ends it as it should not.
            "cut" => return None,
            _ => stream.write(b"what?\n").ok()?,
        }
    }
}
