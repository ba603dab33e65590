//! Checks that arrows point down: who may depend on what (ARCHITECTURE.md).

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::root;

/// Each crate of the workspace and the crates of the workspace it may use, from the bottom up.
///
/// Development dependencies are free, but for the rule that nothing on the way to a user depends on
/// the suite.
const FLOORS: &[(&str, &[&str])] = &[
    ("tls-kernel", &[]),
    ("tls-keys", &[]),
    ("tls-pki", &[]),
    ("tls-core", &["tls-kernel", "tls-keys", "tls-pki"]),
    ("tls-conformance", &["tls-core"]),
    ("tls-libssl", &["tls-core"]),
    ("tls-boring", &["tls-core", "tls-libssl"]),
    ("tls-native", &["tls-core", "tls-libssl"]),
    ("tls-openssl", &["tls-core", "tls-libssl"]),
    ("tls-rustls", &["tls-core"]),
    ("tls-s2n", &["tls-core"]),
    ("tls-lines", &["tls-core"]),
    ("tls-redis", &["tls-core"]),
    ("tls-staple", &["tls-core"]),
    ("tls-starttls", &["tls-core"]),
    ("tls-futures", &["tls-core", "tls-starttls"]),
    ("tls-tokio", &["tls-core", "tls-starttls"]),
    ("tls-hyper", &["tls-core", "tls-tokio"]),
    ("tls-postgres", &["tls-core", "tls-tokio"]),
    ("tls-tonic", &["tls-core", "tls-hyper", "tls-tokio"]),
    ("polytls", UNDER_FACADE),
    ("tls-capi", &["polytls"]),
    (
        "polytls-cli",
        &["polytls", "tls-conformance", "tls-redis", "tls-staple", "tls-starttls", "tls-tokio"],
    ),
    ("tls-lua", &["polytls", "tls-keys", "tls-lines"]),
    ("polytls-example-web", &["polytls", "tls-hyper", "tls-postgres", "tls-tonic"]),
    ("tls-interop", &[]),
    ("xtask", &[]),
];

/// What the facade stands on.
const UNDER_FACADE: &[&str] =
    &["tls-boring", "tls-core", "tls-native", "tls-openssl", "tls-rustls", "tls-s2n"];

/// Crates of others that only these may use directly.
const FENCED: &[(&str, &[&str])] = &[
    ("rustls", &["tls-rustls"]),
    ("rustls-webpki", &["tls-pki"]),
    ("openssl", &["tls-native", "tls-openssl"]),
    ("openssl-sys", &["tls-openssl"]),
    ("s2n-tls", &["tls-s2n"]),
    ("aws-lc-rs", &[]),
    ("ring", &["tls-conformance"]),
    ("native-tls", &["tls-native"]),
    ("boring", &["tls-boring"]),
    ("boring-sys", &["tls-boring"]),
    ("ureq", &["tls-staple"]),
    ("redis", &["tls-redis"]),
    ("cms", &["tls-keys"]),
    ("des", &["tls-keys"]),
    ("md-5", &["tls-keys"]),
    ("p256", &["tls-keys"]),
    ("pkcs12", &["tls-keys"]),
    ("rc2", &["tls-keys"]),
    ("rcgen", &["tls-conformance", "tls-keys"]),
    ("futures-io", &["tls-futures"]),
    ("mio", &["tls-lines"]),
    ("mlua", &["tls-lua"]),
    (
        "tokio",
        &[
            "polytls-cli",
            "polytls-example-web",
            "tls-hyper",
            "tls-postgres",
            "tls-tokio",
            "tls-tonic",
        ],
    ),
    ("tokio-postgres", &["tls-postgres"]),
    ("hyper", &["polytls-cli", "tls-hyper"]),
    ("hyper-util", &["polytls-cli", "tls-hyper"]),
    ("tower-service", &["tls-hyper"]),
    ("axum", &["tls-hyper"]),
    ("tonic", &["polytls-example-web", "tls-tonic"]),
    ("tracing", &["tls-core"]),
    ("indicatif", &["polytls-cli"]),
    ("comfy-table", &["polytls-cli"]),
    ("askama", &["polytls-cli"]),
    ("quick-junit", &["polytls-cli"]),
    ("clap", &["polytls-cli", "xtask"]),
    ("anyhow", &["polytls-cli", "xtask"]),
    ("miette", &["polytls-cli"]),
];

pub(crate) fn check() -> Result<()> {
    let mut faults = Vec::new();
    let metadata =
        MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let ours = |name: &str| FLOORS.iter().find(|(member, _)| *member == name);
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some((_, below)) = ours(name) else {
            faults.push(format!("{name} has no floor: add it to xtask/src/floors.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            if dependency.kind == DependencyKind::Development {
                continue;
            }
            let on = dependency.name.as_str();
            if ours(on).is_some() && !below.contains(&on) {
                faults.push(format!("{name} depends on {on}, which is not below it"));
            }
            if FENCED.iter().any(|(fenced, users)| *fenced == on && !users.contains(&name)) {
                faults.push(format!("{name} depends on {on}, which is fenced off"));
            }
        }
    }
    for (name, _) in FLOORS {
        if !metadata.packages.iter().any(|package| package.name.as_str() == *name) {
            faults.push(format!("{name} has a floor but is not in the workspace"));
        }
    }
    if !faults.is_empty() {
        bail!("the floors do not hold:\n  {}", faults.join("\n  "));
    }
    println!("floors: {} crates, all arrows point down", metadata.packages.len());
    Ok(())
}
