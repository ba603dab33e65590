//! The suite's promises of an adapter, on whatever backends are in the build.

mod adapter;

fn main() -> std::process::ExitCode {
    tls_conformance::adapter::run::<adapter::Futures>(polytls::backend::all())
}
