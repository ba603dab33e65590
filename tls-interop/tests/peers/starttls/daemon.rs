//! A server that is asked to stop, so that it takes its own children along.

use std::fs;
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use super::programs::{Place, Program};
use crate::fixture::Fixture;
use crate::process::{Child, PATIENCE, TICK, free_port};

pub(crate) struct Daemon {
    child: Child,
    /// A port for each of the program's protocols.
    pub(crate) ports: Vec<u16>,
    _scratch: TempDir,
}

impl Daemon {
    /// Starts `program`, with TLS or without; it may not yet listen.
    pub(crate) fn start(program: &Program, fixture: &Fixture, tls: bool) -> Self {
        let scratch = fixture.scratch();
        let ports: Vec<u16> = program.protocols.iter().map(|_| free_port()).collect();
        let tls = tls.then_some(&fixture.server);
        let place =
            Place { dir: scratch.path(), ports: &ports, tls, root: &fixture.authority.file };
        // Prosody wants it to be called so, and nobody else cares.
        let file = scratch.path().join("configuration.lua");
        fs::write(&file, (program.configuration)(&place)).unwrap();
        let mut command = program.program.command();
        (program.arguments)(&mut command, &file, &place);
        Self { child: Child::spawn(command), ports, _scratch: scratch }
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.exited().is_none()
    }

    pub(crate) fn said(&self) -> String {
        self.child.said()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        self.end();
        assert!(!self.is_running(), "it does not stop\n{}", self.said());
    }

    fn end(&mut self) {
        if !self.is_running() {
            return;
        }
        self.child.terminate();
        let deadline = Instant::now() + PATIENCE;
        while self.is_running() && Instant::now() < deadline {
            thread::sleep(TICK);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}
