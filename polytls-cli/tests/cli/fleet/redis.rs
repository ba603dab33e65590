//! A real Redis, on loopback, that ends with its test.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::LIMIT;

pub(crate) struct Redis {
    folder: TempDir,
    child: Child,
    port: u16,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // A port that is free now may be taken before Redis takes it.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            if let Some(child) = spawn(&folder, port) {
                return Self { folder, child, port };
            }
        }
        panic!("redis-server does not listen");
    }

    pub(crate) fn url(&self, options: &str) -> String {
        format!("redis://127.0.0.1:{}/{options}", self.port)
    }

    /// Kills it, with all that it has in its memory.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.child = spawn(&self.folder, self.port).expect("redis-server comes back");
    }
}

fn spawn(folder: &TempDir, port: u16) -> Option<Child> {
    let mut redis = Command::new("redis-server");
    redis.current_dir(folder.path()).args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    redis.args(["--save", "", "--appendonly", "no"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = redis.spawn().expect("redis-server: apt-get install redis-server");
    let deadline = Instant::now() + LIMIT;
    while child.try_wait().unwrap().is_none() {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some(child);
        }
        assert!(Instant::now() < deadline, "redis-server does not listen");
        thread::sleep(Duration::from_millis(5));
    }
    None
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
