//! The library's errors, named in the core's terms. By numbers or types, never by their texts.

use std::error::Error as StdError;

use tls_core::{Error, ErrorKind};

use crate::NAME;

/// What is wrong with a configuration: found when it is loaded, not by the first peer.
pub(crate) fn config_error(e: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::from_backend(ErrorKind::Config, NAME, e)
}

/// In place of a call into the library that does not exist yet: makes the suite red by name.
///
/// What replaces it tells "not yet" (`Ok(Progress::WantRead)`) from "no", and names the reason by a
/// kind. `Protocol` is for whatever else the peer did, `Backend` for what it did not do.
pub(crate) fn not_written(what: &'static str) -> Error {
    Error::from_backend(ErrorKind::Backend, NAME, format!("{what} is not written yet"))
}
