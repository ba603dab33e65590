//! The border to C: the only file here with `unsafe`.
//!
//! What C hands over has a type of its own here, each as wide as the pointer it is. Nothing else makes such
//! a value, so that one which is there came in as an argument of an exported function, and its caller has
//! promised what the manual of that function says: that text ends in NUL, that a buffer has so many bytes,
//! that nobody else writes to it meanwhile. NULL is looked for here, always.
#![allow(unsafe_code)]

use std::any::Any;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;
use std::os::fd::{BorrowedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

/// Declares functions for C: `fn name(argument: Type) -> Type { … }`.
///
/// Each catches what panics inside of it, and returns the [failure](Returned::FAILURE) of its type then.
macro_rules! exports {
    ($(
        $(#[$attribute:meta])*
        fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $returned:ty)? $body:block
    )*) => {$(
        $(#[$attribute])*
        // SAFETY: the names are those of the ABI, and each object has one ABI.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub(crate) extern "C" fn $name($($argument: $type),*) $(-> $returned)? {
            $crate::boundary::guard(move || $body)
        }
    )*};
}

/// Has a function called when the shared object is unloaded, or the program ends.
macro_rules! at_end {
    ($function:path) => {
        // SAFETY: the section is a list of such functions, which whoever loads the object calls.
        #[allow(unsafe_code)]
        #[used]
        #[cfg_attr(all(unix, not(target_vendor = "apple")), unsafe(link_section = ".fini_array"))]
        static AT_END: extern "C" fn() = $function;
    };
}

/// What a function of the ABI returns.
pub(crate) trait Returned {
    /// What it returns when nothing else can be said.
    const FAILURE: Self;
}

impl Returned for () {
    const FAILURE: Self = ();
}

impl Returned for c_int {
    const FAILURE: Self = -1;
}

impl Returned for isize {
    const FAILURE: Self = -1;
}

impl Returned for i64 {
    const FAILURE: Self = -1;
}

/// Runs `body`, and lets no panic out of it.
pub(crate) fn guard<R: Returned>(body: impl FnOnce() -> R) -> R {
    caught(body).unwrap_or(R::FAILURE)
}

/// What `body` gives, or nothing if it panics.
pub(crate) fn caught<R>(body: impl FnOnce() -> R) -> Option<R> {
    // What a panic leaves behind is behind locks that are taken whatever happened to them.
    let result: Result<R, Box<dyn Any + Send>> = catch_unwind(AssertUnwindSafe(body));
    result.ok()
}

/// What C holds of an object of ours. It points nowhere.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle(*const c_void);

// SAFETY: it is a number; nobody follows it.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    pub(crate) const NULL: Self = Self(ptr::null());

    pub(crate) fn from_number(number: usize) -> Self {
        Self(ptr::without_provenance(number))
    }

    pub(crate) fn number(self) -> usize {
        self.0.addr()
    }

    pub(crate) fn is_null(self) -> bool {
        self.0.is_null()
    }
}

impl Returned for Handle {
    const FAILURE: Self = Self::NULL;
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:p}", self.0)
    }
}

/// What a callback is called with besides: the program's own.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Argument(*mut c_void);

// SAFETY: only the program follows it, in its callback, on the thread on which it calls the library.
unsafe impl Send for Argument {}
// SAFETY: as above.
unsafe impl Sync for Argument {}

impl Argument {
    /// None.
    pub(crate) const NULL: Self = Self(ptr::null_mut());
}

/// Text that C hands over, or NULL.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text(*const c_char);

impl Text {
    /// None.
    pub(crate) const NULL: Self = Self(ptr::null());

    /// The bytes before the NUL.
    pub(crate) fn get(&self) -> Option<&[u8]> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: the caller of the exported function has promised text that ends in NUL, and that stays
        // as it is for as long as the function runs, as does `self`.
        Some(unsafe { CStr::from_ptr(self.0) }.to_bytes())
    }
}

/// Bytes that C hands over, or NULL.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(*const u8);

impl Bytes {
    /// So many of them; `None` for NULL, or more than memory has.
    pub(crate) fn get(&self, length: usize) -> Option<&[u8]> {
        if self.0.is_null() || isize::try_from(length).is_err() {
            return None;
        }
        // SAFETY: the caller of the exported function has promised so many bytes, which stay as they are
        // for as long as the function runs, as does `self`.
        Some(unsafe { slice::from_raw_parts(self.0, length) })
    }

