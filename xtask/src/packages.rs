//! Builds what would be published as its users do: outside of this workspace, without its settings,
//! one backend at a time.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;

use crate::test::BACKENDS;
use crate::{cargo, root, succeed};

pub(crate) fn check() -> Result<()> {
    let outside = tempfile::tempdir()?;
    let outside = outside.path();
    extract(outside)?;
    write_user(outside)?;
    for backend in BACKENDS {
        let run = user(outside, &["run", "--quiet"], backend).output()?;
        let said = String::from_utf8_lossy(&run.stdout);
        println!("{backend}: {}", said.trim());
        if !run.status.success() || !said.contains("hello") {
            bail!("the packages with {backend}:\n{}", String::from_utf8_lossy(&run.stderr));
        }
    }
    for twins in ["openssl,boring", "native,boring"] {
        refused(user(outside, &["check", "--quiet"], twins), twins)?;
    }
    Ok(())
}

/// OpenSSL and BoringSSL in one program end in one readable error, and in nothing else.
fn refused(mut build: Command, twins: &str) -> Result<()> {
    let build = build.output()?;
    let said = String::from_utf8_lossy(&build.stderr);
    let errors = said.lines().filter(|line| line.starts_with("error")).collect::<Vec<_>>();
    // The second line is Cargo's own: a build script has failed.
    let readable = matches!(errors[..], [why] | [why, _] if why.contains("symbols"));
    if build.status.success() || !readable || said.contains("panicked") {
        bail!("{twins} together should end in one readable error, but:\n{said}");
    }
    println!("{twins}: {}", errors[0]);
    Ok(())
}

/// Unpacks every package that would be published.
fn extract(outside: &Path) -> Result<()> {
    let package = ["package", "--workspace", "--no-verify", "--allow-dirty", "--quiet"];
    let package = [
        &package[..],
        &["--exclude", "polytls-example-web", "--exclude", "tls-interop", "--exclude", "xtask"],
    ]
    .concat();
    succeed(cargo(&package))?;
    let metadata =
        MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    for package in metadata.packages.iter().filter(|package| is_published(package)) {
        let file = format!("package/{}-{}.crate", package.name, package.version);
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(metadata.target_directory.join(file)).arg("-C").arg(outside);
        succeed(tar)?;
    }
    Ok(())
}

fn is_published(package: &cargo_metadata::Package) -> bool {
    package.publish.is_none()
}

/// Writes a program that depends on the packages, and is one of the facade's examples.
fn write_user(outside: &Path) -> Result<()> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(outside)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let (package, version) = name.rsplit_once('-').context("a package has a version")?;
        packages.push((package.to_owned(), version.to_owned()));
    }
    let polytls = packages.iter().find(|(name, _)| name == "polytls").context("the facade")?;
    let user = outside.join("user");
    fs::create_dir_all(user.join("src"))?;
    let example = outside.join(format!("polytls-{}/examples/swap.rs", polytls.1));
    fs::copy(example, user.join("src/main.rs"))?;
    fs::copy(root().join("Cargo.lock"), user.join("Cargo.lock"))?;
    let mut manifest = format!(
        "[package]\nname = \"user\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\npolytls = {{ version = \"{v}\", default-features = false }}\n\
         tls-conformance = \"{v}\"\n\n[features]\n",
        v = polytls.1
    );
    for backend in BACKENDS {
        manifest += &format!("{backend} = [\"polytls/{backend}\"]\n");
    }
    manifest += "\n[patch.crates-io]\n";
    for (package, version) in &packages {
        manifest += &format!("{package} = {{ path = \"../{package}-{version}\" }}\n");
    }
    // As the workspace's, so that what others wrote need not be built again.
    let ours = fs::read_to_string(root().join("Cargo.toml"))?;
    let profile = ours.find("[profile.dev]").context("the workspace's profile")?;
    manifest += &format!("\n{}", &ours[profile..]);
    fs::write(user.join("Cargo.toml"), manifest)?;
    Ok(())
}

/// Cargo in the user's folder, without anything of this workspace.
fn user(outside: &Path, what: &[&str], features: &str) -> Command {
    // BoringSSL is built there without the prefix that it has here.
    let target = if features.contains("boring") { "target/packages" } else { "target" };
    let mut cargo = cargo(what);
    cargo
        .current_dir(outside.join("user"))
        .args(["--no-default-features", "--features", features])
        .env("CARGO_TARGET_DIR", root().join(target))
        .env("RUST_BACKTRACE", "0");
    for (name, _) in std::env::vars_os() {
        let settings = ["CMAKE_TOOLCHAIN_FILE", "BINDGEN_EXTRA_CLANG_ARGS"];
        if settings.iter().any(|setting| name.to_string_lossy().starts_with(setting)) {
            cargo.env_remove(name);
        }
    }
    cargo
}
