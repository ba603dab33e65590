//! What came of it.

use std::io;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use polytls::Backend;

use crate::server::Seen;

#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    connected: usize,
    connected_in: Duration,
    healthy: usize,
    /// What happened to those that were disturbed: the first few.
    disturbances: Vec<String>,
    disturbed: usize,
    misbehaved: usize,
    interrupted: usize,
    answers: Vec<Duration>,
    bytes: usize,
    handshakes: Vec<Duration>,
    /// Of an idle connection, in bytes: at the client, at the server.
    memory: (Option<u64>, Option<u64>),
    seen: Seen,
}

type Resident = (Option<u64>, Option<u64>);

impl Tally {
    fn note(&self, note: impl FnOnce(&mut Counts)) {
        note(&mut self.0.lock().unwrap());
    }

    pub(crate) fn set_up(&self, connected: usize, time: Duration) {
        self.note(|counts| (counts.connected, counts.connected_in) = (connected, time));
    }

    pub(crate) fn memory(&self, before: Resident, after: Resident, connections: usize) {
        let each = |before: Option<u64>, after: Option<u64>| {
            Some(after?.saturating_sub(before?) / connections.max(1) as u64)
        };
        let memory = (each(before.0, after.0), each(before.1, after.1));
        self.note(|counts| counts.memory = memory);
    }

    pub(crate) fn healthy(&self) {
        self.note(|counts| counts.healthy += 1);
    }

    pub(crate) fn disturbed(&self, what: &str, e: &io::Error) {
        self.note(|counts| {
            counts.disturbed += 1;
            if counts.disturbances.len() < 10 {
                counts.disturbances.push(format!("{what}: {e:?}"));
            }
        });
    }

    pub(crate) fn misbehaved(&self, to_the_end: bool) {
        self.note(|counts| match to_the_end {
            true => counts.misbehaved += 1,
            false => counts.interrupted += 1,
        });
    }

    pub(crate) fn answer(&self, time: Duration, length: usize) {
        self.note(|counts| {
            counts.answers.push(time);
            counts.bytes += length;
        });
    }

    pub(crate) fn handshake(&self, time: Duration) {
        self.note(|counts| counts.handshakes.push(time));
    }

    pub(crate) fn server(&self, seen: Seen) {
        self.note(|counts| counts.seen = seen);
    }

    /// Prints it all, and says whether nobody was disturbed, and somebody misbehaved.
    pub(crate) fn print(&self, backend: &dyn Backend, wanted: usize, time: Duration) -> ExitCode {
        let mut counts = self.0.lock().unwrap();
        let counts = &mut *counts;
        let kib = |bytes: Option<u64>| {
            bytes.map_or("unknown".into(), |bytes| format!("{:.1} KiB", bytes as f64 / 1024.0))
        };
        println!("{} ({}), {} s of traffic", backend.name(), backend.library(), time.as_secs());
        println!(
            "  connections          {} of {wanted}, made in {:.1} s",
            counts.connected,
            counts.connected_in.as_secs_f32()
        );
        println!(
            "  an idle connection   {} at the server, {} at the client",
            kib(counts.memory.1),
            kib(counts.memory.0)
        );
        println!(
            "  answers              {}, {} MiB, {}",
            counts.answers.len(),
            counts.bytes >> 20,
            spread(&mut counts.answers)
        );
        println!(
            "  new handshakes       {}, {}",
            counts.handshakes.len(),
            spread(&mut counts.handshakes)
        );
        println!(
            "  misbehaved           {} times; the server refused {} handshakes, gave up {} connections",
            counts.misbehaved, counts.seen.refused, counts.seen.failed
        );
        println!("  closed properly      {}", counts.seen.closed);
        println!("  healthy              {} to the end", counts.healthy);
        println!("  disturbed            {}", counts.disturbed);
        for disturbance in &counts.disturbances {
            println!("    {disturbance}");
        }
        let all = counts.healthy == wanted && counts.disturbed == 0;
        // Who never misbehaves, or is never refused, disturbs nobody either.
        let bad = counts.misbehaved > 0 && counts.seen.refused > 0 && counts.seen.failed > 0;
        if !bad {
            println!("  nobody misbehaved in all ways: this run shows nothing");
        }
        if all && bad { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 1000).or(times.last());
    match (at(500), at(990), times.last()) {
        (Some(half), Some(most), Some(longest)) => {
            let [half, most, longest] = [half, most, longest].map(Duration::as_secs_f64);
            format!("half within {half:.4} s, 99 % within {most:.3} s, all within {longest:.3} s")
        }
        _ => "no times".into(),
    }
}
