//! PostgreSQL for one test: a cluster in a folder, and servers on copies of it.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A database cluster that no server runs on: what servers begin with.
pub struct Cluster {
    dir: TempDir,
    owner: Option<Owner>,
}

/// What a server needs for TLS, as PEM.
pub struct Tls<'a> {
    /// Its certificates, its own first.
    pub chain: &'a str,
    /// Its key.
    pub key: &'a str,
    /// Who issues certificates to its clients.
    pub client_roots: Option<&'a str>,
}

/// A running server, stopped when dropped.
pub struct Postgres {
    dir: TempDir,
    child: Child,
    port: u16,
}

impl Cluster {
    /// Makes a cluster with the user `postgres`, and runs `statements` in it, a line each.
    ///
    /// # Panics
    ///
    /// If PostgreSQL is not installed, or fails.
    pub fn new(statements: &[&str]) -> Self {
        let owner = Owner::needed();
        let dir = folder(owner);
        let data = dir.path().join("data");
        let mut initdb = command("initdb", dir.path(), owner);
        initdb.args(["--no-sync", "--no-instructions", "--no-locale", "--encoding=UTF8"]);
        initdb.args(["--username=postgres", "--auth=trust", "-D"]).arg(&data);
        let done = initdb.output().unwrap_or_else(|e| panic!("{initdb:?}: {e}"));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

        let mut single = command("postgres", dir.path(), owner);
        single.args(["--single", "-c", "fsync=off", "-c", "exit_on_error=on", "-D"]).arg(&data);
        single.arg("postgres").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = single.spawn().unwrap_or_else(|e| panic!("{single:?}: {e}"));
        let mut stdin = child.stdin.take().unwrap();
        for statement in statements {
            writeln!(stdin, "{statement}").unwrap();
        }
        drop(stdin);
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Self { dir, owner }
    }

    /// Starts a server on loopback, and on a Unix socket in its folder. `access` are the lines of its
    /// `pg_hba.conf`.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(&self, access: &[&str], tls: Option<&Tls<'_>>) -> Postgres {
        let dir = folder(self.owner);
        self.furnish(dir.path(), access, tls);
        for _ in 0..5 {
            let port = free_port();
            let mut postgres = command("postgres", dir.path(), self.owner);
            postgres.arg("-D").arg(dir.path().join("data")).args(["-p", &port.to_string()]);
            let log = File::create(dir.path().join("log")).unwrap();
            postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
            let mut child = postgres.spawn().unwrap_or_else(|e| panic!("{postgres:?}: {e}"));
            if comes_up(&mut child, dir.path()) {
                return Postgres { dir, child, port };
            }
            // Somebody else may have taken the port; what else it is, the log says in the end.
        }
        let log = fs::read_to_string(dir.path().join("log")).unwrap_or_default();
        panic!("the server does not start:\n{log}");
    }

    /// Puts everything that a server needs into its folder.
    fn furnish(&self, folder: &Path, access: &[&str], tls: Option<&Tls<'_>>) {
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(self.dir.path().join("data")).arg(folder);
        assert!(copy.status().unwrap().success());
        let write = |name: &str, text: &str| {
            let file = folder.join(name);
            fs::write(&file, text).unwrap();
            // It takes no key that others may read.
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            give(&file, self.owner);
        };
        let place = folder.display();
        let mut settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{place}'\nfsync = off\n"
        );
        if let Some(tls) = tls {
            settings += &format!(
                "ssl = on\nssl_cert_file = '{place}/chain.pem'\nssl_key_file = '{place}/key.pem'\n"
            );
            write("chain.pem", tls.chain);
            write("key.pem", tls.key);
            if let Some(roots) = tls.client_roots {
                settings += &format!("ssl_ca_file = '{place}/roots.pem'\n");
                write("roots.pem", roots);
            }
        }
        write("data/postgresql.conf", &settings);
        write("data/pg_hba.conf", &(access.join("\n") + "\n"));
    }
}

impl Postgres {
    /// Where it listens on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its Unix socket is.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.log());
        }
        // At once, and its processes with it (SIGQUIT).
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill -QUIT \"$0\"", &self.child.id().to_string()]);
        let _ = shell.status();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(TICK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whom the server runs as where the tests run as root: it refuses to be that.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    fn needed() -> Option<Self> {
        let ours = fs::metadata("/proc/self").unwrap().uid();
        if ours != 0 {
            return None;
        }
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let find = |name: &str| {
            let mut fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
            let user = fields.find(|fields| fields[0] == name)?;
            Some(Self { user: user[2].parse().ok()?, group: user[3].parse().ok()? })
        };
        find("postgres").or_else(|| find("nobody"))
    }
}

fn folder(owner: Option<Owner>) -> TempDir {
    let dir = tempfile::Builder::new().prefix("polytls-postgres-").tempdir().unwrap();
    give(dir.path(), owner);
    dir
}

fn give(path: &Path, owner: Option<Owner>) {
    if let Some(Owner { user, group }) = owner {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

fn command(name: &str, folder: &Path, owner: Option<Owner>) -> Command {
    let mut command = Command::new(binary(name));
    if let Some(Owner { user, group }) = owner {
        command.uid(user).gid(group);
    }
    command.current_dir(folder).env("LC_ALL", "C").env("TZ", "UTC");
    command
}

/// Debian keeps these programs out of the path, in a folder for each version.
fn binary(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places = versions.map(|entry| entry.path().join("bin")).collect::<Vec<_>>();
    places.sort();
    places.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut files = places.into_iter().chain(std::env::split_paths(&path));
    let Some(place) = files.find(|place| place.join(name).is_file()) else {
        panic!(
            "{name} is not installed, and its tests are not skipped: apt-get install postgresql"
        );
    };
    place.join(name)
}

/// A port that was free a moment ago: the server cannot say which one it took.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until a server says in its folder that it is ready, as pg_ctl does, or is gone.
fn comes_up(child: &mut Child, folder: &Path) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        let state = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
            return true;
        }
        thread::sleep(TICK);
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look.
const TICK: Duration = Duration::from_millis(20);
