//! Sessions that are resumed: our clients with programs as servers, our servers with programs as clients.
//!
//! Each side has to say so, where it tells.

mod as_client;
mod as_server;
mod nginx;

use std::path::Path;
use std::sync::Arc;

use libtest_mimic::Trial;
use polytls::{Backend, Version};
use serde_json::json;

use crate::fixture::{Fixture, NAME};
use crate::node::NODE;
use crate::process::{Child, Program};
use crate::python::PYTHON;

/// What a program is to do in one test.
pub(crate) struct Place<'a> {
    fixture: &'a Fixture,
    /// A directory of the test's own.
    scratch: &'a Path,
    /// Where a server listens, or a client connects to.
    port: u16,
    version: Version,
}

type Test = fn(&'static dyn Backend, &Fixture, Version);

/// A program, what is promised of it, and the test.
type Named = (&'static str, &'static str, Test);

/// The tests of one backend.
pub(crate) fn trials(backend: &'static dyn Backend, fixture: &Arc<Fixture>) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add_of = |version, role: &str, (program, case, test): Named| {
        let label = if version == Version::Tls12 { "tls12" } else { "tls13" };
        let fixture = fixture.clone();
        let name = format!("{}::{role}::{program}::{label}_{case}", backend.name());
        trials.push(Trial::test(name, move || {
            test(backend, &fixture, version);
            Ok(())
        }));
    };
    let mut add = |role: &str, named: Named| {
        add_of(Version::Tls12, role, named);
        add_of(Version::Tls13, role, named);
    };
    as_client::TESTS.iter().for_each(|test| add("client_of", *test));
    nginx::TESTS.iter().for_each(|test| add("client_of", *test));
    as_server::TESTS.iter().for_each(|test| add("server_for", *test));
    as_server::OF_CURL.iter().for_each(|(version, test)| add_of(*version, "server_for", *test));
    trials
}

/// Starts a script of ours, which has one conversation after the other in one role.
fn script(program: &Program, flags: &[&str], text: &str, role: &str, place: &Place<'_>) -> Child {
    let Place { fixture, port, version, .. } = place;
    let orders = json!({
        "role": role,
        "port": port,
        "name": NAME,
        "version": version.name(),
        "roots": fixture.authority.file,
        "chain": fixture.server.chain,
        "key": fixture.server.key,
    });
    let mut command = program.command();
    command.args(flags).arg(text).arg(orders.to_string());
    Child::spawn(command)
}

fn python(role: &str, place: &Place<'_>) -> Child {
    script(&PYTHON.program, PYTHON.flags, include_str!("resume.py"), role, place)
}

fn node(role: &str, place: &Place<'_>) -> Child {
    script(&NODE.program, NODE.flags, include_str!("resume.js"), role, place)
}
