//! Keeps OpenSSL and BoringSSL apart.
//!
//! Their functions have the same names. A program that has both does not link, or, worse, links and
//! crashes. Such a build ends here, early and in words; unless the workspace gives BoringSSL's
//! symbols a prefix, as the one of polytls does (see "OpenSSL and BoringSSL" in the manual).

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = env::var("TARGET").unwrap_or_default();
    let on = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    // Where the platform has a library of its own, `native` is not OpenSSL.
    let platforms_own = ["windows", "apple"].iter().any(|os| target.contains(os));
    let other = match (on("OPENSSL"), on("NATIVE") && !platforms_own) {
        (true, _) => "openssl",
        (false, true) => "native",
        (false, false) => return,
    };
    if !on("BORING") {
        return;
    }
    if !has_prefix(&target) {
        println!(
            "cargo::error=polytls: the features `boring` and `{other}` cannot be in one build. \
             BoringSSL and OpenSSL share their symbols' names, so the program would not link, or \
             would crash. Turn one of the two off (`cargo tree -e features -i polytls` tells who \
             turns them on); `boring` and `rustls`, or `{other}` and `rustls`, go together. To \
             have both, the top-level workspace must give BoringSSL's symbols a prefix: see \
             https://docs.rs/polytls/latest/polytls/manual/choosing"
        );
        return;
    }
    prefer_system_openssl();
}

/// Whether the settings of this build give BoringSSL's symbols a prefix, in C and in the bindings.
fn has_prefix(target: &str) -> bool {
    let underscored = target.replace('-', "_");
    let set = |variable: &str| {
        let names = [
            variable.to_owned(),
            format!("{variable}_{target}"),
            format!("{variable}_{underscored}"),
        ];
        for name in &names {
            println!("cargo::rerun-if-env-changed={name}");
        }
        names.iter().filter_map(|name| env::var(name).ok()).collect::<Vec<_>>()
    };
    let in_bindings = set("BINDGEN_EXTRA_CLANG_ARGS");
    let in_c = set("CMAKE_TOOLCHAIN_FILE");
    in_bindings.iter().any(|arguments| arguments.contains("-DBORINGSSL_PREFIX="))
        && !in_c.is_empty()
}

/// Has the linker look for `-lssl` where the system's OpenSSL is, before it looks where BoringSSL's
/// archives of the same file names are.
///
/// Cargo puts folders that a build script made before all others, and ours before those of our
/// dependencies; so it is a folder of links. With OpenSSL linked statically nobody looks there.
#[cfg(unix)]
fn prefer_system_openssl() {
    let mut ask = std::process::Command::new("pkg-config");
    let Ok(told) = ask.args(["--variable=libdir", "openssl"]).output() else { return };
    let openssl = String::from_utf8_lossy(&told.stdout).trim_end().to_owned();
    let Some(out) = env::var_os("OUT_DIR") else { return };
    let out = std::path::Path::new(&out);
    for library in ["libssl.so", "libcrypto.so"] {
        let (original, link) = (std::path::Path::new(&openssl).join(library), out.join(library));
        let _ = std::fs::remove_file(&link); // of an earlier build
        if original.is_file() && std::os::unix::fs::symlink(original, link).is_err() {
            return;
        }
    }
    println!("cargo::rustc-link-search=native={}", out.display());
}

#[cfg(not(unix))]
fn prefer_system_openssl() {}
