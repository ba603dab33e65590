//! Runs the shared suite.
fn main() -> std::process::ExitCode {
    tls_conformance::run(tls_s2n::S2n::new())
}
