//! Running the program: bounded in time, and never left behind.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use polytls::backend::by_name;
use polytls::{Capability, Identity};
use serde_json::Value;
use tempfile::TempDir;
use tls_conformance::Authority;

/// Nothing here takes as long, also on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The backends in the build, as the program tells.
pub(crate) static BACKENDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let list: Value = serde_json::from_slice(&polytls(["backends", "--json"]).stdout).unwrap();
    let name = |backend: &Value| backend["name"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(name).collect()
});

/// Whether a backend says that it can do this.
pub(crate) fn can(backend: &str, what: Capability) -> bool {
    by_name(backend).unwrap().capabilities().contains(what)
}

/// What both sides of a pair agree on by default.
pub(crate) fn newest(client: &str, server: &str) -> &'static str {
    match can(client, Capability::Tls13Client) && can(server, Capability::Tls13Server) {
        true => "TLSv1.3",
        false => "TLSv1.2",
    }
}

/// What a backend calls a certificate that it refuses for this reason.
pub(crate) fn refusal(backend: &str, reason: &str) -> String {
    match can(backend, Capability::CertificateReasons) {
        true => format!("certificate({reason})"),
        false => "certificate(other)".into(),
    }
}

pub(crate) fn for_each_backend(check: impl Fn(&str)) {
    assert!(!BACKENDS.is_empty());
    for backend in BACKENDS.iter() {
        check(backend);
    }
}

/// Runs the program without input, to its end.
pub(crate) fn polytls<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Finished {
    Running::start(command(args)).finish()
}

pub(crate) fn command<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polytls"));
    command.args(args).env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    command
}

