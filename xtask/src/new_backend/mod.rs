//! Makes the crate of a new backend, and the lines by which the workspace knows it.

mod edit;
mod name;

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result, bail};

use crate::{cargo_in, format_in};
use name::Name;

/// A crate that compiles, keeps the house's rules, and makes the suite red by name.
const TEMPLATE: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../template/manifest.toml")),
    ("src/config.rs", include_str!("../../template/src/config.rs")),
    ("src/error.rs", include_str!("../../template/src/error.rs")),
    ("src/lib.rs", include_str!("../../template/src/lib.rs")),
    ("src/session.rs", include_str!("../../template/src/session.rs")),
    ("tests/conformance.rs", include_str!("../../template/tests/conformance.rs")),
];

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// How one file of the workspace changes for a new backend.
type Edit = fn(&str, &Name) -> Result<String>;

const EDITS: &[(&str, Edit)] = &[
    ("Cargo.toml", edit::workspace),
    ("polytls/Cargo.toml", edit::facade),
    ("polytls/src/backend.rs", edit::facade_backends),
    ("polytls/src/lib.rs", edit::facade_table),
    ("polytls-cli/Cargo.toml", edit::program),
    ("tls-interop/Cargo.toml", edit::interop),
    ("xtask/src/floors.rs", edit::floors),
    ("xtask/src/test.rs", edit::gate),
];

/// Adds a backend called `name` to the workspace at `root`: everything, or nothing.
pub(crate) fn run(root: &Path, name: &str) -> Result<()> {
    let files = EDITS.iter().map(|(path, edit)| {
        let before = fs::read_to_string(root.join(path)).with_context(|| (*path).to_owned())?;
        Ok((*path, before, *edit))
    });
    let files = files.collect::<Result<Vec<_>>>()?;
    let mut known = TEMPLATE.iter().map(|(_, text)| *text).collect::<Vec<_>>();
    known.extend(files.iter().map(|(_, before, _)| before.as_str()));
    let name = Name::new(name, &known)?;
    let folder = root.join(name.crate_name());
    if folder.exists() {
        bail!("the name '{name}' is taken: {} is there already", name.crate_name());
    }

    // Nothing is written before all of it is known.
    let mut edited = Vec::new();
    for (path, before, edit) in &files {
        let after = edit(before, &name).with_context(|| format!("cannot edit {path}"))?;
        edited.push(Change { path: root.join(path), before, after: formatted(root, path, after)? });
    }
    let mut made = Vec::new();
    for (path, text) in TEMPLATE {
        made.push((folder.join(path), formatted(root, path, name.fill(text))?));
    }

    let lock = fs::read(root.join("Cargo.lock")).context("Cargo.lock")?;
    let write = || {
        for (path, text) in &made {
            fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            fs::write(path, text)?;
        }
        LICENCES.iter().try_for_each(|licence| provide_licence(&folder, licence))?;
        edited.iter().try_for_each(|change| fs::write(&change.path, &change.after))?;
        // Writes the lock file, and finds out whether Cargo agrees with the manifests.
        crate::succeed(cargo_in(root, &["update", "--quiet", "--offline", "--workspace"]))
    };
    if let Err(e) = write() {
        let _ = fs::remove_dir_all(&folder);
        for change in &edited {
            let _ = fs::write(&change.path, change.before);
        }
        let _ = fs::write(root.join("Cargo.lock"), lock);
        return Err(e.context("nothing was changed"));
    }
    println!("{}", name.fill(NEXT));
    Ok(())
}

struct Change<'a> {
    path: PathBuf,
    before: &'a str,
    after: String,
}

/// What the command cannot know.
const NEXT: &str = "\
tls-new-lib is there, and `cargo test -p tls-new-lib --test conformance` is red by name.
docs/new-backend.md says in which order to make it green. What is left to you beside the code:
  - the library is fenced off to its backend: FENCED in xtask/src/floors.rs, `bans` in deny.toml
  - calls into C: a small ffi.rs, UNSAFE in xtask/src/places.rs, the lints of tls-openssl/Cargo.toml
  - what it needs to build: the table in polytls/src/lib.rs, xtask/src/programs.rs
  - when it should be chosen: polytls/src/manual/choosing.md, README.md, CHANGELOG.md
  - why it was picked: the commit that adds the dependency";

/// Rust as rustfmt wants it: names have different lengths, and lists grow.
fn formatted(root: &Path, path: &str, text: String) -> Result<String> {
    match path.ends_with(".rs") {
        true => format_in(root, &text).with_context(|| format!("cannot format {path}")),
        false => Ok(text),
    }
}

/// Each package carries both licences, as links where there are links.
fn provide_licence(folder: &Path, licence: &str) -> io::Result<()> {
    let target = Path::new("..").join(licence);
    #[cfg(unix)]
    return std::os::unix::fs::symlink(target, folder.join(licence));
    #[cfg(not(unix))]
    return fs::copy(folder.join(target), folder.join(licence)).map(drop);
}

#[cfg(test)]
mod tests;
