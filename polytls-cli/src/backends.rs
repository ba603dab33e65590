//! `polytls backends`: what is compiled in, and what each library can do.

use polytls::{Backend, Capability, backend};
use serde_json::{Value, json};
use tls_conformance::Side;

use crate::cli::Backends;
use crate::conformance::by_side;
use crate::failure::Result;
use crate::output;

pub(crate) fn run(args: &Backends) -> Result {
    if args.json {
        return output::line(format!("{:#}", to_json()));
    }
    if backend::all().is_empty() {
        return output::line("no TLS library in this build");
    }
    let mut libraries = output::table(["backend", "library"]);
    for backend in backend::all() {
        libraries.add_row([backend.name().to_owned(), backend.library()]);
    }
    let mut capabilities = output::table(["capability", "side"].into_iter().chain(names()));
    for (capability, side) in by_side() {
        let answer = |backend: &&dyn Backend| match backend.capabilities().contains(capability) {
            true => "yes",
            false => "-",
        };
        let row = [capability.name(), side.name()];
        capabilities.add_row(row.into_iter().chain(backend::all().iter().map(answer)));
    }
    output::line(format!("{libraries}\n\n{capabilities}"))
}

fn names() -> impl Iterator<Item = &'static str> {
    backend::all().iter().map(|backend| backend.name())
}

fn to_json() -> Value {
    let describe = |backend: &&dyn Backend| {
        let can = backend.capabilities();
        let on = |side: Side| {
            let useful = can.iter().filter(|&capability| side.has_use_for(capability));
            useful.map(Capability::name).collect::<Vec<_>>()
        };
        json!({
            "name": backend.name(),
            "library": backend.library(),
            "capabilities": can.iter().map(Capability::name).collect::<Vec<_>>(),
            "client": on(Side::Client),
            "server": on(Side::Server),
        })
    };
    backend::all().iter().map(describe).collect()
}
