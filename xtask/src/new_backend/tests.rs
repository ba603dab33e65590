use std::process::Command;

use super::*;
use crate::test::counts;

/// A copy of the workspace under its own target folder; what is built from it is found there again.
struct Copy {
    root: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn new() -> Self {
        let from = crate::root();
        let metadata =
            cargo_metadata::MetadataCommand::new().current_dir(&from).no_deps().exec().unwrap();
        let target = metadata.target_directory.into_std_path_buf();
        let copy = Self { root: target.join("new-backend"), target };
        let _ = fs::remove_dir_all(&copy.root);
        copy_folder(&from, &copy.root, &copy.target).unwrap();
        copy
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = cargo_in(&self.root, arguments);
        cargo.env("CARGO_TARGET_DIR", &self.target).arg("--offline");
        cargo
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// Every file that a generator may have touched.
    fn state(&self) -> Vec<String> {
        let edited = EDITS.iter().map(|(path, _)| *path).chain(["Cargo.lock"]);
        edited.map(|path| self.text(path)).collect()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Times are copied along: what has not changed is not built again.
fn copy_folder(from: &Path, to: &Path, target: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.') && name != ".cargo";
        if path == target || name == "target" || hidden {
            continue;
        } else if path.is_dir() {
            copy_folder(&path, &to, target)?;
        } else {
            fs::copy(&path, &to)?;
            fs::File::options()
                .write(true)
                .open(&to)?
                .set_modified(path.metadata()?.modified()?)?;
        }
    }
    Ok(())
}

#[test]
fn a_new_backend_compiles_holds_the_rules_and_is_red_by_name() {
    let copy = Copy::new();
    let before = copy.state();

    // Nothing is written for a name that cannot be, or by an edit that cannot be made.
    for bad in ["Bad", "rustls", "rustls-ring", "openssl-vendored", "core", "only"] {
        run(&copy.root, bad).unwrap_err();
    }
    let facade = copy.text("polytls/src/backend.rs");
    let moved = facade.replace("static ALL:", "static EVERY:");
    fs::write(copy.root.join("polytls/src/backend.rs"), moved).unwrap();
    let e = run(&copy.root, "trial-lib").unwrap_err();
    assert!(format!("{e:#}").contains("polytls/src/backend.rs"), "{e:#}");
    fs::write(copy.root.join("polytls/src/backend.rs"), facade).unwrap();
    assert!(copy.state() == before && !copy.root.join("tls-trial-lib").exists());

    run(&copy.root, "trial-lib").unwrap();
    let after = copy.state();
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    assert!(copy.text("polytls/src/backend.rs").contains("pub fn trial_lib()"));
    let e = run(&copy.root, "trial-lib").unwrap_err();
    assert!(format!("{e:#}").contains("taken"), "{e:#}");
    assert!(copy.state() == after);

    // As the copy's own program sees it: the floors are a part of it.
    for task in ["floors", "places"] {
        let mut xtask = copy.cargo(&["run", "--quiet", "--locked", "-p", "xtask"]);
        assert!(xtask.args(["--", task]).status().unwrap().success(), "{task} does not hold");
    }
    for licence in LICENCES {
        assert!(copy.text(&format!("tls-trial-lib/{licence}")).len() > 500);
    }
    let package = ["-p", "tls-trial-lib", "--locked"];
    let format = ["fmt", "-p", "tls-trial-lib", "-p", "polytls", "-p", "xtask", "--check"];
    assert!(cargo_in(&copy.root, &format).status().unwrap().success(), "not formatted");
    let facade = ["check", "-p", "polytls", "--locked", "--no-default-features", "--features"];
    let facade = [&facade[..], &["trial-lib"]].concat();
    assert!(copy.cargo(&facade).status().unwrap().success(), "the facade does not compile");

    let mut clippy = copy.cargo(&[&["clippy", "--all-targets"][..], &package].concat());
    let clippy = clippy.args(["--", "-D", "warnings"]);
    assert!(clippy.status().unwrap().success(), "clippy is not content");
    let suite = [&["test", "--test", "conformance"][..], &package].concat();
    let output = copy.cargo(&suite).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let (passed, failed) = text.lines().find_map(counts).expect("the suite did not run");
    assert!(!output.status.success() && failed > 100, "{passed} passed, {failed} failed");
    assert!(text.contains("is not written yet"), "not red by name");
}
