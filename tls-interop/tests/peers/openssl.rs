//! OpenSSL's `s_client` and `s_server`.

use std::process::Command;

use polytls::Version;

use crate::fixture::Fixture;
use crate::http::Head;
use crate::ours::{self, Tls};
use crate::peer::{
    AlpnHabit, ClientHabits, ClientProgram, Ending, Framing, Refusal, Report, RunningClient,
    RunningServer, ServerHabits, ServerProgram, Setup,
};
use crate::process::{Child, Program};

pub(crate) const OPENSSL: Program = Program { name: "openssl", package: "openssl" };

/// What both commands have in common. With `-brief` they tell the version and leave standard
/// output to the data; without it they tell the rest, among the data, and `s_server` takes
/// commands.
fn command(name: &str, setup: &Setup<'_>) -> Command {
    let mut command = OPENSSL.command();
    command.arg(name);
    command.arg(match setup.version {
        Version::Tls12 => "-tls1_2",
        Version::Tls13 => "-tls1_3",
        other => panic!("no flag for {other}"),
    });
    if let Some(identity) = setup.identity {
        command.arg("-cert").arg(&identity.chain);
        command.arg("-cert_chain").arg(&identity.issuers);
        command.arg("-key").arg(&identity.key);
    }
    if let Some(roots) = setup.roots {
        command.arg("-CAfile").arg(roots).arg("-no-CApath").arg("-verify_return_error");
    }
    if !setup.alpn.is_empty() {
        command.arg("-alpn").arg(setup.alpn.join(","));
    }
    command
}

fn after<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(label)).map(str::trim)
}

fn report(child: &Child) -> Report {
    let (stdout, stderr) = (child.stdout(), child.stderr());
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let certificate = stdout.find("-----BEGIN CERTIFICATE-----");
    let certificate = certificate.map(|i| pem::parse(stdout[i..].as_bytes()).unwrap());
    let alpn = after(&stdout, "ALPN protocols selected:"); // s_server
    Report {
        version: after(&stderr, "Protocol version:").map(Into::into),
        alpn: alpn.or(after(&stdout, "ALPN protocol:")).map(Into::into),
        certificate: certificate.map(pem::Pem::into_contents),
    }
}

pub(crate) struct SServer;

impl ServerProgram for SServer {
    fn name(&self) -> &'static str {
        "openssl_s_server"
    }

    fn habits(&self) -> ServerHabits {
        ServerHabits {
            endings: &[Ending::Cut, Ending::Ours, Ending::Theirs],
            answers_close: true,
            alpn_mismatch: AlpnHabit::Refuses,
            missing_certificate: Refusal::Alert,
            strange_certificate: Refusal::Alert,
            staples: true,
            update_keys: Some(b"K\n"),
        }
    }

    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningServer + 'a> {
        let mut command = command("s_server", setup);
        if setup.retry {
            command.args(["-groups", "P-384"]);
        }
        command.args(["-naccept", "1", "-accept", &format!("127.0.0.1:{}", setup.port)]);
        if setup.roots.is_some() {
            command.args(["-Verify", "5"]);
        }
        if let Some(staple) = &setup.staple {
            command.arg("-status_file").arg(staple);
        }
        let plain = setup.alpn.is_empty() && setup.roots.is_none() && !setup.updates_keys;
        if plain && setup.ending == Ending::Ours {
            command.arg("-brief");
        }
        if setup.ending == Ending::Theirs {
            // Commands end a connection without close_notify; as a web server it sends one.
            command.arg("-WWW").current_dir(setup.fixture.answer.file.parent().unwrap());
        }
        let child = Child::spawn(command);
        let (ending, fixture) = (setup.ending, setup.fixture);
        Box::new(RunningSServer { child, ending, fixture, exchanges: 0 })
    }
}

struct RunningSServer<'a> {
    child: Child,
    ending: Ending,
    fixture: &'a Fixture,
    exchanges: usize,
}

impl RunningServer for RunningSServer<'_> {
    fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn exchange(&mut self, tls: &mut Tls) {
        if self.ending == Ending::Theirs {
            ours::send(tls, b"GET /answer.txt HTTP/1.0\r\n\r\n");
            assert_eq!(Head::receive(tls).status(), 200);
            ours::receive(tls, &self.fixture.answer.bytes);
            return;
        }
        ours::send(tls, &self.fixture.question.bytes);
        self.exchanges += 1;
        let expected = self.fixture.question.bytes.repeat(self.exchanges);
        self.child.wait_for_output(|bytes| has_data(bytes, &expected));
        self.child.feed(&self.fixture.answer.bytes);
        ours::receive(tls, &self.fixture.answer.bytes);
        if self.ending == Ending::Cut {
            self.child.feed(b"q\n");
        }
    }

    fn report(&mut self) -> Report {
        self.child.wait();
        report(&self.child)
    }
}

pub(crate) struct SClient;

impl ClientProgram for SClient {
    fn name(&self) -> &'static str {
        "openssl_s_client"
    }

    fn habits(&self) -> ClientHabits {
        ClientHabits {
            endings: &[Ending::Ours, Ending::Theirs],
            framing: Framing::Agreed,
            answers_close: true,
            checks_chain_late: false,
            checks_name_late: false,
            notices_truncation: true,
            tells: true,
            update_keys: Some(b"K\n"),
        }
    }

    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningClient + 'a> {
        let mut command = command("s_client", setup);
        if setup.retry {
            command.args(["-groups", "X448:P-384"]);
        }
        command.args(["-connect", &format!("127.0.0.1:{}", setup.port)]);
        command.args(["-servername", setup.name, "-verify_hostname", setup.name]);
        if setup.alpn.is_empty() {
            command.arg("-brief");
        }
        let child = Child::spawn(command);
        child.feed(&setup.fixture.question.bytes);
        Box::new(RunningSClient { child, ending: setup.ending, fixture: setup.fixture })
    }
}

struct RunningSClient<'a> {
    child: Child,
    ending: Ending,
    fixture: &'a Fixture,
}

impl RunningClient for RunningSClient<'_> {
    fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn answered(&mut self) {
        if self.ending == Ending::Theirs {
            self.child.wait_for_output(|bytes| has_data(bytes, &self.fixture.answer.bytes));
            self.child.end_stdin();
        }
    }

    fn received(&mut self) -> Vec<u8> {
        data_in(&self.child.stdout())
    }

    fn report(&mut self) -> Report {
        report(&self.child)
    }
}

/// Whether all of `data` is there.
fn has_data(output: &[u8], data: &[u8]) -> bool {
    output.len() >= data.len() && data_in(output) == data
}

/// The data in an output that may have other lines too.
fn data_in(output: &[u8]) -> Vec<u8> {
    let lines = output.split_inclusive(|&byte| byte == b'\n');
    let is_data = |line: &&[u8]| line.len() == 64 && line[..63].iter().all(u8::is_ascii_digit);
    lines.filter(is_data).flatten().copied().collect()
}
