//! Calls into C: codes as symbols of Julia's, where a Julia runtime is in the process, and the process's end.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;

use crate::boundary::OutText;

/// `jl_sym_t *jl_symbol(const char *)`: the one symbol with this name. Symbols are never freed.
type Intern = extern "C" fn(OutText) -> OutText;

/// `int jl_is_initialized(void)`.
type IsInitialized = extern "C" fn() -> c_int;

/// The symbol called `code` if Julia is there and has begun, or else `code` itself.
pub(super) fn symbol(code: &'static CStr) -> OutText {
    let code = OutText::of(Some(code));
    let Some(intern) = find(c"jl_symbol") else { return code };
    if let Some(is_initialized) = find(c"jl_is_initialized") {
        // SAFETY: no other function has this name where there is a `jl_symbol`; it is Julia's, and as its
        // manual declares it.
        let is_initialized = unsafe { transmute::<*mut c_void, IsInitialized>(is_initialized) };
        if is_initialized() == 0 {
            return code;
        }
    }
    // SAFETY: it is Julia's, as above. Its caller is a thread of Julia's, which has called this library.
    let intern = unsafe { transmute::<*mut c_void, Intern>(intern) };
    intern(code)
}

/// Where the program, or a library that it shows to all, has a function called `name`.
fn find(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends in NUL; nothing is loaded, and nothing is called.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// Has `call` run when the process exits, or the library is unloaded.
pub(super) fn at_exit(call: extern "C" fn()) {
    // SAFETY: it is a function of this library, which is told to go before its code does. That it cannot
    // be remembered harms nobody.
    let _ = unsafe { libc::atexit(call) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_julia_a_code_is_its_own_name() {
        assert!(find(c"jl_symbol").is_none() && find(c"malloc").is_some());
        let code = c"TLS_NOT_TLS";
        let itself = OutText::of(Some(code));
        assert_eq!(format!("{:?}", symbol(code)), format!("{itself:?}"));
    }
}
