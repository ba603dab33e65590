//! Printing to streams that may be closed.

use std::io::{self, Write as _};

use comfy_table::{Table, presets};

use crate::failure::{Failure, Result};

/// Prints one line to standard output, at once.
pub(crate) fn line(text: impl AsRef<str>) -> Result {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", text.as_ref())
        .and_then(|()| stdout.flush())
        .map_err(Failure::standard("standard output"))
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
