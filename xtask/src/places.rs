//! Checks that feature `cfg` and `unsafe` stand only where they may (STYLE rules 2 and 50).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::root;

/// Where feature `cfg` may stand: the facade's list of backends, the choice of rustls' provider.
const FEATURES: &[&str] = &["polytls/src/backend.rs", "tls-rustls/src/provider.rs"];

/// Where `unsafe` may stand: the calls into OpenSSL that its safe crate lacks.
const UNSAFE: &[&str] = &["tls-openssl/src/ffi.rs"];

pub(crate) fn check() -> Result<()> {
    let mut files = Vec::new();
    collect(&root(), &mut files)?;
    let mut faults = Vec::new();
    for file in &files {
        let name = file.strip_prefix(root())?.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(file).with_context(|| name.clone())?;
        for (i, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            // In two pieces, so that this file does not find itself.
            let feature = code.contains(concat!("cfg(", "feature"))
                || code.contains(concat!("cfg(any(", "feature"));
            if feature && !FEATURES.contains(&name.as_str()) {
                faults.push(format!("{name}:{}: feature cfg", i + 1));
            }
            let is_unsafe = code.contains(concat!("un", "safe {"))
                || code.contains(concat!("un", "safe extern"));
            if is_unsafe && !UNSAFE.contains(&name.as_str()) {
                faults.push(format!("{name}:{}: unsafe code", i + 1));
            }
        }
    }
    if !faults.is_empty() {
        bail!("not where they may stand:\n  {}", faults.join("\n  "));
    }
    println!("places: {} files, feature cfg and unsafe only where they may stand", files.len());
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
