//! A real Redis, on loopback, that ends with its test.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Nothing here takes as long, also on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Redis {
    folder: TempDir,
    child: Child,
    pub(crate) port: u16,
    more: Vec<String>,
}

impl Redis {
    pub(crate) fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let more = more.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>();
        // One after the other: a port that is free now is not to be taken by another test, nor is its search
        // for one to be taken for this Redis.
        static STARTING: Mutex<()> = Mutex::new(());
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may still be quicker.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let mut child = spawn(&folder, port, &more);
            if listens(&mut child, port) {
                return Self { folder, child, port, more };
            }
        }
        panic!("redis-server does not listen");
    }

    pub(crate) fn url(&self, options: &str) -> String {
        format!("redis://127.0.0.1:{}/{options}", self.port)
    }

    /// Its socket in the file system, if it was told to have `--unixsocket socket`.
    pub(crate) fn socket(&self) -> String {
        self.folder.path().join("socket").display().to_string()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was, with nothing in its memory.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.folder, self.port, &self.more);
        assert!(listens(&mut self.child, self.port), "redis-server does not come back");
    }

    /// Sends it a signal by this name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Asks it something by hand.
    pub(crate) fn ask(&self, command: &[&str]) -> String {
        let mut cli = Command::new("redis-cli");
        cli.args(["-p", &self.port.to_string(), "--no-auth-warning"]).args(command);
        let output = cli.output().expect("redis-cli: apt-get install redis-tools");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

fn spawn(folder: &TempDir, port: u16, more: &[String]) -> Child {
    let mut redis = Command::new("redis-server");
    redis.current_dir(folder.path()).args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    redis.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder.path()).args(more);
    redis.stdout(Stdio::null()).stderr(Stdio::null());
    redis.spawn().expect("redis-server: apt-get install redis-server")
}

fn listens(child: &mut Child, port: u16) -> bool {
    let deadline = Instant::now() + LIMIT;
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        if answers(port).is_ok_and(|answers| answers) {
            return true;
        }
        thread::sleep(Duration::from_millis(5));
    }
    false
}

/// Whether Redis is there; it may well say that it wants a password.
fn answers(port: u16) -> io::Result<bool> {
    let mut tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    tcp.set_read_timeout(Some(Duration::from_secs(1)))?;
    tcp.write_all(b"PING\r\n")?;
    let mut first = [0];
    tcp.read_exact(&mut first)?;
    Ok(matches!(first, [b'+' | b'-']))
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
