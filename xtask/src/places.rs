//! Checks that feature `cfg` and `unsafe` stand only where they may (STYLE rules 2 and 50).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::root;

/// Where feature `cfg` may stand: the facade's list of backends, the choice of rustls' provider, that of
/// telling events or not, the one file that is all there is to `serde`, the parts of hyper that are used, and
/// which ABI for C is built.
const FEATURES: &[&str] = &[
    "polytls/src/backend.rs",
    "tls-capi/src/lib.rs",
    "tls-core/src/events/mod.rs",
    "tls-core/src/serialize.rs",
    "tls-hyper/src/lib.rs",
    "tls-rustls/src/provider.rs",
];

/// Where `unsafe` may stand: the calls into C that the safe crates lack, or leave to the caller, and what C
/// hands over when it calls us.
const UNSAFE: &[&str] = &[
    "benches/src/ffi.rs",
    "tls-boring/src/ffi.rs",
    "tls-capi/src/boundary.rs",
    "tls-capi/src/client/ffi.rs",
    "tls-capi/src/fio/facil.rs",
    "tls-kernel/src/ffi.rs",
    "tls-lua/src/ffi.rs",
    "tls-openssl/src/ffi.rs",
    "tls-s2n/src/ffi.rs",
];

/// In two pieces, so that this file does not find itself.
const KEYWORD: &str = concat!("un", "safe");

pub(crate) fn check() -> Result<()> {
    let mut files = Vec::new();
    collect(&root(), &mut files)?;
    let mut faults = Vec::new();
    for file in &files {
        let name = file.strip_prefix(root())?.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(file).with_context(|| name.clone())?;
        for (i, line) in text.lines().enumerate() {
            if names_feature(line) && !FEATURES.contains(&name.as_str()) {
                faults.push(format!("{name}:{}: feature cfg", i + 1));
            }
            if is_unsafe(line) && !UNSAFE.contains(&name.as_str()) {
                faults.push(format!("{name}:{}: {KEYWORD} code", i + 1));
            }
        }
    }
    if !faults.is_empty() {
        bail!("not where they may stand:\n  {}", faults.join("\n  "));
    }
    println!("places: {} files, feature cfg and {KEYWORD} only where they may stand", files.len());
    Ok(())
}

/// Whether a feature is named, in whatever form of `cfg`, which may begin on another line.
fn names_feature(line: &str) -> bool {
    let code = without_comment(line);
    code.split("feature").skip(1).any(|rest| {
        rest.trim_start().strip_prefix('=').is_some_and(|rest| rest.trim_start().starts_with('"'))
    })
}

/// Whether something is, or is declared, unsafe: a block, a function, an attribute.
fn is_unsafe(line: &str) -> bool {
    let mut words = without_comment(line).split(|c: char| !c.is_alphanumeric() && c != '_');
    words.any(|word| word == KEYWORD)
}

// What stands in a string or a macro's text is taken for code: such a line can be written otherwise.
fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_found_in_every_form_of_cfg() {
        let named = concat!("feature", " = \"ring\"");
        for form in
            ["#[cfg(_)]", "#[cfg(not(_))]", "#[cfg(any(unix, _))]", "if cfg!(_) {", "    _,"]
        {
            assert!(names_feature(&form.replace('_', named)), "{form}");
        }
        assert!(names_feature(&named.replace(' ', "")));
        for other in ["// feature cfg", "let feature = name;", "#[cfg(unix)]"] {
            assert!(!names_feature(other), "{other}");
        }
    }

    #[test]
    fn every_form_of_the_keyword_is_found() {
        for form in ["let x = _ { f() };", "_ fn f() {}", "_ impl Send for X {}", "#[_(no_mangle)]"]
        {
            assert!(is_unsafe(&form.replace('_', KEYWORD)), "{form}");
        }
        for other in ["// _ { }", "#![forbid(__code)]"] {
            let other = other.replace("__", "_").replace('_', &format!("{KEYWORD}_"));
            assert!(!is_unsafe(&other), "{other}");
        }
    }
}
