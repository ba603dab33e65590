//! Names the shared object as its users ask for it: `POLYTLS_SONAME=libtls.so.26`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=POLYTLS_SONAME");
    let Ok(name) = env::var("POLYTLS_SONAME") else { return };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if name.is_empty() || !name.chars().all(is_plain) {
        println!("cargo::error=POLYTLS_SONAME '{name}' is not the name of a shared object");
        return;
    }
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,{name}");
}
