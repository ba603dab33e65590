//! Where Lua comes in, and descriptors, which are only numbers in Lua. The only file with `unsafe` here.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::os::fd::{BorrowedFd, RawFd};

use mlua::{Lua, lua_State};

use crate::module;

macro_rules! entries {
    ($($name:ident: $module:path;)*) => {$(
        /// What `require` calls. As `mlua::lua_module` would write it, in this edition's words.
        ///
        /// # Safety
        ///
        /// `state` is Lua's own, and Lua waits for the result.
        #[unsafe(no_mangle)]
        unsafe extern "C-unwind" fn $name(state: *mut lua_State) -> c_int {
            // SAFETY: the caller's promise is the one that is asked for here.
            unsafe { Lua::entrypoint1(state, $module) }
        }
    )*};
}

// A module is found by the last part of its file's name too: `libtls.config` in `libtls.so`.
entries! {
    luaopen_lem_ssl: module::ssl;
    luaopen_libtls: module::libtls;
    luaopen_libtls_config: module::config;
    luaopen_polytls: module::polytls;
    luaopen_polytls_config: module::config;
    luaopen_polytls_libtls: module::libtls;
    luaopen_polytls_ssl: module::ssl;
}

/// The descriptor with this number, if it can be one.
///
/// Whose it is, and for how long it is open, is the script's business, as with every call of libtls: one that
/// is closed gives an error, or whatever was opened since.
pub(crate) fn lent(fd: RawFd) -> Option<BorrowedFd<'static>> {
    // SAFETY: a number that is not negative is a descriptor's. No memory depends on what is behind it.
    (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
}

/// The descriptor of one of Lua's open files, whose userdata is at this place.
///
/// # Safety
///
/// `file` points to what Lua's own `io` library calls an open file.
unsafe fn fileno(file: *const c_void) -> RawFd {
    // SAFETY: such userdata begins with its FILE* (luaL_Stream in Lua 5.4, IOFileUD in LuaJIT), which is
    // valid as long as the file is open.
    unsafe { libc::fileno(*file.cast::<*mut libc::FILE>()) }
}

/// The descriptor of `value`, if `io.type` says that it is an open file.
pub(crate) fn file_descriptor(lua: &Lua, value: &mlua::Value) -> mlua::Result<Option<RawFd>> {
    // Not the global, which a script may have put something else in place of.
    let loaded: mlua::Table = lua.named_registry_value("_LOADED")?;
    let io: Option<mlua::Table> = loaded.get("io")?;
    let Some(io) = io else { return Ok(None) };
    let kind: Option<String> = io.get::<mlua::Function>("type")?.call(value.clone())?;
    if !matches!(value, mlua::Value::UserData(_)) || kind.as_deref() != Some("file") {
        return Ok(None);
    }
    // SAFETY: Lua has just said that it is an open file of its own.
    Ok(Some(unsafe { fileno(value.to_pointer()) }))
}
