//! A kernel that runs as an ordinary process (user-mode Linux), from Debian's packages.
//!
//! apt downloads them with a state of its own: it checks the archive's signatures, needs no root, and neither
//! sees nor changes what is installed here.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Release;
use crate::{root, succeed};

/// What is unpacked.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) linux: PathBuf,
    /// A static busybox: all programs of the machine but the one that is wanted.
    pub(super) busybox: PathBuf,
    /// The folder with `modules.dep`.
    pub(super) modules: PathBuf,
    /// The C library that `linux` needs, if it is not to be the one of this machine.
    pub(super) libraries: Option<PathBuf>,
    /// What is loaded into `linux` before all else, if its kernel needs that: `registers.c`.
    pub(super) preloaded: Option<PathBuf>,
}

/// Downloads and unpacks the kernel, unless that was done before.
pub(super) fn provide(release: Release) -> Result<Unpacked> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("user-mode Linux runs on Linux on x86-64 only, and this is another machine");
    }
    for program in ["apt-get", "dpkg-deb", "setpriv"] {
        if Command::new(program).arg("--version").output().is_err() {
            bail!("no {program} here; the kernel comes as a package of Debian");
        }
    }
    let place = root().join("target/kernel");
    let folder = place.join(release.name());
    if !folder.is_dir() {
        fs::create_dir_all(&place).with_context(|| place.display().to_string())?;
        let fresh = tempfile::tempdir_in(&place)?;
        unpack(release, fresh.path())
            .with_context(|| format!("cannot get the kernel of {}", release.name()))?;
        // Whole or not at all; where another process was faster, its work is as good.
        match fs::rename(fresh.path().join("root"), &folder) {
            Err(_) if folder.is_dir() => {}
            renamed => renamed?,
        }
    }
    find(release, &folder)
}

