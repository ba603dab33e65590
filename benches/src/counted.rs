//! Allocations, calls of the transport and records: the same in each run.

use std::rc::Rc;

use crate::ffi::{Side, allocations};
use crate::io::Io;
use crate::line;
use crate::scenario::{ALL, Certificates, Pair, Scenario, data, once};
use crate::stacks::{LIBRARIES, Result, Stack, backend};

/// Prints them all.
pub(crate) fn run() -> Result<()> {
    let certificates = Certificates::new()?;
    let data = data();
    for library in LIBRARIES {
        println!("library\t{}\t{library}\t-", backend(library).library());
        for &scenario in ALL {
            for stack in certificates.stacks(library, scenario)? {
                let figures = count(scenario, &stack, &data)?;
                for (kind, figure) in figures {
                    line(kind, &scenario.name(), library, stack.name, &[figure]);
                }
            }
        }
    }
    Ok(())
}

fn count(scenario: Scenario, stack: &Stack, data: &Rc<[u8]>) -> Result<Vec<(&'static str, f64)>> {
    let mut pair = match scenario.is_transfer() {
        true => Some(Pair::new(stack, Io::memory(), data)?),
        false => None,
    };
    for _ in 0..3 {
        once(scenario, stack, pair.as_mut())?;
    }
    let counted = |pair: Option<&Pair>| {
        let calls = pair.map_or([0; 3], |pair| {
            let (client, server) = (&pair.client_counts, &pair.server_counts);
            [
                client.writes.get() + server.writes.get(),
                client.reads.get() + server.reads.get(),
                client.records.get() + server.records.get(),
            ]
        });
        (allocations(Side::Client), allocations(Side::Server), calls)
    };
    let before = counted(pair.as_ref());
    for _ in 0..REPEATS {
        once(scenario, stack, pair.as_mut())?;
    }
    let after = counted(pair.as_ref());
    let each = |before: u64, after: u64| (after - before) as f64 / f64::from(REPEATS);
    let mut figures = vec![
        ("allocations-client", each(before.0, after.0)),
        ("allocations-server", each(before.1, after.1)),
    ];
    if pair.is_some() {
        let kinds = ["writes", "reads", "records"];
        let calls = kinds.into_iter().zip(before.2.into_iter().zip(after.2));
        figures.extend(calls.map(|(kind, (before, after))| (kind, each(before, after))));
    }
    Ok(figures)
}

const REPEATS: u32 = 16;
