//! The memory of connections that wait.

use std::rc::Rc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use crate::ffi::{Side, as_side, cpu, live};
use crate::io::Io;
use crate::line;
use crate::scenario::{Certificates, KIB, Pair, Scenario, data};
use crate::stacks::{LIBRARIES, OURS, RAW, Result, Stack};

/// Prints the bytes that one of `connections` holds: right after the handshake, after traffic, and after ten
/// seconds in which it was only asked whether there is something to read.
pub(crate) fn run(connections: usize) -> Result<()> {
    let certificates = Certificates::new()?;
    let data = data();
    let mut waiting = Vec::new();
    for library in LIBRARIES {
        for stack in certificates.stacks(library, Scenario::Send(100))? {
            let mut warm = Pair::new(&stack, Io::memory(), &data)?;
            traffic(&mut warm)?;
            drop(warm);
            let before = (live(Side::Client), live(Side::Server));
            let mut pairs = make(&stack, connections, &data)?;
            let tell = |when: &str| {
                let each = |now: i64, before: i64| (now - before) as f64 / connections as f64;
                let client = each(live(Side::Client), before.0);
                let server = each(live(Side::Server), before.1);
                line("heap", when, library, stack.name, &[client, server]);
            };
            tell("after-handshake");
            pairs.iter_mut().try_for_each(traffic)?;
            pairs.iter_mut().for_each(ask);
            tell("after-traffic");
            waiting.push((library, stack, pairs));
        }
    }
    thread::sleep(Duration::from_secs(10));
    for (library, stack, mut pairs) in waiting {
        pairs.iter_mut().for_each(ask);
        let full = (live(Side::Client), live(Side::Server));
        pairs_as_sides(pairs);
        let each = |before: i64, now: i64| (before - now) as f64 / connections as f64;
        let (client, server) = (each(full.0, live(Side::Client)), each(full.1, live(Side::Server)));
        line("heap", "after-idle", library, stack.name, &[client, server]);
    }
    Ok(())
}

/// Prints what a connection costs, with so many of them: the processor time of its making in microseconds, and
/// the bytes of both sides.
pub(crate) fn growth() -> Result<()> {
    let certificates = Certificates::new()?;
    let data = data();
    for library in LIBRARIES {
        for stack in certificates.stacks(library, Scenario::Send(100))? {
            if ![RAW, OURS].contains(&stack.name) {
                continue;
            }
            pairs_as_sides(make(&stack, 20, &data)?);
            for connections in [1, 100, 10_000] {
                let before = live(Side::Client) + live(Side::Server);
                let begun = cpu();
                let pairs = make(&stack, connections, &data)?;
                let each = (cpu() - begun) as f64 / 1000.0 / connections as f64;
                let bytes = live(Side::Client) + live(Side::Server) - before;
                let bytes = bytes as f64 / connections as f64;
                line("growth", &connections.to_string(), library, stack.name, &[each, bytes]);
                pairs_as_sides(pairs);
            }
        }
    }
    Ok(())
}

fn make(stack: &Stack, connections: usize, data: &Rc<[u8]>) -> Result<Vec<Pair>> {
    (0..connections).map(|_| Pair::new(stack, Io::memory(), data)).collect()
}

/// 1 MiB each way.
fn traffic(pair: &mut Pair) -> Result<()> {
    pair.send(KIB * KIB, 16 * KIB, 16 * KIB, false)?;
    pair.send(KIB * KIB, 16 * KIB, 16 * KIB, true)
}

/// Both sides look whether something has come, and are told that nothing has.
fn ask(pair: &mut Pair) {
    let mut buf = [0; 64];
    let client = as_side(Side::Client, || pair.client.read(&mut buf));
    let server = as_side(Side::Server, || pair.server.read(&mut buf));
    debug_assert!(matches!((client, server), (Poll::Pending, Poll::Pending)));
}

/// Drops each side as itself.
fn pairs_as_sides(pairs: Vec<Pair>) {
    for Pair { client, server, .. } in pairs {
        as_side(Side::Client, || drop(client));
        as_side(Side::Server, || drop(server));
    }
}
