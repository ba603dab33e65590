//! Instructions, counted by callgrind around this program.
//!
//! The counter is on only inside of [`measured`], and what it has counted is written to a file each time that
//! ends: the files come in the order of the lines printed here.

use std::hint::black_box;

use crate::io::Io;
use crate::scenario::{ALL, Certificates, Pair, Scenario, data, once};
use crate::stacks::{LIBRARIES, Result};

/// The function that callgrind watches.
#[inline(never)]
fn measured(work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    let result = work();
    black_box(result) // so that this is not the caller of nothing
}

/// Where callgrind writes what it has counted to a file. It does so only in functions that it does not watch as
/// well.
#[inline(never)]
fn written() {
    black_box(());
}

/// All scenarios on all stacks that `chosen` lets through.
pub(crate) fn run(chosen: impl Fn(&str, &str) -> bool) -> Result<()> {
    let certificates = Certificates::new()?;
    let data = data();
    for library in LIBRARIES {
        let chosen = |scenario: &&Scenario| {
            // A bulk is nothing but many of the others, and would take callgrind minutes.
            !matches!(scenario, Scenario::Bulk(_)) && chosen(library, &scenario.name())
        };
        for &scenario in ALL.iter().filter(chosen) {
            for stack in certificates.stacks(library, scenario)? {
                let mut pair = match scenario.is_transfer() {
                    true => Some(Pair::new(&stack, Io::memory(), &data)?),
                    false => None,
                };
                for _ in 0..WARM {
                    once(scenario, &stack, pair.as_mut())?;
                }
                measured(&mut || {
                    (0..scenario.repeats()).try_for_each(|_| once(scenario, &stack, pair.as_mut()))
                })?;
                written();
                let repeats = f64::from(scenario.repeats());
                crate::line("instructions", &scenario.name(), library, stack.name, &[repeats]);
            }
        }
    }
    Ok(())
}

/// How often something is done before it counts: buffers have been taken, a session is there to be resumed.
const WARM: u32 = 2;