fn unpack(release: Release, fresh: &Path) -> Result<()> {
    println!("getting the kernel of {} from Debian", release.name());
    let archive = Archive::open(release, &fresh.join("apt"))?;
    let folder = fresh.join("root");
    archive.get(&["user-mode-linux", "busybox-static"], &folder)?;
    if release.needs_registers() {
        registers(&folder)?;
    }
    if release.needs_its_own_libraries() {
        archive.get(&["libc6"], &folder.join(LIBRARIES))?;
        interpreter(&find(release, &folder)?.linux, &folder)?;
    }
    for heavy in
        ["usr/share", "libc/usr/share", "libc/usr/sbin", "libc/usr/lib/x86_64-linux-gnu/gconv"]
    {
        match fs::remove_dir_all(folder.join(heavy)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Debian's archive, as apt sees it that knows nothing of this system.
struct Archive {
    folder: PathBuf,
    options: Vec<String>,
}

impl Archive {
    fn open(release: Release, folder: &Path) -> Result<Self> {
        if !Path::new(KEYRING).is_file() {
            bail!("no {KEYRING} to check signatures with (package debian-archive-keyring)");
        }
        for part in ["state/lists/partial", "cache/archives/partial", "empty", "got"] {
            fs::create_dir_all(folder.join(part))?;
        }
        File::create(folder.join("status"))?;
        let sources = format!("deb [signed-by={KEYRING}] {} {} main\n", mirror(), release.name());
        fs::write(folder.join("sources.list"), sources)?;
        let user = Command::new("id").arg("-un").output()?;
        let at = |part: &str| folder.join(part).display().to_string();
        let options = [
            format!("Dir::State={}", at("state")),
            format!("Dir::State::status={}", at("status")),
            format!("Dir::Cache={}", at("cache")),
            format!("Dir::Etc::sourcelist={}", at("sources.list")),
            format!("Dir::Etc::sourceparts={}", at("empty")),
            format!("Dir::Etc::preferencesparts={}", at("empty")),
            format!("Dir::Etc::parts={}", at("empty")),
            format!("APT::Sandbox::User={}", String::from_utf8(user.stdout)?.trim_end()),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::Retries=3".to_owned(),
        ];
        let archive = Self { folder: folder.to_owned(), options: options.to_vec() };
        // Without this apt takes an index that it could not get for a warning.
        succeed(archive.apt(&["-o", "APT::Update::Error-Mode=any", "update"]))?;
        Ok(archive)
    }

    /// Downloads packages, and unpacks them to `destination`.
    fn get(&self, packages: &[&str], destination: &Path) -> Result<()> {
        let got = tempfile::tempdir_in(self.folder.join("got"))?;
        let mut download = self.apt(&["download"]);
        download.args(packages).current_dir(got.path());
        succeed(download)?;
        for file in fs::read_dir(got.path())? {
            let mut unpack = Command::new("dpkg-deb");
            unpack.arg("-x").arg(file?.path()).arg(destination);
            succeed(unpack)?;
        }
        Ok(())
    }

    fn apt(&self, arguments: &[&str]) -> Command {
        let mut apt = Command::new("apt-get");
        apt.arg("-qq").args(self.options.iter().flat_map(|option| ["-o", option])).args(arguments);
        apt
    }
}

/// The archive that this system is installed from, which may be nearer than Debian's own name for all.
fn mirror() -> String {
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let files = parts.map(|entry| entry.path()).chain([PathBuf::from("/etc/apt/sources.list")]);
    let texts: Vec<_> = files.filter_map(|file| fs::read_to_string(file).ok()).collect();
    mirror_in(&texts).unwrap_or("http://deb.debian.org/debian").to_owned()
}

fn mirror_in(sources: &[String]) -> Option<&str> {
    let lines = sources.iter().flat_map(|text| text.lines()).map(str::trim);
    let used = lines.filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"));
    let mut words = used.flat_map(str::split_whitespace).map(|word| word.trim_end_matches('/'));
    words.find(|word| word.starts_with("http") && word.ends_with("/debian"))
}

fn find(release: Release, folder: &Path) -> Result<Unpacked> {
    let there = |places: &[&str]| {
        let mut places = places.iter().map(|place| folder.join(place));
        places.find(|place| place.is_file()).with_context(|| {
            format!(
                "no {} in {}; remove that folder to download it anew",
                "busybox or linux.uml",
                folder.display()
            )
        })
    };
    let modules = fs::read_dir(folder.join("usr/lib/uml/modules"))?.next();
    Ok(Unpacked {
        linux: there(&["usr/bin/linux.uml"])?,
        busybox: there(&["usr/bin/busybox", "bin/busybox"])?,
        modules: modules.context("the kernel has no modules")??.path(),
        libraries: release
            .needs_its_own_libraries()
            .then(|| folder.join(LIBRARIES).join("usr/lib/x86_64-linux-gnu")),
        preloaded: release.needs_registers().then(|| folder.join(REGISTERS)),
    })
}

/// Makes the kernel's program start by the C library that lies beside it.
///
/// It cannot be started as an argument of that library's loader: its memory would begin where the loader's
/// ends. So the path of the loader is replaced within the program, by one that counts from the folder where
/// the program is started.
fn interpreter(linux: &Path, folder: &Path) -> Result<()> {
    let loader = folder.join(LIBRARIES).join("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
    fs::copy(loader, folder.join(LOADER)).context("the loader of the C library")?;
    let mut program = fs::read(linux)?;
    let place = program.windows(USUAL_LOADER.len()).position(|bytes| bytes == USUAL_LOADER);
    let place = place.context("the kernel's program names no loader")?;
    let name = [LOADER.as_bytes(), b"\0"].concat();
    program[place..place + name.len()].copy_from_slice(&name);
    fs::write(linux, program)?; // which keeps that it may be run
    Ok(())
}

/// Builds what lets an older kernel run on newer processors.
fn registers(folder: &Path) -> Result<()> {
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-shared", "-fPIC", "-Wall", "-o"]).arg(folder.join(REGISTERS));
    cc.arg(root().join("xtask/src/kernel/registers.c"));
    succeed(cc)
}

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const LIBRARIES: &str = "libc";
const REGISTERS: &str = "registers.so";
const LOADER: &str = "ld.so";
const USUAL_LOADER: &[u8] = b"/lib64/ld-linux-x86-64.so.2\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_one_that_the_system_uses() {
        let old = "# deb http://no.example/debian x main\ndeb [arch=amd64] http://a.example/debian/ x main";
        let new = "Types: deb\nURIs: https://b.example/debian\nSuites: x";
        assert_eq!(mirror_in(&[old.to_owned()]), Some("http://a.example/debian"));
        assert_eq!(mirror_in(&[new.to_owned()]), Some("https://b.example/debian"));
        assert_eq!(mirror_in(&["deb http://c.example/other x main".to_owned()]), None);
    }
}
