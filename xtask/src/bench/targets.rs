//! The targets, what was measured, and whether they are met.

use super::chart::number;
use super::figures::{DISPATCHED, Figures, LIBRARIES, OURS, RAW};

/// A line of the table.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) metric: &'static str,
    pub(super) library: String,
    pub(super) wanted: String,
    pub(super) measured: String,
    /// `None` where nothing was measured.
    pub(super) met: Option<bool>,
}

/// All of them.
pub(super) fn all(figures: &Figures) -> Vec<Target> {
    let mut targets = Vec::new();
    instructions(figures, &mut targets);
    calls(figures, &mut targets);
    heap(figures, &mut targets);
    loopback(figures, &mut targets);
    allocations(figures, &mut targets);
    targets.push(Target {
        name: "T10",
        metric: "copies of a record above the library",
        library: "all".into(),
        wanted: "0, by `fill_buf` and `consume`".into(),
        measured: "not counted; there is no `fill_buf`".into(),
        met: None,
    });
    small_writes(figures, &mut targets);
    targets
}

fn at_most(
    (name, metric): (&'static str, &'static str),
    library: &str,
    most: &[f64],
    measured: &[Option<f64>],
) -> Target {
    let said = |values: &mut dyn Iterator<Item = Option<f64>>| {
        let said: Vec<_> = values.map(|v| v.map_or("?".to_owned(), number)).collect();
        said.join(" / ")
    };
    let all = measured
        .iter()
        .all(Option::is_some)
        .then(|| measured.iter().flatten().zip(most).all(|(is, most)| *is <= *most + f64::EPSILON));
    Target {
        name,
        metric,
        library: library.to_owned(),
        wanted: format!("≤ {}", said(&mut most.iter().copied().map(Some))),
        measured: said(&mut measured.iter().copied()),
        met: all,
    }
}

fn instructions(figures: &Figures, targets: &mut Vec<Target>) {
    let ratio = |scenario, library, stack| figures.ratio("instructions", scenario, library, stack);
    for library in LIBRARIES {
        let handshakes = [
            ("handshake-ecdsa", "instructions, full handshake, ECDSA"),
            ("handshake-rsa", "instructions, full handshake, RSA"),
            ("handshake-resumed", "instructions, resumed handshake"),
        ];
        for (scenario, metric) in handshakes {
            let measured = ratio(scenario, library, OURS);
            if measured.is_some() {
                targets.push(at_most(("T1", metric), library, &[1.003], &[measured]));
            }
        }
        let more = |kind| {
            let get = |stack| figures.get(kind, "handshake-ecdsa", library, stack);
            Some(get(OURS)? - get(RAW)?)
        };
        let measured = [more("allocations-client"), more("allocations-server")];
        let metric = "allocations more than raw in a handshake, client / server";
        targets.push(at_most(("T1", metric), library, &[2.0, 2.0], &measured));
    }
    for library in LIBRARIES {
        let most = if *library == "rustls" { 0.98 } else { 1.002 };
        let measured = ratio("echo-16384", library, OURS);
        targets.push(at_most(("T2", "instructions, 16 KiB echo"), library, &[most], &[measured]));
    }
    for library in LIBRARIES {
        let most = if *library == "rustls" { 0.95 } else { 1.01 };
        let measured = ratio("echo-100", library, DISPATCHED);
        let metric = "instructions, 100-byte echo, through `dyn`";
        targets.push(at_most(("T3", metric), library, &[most], &[measured]));
    }
}

fn calls(figures: &Figures, targets: &mut Vec<Target>) {
    let ours = |kind, scenario, library| figures.get(kind, scenario, library, OURS);
    for library in LIBRARIES {
        let both = ["writes", "reads"].map(|kind| ours(kind, "bulk-262144", library));
        let metric = "writes / reads per MiB, 256 KiB writes";
        targets.push(at_most(("T4", metric), library, &[17.0, 17.0], &both));
    }
    for library in LIBRARIES {
        let reads = ours("reads", "send-16384", library);
        targets.push(at_most(("T5", "reads for a lone 16 KiB record"), library, &[1.0], &[reads]));
    }
}

fn heap(figures: &Figures, targets: &mut Vec<Target>) {
    let limits = [("rustls", [4.6, 4.0]), ("openssl", [18.8, 14.2]), ("boring", [8.8, 4.3])];
    for (library, most) in limits {
        let values = figures.values("heap", "after-traffic", library, OURS).unwrap_or_default();
        let each = |i: usize| values.get(i).map(|bytes| bytes / 1000.0);
        let metric = "kB of heap, idle after traffic, client / server";
        targets.push(at_most(("T6", metric), library, &most, &[each(0), each(1)]));
    }
}

fn loopback(figures: &Figures, targets: &mut Vec<Target>) {
    for (library, most) in [("rustls", 0.93), ("openssl", 0.90), ("boring", 0.85)] {
        let Some(wrapper) = figures.wrapper(library) else { continue };
        // The median of the inverse is the inverse of the median.
        let theirs = figures.get("loopback-ours", "bulk-262144", library, wrapper);
        let measured = theirs.map(|ratio| 1.0 / ratio);
        let metric = "processor time over loopback, 256 KiB writes, to tokio's wrapper";
        targets.push(at_most(("T7", metric), library, &[most], &[measured]));
    }
    for (library, least) in [("rustls", 1.05), ("openssl", 1.08), ("boring", 1.12)] {
        let Some(wrapper) = figures.wrapper(library) else { continue };
        let measured = figures.get("duration-ours", "bulk-262144", library, wrapper);
        targets.push(Target {
            name: "T8",
            metric: "throughput over loopback, the same",
            library: library.into(),
            wanted: format!("≥ {}", number(least)),
            measured: measured.map_or("?".into(), number),
            met: measured.map(|is| is >= least),
        });
    }
}

fn allocations(figures: &Figures, targets: &mut Vec<Target>) {
    let kinds = ["allocations-client", "allocations-server"];
    for library in LIBRARIES {
        let get = |stack| kinds.map(|kind| figures.get(kind, "send-16384", library, stack));
        let raw = get(RAW).map(|raw| raw.unwrap_or(0.0));
        let most = if *library == "rustls" { [1.0, 1.0] } else { raw };
        let metric = "allocations for a 16 KiB record, send / receive";
        targets.push(at_most(("T9", metric), library, &most, &get(OURS)));
    }
}

fn small_writes(figures: &Figures, targets: &mut Vec<Target>) {
    for library in LIBRARIES {
        let both = ["records", "writes"].map(|kind| figures.get(kind, "bulk-128", library, OURS));
        let metric = "records / writes per MiB of 128-byte writes";
        targets.push(at_most(("T11", metric), library, &[70.0, 70.0], &both));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_up_to_its_bound_and_unknown_without_a_figure() {
        let met = |measured: &[Option<f64>]| at_most(("T", "m"), "l", &[1.0, 2.0], measured).met;
        assert_eq!(met(&[Some(1.0), Some(2.0)]), Some(true));
        assert_eq!(met(&[Some(1.0), Some(2.1)]), Some(false));
        assert_eq!(met(&[Some(1.0), None]), None);
    }
}
