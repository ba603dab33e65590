//! The shared objects under test, and programs that are linked with them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;
use std::{env, thread};

use tempfile::TempDir;

/// The libraries that the objects are built on.
pub(crate) const BACKENDS: [&str; 3] = ["rustls-ring", "openssl", "boring"];

/// A shared object on one TLS library, under the name by which programs know it.
pub(crate) struct Object {
    name: &'static str,
    folder: TempDir,
    programs: Mutex<BTreeMap<String, PathBuf>>,
}

impl Object {
    /// `libtls_client.so`.
    pub(crate) fn client(backend: &str) -> &'static Self {
        Self::of("tls_client", "client", backend)
    }

    /// `libfio_tls.so`.
    pub(crate) fn fio(backend: &str) -> &'static Self {
        Self::of("fio_tls", "fio", backend)
    }

    fn of(name: &'static str, abi: &str, backend: &str) -> &'static Self {
        type Objects = BTreeMap<(&'static str, String), &'static Object>;
        static OBJECTS: LazyLock<Mutex<Objects>> = LazyLock::new(Mutex::default);
        // One after the other: Cargo puts them all in one place.
        let mut objects = OBJECTS.lock().unwrap_or_else(PoisonError::into_inner);
        objects
            .entry((name, backend.to_owned()))
            .or_insert_with(|| Box::leak(Box::new(Self::build(name, abi, backend))))
    }

    fn build(name: &'static str, abi: &str, backend: &str) -> Self {
        let output = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["rustc", "--package", "tls-capi", "--lib", "--crate-type", "cdylib"])
            .args(["--no-default-features", "--features", &format!("{abi},{backend}")])
            .args(["--message-format", "json-render-diagnostics", "--locked"])
            .args(["--", &format!("-Clink-arg=-Wl,-soname,lib{name}.so")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).unwrap();
        let built = messages
            .split('"')
            .rfind(|word| word.ends_with("libtls_capi.so"))
            .unwrap_or_else(|| panic!("cargo has made no object: {messages}"));
        let folder = TempDir::new().unwrap();
        let file = format!("lib{name}.so");
        fs::copy(built, folder.path().join(file)).unwrap();
        Self { name, folder, programs: Mutex::default() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(format!("lib{}.so", self.name))
    }

    /// The program that is made of `source` and this object.
    pub(crate) fn program(&self, name: &str, source: &Path) -> PathBuf {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let program = programs.entry(name.to_owned()).or_insert_with(|| {
            let program = self.folder.path().join(name);
            let mut cc = Command::new("cc");
            cc.args(["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", "-pthread", "-rdynamic"]);
            cc.arg("-I").arg(include()).arg("-o").arg(&program).arg(source);
            cc.arg("-L").arg(self.folder.path()).arg(format!("-l{}", self.name));
            let output = cc.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            program
        });
        program.clone()
    }

    pub(crate) fn run(&self, program: &Path) -> Run {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", self.folder.path());
        command.env_remove("POLYTLS_BACKEND").env_remove("SSL_CERT_DIR");
        Run(command)
    }

    /// The functions that it shows.
    pub(crate) fn symbols(&self) -> BTreeSet<String> {
        let nm = Command::new("nm").args(["-D", "--defined-only"]).arg(self.path()).output();
        let listed = String::from_utf8(nm.unwrap().stdout).unwrap();
        listed.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
    }
}

/// A program that is about to run.
pub(crate) struct Run(Command);

impl Run {
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.0.args(args);
        self
    }

    pub(crate) fn roots(mut self, file: &Path) -> Self {
        self.0.env("SSL_CERT_FILE", file);
        self
    }

    /// Fails for every error in the use of memory, and for every leak.
    ///
    /// `ring` computes in assembler with bytes that valgrind takes for unset, and what it has computed is
    /// unset from there on: with it, only where memory is touched is looked at.
    pub(crate) fn under_valgrind(self, backend: &str) -> Self {
        let mut valgrind = Command::new("valgrind");
        valgrind.env("SLOW_MACHINE", "1");
        valgrind.args((backend == "rustls-ring").then_some("--undef-value-errors=no"));
        valgrind.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
        valgrind.args(["--show-leak-kinds=definite,indirect,possible"]);
        valgrind.args(["--errors-for-leak-kinds=definite,indirect,possible"]);
        valgrind.arg(format!("--suppressions={}", source("valgrind.supp").display()));
        valgrind.arg(self.0.get_program()).args(self.0.get_args());
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => valgrind.env(name, value),
                None => valgrind.env_remove(name),
            };
        }
        Self(valgrind)
    }

    pub(crate) fn spawn_piped(mut self) -> Child {
        self.0.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.0.spawn().unwrap()
    }

    /// Runs it, for two minutes at most.
    pub(crate) fn output(self) -> Output {
        self.output_within(120)
    }

    /// Runs it, for a day at most.
    pub(crate) fn patient_output(self) -> Output {
        self.output_within(86_400)
    }

    fn output_within(self, seconds: u32) -> Output {
        let mut child = self.spawn_piped();
        for _ in 0..10 * seconds {
            if child.try_wait().unwrap().is_some() {
                return child.wait_with_output().unwrap();
            }
            thread::sleep(Duration::from_millis(100));
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        panic!("it runs for ever: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Where the headers are.
pub(crate) fn include() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}

/// A file of the tests.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// The functions that a header declares.
pub(crate) fn declared(header: &str) -> BTreeSet<String> {
    let begins = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
    let declarations = header.lines().filter(begins).filter(|line| !line.starts_with("typedef"));
    let names = declarations.filter_map(|line| line.split_once('(')?.0.split(' ').next_back());
    names.map(|name| name.trim_start_matches('*').to_owned()).collect()
}

/// Has a compiler look at `unit`.
pub(crate) fn compile(compiler: &str, args: &[&str], unit: &[u8]) {
    let language = if compiler == "cc" { "c" } else { "c++" };
    let mut child = Command::new(compiler)
        .args(args)
        .args(["-Wall", "-Wextra", "-Werror", "-x", language, "-I"])
        .arg(include())
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(unit).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
