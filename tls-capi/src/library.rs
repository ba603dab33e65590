//! Which TLS library speaks.

use std::env;
use std::ffi::OsString;

use polytls::{Backend, Error, ErrorKind, Result, backend};

/// The environment variable that chooses among the backends of a build.
const CHOICE: &str = "POLYTLS_BACKEND";

/// The backend that the environment names, or the only one there is.
pub(crate) fn backend() -> Result<&'static dyn Backend> {
    chosen(env::var_os(CHOICE))
}

fn chosen(choice: Option<OsString>) -> Result<&'static dyn Backend> {
    match choice.filter(|choice| !choice.is_empty()) {
        None => backend::only().map_err(|e| {
            let why = "POLYTLS_BACKEND has to name one of the backends in this library";
            Error::new(ErrorKind::Config).because(why).with_source(e)
        }),
        Some(choice) => backend::by_name(&choice.to_string_lossy()),
    }
}
