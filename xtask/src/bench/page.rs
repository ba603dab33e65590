//! `docs/PERFORMANCE.md`.

use std::fmt::{self, Write};

use anyhow::Result;

use super::chart::{Group, bars, number};
use super::figures::{ADAPTER, DISPATCHED, Figures, LIBRARIES, OURS, RAW};
use super::{machine, targets};

/// The charts, by their file names.
pub(super) fn charts(figures: &Figures) -> Vec<(&'static str, String)> {
    let mut ratios = Vec::new();
    for library in LIBRARIES {
        for scenario in ["handshake-ecdsa", "echo-16384", "echo-100", "small-reads-128"] {
            let wrapper = figures.wrapper(library).unwrap_or_default();
            let of = |stack| figures.ratio("instructions", scenario, library, stack);
            ratios.push((format!("{library}, {scenario}"), vec![of(RAW), of(OURS), of(wrapper)]));
        }
    }
    let per_library = |of: &dyn Fn(&str, &str) -> Option<f64>| -> Vec<Group> {
        let group = |library: &&str| {
            let wrapper = figures.wrapper(library).unwrap_or_default();
            let values = [RAW, OURS, wrapper].map(|stack| of(library, stack));
            ((*library).to_owned(), values.to_vec())
        };
        LIBRARIES.iter().map(group).collect()
    };
    let calls = per_library(&|library, stack| {
        let get = |kind| figures.get(kind, "bulk-262144", library, stack);
        Some(get("writes")? + get("reads")?)
    });
    let heap = per_library(&|library, stack| {
        let values = figures.values("heap", "after-traffic", library, stack)?;
        Some(values.iter().sum::<f64>() / 1000.0)
    });
    let series = ["the library", "polytls", "tokio's wrapper"];
    let title = "Instructions, as a ratio to the library by itself";
    vec![
        ("instructions.svg", bars(title, &series, &ratios, Some(1.0))),
        (
            "calls.svg",
            bars("Calls of the transport per MiB, 256 KiB writes", &series, &calls, None),
        ),
        ("heap.svg", bars("kB of heap of an idle connection, both sides", &series, &heap, None)),
    ]
}

/// The whole page.
pub(super) fn write(figures: &Figures) -> Result<String> {
    let mut out = String::from(INTRODUCTION);
    for fact in machine::describe() {
        writeln!(out, "- {fact}")?;
    }
    for (backend, library) in figures.libraries() {
        writeln!(out, "- `{backend}`: {library}")?;
    }
    writeln!(out, "\n## Targets\n\n| | metric | backend | target | measured | |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    let targets = targets::all(figures);
    for target in &targets {
        let verdict = match target.met {
            None => "unknown",
            Some(true) => "met",
            Some(false) => "**missed**",
        };
        let targets::Target { name, metric, library, wanted, measured, .. } = target;
        writeln!(out, "| {name} | {metric} | `{library}` | {wanted} | {measured} | {verdict} |")?;
    }
    let met = targets.iter().filter(|target| target.met == Some(true)).count();
    writeln!(out, "\n{met} of {} lines are met. {WHY}", targets.len())?;
    ratios(figures, &mut out)?;
    calls(figures, &mut out)?;
    heap(figures, &mut out)?;
    growth(figures, &mut out)?;
    times(figures, &mut out)?;
    dispatch(figures, &mut out)?;
    Ok(out)
}

fn ratios(figures: &Figures, out: &mut String) -> fmt::Result {
    writeln!(out, "\n## Instructions\n\n![ratios](performance/instructions.svg)\n")?;
    writeln!(out, "As ratios to the library by itself; both sides together.\n")?;
    table(figures, "instructions", out, &|scenario, library, stack| {
        figures.ratio("instructions", scenario, library, stack).map(number)
    })
}

fn calls(figures: &Figures, out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "\n## Allocations\n\nOf Rust and C alike: client / server, for one operation.\n"
    )?;
    table(figures, "allocations-client", out, &|scenario, library, stack| {
        let get = |kind| figures.get(kind, scenario, library, stack).map(number);
        Some(format!("{} / {}", get("allocations-client")?, get("allocations-server")?))
    })?;
    writeln!(out, "\n## Calls of the transport\n\n![calls](performance/calls.svg)\n")?;
    writeln!(
        out,
        "Writes / reads / TLS records for one operation; each call is a system call over a socket. \
         `bulk-N` is 1 MiB in writes of N bytes.\n"
    )?;
    table(figures, "writes", out, &|scenario, library, stack| {
        let get = |kind| figures.get(kind, scenario, library, stack).map(number);
        Some(format!("{} / {} / {}", get("writes")?, get("reads")?, get("records")?))
    })
}

