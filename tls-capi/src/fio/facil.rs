//! What is asked of facil.io, which the program brings along.
#![allow(unsafe_code)]

use std::ffi::c_int;

use crate::boundary::{Argument, Buffer, Bytes, Handle};

/// `fio_rw_hook_s`: how facil.io reads and writes on a socket.
#[repr(C)]
pub(super) struct Hooks {
    pub(super) read: extern "C" fn(isize, Handle, Buffer, usize) -> isize,
    pub(super) write: extern "C" fn(isize, Handle, Bytes, usize) -> isize,
    pub(super) flush: extern "C" fn(isize, Handle) -> isize,
    pub(super) before_close: extern "C" fn(isize, Handle) -> isize,
    pub(super) cleanup: extern "C" fn(Handle),
}

/// What a program wants to be called when its protocol was selected.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnSelected {
    /// With what it gave for the connection, and for the protocol.
    Released(extern "C" fn(isize, Argument, Argument)),
    /// With what it gave for the connection only, as before the first release.
    Early(extern "C" fn(isize, Argument)),
}

pub(crate) type OnCleanup = extern "C" fn(Argument);

/// `enum fio_io_event`.
pub(super) const ON_DATA: c_int = 0;
pub(super) const ON_READY: c_int = 1;

// SAFETY: they are declared as in facil.io's `fio.h`. Both handles and hooks stay what they are until the hook
// `cleanup` is called; facil.io writes to hooks only where one is NULL.
unsafe extern "C" {
    /// Puts hooks in place; -1 if the socket is closed.
    pub(super) safe fn fio_rw_hook_set(uuid: isize, hooks: &'static Hooks, udata: Handle) -> c_int;
    /// Has the event loop run a task; -1 if it cannot.
    pub(super) safe fn fio_defer(
        task: extern "C" fn(Handle, Handle),
        first: Handle,
        second: Handle,
    ) -> c_int;
    /// Has the event loop make an event.
    pub(super) safe fn fio_force_event(uuid: isize, event: c_int);
    /// Closes a socket, once everything has been sent.
    pub(super) safe fn fio_close(uuid: isize);
}

/// The descriptor of a socket: `fio_uuid2fd`.
pub(super) fn descriptor_of(uuid: isize) -> c_int {
    // A C int, as the macro has it: uuids are made of one.
    (uuid as usize >> 8) as c_int
}
