//! Thousands of connections at once, on each backend: `tls-interop/examples/load`.

use anyhow::{Result, bail};

use crate::test::{BACKENDS, one_root};
use crate::{cargo, succeed};

/// Runs it on one backend, or on one after the other, and fails if a healthy connection was disturbed.
pub(crate) fn run(connections: u32, seconds: u32, backend: Option<&str>) -> Result<()> {
    let backends: Vec<&str> = match backend {
        Some(name) if BACKENDS.contains(&name) => vec![name],
        Some(name) => bail!("no backend '{name}'; there are {}", BACKENDS.join(", ")),
        None => BACKENDS.to_vec(),
    };
    let mut failed = Vec::new();
    for backend in backends {
        let mut load = cargo(&["run", "--quiet", "--locked", "-p", "tls-interop"]);
        load.args(["--example", "load", "--", backend]);
        load.args([connections.to_string(), seconds.to_string()]).env("SSL_CERT_FILE", one_root()?);
        if let Err(e) = succeed(load) {
            eprintln!("{backend}: {e:#}");
            failed.push(backend);
        }
    }
    if !failed.is_empty() {
        bail!("healthy connections were disturbed on {}", failed.join(", "));
    }
    Ok(())
}