fn heap(figures: &Figures, out: &mut String) -> fmt::Result {
    writeln!(out, "\n## Memory\n\n![heap](performance/heap.svg)\n")?;
    writeln!(
        out,
        "Bytes of heap that one of 50 connections holds, client / server: right after the handshake, \
         after 1 MiB each way, after ten idle seconds. The last has some 115 bytes of the pipe at the server.\n"
    )?;
    table(figures, "heap", out, &|scenario, library, stack| {
        let values = figures.values("heap", scenario, library, stack)?;
        Some(values.iter().map(|v| format!("{v:.0}")).collect::<Vec<_>>().join(" / "))
    })
}

fn growth(figures: &Figures, out: &mut String) -> fmt::Result {
    writeln!(out, "\n## Growth\n\nWhat one connection costs, with so many of them at once.\n")?;
    writeln!(out, "| connections | backend | stack | processor time, to that of 100 | bytes |")?;
    writeln!(out, "| --- | --- | --- | --- | --- |")?;
    for figure in figures.iter().filter(|figure| figure.kind == "growth") {
        let (library, stack) = (&figure.library, &figure.stack);
        let base = figures.get("growth", "100", library, stack);
        let (Some(base), [time, bytes]) = (base, &figure.values[..]) else { continue };
        let ratio = number(time / base);
        writeln!(out, "| {} | `{library}` | {stack} | {ratio} | {bytes:.0} |", figure.scenario)?;
    }
    Ok(())
}

fn times(figures: &Figures, out: &mut String) -> fmt::Result {
    let kinds = [
        ("time", "Processor time in memory"),
        ("loopback", "Processor time over loopback"),
        ("duration", "Duration over loopback, a thread a side"),
    ];
    for (kind, title) in kinds {
        writeln!(out, "\n## {title}\n\nMedian of the ratios, and its quartiles.\n")?;
        table(figures, kind, out, &|scenario, library, stack| {
            let [median, low, high] = figures.values(kind, scenario, library, stack)? else {
                return None;
            };
            Some(format!("{} ({}–{})", number(*median), number(*low), number(*high)))
        })?;
    }
    Ok(())
}

fn dispatch(figures: &Figures, out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "\n## The cost of `dyn`\n\nInstructions of a 100-byte echo through a transport that is a trait \
         object, and through the adapter to tokio, to those through one that the compiler knows. The \
         library is behind a trait object in all three.\n"
    )?;
    for library in LIBRARIES {
        let get = |stack| figures.get("instructions", "echo-100", library, stack);
        if let (Some(ours), Some(dispatched), Some(adapter)) =
            (get(OURS), get(DISPATCHED), get(ADAPTER))
        {
            let (dispatched, adapter) = (number(dispatched / ours), number(adapter / ours));
            writeln!(out, "- `{library}`: {dispatched}; `tls-tokio`: {adapter}")?;
        }
    }
    Ok(())
}

/// A table a library: scenarios down, stacks across.
fn table(
    figures: &Figures,
    kind: &str,
    out: &mut String,
    cell: &dyn Fn(&str, &str, &str) -> Option<String>,
) -> fmt::Result {
    for library in LIBRARIES {
        let stacks = figures.stacks(library);
        writeln!(out, "| `{library}` | {} |", stacks.join(" | "))?;
        writeln!(out, "|{}", " --- |".repeat(stacks.len() + 1))?;
        for scenario in figures.scenarios(kind) {
            let cells: Vec<_> = stacks.iter().map(|stack| cell(scenario, library, stack)).collect();
            if cells.iter().all(Option::is_none) {
                continue; // the library cannot
            }
            let cells: Vec<_> = cells.into_iter().map(Option::unwrap_or_default).collect();
            writeln!(out, "| {scenario} | {} |", cells.join(" | "))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

const INTRODUCTION: &str = "\
# What polytls costs

<!-- Written by `cargo xtask bench`. -->

Each library by itself (`raw`), polytls on it, and what people put on it today, in one process and in turns. Figures are
ratios to the library in the same run, or counts; no time is printed by itself, because it would be about the machine. How
it is measured and why: [decision 33](decisions/0033-counts-are-compared-times-are-told.md). `native` negotiates TLS 1.2,
because native-tls' server does; all others TLS 1.3 with AES-128-GCM and X25519.

## The machine

";

const WHY: &str = "Why the others are missed stands in [the notes](performance/notes.md).";