    /// Where they are.
    pub(crate) fn address(&self) -> usize {
        self.0.addr()
    }
}

/// A buffer of C's for bytes, or NULL.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Buffer(*mut u8);

impl Buffer {
    /// So many of them; `None` for NULL, or more than memory has.
    pub(crate) fn get(&mut self, length: usize) -> Option<&mut [u8]> {
        if self.0.is_null() || isize::try_from(length).is_err() {
            return None;
        }
        // SAFETY: the caller of the exported function has promised so many bytes to write to, and that
        // nobody else uses them for as long as the function runs, as does `self`. Whether they have been
        // written to before makes no difference to bytes.
        Some(unsafe { slice::from_raw_parts_mut(self.0, length) })
    }
}

/// A variable of C's for a result, or NULL.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    /// Puts `value` there; nothing happens if it is NULL.
    pub(crate) fn set(&mut self, value: T) {
        if self.0.is_null() {
            return;
        }
        // SAFETY: the caller of the exported function has promised a variable of this type. It may not have
        // been written to before: nothing is read.
        unsafe { self.0.write(value) }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.0.is_null()
    }
}

/// Text of ours that C reads, or NULL; the manual of the function says for how long it is there.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutText(*const c_char);

impl OutText {
    pub(crate) fn of(text: Option<&CStr>) -> Self {
        text.map_or(Self::FAILURE, |text| Self(text.as_ptr()))
    }
}

impl Returned for OutText {
    const FAILURE: Self = Self(ptr::null());
}

/// Bytes of ours that C reads, or NULL; the manual of the function says for how long they are there.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutBytes(*const u8);

impl OutBytes {
    pub(crate) fn of(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::FAILURE, |bytes| Self(bytes.as_ptr()))
    }

    pub(crate) fn address(self) -> usize {
        self.0.addr()
    }
}

impl Returned for OutBytes {
    const FAILURE: Self = Self(ptr::null());
}

/// A function of C's that reads into a buffer.
pub(crate) type ReadCallback = extern "C" fn(Handle, *mut c_void, usize, Argument) -> isize;

/// A function of C's that writes what is in a buffer.
pub(crate) type WriteCallback = extern "C" fn(Handle, *const c_void, usize, Argument) -> isize;

/// Has the program read into `buf`; what it returns is its own to explain.
pub(crate) fn call_read(
    callback: ReadCallback,
    handle: Handle,
    buf: &mut [u8],
    argument: Argument,
) -> isize {
    callback(handle, buf.as_mut_ptr().cast(), buf.len(), argument)
}

/// Has the program write `buf`; what it returns is its own to explain.
pub(crate) fn call_write(
    callback: WriteCallback,
    handle: Handle,
    buf: &[u8],
    argument: Argument,
) -> isize {
    callback(handle, buf.as_ptr().cast(), buf.len(), argument)
}

/// The program's descriptor, which stays the program's; `None` if it cannot be one.
pub(crate) fn descriptor<'a>(number: RawFd) -> Option<BorrowedFd<'a>> {
    if number < 0 {
        return None;
    }
    // SAFETY: it is not -1. What it is open on, and for how long, is the program's business: it is only
    // passed to system calls, which say so if it is open on nothing.
    Some(unsafe { BorrowedFd::borrow_raw(number) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure() {
        assert_eq!(guard::<c_int>(|| panic!("as a test")), -1);
        assert!(guard::<Handle>(|| panic!("as a test")).is_null());
        assert_eq!(guard(|| 7), 7);
    }

    #[test]
    fn null_is_nothing() {
        assert_eq!(Text(ptr::null()).get(), None);
        assert_eq!(Bytes(ptr::null()).get(3), None);
        assert_eq!(Bytes(b"abc".as_ptr()).get(usize::MAX), None);
        assert_eq!(Buffer(ptr::null_mut()).get(3), None);
        Out::<u8>(ptr::null_mut()).set(1);
        assert!(descriptor(-1).is_none());
    }

    #[test]
    fn what_is_there_is_read_and_written() {
        assert_eq!(Text(c"abc".as_ptr()).get(), Some(&b"abc"[..]));
        assert_eq!(Bytes(b"abc".as_ptr()).get(2), Some(&b"ab"[..]));
        let (mut bytes, mut number) = ([0; 2], 0);
        Buffer(bytes.as_mut_ptr()).get(2).unwrap().copy_from_slice(b"xy");
        Out(&raw mut number).set(5);
        assert_eq!((&bytes, number), (b"xy", 5));
    }
}