/// A process that is killed when dropped, whose output is read all the time.
pub(crate) struct Running {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Receiver<Vec<u8>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

/// How a process ended.
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped());
        Self::start_with_stdin(command)
    }

    /// The same, with the standard input that `command` has.
    pub(crate) fn start_with_stdin(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (send, stdout) = channel();
        thread::spawn(move || {
            let mut buf = vec![0; 65_536];
            while let Ok(n @ 1..) = out.read(&mut buf) {
                if send.send(buf[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let stderr = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = err.read_to_end(&mut text);
            text
        });
        Self { stdin: child.stdin.take(), child, stdout, stderr: Some(stderr) }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the next output.
    pub(crate) fn output(&self) -> Vec<u8> {
        self.stdout.recv_timeout(LIMIT).expect("output in time")
    }

    /// Ends its input, and waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        drop(self.stdin.take());
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the program does not end");
            thread::sleep(Duration::from_millis(5));
        };
        let stderr = self.stderr.take().unwrap().join().unwrap();
        Finished {
            code: status.code(),
            stdout: self.stdout.iter().flatten().collect(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        self
    }

    /// Expects exit code 1 and an error of this kind.
    #[track_caller]
    pub(crate) fn expect_error(self, kind: &str) -> Self {
        let this = self.expect(1);
        assert!(this.has_error(kind), "not {kind}: {}", this.stderr);
        this
    }

    pub(crate) fn has_error(&self, kind: &str) -> bool {
        let begin = format!("error: {kind}: ");
        self.stderr.lines().any(|line| line.starts_with(&begin))
    }

    pub(crate) fn has_config_error_about(&self, path: &str) -> bool {
        let mut lines = self.stderr.lines();
        lines.any(|line| line.starts_with("error: config: ") && line.contains(path))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }
}

/// A running `polytls serve`.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) process: Running,
}

impl Serving {
    pub(crate) fn start<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::start_at("127.0.0.1:0", args)
    }

    pub(crate) fn start_at<A: AsRef<OsStr>>(
        address: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut command = command(["serve", address]);
        command.args(args);
        let process = Running::start(command);
        let line = String::from_utf8(process.output()).unwrap();
        let address = line.strip_prefix("listening on ").unwrap().trim_end().parse().unwrap();
        Self { address, process }
    }

    /// Asks it to stop, as a service manager does.
    pub(crate) fn terminate(self) -> Finished {
        signal("TERM", &self.process);
        self.process.finish()
    }
}

pub(crate) fn signal(name: &str, process: &Running) {
    let status =
        Command::new("kill").args(["-s", name, &process.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The command that connects to `address`.
pub(crate) fn connect<A: AsRef<OsStr>>(
    address: SocketAddr,
    args: impl IntoIterator<Item = A>,
) -> Command {
    let mut command = command(["connect", &address.to_string()]);
    command.args(args);
    command
}

/// Runs `command` to its end with this input.
pub(crate) fn with_input(command: Command, input: &[u8]) -> Finished {
    let mut process = Running::start(command);
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that fails does not read it all; that shows in how it ends.
    thread::spawn(move || stdin.write_all(&input));
    process.finish()
}

/// Runs `command` with this input, which ends only when as much has come back: for pairs of backends
/// that cannot leave half of a connection open.
pub(crate) fn in_full(command: Command, input: &[u8]) -> Finished {
    let mut process = Running::start(command);
    let mut stdin = process.stdin.take().unwrap();
    let (all, mut came) = (input.to_vec(), Vec::new());
    let writing = thread::spawn(move || stdin.write_all(&all).map(|()| stdin));
    while came.len() < input.len() {
        match process.stdout.recv_timeout(LIMIT) {
            Ok(more) => came.extend(more),
            Err(_) => break, // it has ended, and says why
        }
    }
    let _ = writing.join();
    let mut finished = process.finish();
    finished.stdout.splice(..0, came);
    finished
}

/// A directory of certificates and keys, all of one authority called `ca.pem`.
pub(crate) struct Certificates {
    directory: TempDir,
    pub(crate) authority: Authority,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        Self::of(Authority::root("root of the command line's tests"))
    }

    pub(crate) fn of(authority: Authority) -> Self {
        let this = Self { directory: tempfile::tempdir().unwrap(), authority };
        this.write("ca.pem", &pem(&[&this.authority.certificate()]));
        this
    }

    /// With `server.pem` and `server.key` for `localhost`.
    pub(crate) fn with_server() -> Self {
        let this = Self::new();
        this.add("server", &this.authority.server("localhost"));
        this
    }

    /// Writes `identity` to `{name}.pem` and `{name}.key`.
    pub(crate) fn add(&self, name: &str, identity: &Identity) {
        let chain = identity.chain().iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>();
        self.write(&format!("{name}.pem"), &pem(&chain));
        let key = pem::Pem::new("PRIVATE KEY", identity.key().unwrap().secret_der());
        self.write(&format!("{name}.key"), &pem::encode(&key));
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// `--cert` and `--key` of `name`.
    pub(crate) fn identity(&self, name: &str) -> [String; 4] {
        let (cert, key) = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        ["--cert".into(), cert, "--key".into(), key]
    }

    /// An echoing server of `server.pem`.
    pub(crate) fn echo(&self, backend: &str, more: &[&str]) -> Serving {
        let identity = self.identity("server");
        let args = ["--echo", "--backend", backend];
        Serving::start(
            args.into_iter().chain(identity.iter().map(String::as_str)).chain(more.iter().copied()),
        )
    }

    /// The same; or `None`, if the backend lacks something, and the program says by its name that it
    /// does not serve so.
    pub(crate) fn echo_if_it_can(
        &self,
        backend: &str,
        more: &[&str],
        needs: Capability,
    ) -> Option<Serving> {
        if can(backend, needs) {
            return Some(self.echo(backend, more));
        }
        let identity = self.identity("server");
        let args = ["serve", "127.0.0.1:0", "--echo", "--backend", backend].into_iter();
        let args = args.chain(identity.iter().map(String::as_str)).chain(more.iter().copied());
        let refused = polytls(args).expect(2);
        assert!(refused.has_error(&format!("unsupported({needs})")), "{}", refused.stderr);
        None
    }

    /// The command that connects to `address` and trusts only `ca.pem`.
    pub(crate) fn connect(&self, address: SocketAddr, backend: &str, more: &[&str]) -> Command {
        let ca = self.path("ca.pem");
        let args = ["--backend", backend, "--ca", &ca];
        connect(address, args.iter().chain(more))
    }

    /// What `--facts` wrote to the file of this name.
    pub(crate) fn facts(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.root().join(name)).unwrap()).unwrap()
    }
}

pub(crate) fn pem<D: AsRef<[u8]>>(chain: &[D]) -> String {
    let section = |der: &D| pem::Pem::new("CERTIFICATE", der.as_ref());
    pem::encode_many(&chain.iter().map(section).collect::<Vec<_>>())
}
