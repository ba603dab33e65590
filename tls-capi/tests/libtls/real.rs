//! Debian's programs, unmodified, on our shared object: nothing is set but `LD_LIBRARY_PATH`, and the backend.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

use crate::built::{BACKENDS, BUILT, files};

/// A server on loopback that answers everybody with what is in a file.
struct Answering {
    process: Child,
    output: BufReader<ChildStdout>,
    port: String,
}

impl Answering {
    fn with(folder: &Path, backend: &str, answer: &str) -> Self {
        fs::write(folder.join("answer.txt"), answer).unwrap();
        let mut command = Command::new(BUILT.program("answer"));
        on(&mut command, backend).arg(folder).arg("answer.txt").stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line.trim_end().strip_prefix("port = ").unwrap().to_owned();
        Self { process, output, port }
    }

    /// Ends it, and says what it was asked.
    fn end(mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let mut asked = String::new();
        self.output.read_to_string(&mut asked).unwrap();
        asked
    }
}

fn on<'a>(command: &'a mut Command, backend: &str) -> &'a mut Command {
    command.env("LD_LIBRARY_PATH", BUILT.library()).env("POLYTLS_BACKEND", backend)
}

/// The files, where also a program that gives up its rights finds them.
fn open_files() -> TempDir {
    let folder = files();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Runs a program for some seconds at most, with no input, and gives all that it says.
fn run(program: &[&str], backend: &str, trusted: &Path) -> String {
    let mut command = Command::new("timeout");
    on(command.args(["-k", "1", "6"]).args(program), backend);
    command.env("SSL_CERT_FILE", trusted).env("TERM", "vt100").env("PAGER", "cat");
    let output = command.stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn sacc_fetches_from_whom_it_trusts() {
    let folder = open_files();
    for backend in BACKENDS {
        let server = Answering::with(folder.path(), backend, "hello gopher\r\n.\r\n");
        let command = format!("sacc gophers://127.0.0.1:{}/0/x", server.port);
        // It wants a terminal.
        let fetch = |trusted: &str| {
            let program = ["script", "-qec", &command, "/dev/null"];
            run(&program, backend, &folder.path().join(trusted))
        };
        let said = fetch("ca.pem");
        assert!(said.contains("hello gopher"), "{backend}: {said}");
        let said = fetch("other-ca.pem");
        assert!(said.contains("certificate verification failed"), "{backend}: {said}");
        assert_eq!(server.end().matches("asked = /x").count(), 1, "{backend}");
    }
}

#[test]
fn catgirl_prints_the_chain() {
    let folder = open_files();
    let chain = fs::read_to_string(folder.path().join("ip.pem")).unwrap().replace('\r', "");
    for backend in BACKENDS {
        let server = Answering::with(folder.path(), backend, "");
        let program = ["catgirl", "-o", "-h", "127.0.0.1", "-p", &server.port, "-n", "nick"];
        let said = run(&program, backend, &folder.path().join("ca.pem"));
        assert!(said.contains("subject= /O=polytls conformance/CN=127.0.0.1"), "{backend}: {said}");
        assert!(said.contains(&chain), "{backend}: {said}");
        server.end();
    }
}

#[test]
fn rpki_client_asks_whom_it_trusts() {
    let folder = open_files();
    let mut key = Command::new("openssl");
    key.args(["x509", "-pubkey", "-noout", "-in"]).arg(folder.path().join("ca.pem"));
    let key = String::from_utf8(key.output().unwrap().stdout).unwrap();
    let key: String = key.lines().filter(|line| !line.contains("PUBLIC")).collect();
    for name in ["cache", "output"] {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
    }
    for backend in BACKENDS {
        let answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let server = Answering::with(folder.path(), backend, answer);
        let at = |name: &str| folder.path().join(name).display().to_string();
        let locator = format!("https://127.0.0.1:{}/ta.cer\n\n{key}\n", server.port);
        fs::write(at("test.tal"), locator).unwrap();
        let (locator, cache, output) = (at("test.tal"), at("cache"), at("output"));
        let program = ["/usr/sbin/rpki-client", "-v", "-e", "/bin/true", "-t", &locator];
        let program = [&program[..], &["-d", &cache, &output]].concat();
        let said = run(&program, backend, &folder.path().join("ca.pem"));
        assert!(said.contains("404 Not Found"), "{backend}: {said}");
        let said = run(&program, backend, &folder.path().join("other-ca.pem"));
        assert!(
            said.contains("TLS handshake: certificate verification failed"),
            "{backend}: {said}"
        );
        assert_eq!(server.end().matches("asked = GET /ta.cer HTTP/1.1").count(), 1, "{backend}");
    }
}
