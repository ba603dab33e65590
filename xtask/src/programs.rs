//! The libraries and programs that the tests need beside a Rust toolchain.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::succeed;

/// How to find out that something is there, and the Debian package it comes in.
const NEEDED: &[(Find, &str)] = &[
    (Find::Program("cc"), "gcc"),
    (Find::Program("c++"), "g++"),
    (Find::Program("cmake"), "cmake"),
    (Find::Program("make"), "make"),
    (Find::Program("git"), "git"),
    (Find::Clang, "libclang-dev"),
    (Find::Program("pkg-config"), "pkg-config"),
    (Find::Library("openssl"), "libssl-dev"),
    (Find::Program("openssl"), "openssl"),
    (Find::Program("curl"), "curl"),
    (Find::Program("nginx"), "nginx"),
    (Find::Program("gnutls-cli"), "gnutls-bin"),
    (Find::Program("gnutls-serv"), "gnutls-bin"),
    (Find::Program("python3"), "python3"),
    (Find::PythonModule("grpc"), "python3-grpcio"),
    (Find::Program("node"), "nodejs"),
    (Find::Postgres, "postgresql"),
    (Find::Program("chromium"), "chromium"),
    (Find::Program("certutil"), "libnss3-tools"),
    (Find::Program("tshark"), "tshark"),
    (Find::Program("redis-cli"), "redis-tools"),
    (Find::Program("redis-server"), "redis-server"),
    (Find::Program("dovecot"), "dovecot-core"),
    (Find::File("/usr/lib/dovecot/imap-login"), "dovecot-imapd"),
    (Find::File("/usr/lib/dovecot/lmtp"), "dovecot-lmtpd"),
    (Find::File("/usr/lib/dovecot/managesieve-login"), "dovecot-managesieved"),
    (Find::File("/usr/lib/dovecot/pop3-login"), "dovecot-pop3d"),
    (Find::Program("exim4"), "exim4-daemon-light"),
    (Find::Program("lua5.4"), "lua5.4"),
    (Find::Program("luajit"), "luajit"),
    (Find::Program("mariadbd"), "mariadb-server-core"),
    (Find::Program("prosody"), "prosody"),
    (Find::Program("slapd"), "slapd"),
    (Find::Program("vsftpd"), "vsftpd"),
    (Find::Program("readelf"), "binutils"),
    (Find::Program("script"), "bsdutils"),
    (Find::Program("valgrind"), "valgrind"),
    (Find::Library("libtls"), "libtls-dev"),
    (Find::Program("sacc"), "sacc"),
    (Find::Program("catgirl"), "catgirl"),
    (Find::Program("rpki-client"), "rpki-client"),
];

#[derive(Clone, Copy)]
enum Find {
    /// On the path, or where Debian keeps what only root runs.
    Program(&'static str),
    /// By the Python that Debian's modules are for; another one may come first in the path.
    PythonModule(&'static str),
    /// At this place, where Debian keeps what nobody runs by hand.
    File(&'static str),
    /// By pkg-config.
    Library(&'static str),
    /// The database's server, which Debian keeps out of the path, in a folder for each version.
    Postgres,
    /// The library that reads C headers, with its own headers, where bindgen finds it too.
    Clang,
}

impl Find {
    fn is_there(self) -> bool {
        match self {
            Self::Program(name) => {
                let path = env::var_os("PATH").unwrap_or_default();
                let places = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
                places.into_iter().any(|place| place.join(name).is_file())
            }
            Self::PythonModule(name) => {
                let found = Command::new("/usr/bin/python3")
                    .args(["-c", &format!("import {name}")])
                    .output();
                found.is_ok_and(|output| output.status.success())
            }
            Self::File(path) => Path::new(path).is_file(),
            Self::Library(name) => {
                let found = Command::new("pkg-config").args(["--exists", name]).status();
                found.is_ok_and(|status| status.success())
            }
            Self::Postgres => {
                let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
                let mut files = versions.map(|entry| entry.path().join("bin/postgres"));
                files.any(|file| file.is_file()) || Self::Program("postgres").is_there()
            }
            Self::Clang => {
                let is_there = |folder: PathBuf| {
                    let mut files = fs::read_dir(folder).into_iter().flatten().flatten();
                    files.any(|file| file.file_name().to_string_lossy().starts_with("libclang.so"))
                };
                let versions = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
                let llvm = versions
                    .filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm"));
                let folders = llvm.map(|entry| entry.path().join("lib"));
                folders.chain(env::var_os("LIBCLANG_PATH").map(PathBuf::from)).any(is_there)
            }
        }
    }
}

/// Makes sure that everything is there: installs it if `install` and apt lets us, else names it.
pub(crate) fn provide(install: bool) -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    if !(install && may_install()) {
        bail!("something that the tests need is missing; as root, run:\n  {command}");
    }
    println!("$ {command}");
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-qq", "-y"]).args(arguments);
        apt
    };
    succeed(apt(&["update"]))?;
    let mut apt = apt(&["install", "--no-install-recommends"]);
    apt.args(&missing);
    succeed(apt)?;
    match self::missing().as_slice() {
        [] => Ok(()),
        still => bail!("still missing after the installation: {}", still.join(" ")),
    }
}

fn missing() -> Vec<&'static str> {
    let missing = NEEDED.iter().filter(|(find, _)| !find.is_there()).map(|(_, package)| *package);
    let mut missing: Vec<_> = missing.collect();
    missing.dedup();
    missing
}

fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    root && Find::Program("apt-get").is_there()
}
