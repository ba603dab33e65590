//! curl.

use std::fs;
use std::path::PathBuf;

use polytls::Version;

use crate::peer::{ClientHabits, ClientProgram, Ending, Framing, Report, RunningClient, Setup};
use crate::process::{Child, Program};

const CURL: Program = Program { name: "curl", package: "curl" };

pub(crate) struct Curl;

impl ClientProgram for Curl {
    fn name(&self) -> &'static str {
        "curl"
    }

    fn habits(&self) -> ClientHabits {
        ClientHabits {
            endings: &[Ending::Ours, Ending::Theirs],
            framing: Framing::Http,
            answers_close: true,
            checks_chain_late: false,
            checks_name_late: true,
            // It asks OpenSSL not to tell: HTTP has its own ends of messages.
            notices_truncation: false,
            tells: false,
            update_keys: None,
        }
    }

    fn start<'a>(&self, setup: &Setup<'a>) -> Box<dyn RunningClient + 'a> {
        let received = setup.scratch.join("received");
        let question = &setup.fixture.question.file;
        let (name, port) = (setup.name, setup.port);
        let mut command = CURL.command();
        // The first argument it looks at: no configuration of the user's.
        command.args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--http1.1"]);
        command.args(["--header", "Expect:", "--max-time", "15"]);
        command.arg("--resolve").arg(format!("{name}:{port}:127.0.0.1"));
        command.arg("--data-binary").arg(format!("@{}", question.display()));
        command.arg("--output").arg(&received);
        match setup.version {
            Version::Tls12 => command.args(["--tlsv1.2", "--tls-max", "1.2"]),
            Version::Tls13 => command.args(["--tlsv1.3", "--tls-max", "1.3"]),
            other => panic!("no flag for {other}"),
        };
        match setup.alpn {
            [] => command.arg("--no-alpn"),
            // With --http1.1 this is what it offers.
            ["http/1.1"] => command.arg("--alpn"),
            other => panic!("curl cannot offer {other:?}"),
        };
        if setup.retry {
            command.args(["--curves", "X448:P-384"]);
        }
        if let Some(roots) = setup.roots {
            command.arg("--cacert").arg(roots);
        }
        if let Some(identity) = setup.identity {
            command.arg("--cert").arg(&identity.chain).arg("--key").arg(&identity.key);
        }
        command.arg(format!("https://{name}:{port}/"));
        Box::new(Running { child: Child::spawn(command), received })
    }
}

struct Running {
    child: Child,
    received: PathBuf,
}

impl RunningClient for Running {
    fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    fn received(&mut self) -> Vec<u8> {
        fs::read(&self.received).unwrap_or_default()
    }

    fn report(&mut self) -> Report {
        Report::default()
    }
}
