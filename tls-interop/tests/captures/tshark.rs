//! Wireshark without its windows.

use std::fmt;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::pcap::Capture;

/// What it decrypts of one connection: from the client, and from the server.
#[derive(Default, PartialEq, Eq)]
pub(crate) struct Plaintext {
    pub(crate) client: Vec<u8>,
    pub(crate) server: Vec<u8>,
}

/// How much it is, and how it begins.
impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let begin = |bytes: &[u8]| bytes[..bytes.len().min(40)].escape_ascii().to_string();
        let Self { client, server } = self;
        write!(f, "client {} {}…, ", client.len(), begin(client))?;
        write!(f, "server {} {}…", server.len(), begin(server))
    }
}

/// Lets tshark decrypt the connection of this number, counted from 0, by the lines of a key log.
pub(crate) fn decrypt(capture: &Capture, log: &str, connection: usize) -> Plaintext {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("x.pcap"), capture.bytes()).unwrap();
    fs::write(file("keys.log"), log).unwrap();
    let mut tshark = Command::new("tshark");
    tshark
        .env("HOME", folder.path()) // nobody's preferences
        .args(["-n", "-q"])
        .arg("-r")
        .arg(file("x.pcap"))
        .arg("-o")
        .arg(format!("tls.keylog_file:{}", file("keys.log").display()))
        .arg("-d")
        .arg(format!("tcp.port=={},tls", Capture::PORT))
        .arg("-z")
        .arg(format!("follow,tls,raw,{connection}"))
        .stdin(Stdio::null())
        .stdout(File::create(file("out")).unwrap())
        .stderr(File::create(file("err")).unwrap());
    let mut process = tshark.spawn().expect("tshark, of the Debian package of that name");
    let deadline = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            process.kill().unwrap();
            process.wait().unwrap();
            panic!("tshark does not end");
        }
        thread::sleep(Duration::from_millis(20));
    };
    let (out, err) = (fs::read_to_string(file("out")), fs::read_to_string(file("err")));
    assert!(status.success(), "tshark: {status}: {err:?}");
    parse(&out.unwrap())
}

/// Lines of hex among others that are not; those of the one that is called node 1 after a tab.
fn parse(out: &str) -> Plaintext {
    let mut plaintext = Plaintext::default();
    let server = format!(":{}", Capture::PORT);
    let server_is_first =
        out.lines().any(|line| line.starts_with("Node 0: ") && line.ends_with(&server));
    for line in out.lines() {
        let (is_second, hex) = match line.strip_prefix('\t') {
            Some(hex) => (true, hex),
            None => (false, line),
        };
        if !hex.is_empty() && hex.bytes().all(|c| c.is_ascii_hexdigit()) {
            let to = match is_second == server_is_first {
                true => &mut plaintext.client,
                false => &mut plaintext.server,
            };
            to.extend(hex.as_bytes().chunks(2).map(byte));
        }
    }
    plaintext
}

fn byte(digits: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
}

/// It takes a second, and more where many tests run at once.
const LIMIT: Duration = Duration::from_secs(120);
