//! Times, as ratios: all stacks of a library take turns in one process, and each round compares itself.

use std::io;
use std::net::TcpStream;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use crate::ffi::cpu;
use crate::io::{Io, sockets};
use crate::line;
use crate::scenario::{ALL, Certificates, KIB, Pair, Scenario, data, once};
use crate::stacks::{LIBRARIES, OURS, RAW, Result, Stack};

/// Rounds of each scenario; each is a turn of each stack.
const ROUNDS: usize = 9;
/// How long a turn is, in nanoseconds of processor time.
const TURN: u64 = 3_000_000;

/// Prints the ratios of times in memory and over loopback, to the library itself, and of throughput to the
/// wrappers.
pub(crate) fn run() -> Result<()> {
    let certificates = Certificates::new()?;
    for library in LIBRARIES {
        for &scenario in ALL {
            let stacks = certificates.stacks(library, scenario)?;
            compare("time", library, scenario, &stacks, || Ok(Io::memory()))?;
            if matches!(scenario, Scenario::Bulk(_) | Scenario::Echo(100)) {
                compare("loopback", library, scenario, &stacks, || Ok(Io::loopback()?))?;
            }
        }
        throughput(library, &certificates.stacks(library, Scenario::Bulk(256 * KIB))?)?;
    }
    Ok(())
}

/// The processor time of both sides.
fn compare(
    kind: &str,
    library: &str,
    scenario: Scenario,
    stacks: &[Stack],
    link: impl Fn() -> Result<(Io, Io)>,
) -> Result<()> {
    let data = data();
    let mut turns = Vec::new();
    for stack in stacks {
        let mut pair = match scenario.is_transfer() {
            true => Some(Pair::new(stack, link()?, &data)?),
            false => None,
        };
        once(scenario, stack, pair.as_mut())?;
        turns.push((stack, pair));
    }
    let Some((first, pair)) = turns.first_mut() else { return Ok(()) };
    let begun = cpu();
    once(scenario, first, pair.as_mut())?;
    let repeats = (TURN / (cpu() - begun).max(1)).clamp(1, 10_000);
    let mut rounds = vec![Vec::new(); stacks.len()];
    for round in 0..ROUNDS {
        // Nobody is always first.
        for i in 0..turns.len() {
            let i = (i + round) % turns.len();
            let (stack, pair) = &mut turns[i];
            let begun = cpu();
            for _ in 0..repeats {
                once(scenario, stack, pair.as_mut())?;
            }
            rounds[i].push((cpu() - begun) as f64);
        }
    }
    tell(kind, &scenario.name(), library, stacks, &rounds, RAW);
    tell(&format!("{kind}-ours"), &scenario.name(), library, stacks, &rounds, OURS);
    Ok(())
}

/// Prints the ratio of each stack to the one called `base`, with its quartiles.
fn tell(
    kind: &str,
    scenario: &str,
    library: &str,
    stacks: &[Stack],
    rounds: &[Vec<f64>],
    base: &str,
) {
    let Some(base) = stacks.iter().position(|stack| stack.name == base) else { return };
    for (stack, figures) in stacks.iter().zip(rounds) {
        let mut ratios: Vec<_> = figures.iter().zip(&rounds[base]).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        let n = ratios.len();
        let quartiles = [ratios[n / 2], ratios[n / 4], ratios[n - 1 - n / 4]];
        line(kind, scenario, library, stack.name, &quartiles);
    }
}

/// Bytes in a turn of the throughput measure.
const BYTES: usize = 24 * KIB * KIB;

/// How long 24 MiB take over loopback, in writes of 256 KiB, a thread a side.
fn throughput(library: &str, stacks: &[Stack]) -> Result<()> {
    let mut rounds = vec![Vec::new(); stacks.len()];
    for round in 0..ROUNDS {
        for i in 0..stacks.len() {
            let i = (i + round) % stacks.len();
            rounds[i].push(transfer(&stacks[i])?.as_secs_f64());
        }
    }
    tell("duration", "bulk-262144", library, stacks, &rounds, RAW);
    tell("duration-ours", "bulk-262144", library, stacks, &rounds, OURS);
    Ok(())
}

/// Each side has its thread. The clock runs from the end of the handshake to an answer
/// that everything has come.
fn transfer(stack: &Stack) -> Result<Duration> {
    let (a, b) = sockets()?;
    thread::scope(|scope| {
        let server = scope.spawn(move || serve(stack, b).map_err(|e| e.to_string()));
        let mut client = stack.client(Io::socket(a)?)?;
        finish(|| client.handshake())?;
        let begun = Instant::now();
        let piece = vec![7; 256 * KIB];
        let mut left = BYTES;
        while left > 0 {
            left -= finish(|| client.write(&piece[..piece.len().min(left)]))?;
        }
        finish(|| client.flush())?;
        finish(|| client.read(&mut [0; 1]))?;
        let took = begun.elapsed();
        server.join().map_err(|_| "the server panicked")??;
        Ok(took)
    })
}

fn serve(stack: &Stack, socket: TcpStream) -> Result<()> {
    let mut server = stack.server(Io::socket(socket)?)?;
    finish(|| server.handshake())?;
    let mut buf = vec![0; 16 * KIB];
    let mut left = BYTES;
    while left > 0 {
        match finish(|| server.read(&mut buf))? {
            0 => return Err("the connection has ended".into()),
            n => left -= n,
        }
    }
    finish(|| server.write(&[1]))?;
    finish(|| server.flush())
}

/// Calls until it is done. A blocking socket would not do: there are wrappers that read until nothing is left.
fn finish<T>(mut call: impl FnMut() -> Poll<io::Result<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match call() {
            Poll::Ready(result) => return Ok(result?),
            Poll::Pending if begun.elapsed() > PATIENCE => return Err("nothing moves".into()),
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// How long nothing may move.
const PATIENCE: Duration = Duration::from_secs(20);
