//! Runs the shared suite.
fn main() -> std::process::ExitCode {
    tls_conformance::run(tls_new_lib::NewLib::new())
}
