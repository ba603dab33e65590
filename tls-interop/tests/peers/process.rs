//! Programs as children: started, fed, listened to and ended, none of it for longer than
//! [`PATIENCE`].

use std::env;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How often to look for what nobody announces: a port that opens, a child that exits.
pub(crate) const TICK: Duration = Duration::from_millis(3);

/// A program of somebody else's.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The Debian package that has it.
    pub(crate) package: &'static str,
}

impl Program {
    /// A command line to be completed.
    pub(crate) fn command(&self) -> Command {
        let path = env::var_os("PATH").unwrap_or_default();
        // Where Debian has servers is not in every user's path.
        let dirs = env::split_paths(&path).chain(["/usr/local/sbin", "/usr/sbin"].map(Into::into));
        let mut files = dirs.map(|dir: PathBuf| dir.join(self.name));
        match files.find(|file| file.is_file()) {
            Some(file) => Command::new(file),
            None => panic!(
                "{} is not installed, and its tests are not skipped: apt-get install {}",
                self.name, self.package
            ),
        }
    }
}

/// A running program, killed when dropped.
pub(crate) struct Child {
    child: process::Child,
    stdin: Option<Sender<Vec<u8>>>,
    stdout: Arc<Capture>,
    stderr: Arc<Capture>,
}

/// What has come out of a program so far.
#[derive(Default)]
struct Capture {
    state: Mutex<Captured>,
    changed: Condvar,
}

#[derive(Default)]
struct Captured {
    bytes: Vec<u8>,
    ended: bool,
}

impl Child {
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let stdout = Capture::of(child.stdout.take().unwrap());
        let stderr = Capture::of(child.stderr.take().unwrap());
        let mut pipe = child.stdin.take().unwrap();
        let (stdin, chunks) = mpsc::channel::<Vec<u8>>();
        // A program that does not read must not stop its test. Ends with the child.
        thread::spawn(move || {
            for chunk in chunks {
                if pipe.write_all(&chunk).and_then(|()| pipe.flush()).is_err() {
                    return;
                }
            }
        });
        Self { child, stdin: Some(stdin), stdout, stderr }
    }

    /// Sends `bytes` to its standard input, some time.
    pub(crate) fn feed(&self, bytes: &[u8]) {
        if let Some(stdin) = &self.stdin {
            let _ = stdin.send(bytes.to_vec()); // it may have exited; the test will find out
        }
    }

    /// Ends its standard input, after what it was fed.
    pub(crate) fn end_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits until its standard output is `enough`.
    pub(crate) fn wait_for_output(&self, enough: impl Fn(&[u8]) -> bool) {
        let found = self.stdout.wait(|captured| enough(&captured.bytes));
        assert!(found, "it did not print what was expected");
    }

    /// Kills it, so that it can say goodbye to nobody.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop (SIGTERM).
    pub(crate) fn terminate(&mut self) {
        // The shell's own: not every system has a program for it.
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill \"$0\"", &self.child.id().to_string()]);
        assert!(shell.status().unwrap().success());
    }

    /// Whether it has exited.
    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end and all of its output.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.exited() {
                self.stdout.wait(|captured| captured.ended);
                self.stderr.wait(|captured| captured.ended);
                return status;
            }
            assert!(Instant::now() < deadline, "it does not exit\n{}", self.said());
            thread::sleep(TICK);
        }
    }

    pub(crate) fn stdout(&self) -> Vec<u8> {
        self.stdout.state.lock().unwrap().bytes.clone()
    }

    pub(crate) fn stderr(&self) -> Vec<u8> {
        self.stderr.state.lock().unwrap().bytes.clone()
    }

    /// The end of what it printed, to be shown when a test fails.
    pub(crate) fn said(&self) -> String {
        let tail = |bytes: Vec<u8>| {
            let begin = bytes.len().saturating_sub(2000);
            String::from_utf8_lossy(&bytes[begin..]).into_owned()
        };
        format!("stdout: {}\nstderr: {}", tail(self.stdout()), tail(self.stderr()))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.said());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Capture {
    fn of(mut pipe: impl Read + Send + 'static) -> Arc<Self> {
        let capture = Arc::new(Self::default());
        let shared = capture.clone();
        thread::spawn(move || {
            let mut buf = [0; 16 * 1024];
            loop {
                let n = match pipe.read(&mut buf) {
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                    result => result.unwrap_or(0),
                };
                let mut state = shared.state.lock().unwrap();
                state.bytes.extend_from_slice(&buf[..n]);
                state.ended = n == 0;
                shared.changed.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        capture
    }

    /// Waits until `ready`, and says whether it came to that.
    fn wait(&self, ready: impl Fn(&Captured) -> bool) -> bool {
        let state = self.state.lock().unwrap();
        let waiting = |state: &mut Captured| !ready(state) && !state.ended;
        let (state, _) = self.changed.wait_timeout_while(state, PATIENCE, waiting).unwrap();
        ready(&state)
    }
}

/// A port on loopback where nobody listens, for a program that cannot tell which one it took.
///
/// Below the range that the system gives to outgoing connections: there, a connection that is
/// tried before the program listens can meet itself. Nothing is bound to see whether the port is
/// free: a program started by another thread at that moment would inherit it for an instant.
pub(crate) fn free_port() -> u16 {
    static BLOCK: OnceLock<(u16, TcpListener)> = OnceLock::new();
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let (block, _) = BLOCK.get_or_init(own_block);
    for _ in 1..BLOCK_SIZE {
        let port = block + 1 + NEXT.fetch_add(1, Ordering::Relaxed) % (BLOCK_SIZE - 1);
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            return port;
        }
    }
    panic!("no free port on loopback");
}

/// Takes a block of ports that no other run of these tests uses: the one that can listen on the
/// first port owns all of them, until it ends.
fn own_block() -> (u16, TcpListener) {
    let first = (process::id() % u32::from(BLOCKS)) as u16;
    let blocks = (0..BLOCKS).map(|i| FIRST_PORT + (first + i) % BLOCKS * BLOCK_SIZE);
    let mut owned = blocks.filter_map(|block| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, block)).ok().map(|listener| (block, listener))
    });
    owned.next().expect("a free block of ports")
}

const FIRST_PORT: u16 = 20_000;
const BLOCK_SIZE: u16 = 200;
const BLOCKS: u16 = 60;
