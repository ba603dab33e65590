//! The shared object, and the programs in C that are linked with it.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, Mutex, PoisonError};

use tempfile::TempDir;

use crate::fixtures;

/// What all tests have in common: made once.
pub(crate) struct Built {
    folder: TempDir,
    compiled: Mutex<BTreeSet<String>>,
}

/// The backends of the shared object.
pub(crate) const BACKENDS: [&str; 3] = ["openssl", "boring", "rustls"];

pub(crate) static BUILT: LazyLock<Built> = LazyLock::new(Built::new);

impl Built {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("lib");
        fs::create_dir(&library).unwrap();
        fs::copy(build(), library.join("libtls.so.26")).unwrap();
        std::os::unix::fs::symlink("libtls.so.26", library.join("libtls.so")).unwrap();
        Self { folder, compiled: Mutex::default() }
    }

    /// Where the shared object is.
    pub(crate) fn library(&self) -> PathBuf {
        self.folder.path().join("lib")
    }

    /// The program of this name, compiled once: another test may be running it.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let program = self.folder.path().join(name);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if !compiled.insert(name.to_owned()) {
            return program;
        }
        let mut cc = Command::new("cc");
        cc.args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-o"]);
        cc.arg(&program).arg(source().join(format!("tests/c/{name}.c")));
        cc.arg("-I").arg(source().join("include")).arg("-L").arg(self.library());
        succeed(cc.args(["-ltls", "-Wl,-z,lazy"]));
        program
    }
}

/// The folder of this crate.
pub(crate) fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Builds the shared object with all backends, and says where it is.
fn build() -> PathBuf {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(source());
    cargo.args(["rustc", "--lib", "--crate-type", "cdylib", "--locked", "--no-default-features"]);
    cargo.args(["--features", "libtls,boring,openssl,rustls", "--message-format", "json"]);
    cargo.args(["--", "-Clink-arg=-Wl,-soname,libtls.so.26"]);
    let output = succeed(&mut cargo);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut paths = text.split('"').filter(|word| word.ends_with("libtls_capi.so"));
    PathBuf::from(paths.next_back().expect("the shared object"))
}

/// Runs `command`, insists on success, and gives its output.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let told = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{command:?}: {}\n{said}\n{told}", output.status);
    output
}

/// A folder with the files that the programs read.
pub(crate) fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fixtures::make(folder.path());
    folder
}
