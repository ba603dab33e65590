//! Every script in `tests/lua`, and every snippet of the manual, under Lua 5.4 and LuaJIT, on rustls,
//! OpenSSL and BoringSSL.

#![allow(clippy::unwrap_used)] // tests

mod support;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use support::fixtures::Fixtures;
use support::lua::{Lua, Script};

const BACKENDS: [&str; 3] = ["boring", "openssl", "rustls"];

fn main() -> ExitCode {
    let fixtures = Arc::new(Fixtures::make());
    let mut trials = Vec::new();
    for lua in Lua::ALL {
        for backend in BACKENDS {
            for script in scripts() {
                let name = format!("{}::{backend}::{}", lua.program(), script.name);
                let fixtures = fixtures.clone();
                trials.push(Trial::test(name, move || {
                    lua.run(&script, backend, &fixtures).map_err(Failed::from)
                }));
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The scripts, and the manual's snippets, each of which is one.
fn scripts() -> Vec<Script> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts = Vec::new();
    for entry in fs::read_dir(here.join("tests/lua")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "lua") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            scripts.push(Script { name, text: fs::read_to_string(&path).unwrap() });
        }
    }
    let manual = fs::read_to_string(here.join("../docs/lua.md")).unwrap();
    let snippets = manual.split("```lua\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let before = fs::read_to_string(here.join("tests/lua/support/manual.lua")).unwrap();
    for (i, snippet) in snippets.enumerate() {
        let name = format!("manual_{:02}", i + 1);
        scripts.push(Script { name, text: format!("{before}\n{snippet}") });
    }
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    scripts
}
