//! The key log, by which a capture of the traffic can be decrypted.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

/// Where the secrets of connections are written, in the format of NSS that Wireshark reads.
///
/// Whoever has them can read everything, and forge it. Part of [`danger`](crate::danger); nothing is
/// written unless a configuration asks for it. Cheap to clone; one log may serve any number of
/// configurations and backends.
#[derive(Clone)]
pub struct KeyLog(Arc<dyn Fn(&str) + Send + Sync>);

impl KeyLog {
    /// Appends to this file, which only its owner may read if it is made now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the file, if it cannot be opened. Once it is open, a line that
    /// cannot be written is lost: no connection fails for its log.
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = open(path).map_err(|e| {
            let why = format!("{}: cannot be opened: {e}", path.display());
            Error::new(ErrorKind::Config).because(why).with_source(e)
        })?;
        let file = Mutex::new(file);
        Ok(Self::to(move |line| {
            // One call for each line: other processes may append too.
            let line = Zeroizing::new(format!("{line}\n"));
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        }))
    }

    /// Appends to the file that the environment variable `SSLKEYLOGFILE` names; `None` if it is not set, or
    /// empty.
    ///
    /// # Errors
    ///
    /// As [`file`](Self::file).
    pub fn from_env() -> Result<Option<Self>> {
        let path = std::env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty());
        path.map(Self::file).transpose()
    }

    /// Gives each line, without its end, to `write`. It must not block.
    pub fn to(write: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(write))
    }

    /// For backends whose library writes whole lines: logs one, without its end.
    pub fn line(&self, line: &str) {
        (self.0)(line);
    }

    /// For backends: logs one secret.
    pub fn secret(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = Zeroizing::new(String::with_capacity(
            label.len() + 2 + 2 * (client_random.len() + secret.len()),
        ));
        line.push_str(label);
        for bytes in [client_random, secret] {
            line.push(' ');
            for byte in bytes {
                let _ = write!(line, "{byte:02x}"); // into memory
            }
        }
        self.line(&line);
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLog")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process of its own, since changing the environment of this one is not safe.
    #[test]
    fn the_environment_counts_for_who_asks() {
        const ROLE: &str = "POLYTLS_TEST_OF_KEY_LOG";
        if std::env::var_os(ROLE).is_some() {
            if let Some(log) = KeyLog::from_env().unwrap() {
                log.secret("CLIENT_RANDOM", &[1], &[2]);
            }
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("asked.log");
        let run = |file: Option<&Path>| {
            let mut child = std::process::Command::new(std::env::current_exe().unwrap());
            child
                .arg("--exact")
                .arg("secrets::key_log::tests::the_environment_counts_for_who_asks");
            child.env(ROLE, "child").env_remove("SSLKEYLOGFILE");
            child.envs(file.map(|file| ("SSLKEYLOGFILE", file)));
            child.output().unwrap().status.success()
        };
        assert!(run(None) && run(Some(Path::new(""))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(run(Some(&path)));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "CLIENT_RANDOM 01 02\n");
        assert!(!run(Some(folder.path())), "a folder is no file");
    }

    #[test]
    fn a_file_gets_one_line_for_each_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.log");
        let log = KeyLog::file(&path).unwrap();
        log.secret("CLIENT_RANDOM", &[0, 0xab], &[1, 2]);
        KeyLog::file(&path).unwrap().line("EXPORTER_SECRET 00 01");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "CLIENT_RANDOM 00ab 0102\nEXPORTER_SECRET 00 01\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let e = KeyLog::file(folder.path()).unwrap_err();
        assert!(e.to_string().contains("cannot be opened"), "{e}");
    }
}
