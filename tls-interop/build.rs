//! Has the linker find the system's OpenSSL before BoringSSL's archives of the same names, as the facade's
//! build script does: an example here uses both libraries themselves, and then the facade's comes too late.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let mut ask = Command::new("pkg-config");
    let Ok(told) = ask.args(["--variable=libdir", "openssl"]).output() else { return };
    let openssl = String::from_utf8_lossy(&told.stdout).trim_end().to_owned();
    let Some(out) = std::env::var_os("OUT_DIR") else { return };
    for library in ["libssl.so", "libcrypto.so"] {
        let (original, link) = (Path::new(&openssl).join(library), Path::new(&out).join(library));
        let _ = std::fs::remove_file(&link); // of an earlier build
        if original.is_file() && symlink(&original, &link).is_err() {
            return;
        }
    }
    println!("cargo::rustc-link-search=native={}", Path::new(&out).display());
}

#[cfg(unix)]
use std::os::unix::fs::symlink;

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(()) // no system's OpenSSL there
}
