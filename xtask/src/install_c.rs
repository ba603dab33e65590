//! Builds the libraries for C, and puts them where C looks for them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::{cargo, root};

/// What to install, and where.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder that gets `lib`, `include` and `lib/pkgconfig`
    #[arg(long)]
    prefix: PathBuf,
    /// Which interface: libtls, client (`tls_client.h`), or fio (`fio_tls.h`)
    #[arg(long, default_value = "libtls")]
    abi: String,
    /// The number in the name by which programs ask for libtls: 26 for those of Debian 12
    #[arg(long, default_value_t = 26)]
    soname: u32,
    /// The backend: boring, openssl, rustls; several, with commas, leave the choice to `POLYTLS_BACKEND`
    #[arg(long, value_delimiter = ',', required = true)]
    backend: Vec<String>,
    /// Cargo's profile to build with
    #[arg(long, default_value = "release")]
    profile: String,
}

/// An interface: the feature, the library's name, its header, and what it is.
struct Abi(&'static str, &'static str, &'static str, &'static str);

const ABIS: [Abi; 3] = [
    Abi("libtls", "tls", "tls.h", "the interface of libtls"),
    Abi("client", "tls_client", "tls_client.h", "a client whose calls do not wait"),
    Abi("fio", "fio_tls", "fio_tls.h", "the TLS of facil.io"),
];

/// The backends that can be built in.
const BACKENDS: &[&str] = &["boring", "openssl", "openssl-vendored", "rustls", "rustls-ring"];

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { prefix, abi, soname, backend, profile } = arguments;
    let Some(abi) = ABIS.iter().find(|known| known.0 == abi) else {
        bail!("no interface '{abi}'; there is libtls, client, fio");
    };
    let Abi(feature, name, header, _) = abi;
    for name in backend {
        if !BACKENDS.contains(&name.as_str()) {
            bail!("no backend '{name}' for C; there is {}", BACKENDS.join(", "));
        }
    }
    // Only libtls has a history of numbers.
    let file = match *feature {
        "libtls" => format!("libtls.so.{soname}"),
        _ => format!("lib{name}.so"),
    };
    let features = format!("{feature},{}", backend.join(","));
    let shared = build(&features, profile, "cdylib", &file)?;
    let archive = build(&features, profile, "staticlib", &file)?;
    let (lib, include) = (prefix.join("lib"), prefix.join("include"));
    let pkgconfig = lib.join("pkgconfig");
    for folder in [&lib, &include, &pkgconfig] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    replace(&shared.file, &lib.join(&file))?;
    replace(&archive.file, &lib.join(format!("lib{name}.a")))?;
    replace(&root().join("tls-capi/include").join(header), &include.join(header))?;
    let link = lib.join(format!("lib{name}.so"));
    if link != lib.join(&file) {
        let _ = fs::remove_file(&link);
        symlink(&file, &link).with_context(|| link.display().to_string())?;
    }
    let prefix = std::path::absolute(prefix)?;
    let text = pkg_config(&prefix, abi, *soname, &archive.needs);
    fs::write(pkgconfig.join(format!("lib{name}.pc")), text)?;
    println!("installed {file} on {} in {}", backend.join(", "), prefix.display());
    Ok(())
}

struct Library {
    file: PathBuf,
    /// What else a program has to be linked with, if it is linked with this statically.
    needs: String,
}

fn build(features: &str, profile: &str, kind: &str, soname: &str) -> Result<Library> {
    let mut cargo =
        cargo(&["rustc", "-p", "tls-capi", "--lib", "--locked", "--no-default-features"]);
    cargo.args(["--features", features, "--profile", profile, "--crate-type", kind]);
    cargo.args(["--message-format", "json", "--", "--print", "native-static-libs"]);
    if kind == "cdylib" {
        cargo.arg(format!("-Clink-arg=-Wl,-soname,{soname}"));
    }
    println!("$ {cargo:?}");
    let output = cargo.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the build of the {kind} ended with {}", output.status);
    }
    let mut built = Library { file: PathBuf::new(), needs: String::new() };
    for message in cargo_metadata::Message::parse_stream(&output.stdout[..]) {
        match message? {
            cargo_metadata::Message::CompilerArtifact(artifact) => {
                let is_it = |path: &&cargo_metadata::camino::Utf8PathBuf| {
                    path.file_stem() == Some("libtls_capi") && path.extension() != Some("rmeta")
                };
                if let Some(path) = artifact.filenames.iter().find(is_it) {
                    built.file = path.clone().into();
                }
            }
            cargo_metadata::Message::CompilerMessage(message) => {
                let said = message.message.message;
                if let Some(needs) = said.strip_prefix("native-static-libs: ") {
                    built.needs = needs.to_owned();
                }
            }
            _ => {}
        }
    }
    match built.file.as_os_str().is_empty() {
        true => bail!("cargo has built no {kind}"),
        false => Ok(built),
    }
}

/// Puts a file in place of another, also of one that a program is running on.
fn replace(from: &Path, to: &Path) -> Result<()> {
    let _ = fs::remove_file(to);
    fs::copy(from, to).with_context(|| format!("{} to {}", from.display(), to.display()))?;
    Ok(())
}

fn pkg_config(prefix: &Path, abi: &Abi, soname: u32, needs: &str) -> String {
    let Abi(feature, name, _, what) = abi;
    // Programs ask for the version of the LibreSSL whose libtls has this number.
    let version = match soname {
        _ if *feature != "libtls" => env!("CARGO_PKG_VERSION"),
        ..28 => "3.7.0",
        28..33 => "3.8.2",
        _ => "4.2.0",
    };
    format!(
        "prefix={}\n\
         libdir=${{prefix}}/lib\n\
         includedir=${{prefix}}/include\n\
         \n\
         Name: lib{name}\n\
         Description: {what}, over any TLS library\n\
         URL: https://github.com/polytls/polytls\n\
         Version: {version}\n\
         Libs: -L${{libdir}} -l{name}\n\
         Libs.private: {needs}\n\
         Cflags: -I${{includedir}}\n",
        prefix.display()
    )
}
