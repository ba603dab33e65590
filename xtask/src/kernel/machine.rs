//! Starts the machine, shows what its program prints, and ends it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::download::{self, Unpacked};
use super::{Release, init};

/// A kernel to run programs on.
#[derive(Debug)]
pub(crate) struct Machine {
    unpacked: Unpacked,
    tls: bool,
}

/// A program to be run on it.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Where it runs.
    pub(crate) folder: PathBuf,
    /// What it finds in its environment, beside that of this process.
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) limit: Duration,
    /// In MiB.
    pub(crate) memory: u32,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: u8,
    /// By how much the kernel's counters (`/proc/net/tls_stat`) rose.
    pub(crate) risen: BTreeMap<String, u64>,
}

impl Guest {
    /// `name` is looked for in the path, unless it is the place of a file.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::env::split_paths(&path).map(|place| place.join(name));
        let found = match name.contains('/') {
            true => Some(PathBuf::from(name)),
            false => places.into_iter().find(|place| place.is_file()),
        };
        let found = found.with_context(|| format!("no program {name} in the path"))?;
        Ok(Self {
            program: fs::canonicalize(&found).with_context(|| found.display().to_string())?,
            arguments: Vec::new(),
            folder: std::env::current_dir()?,
            environment: Vec::new(),
            limit: Duration::from_secs(300),
            memory: 1024,
        })
    }
}

impl Machine {
    /// Downloads the kernel, if it was not downloaded before.
    pub(crate) fn new(release: Release, tls: bool) -> Result<Self> {
        Ok(Self { unpacked: download::provide(release)?, tls })
    }

    /// Runs a program to its end, and gives each line that it prints to `show`.
    pub(crate) fn run(&self, guest: &Guest, mut show: impl FnMut(&str)) -> Result<Ended> {
        let shared = tempfile::Builder::new().prefix("kernel-").tempdir()?;
        let place = shared.path();
        if place.display().to_string().contains([' ', ',', '\'']) {
            bail!("{}: the kernel takes no such path", place.display());
        }
        let dependencies = fs::read_to_string(self.unpacked.modules.join("modules.dep"))?;
        let boot = init::boot(&self.unpacked, &dependencies, self.tls, place);
        fs::write(place.join("boot"), boot)?;
        fs::write(place.join("program"), init::program(guest))?;
        let console = place.join("console");
        let mut output = Output {
            file: File::create_new(&console).and(File::open(&console))?,
            rest: Vec::new(),
        };

        let begin = Instant::now();
        let mut running = Running { child: self.start(guest, shared.path())?, shared };
        let own = loop {
            output.read(&mut show)?;
            if let Some(status) = running.child.try_wait()? {
                break Some(status);
            }
            if begin.elapsed() > guest.limit {
                break None;
            }
            sleep(Duration::from_millis(20));
        };
        running.end();
        output.read(&mut show)?;
        output.last(&mut show);
        self.outcome(&running.shared, own, guest)
    }

