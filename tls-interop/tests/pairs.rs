//! The shared suite on every pair of backends, each as client and as server.
fn main() -> std::process::ExitCode {
    let all = polytls::backend::all();
    let pairs: Vec<_> =
        all.iter().flat_map(|client| all.iter().map(|server| (*client, *server))).collect();
    tls_conformance::run_pairs(&pairs)
}
