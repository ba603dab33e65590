//! native-tls's errors, named in the core's terms.

use std::error::Error as StdError;
use std::io;

use tls_core::{Error, ErrorKind, Progress, Result};

use crate::{NAME, platform};

pub(crate) fn config_error(e: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::from_backend(ErrorKind::Config, NAME, e)
}

/// Names what ended a handshake.
pub(crate) fn handshake_error(e: native_tls::Error) -> Error {
    let kind = platform::handshake_kind(&e).unwrap_or(ErrorKind::Backend);
    Error::from_backend(kind, NAME, e)
}

/// Tells "not yet" from "no", after a call on an established connection failed.
pub(crate) fn progress<T>(e: io::Error) -> Result<Progress<T>> {
    if e.kind() == io::ErrorKind::WouldBlock {
        return Ok(Progress::WantRead); // writing never blocks
    }
    if e.get_ref().is_some_and(|inner| inner.is::<Error>()) {
        return Err(e.into()); // one of ours, on its way through the library
    }
    let kind = platform::io_kind(&e).unwrap_or(ErrorKind::Backend);
    Err(Error::from_backend(kind, NAME, e))
}
