//! Checks the licences of everything that is linked, without a network.

use std::fs;

use anyhow::{Context, Result, bail};
use cargo_metadata::MetadataCommand;
use spdx::{Expression, LicenseReq};

use crate::root;

pub(crate) fn check() -> Result<()> {
    let text = fs::read_to_string(root().join("deny.toml")).context("deny.toml")?;
    let deny: toml::Table = text.parse().context("deny.toml")?;
    let allowed = deny.get("licenses").and_then(|licenses| licenses.get("allow"));
    let allowed = allowed.and_then(toml::Value::as_array).context("deny.toml: licenses.allow")?;
    let allowed: Vec<&str> = allowed.iter().filter_map(toml::Value::as_str).collect();

    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked".to_owned(), "--all-features".to_owned()])
        .exec()?;
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let Some(licence) = &package.license else {
            faults.push(format!("{}: names no licence", package.name));
            continue;
        };
        // Some old crates write "MIT/Apache-2.0".
        let expression = Expression::parse_mode(licence, spdx::ParseMode::LAX)
            .with_context(|| format!("{}: licence {licence}", package.name))?;
        let is_allowed = |required: &LicenseReq| {
            let name = required.to_string();
            allowed.contains(&name.as_str())
        };
        if !expression.evaluate(is_allowed) {
            faults.push(format!("{}: {licence} is not allowed by deny.toml", package.name));
        }
    }
    if !faults.is_empty() {
        bail!("licences:\n  {}", faults.join("\n  "));
    }
    println!("licences: {} packages, all allowed by deny.toml", metadata.packages.len());
    Ok(())
}
