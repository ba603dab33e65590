//! Runs the shared suite on the other provider.
fn main() -> std::process::ExitCode {
    tls_conformance::run(tls_rustls::Rustls::ring())
}
