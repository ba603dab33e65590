//! How results are told to Lua: as values, never as errors that are thrown.

use std::error::Error as StdError;

use mlua::{IntoLua, IntoLuaMulti, Lua, MultiValue, Nil, Result};
use polytls::{Error, ErrorKind};

/// `true`, or `false` and why.
pub(crate) fn done(lua: &Lua, result: std::result::Result<(), String>) -> Result<MultiValue> {
    match result {
        Ok(()) => true.into_lua_multi(lua),
        Err(why) => (false, why).into_lua_multi(lua),
    }
}

/// A value, or `nil` and why.
pub(crate) fn value<T: IntoLua>(
    lua: &Lua,
    result: std::result::Result<T, String>,
) -> Result<MultiValue> {
    match result {
        Ok(value) => value.into_lua_multi(lua),
        Err(why) => (Nil, why).into_lua_multi(lua),
    }
}

/// An error with all that is underneath it, on one line.
pub(crate) fn told(e: &dyn StdError) -> String {
    let mut text = e.to_string();
    let mut next = e.source();
    while let Some(e) = next {
        let more = e.to_string();
        if !text.ends_with(&more) {
            text += ": ";
            text += &more;
        }
        next = e.source();
    }
    text
}

/// What the operating system says, in the words of strerror(3) alone.
pub(crate) fn system(e: &std::io::Error) -> String {
    let text = e.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// What libtls says of a connection's error; `name` is whom the client meant to reach.
pub(crate) fn libtls(operation: &str, e: std::io::Error, name: Option<&str>) -> String {
    let e = Error::from(e);
    match (e.kind(), name) {
        (ErrorKind::Certificate(polytls::CertificateError::NameMismatch), Some(name)) => {
            format!("name `{name}' not present in server certificate")
        }
        (ErrorKind::Certificate(why), _) => {
            format!("certificate verification failed: {why}")
        }
        (ErrorKind::UnexpectedEof, _) => format!("{operation} failed: unexpected EOF"),
        (ErrorKind::Unsupported(_) | ErrorKind::Config, _) => told(&e),
        _ => format!("{operation} failed: {}", told(&e)),
    }
}
