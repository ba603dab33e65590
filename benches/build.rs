//! Builds the counting allocator, and has the linker find the system's OpenSSL before BoringSSL's archives of the
//! same names (docs/decisions/0010).

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/counters.c");
    cc::Build::new().file("src/counters.c").opt_level(2).warnings(true).compile("bench_counters");
    // The folder that the counters are in is the first that the linker looks into.
    let Some(out) = env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    let told = Command::new("pkg-config").args(["--variable=libdir", "openssl"]).output();
    let Ok(told) = told else { return };
    let openssl = PathBuf::from(String::from_utf8_lossy(&told.stdout).trim_end());
    for library in ["libssl.so", "libcrypto.so"] {
        let link = out.join(library);
        let _ = fs::remove_file(&link); // of an earlier build
        if let Err(e) = symlink(openssl.join(library), &link) {
            println!("cargo::error={}: {e}", link.display());
        }
    }
}
