//! GnuTLS' `gnutls-cli` and `gnutls-serv`.

use std::fs;
use std::path::PathBuf;
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

const PACKAGE: &str = "gnutls-bin";
pub(crate) const CLI: Program = Program { name: "gnutls-cli", package: PACKAGE };
const SERV: Program = Program { name: "gnutls-serv", package: PACKAGE };

fn command(program: &Program, groups: &str, setup: &Setup<'_>) -> Command {
    let mut command = program.command();
    command.arg("--port").arg(setup.port.to_string());
    let version = match setup.version {
        Version::Tls12 => "VERS-TLS1.2",
        Version::Tls13 => "VERS-TLS1.3",
        other => panic!("no priority for {other}"),
    };
    let groups = if setup.retry { groups } else { "" };
    command.arg(format!("--priority=NORMAL:-VERS-ALL:+{version}{groups}"));
    if let Some(identity) = setup.identity {
        command.arg("--x509certfile").arg(&identity.chain);
        command.arg("--x509keyfile").arg(&identity.key);
    }
    if let Some(roots) = setup.roots {
        command.arg("--x509cafile").arg(roots);
    }
    for protocol in setup.alpn {
        command.arg("--alpn").arg(protocol);
    }
    command
}

/// What stands in the session's description, which both programs print.
fn report(text: &str) -> Report {
    let version = match text {
        text if text.contains("Description: (TLS1.2") => Some(Version::Tls12),
        text if text.contains("Description: (TLS1.3") => Some(Version::Tls13),
        _ => None,
    };
    let alpn = text.lines().find_map(|line| line.strip_prefix("- Application protocol: "));
    let certificate = text.find("-----BEGIN CERTIFICATE-----");
    let certificate = certificate.map(|i| pem::parse(&text.as_bytes()[i..]).unwrap());
    Report {
        version: version.map(|version| version.name().into()),
        alpn: alpn.map(|name| name.trim().into()),
        certificate: certificate.map(pem::Pem::into_contents),
    }
}

/// An echo server, or a web server where it is to end the connection. It listens on all addresses;
/// it has no option for another choice.
pub(crate) struct Serv;

impl ServerProgram for Serv {
    fn name(&self) -> &'static str {
        "gnutls_serv"
    }

    fn habits(&self) -> ServerHabits {
        ServerHabits {
            endings: &[Ending::Ours, Ending::Theirs],
            answers_close: true,
            alpn_mismatch: AlpnHabit::Refuses,
            missing_certificate: Refusal::Alert,
            strange_certificate: Refusal::Alert,
            staples: true,
            update_keys: None,
        }
    }

    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningServer + 'a> {
        let mut command = command(&SERV, ":-GROUP-ALL:+GROUP-SECP384R1", setup);
        command.arg("--alpn-fatal");
        match setup.ending {
            Ending::Theirs => {
                command.arg("--http").arg("--httpdata").arg(&setup.fixture.answer.file)
            }
            Ending::Cut | Ending::HalfClose | Ending::Ours => command.arg("--echo"),
        };
        match setup.roots {
            Some(_) => command.args(["--require-client-cert", "--verify-client-cert"]),
            None => command.arg("--disable-client-cert"),
        };
        if let Some(staple) = &setup.staple {
            // It looks at the response, and would not staple every one.
            command.arg("--ocsp-response").arg(staple).arg("--ignore-ocsp-response-errors");
        }
        let child = Child::spawn(command);
        Box::new(RunningServ { child, ending: setup.ending, fixture: setup.fixture })
    }
}

struct RunningServ<'a> {
    child: Child,
    ending: Ending,
    fixture: &'a Fixture,
}

impl RunningServer for RunningServ<'_> {
    fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn exchange(&mut self, tls: &mut Tls) {
        if self.ending == Ending::Theirs {
            ours::send(tls, b"GET / HTTP/1.0\r\n\r\n");
            assert_eq!(Head::receive(tls).status(), 200);
            ours::receive(tls, &self.fixture.answer.bytes);
            return;
        }
        ours::send(tls, &self.fixture.question.bytes);
        ours::receive(tls, &self.fixture.question.bytes);
    }

    fn report(&mut self) -> Report {
        self.child.terminate();
        self.child.wait();
        report(&String::from_utf8_lossy(&self.child.stdout()))
    }
}

pub(crate) struct Cli;

impl ClientProgram for Cli {
    fn name(&self) -> &'static str {
        "gnutls_cli"
    }

    fn habits(&self) -> ClientHabits {
        ClientHabits {
            endings: &[Ending::HalfClose, Ending::Ours, Ending::Theirs],
            framing: Framing::Agreed,
            answers_close: false,
            checks_chain_late: false,
            checks_name_late: false,
            notices_truncation: true,
            tells: true,
            update_keys: None,
        }
    }

    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningClient + 'a> {
        let log = setup.scratch.join("log");
        let mut command = command(&CLI, ":-GROUP-ALL:+GROUP-X448:+GROUP-SECP384R1", setup);
        command.arg("--logfile").arg(&log);
        command.args(["--sni-hostname", setup.name, "--verify-hostname", setup.name, "127.0.0.1"]);
        let mut child = Child::spawn(command);
        child.feed(&setup.fixture.question.bytes);
        if setup.ending == Ending::HalfClose {
            child.end_stdin();
        }
        Box::new(RunningCli { child, log, ending: setup.ending, fixture: setup.fixture })
    }
}

struct RunningCli<'a> {
    child: Child,
    log: PathBuf,
    ending: Ending,
    fixture: &'a Fixture,
}

impl RunningClient for RunningCli<'_> {
    fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn answered(&mut self) {
        if self.ending == Ending::Theirs {
            self.child.wait_for_output(|bytes| bytes == self.fixture.answer.bytes);
            self.child.end_stdin();
        }
    }

    fn received(&mut self) -> Vec<u8> {
        self.child.stdout()
    }

    fn report(&mut self) -> Report {
        report(&fs::read_to_string(&self.log).unwrap())
    }
}
