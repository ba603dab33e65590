//! Programs that run a script of ours: the languages' TLS modules.
//!
//! A script gets its orders as JSON in its one argument, and prints one JSON object when it ends.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::fixture::Fixture;
use crate::ours::{self, Tls};
use crate::peer::{
    AlpnHabit, ClientHabits, ClientProgram, Ending, Framing, Refusal, Report, RunningClient,
    RunningServer, ServerHabits, ServerProgram, Setup,
};
use crate::process::{Child, Program};

/// A language and its script.
pub(crate) struct Script {
    pub(crate) program: Program,
    pub(crate) name: &'static str,
    /// Flags that come before the script's text.
    pub(crate) flags: &'static [&'static str],
    pub(crate) text: &'static str,
    pub(crate) alpn_mismatch: AlpnHabit,
    pub(crate) strange_certificate: Refusal,
    pub(crate) verifies_late: bool,
    pub(crate) notices_truncation: bool,
}

impl Script {
    fn run<'a>(&self, role: &str, setup: &Setup<'a>) -> Running<'a> {
        let fixture = setup.fixture;
        let (send, receive) = match role {
            "client" => (&fixture.question, &fixture.answer),
            _ => (&fixture.answer, &fixture.question),
        };
        let received = setup.scratch.join("received");
        let orders = json!({
            "role": role,
            "port": setup.port,
            "name": setup.name,
            "version": setup.version.name(),
            "alpn": setup.alpn,
            "retry": setup.retry,
            "roots": setup.roots,
            "chain": setup.identity.map(|identity| &identity.chain),
            "key": setup.identity.map(|identity| &identity.key),
            "ending": match setup.ending {
                Ending::Cut => "cut",
                Ending::HalfClose => "half-close",
                Ending::Ours => "ours",
                Ending::Theirs => "theirs",
            },
            "send": send.file,
            "length": receive.bytes.len(),
            "received": received,
        });
        let mut command = self.program.command();
        command.args(self.flags).arg(self.text).arg(orders.to_string());
        Running { child: Child::spawn(command), fixture, received }
    }
}

const ENDINGS: &[Ending] = &[Ending::Cut, Ending::HalfClose, Ending::Ours, Ending::Theirs];

impl ServerProgram for Script {
    fn name(&self) -> &'static str {
        self.name
    }

    fn habits(&self) -> ServerHabits {
        ServerHabits {
            endings: ENDINGS,
            answers_close: true,
            alpn_mismatch: self.alpn_mismatch,
            missing_certificate: Refusal::Alert,
            strange_certificate: self.strange_certificate,
            staples: false,
            update_keys: None,
        }
    }

    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningServer + 'a> {
        Box::new(self.run("server", setup))
    }
}

impl ClientProgram for Script {
    fn name(&self) -> &'static str {
        self.name
    }

    fn habits(&self) -> ClientHabits {
        ClientHabits {
            endings: ENDINGS,
            framing: Framing::Agreed,
            answers_close: true,
            checks_chain_late: self.verifies_late,
            checks_name_late: self.verifies_late,
            notices_truncation: self.notices_truncation,
            tells: true,
            update_keys: None,
        }
    }

    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningClient + 'a> {
        Box::new(self.run("client", setup))
    }
}

/// A script that runs.
struct Running<'a> {
    child: Child,
    fixture: &'a Fixture,
    received: PathBuf,
}

impl Running<'_> {
    fn result(&self) -> Report {
        let stdout = self.child.stdout();
        let value = serde_json::from_slice::<Value>(&stdout).expect("a JSON object");
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Report {
            version: text("version"),
            alpn: text("alpn"),
            certificate: text("certificate").map(|hex| from_hex(&hex)),
        }
    }
}

impl RunningServer for Running<'_> {
    fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn exchange(&mut self, tls: &mut Tls) {
        ours::send(tls, &self.fixture.question.bytes);
        ours::receive(tls, &self.fixture.answer.bytes);
    }

    fn report(&mut self) -> Report {
        assert!(self.child.wait().success());
        assert!(fs::read(&self.received).unwrap() == self.fixture.question.bytes);
        self.result()
    }
}

impl RunningClient for Running<'_> {
    fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn received(&mut self) -> Vec<u8> {
        fs::read(&self.received).unwrap_or_default()
    }

    fn report(&mut self) -> Report {
        self.result()
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    digits.map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}
