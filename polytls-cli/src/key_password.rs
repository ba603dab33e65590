//! The argument with the password of encrypted keys.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use polytls::{Error, ErrorKind, Identity};
use zeroize::Zeroizing;

use crate::failure::Result;

/// The password of encrypted keys.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyPasswordArg {
    /// Private keys are encrypted, all that are given, and the first line of FILE is their password.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_password_file: Option<PathBuf>,
}

/// A password, wiped when it is dropped.
pub(crate) struct Password(Option<Zeroizing<String>>);

impl KeyPasswordArg {
    pub(crate) fn read(&self) -> Result<Password> {
        Ok(Password(self.key_password_file.as_deref().map(first_line).transpose()?))
    }
}

impl Password {
    /// The identity in these files.
    pub(crate) fn open(&self, cert: &Path, key: &Path) -> polytls::Result<Identity> {
        match &self.0 {
            Some(password) => Identity::from_pem_files_encrypted(cert, key, password),
            None => Identity::from_pem_files(cert, key),
        }
    }
}

fn first_line(path: &Path) -> polytls::Result<Zeroizing<String>> {
    let unusable =
        |why: String| Error::new(ErrorKind::Config).because(format!("{}: {why}", path.display()));
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    let read = File::open(path).and_then(|file| file.take(LONGEST as u64).read_to_end(&mut bytes));
    read.map_err(|e| unusable(format!("cannot be read: {e}")))?;
    if bytes.len() == LONGEST {
        return Err(unusable("longer than a password".into()));
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(unusable("there is no password on its first line".into())),
        Ok(line) => Ok(Zeroizing::new(line.to_owned())),
        Err(_) => Err(unusable("its first line is not UTF-8".into())),
    }
}

/// How much is read of a file.
const LONGEST: usize = 4096;
