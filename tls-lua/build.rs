//! How the module is linked.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        // Lua unloads its modules when a state is closed. Threads that wait for a name to be resolved, and
        // what the TLS libraries leave to be done at the end of a thread, must find their code until then.
        Ok("linux") => println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete"),
        // What Lua has is found in the process, as it is on other systems without being asked for.
        Ok("macos") => println!("cargo::rustc-cdylib-link-arg=-Wl,-undefined,dynamic_lookup"),
        _ => {}
    }
}
