//! Files that a program gives, and what is wrong with them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tls_keys::KeyError;

use crate::{Error, ErrorKind, Result};

/// Reads a file of certificates or keys, of at most [`MAX_FILE`] bytes.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| {
        let why = format!("{}: cannot be read: {e}", path.display());
        Error::new(ErrorKind::Config).because(why).with_source(e)
    };
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(failed)?.take(MAX_FILE + 1);
    file.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        let why = format!("it has more than {} MiB", MAX_FILE >> 20);
        return Err(config_error(&path.display().to_string(), &why));
    }
    Ok(bytes)
}

/// A hundred times what the largest list of public authorities has.
pub(super) const MAX_FILE: u64 = 32 << 20;

pub(crate) fn config_error(from: &str, why: &str) -> Error {
    Error::new(ErrorKind::Config).because(format!("{from}: {why}"))
}

/// What is wrong with a key, and where it comes from.
pub(super) fn key_error(from: &str, e: KeyError) -> Error {
    let why = e.to_string();
    let here = || config_error(from, &why);
    // The machine's fault, not that of what was given.
    let machine = || Error::new(ErrorKind::Backend).because(why.clone());
    match e {
        KeyError::Certificate(source) | KeyError::Malformed(source) => here().with_source(source),
        KeyError::Name(source) | KeyError::Unmade(source) => here().with_source(source),
        KeyError::NoRandomness(source) => machine().with_source(source),
        KeyError::NotRandom => machine(),
        KeyError::Algorithm { .. }
        | KeyError::Expensive
        | KeyError::NoName
        | KeyError::NoPassword
        | KeyError::Unprotected
        | KeyError::Unsupported(_)
        | KeyError::WrongPassword => here(),
    }
}
