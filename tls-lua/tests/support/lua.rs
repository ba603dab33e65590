//! Two Luas, and the module for each.

use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use super::fixtures::Fixtures;
use super::server::Server;

/// A script to run.
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// An implementation of Lua.
#[derive(Clone, Copy)]
pub(crate) enum Lua {
    Lua54,
    LuaJit,
}

impl Lua {
    pub(crate) const ALL: [Self; 2] = [Self::Lua54, Self::LuaJit];

    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Lua54 => "lua5.4",
            Self::LuaJit => "luajit",
        }
    }

    fn feature(self) -> &'static str {
        match self {
            Self::Lua54 => "lua54",
            Self::LuaJit => "luajit",
        }
    }

    /// Runs a script, whose descriptors 0 and 1 are connected to each other and do not block.
    pub(crate) fn run(
        self,
        script: &Script,
        backend: &str,
        fixtures: &Fixtures,
    ) -> Result<(), String> {
        let modules = self.modules();
        let folder = fixtures.for_one_script();
        let server = Server::start(backend, fixtures);
        let path = folder.path().join(format!("{}.lua", script.name));
        fs::write(&path, &script.text).unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        far.set_nonblocking(true).unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(self.program())
            .arg(&path)
            .current_dir(folder.path())
            .env("LUA_CPATH", format!("{}/?.so", modules.display()))
            .env("LUA_PATH", format!("{}/tests/lua/support/?.lua", here.display()))
            .env("POLYTLS_BACKEND", backend)
            .env("FIXTURES", folder.path())
            .env("PORT", server.port().to_string())
            .env("SSL_CERT_FILE", folder.path().join("ca.pem"))
            .stdin(Stdio::from(OwnedFd::from(near)))
            .stdout(Stdio::from(OwnedFd::from(far)))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = child.stderr.take().unwrap();
        let told = thread::spawn(move || {
            let mut text = Vec::new();
            errors.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        });
        let end = Instant::now() + Duration::from_secs(120);
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if Instant::now() > end => break None,
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        if status.is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let text = told.join().unwrap();
        match status {
            Some(status) if status.success() && text.is_empty() => Ok(()),
            Some(status) => Err(format!("{status}\n{text}")),
            None => Err(format!("it does not end\n{text}")),
        }
    }

    /// The folder with the module under all its names.
    fn modules(self) -> &'static Path {
        static BUILT: [OnceLock<PathBuf>; 2] = [const { OnceLock::new() }; 2];
        let build = || {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.feature());
            fs::create_dir_all(folder.join("lem")).unwrap();
            let built = self.build();
            let own = folder.join("polytls.so");
            let _ = fs::remove_file(&own);
            fs::copy(built, &own).unwrap();
            for (name, to) in [("libtls.so", "polytls.so"), ("lem/ssl.so", "../polytls.so")] {
                let _ = fs::remove_file(folder.join(name));
                std::os::unix::fs::symlink(to, folder.join(name)).unwrap();
            }
            folder
        };
        // The first waits for the second's build too: both give the same file.
        static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        BUILT[self as usize].get_or_init(build)
    }

    /// Builds the module; where Cargo has put it.
    fn build(self) -> PathBuf {
        let features = format!("{},boring,openssl,rustls", self.feature());
        let output = Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--locked", "--lib", "--no-default-features", "--features", &features])
            .arg("--message-format=json")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        let messages = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let mut files = messages.flat_map(|message: serde_json::Value| {
            let is_ours = message["target"]["name"] == "tls_lua";
            let files = message["filenames"].as_array().cloned().unwrap_or_default();
            files.into_iter().filter(move |_| is_ours)
        });
        let file = files.find(|file| file.as_str().is_some_and(|file| file.ends_with(".so")));
        file.unwrap().as_str().unwrap().into()
    }
}
