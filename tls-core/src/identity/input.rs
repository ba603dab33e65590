//! Files that a program gives, and what is wrong with them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

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