    fn start(&self, guest: &Guest, place: &Path) -> Result<Child> {
        let Unpacked { linux, busybox, libraries, preloaded, .. } = &self.unpacked;
        // It ends with this process, whatever ends that.
        let mut words = vec!["setpriv".to_owned(), "--pdeathsig".to_owned(), "TERM".to_owned()];
        // For the kernel alone: nothing else here can live with another C library.
        let own = [("LD_LIBRARY_PATH", libraries), ("LD_PRELOAD", preloaded)];
        words.push("env".to_owned());
        words.extend(own.into_iter().filter_map(|(name, place)| {
            place.as_ref().map(|place| format!("{name}={}", place.display()))
        }));
        words.push(linux.display().to_string());
        words.extend(
            [
                &format!("mem={}M", guest.memory),
                "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "quiet",
                "loglevel=1",
                "panic=-1",
                "umid=machine",
                &format!("uml_dir={}", place.display()),
                // Not the standard output: a child of the kernel may hold a copy of what was not written yet.
                "con=null",
                "con0=null,fd:3",
                "console=tty0",
                &format!("init={}", busybox.display()),
                "--",
                "sh",
                &place.join("boot").display().to_string(),
            ]
            .map(str::to_owned),
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", "exec \"$@\" 3>>\"$0\""]).arg(place.join("console")).args(words);
        // Where the program's loader is, if it has its own (`download::interpreter`).
        shell.current_dir(linux.ancestors().nth(3).context("the kernel's folder")?);
        // The machine's memory is a file there, and would else be in /dev/shm, which is small in a container.
        shell.env("TMPDIR", place).stdin(Stdio::null());
        let said = File::create(place.join("said"))?;
        shell.stdout(said.try_clone()?).stderr(said).spawn().context("cannot start the kernel")
    }

    /// Reads what the machine left.
    fn outcome(&self, shared: &TempDir, own: Option<ExitStatus>, guest: &Guest) -> Result<Ended> {
        let left = |name| fs::read_to_string(shared.path().join(name)).unwrap_or_default();
        let status = left("status").trim().parse();
        match (status, own) {
            (Ok(status), _) => {
                let before = counters(&left("before"));
                let mut risen = counters(&left("after"));
                for (name, count) in &mut risen {
                    *count -= before.get(name).copied().unwrap_or(0).min(*count);
                }
                Ok(Ended { status, risen })
            }
            (Err(_), None) => {
                bail!("{} did not end within {} s", guest.program.display(), guest.limit.as_secs())
            }
            (Err(_), Some(own)) => {
                bail!(
                    "the machine ended with {own}, and without a status of the program:\n{}",
                    left("said")
                )
            }
        }
    }
}

/// The machine while it runs; nothing of it is left when this is dropped.
struct Running {
    child: Child,
    shared: TempDir,
}

impl Running {
    fn end(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            signal("TERM", &self.child.id().to_string());
            let begin = Instant::now();
            while matches!(self.child.try_wait(), Ok(None)) && begin.elapsed() < GRACE {
                sleep(Duration::from_millis(20));
            }
        }
        // A kernel that broke leaves processes behind, in sessions of their own. They are known by the
        // folder that no other machine has.
        let mark = format!("uml_dir={}", self.shared.path().display());
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
            if line.split(|b| *b == 0).any(|word| word == mark.as_bytes()) {
                signal("KILL", &process.file_name().to_string_lossy());
            }
        }
        let _ = self.child.kill(); // it may be gone
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn signal(name: &str, process: &str) {
    let mut kill = Command::new("kill");
    // A process that is gone is what is wanted.
    let _ = kill.args(["-s", name, process]).stderr(Stdio::null()).status();
}

/// What the machine's console shows.
struct Output {
    file: File,
    rest: Vec<u8>,
}

impl Output {
    /// Shows the lines that are there.
    fn read(&mut self, show: &mut impl FnMut(&str)) -> Result<()> {
        self.file.read_to_end(&mut self.rest)?;
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            show_line(&line[..end], show);
        }
        Ok(())
    }

    /// Shows a line without an end.
    fn last(&mut self, show: &mut impl FnMut(&str)) {
        if !self.rest.is_empty() {
            show_line(&std::mem::take(&mut self.rest), show);
        }
    }
}

fn show_line(line: &[u8], show: &mut impl FnMut(&str)) {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end_matches('\r');
    // The terminal is cleared at the beginning, and the kernel says at the end that it ends.
    let line = line.rsplit_once("\u{1b}[2J").map_or(line, |(_, line)| line);
    if !line.starts_with("reboot: ") {
        show(line);
    }
}

/// Reads `/proc/net/tls_stat`.
fn counters(text: &str) -> BTreeMap<String, u64> {
    let pairs = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
    pairs.filter_map(|(name, count)| Some((name.to_owned(), count.trim().parse().ok()?))).collect()
}

/// How long the machine may take to switch off.
const GRACE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read() {
        let text = "TlsCurrTxSw                     \t0\nTlsTxSw                         \t12\n";
        assert_eq!(counters(text).get("TlsTxSw"), Some(&12));
    }
}
