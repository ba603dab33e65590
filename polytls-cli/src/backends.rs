//! `polytls backends`: what is compiled in, and what each library can do.

use polytls::{Capability, backend};
use serde_json::{Value, json};

use crate::cli::Backends;
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
    let names = backend::all().iter().map(|backend| backend.name());
    let mut capabilities = output::table(std::iter::once("capability").chain(names));
    for &capability in Capability::ALL {
        let answers = backend::all()
            .iter()
            .map(|backend| if backend.capabilities().contains(capability) { "yes" } else { "-" });
        capabilities.add_row(std::iter::once(capability.name()).chain(answers));
    }
    output::line(format!("{libraries}\n\n{capabilities}"))
}

fn to_json() -> Value {
    let describe = |backend: &&dyn polytls::Backend| {
        json!({
            "name": backend.name(),
            "library": backend.library(),
            "capabilities":
                backend.capabilities().iter().map(Capability::name).collect::<Vec<_>>(),
        })
    };
    backend::all().iter().map(describe).collect()
}
