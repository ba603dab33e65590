//! Printing to streams that may be closed, and to files.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use comfy_table::{Table, presets};

use crate::failure::{Failure, Result};

/// Prints one line to standard output, at once.
pub(crate) fn line(text: impl AsRef<str>) -> Result {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", text.as_ref()).and_then(|()| stdout.flush()).map_err(Failure::output)
}

/// Prints one line to standard error. That it is closed is nobody's concern.
pub(crate) fn note(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// A table with one line a row, that can be pasted into Markdown.
pub(crate) fn table<H: ToString>(header: impl IntoIterator<Item = H>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(header.into_iter().map(|cell| cell.to_string()));
    table
}

/// A file to be written, opened before the work begins: a wrong path is known at once.
#[derive(Debug)]
pub(crate) struct OutputFile {
    file: File,
    path: PathBuf,
}

impl OutputFile {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Failure::file(path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(crate) fn write(self, text: &str) -> Result {
        self.write_bytes(text.as_bytes())
    }

    pub(crate) fn write_bytes(mut self, bytes: &[u8]) -> Result {
        self.file.write_all(bytes).map_err(Failure::file(&self.path))
    }
}
