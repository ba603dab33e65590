//! What the safe crate leaves to the caller. The only file with `unsafe` here.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::io::{Read, Write};
use std::slice;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use s2n_tls::config;
use s2n_tls::connection::Connection;
use s2n_tls::error::Error;
use tls_core::Wire;

/// A connection whose I/O is a wire of its own, empty but for the length of a call.
pub(crate) struct Driven {
    /// Before the wire, so that it goes first.
    connection: Connection,
    /// Shared with the callbacks below, which C calls in the middle of a call on `connection`.
    wire: Arc<Mutex<Wire>>,
}

impl Driven {
    pub(crate) fn new(mut connection: Connection) -> Result<Self, Error> {
        let wire = Arc::new(Mutex::new(Wire::default()));
        let context = Arc::as_ptr(&wire).cast_mut().cast::<c_void>();
        connection.set_receive_callback(Some(receive))?.set_send_callback(Some(send))?;
        // SAFETY: the mutex lives as long as the `Arc` beside the connection, which is dropped after
        // it; the callbacks only share it.
        unsafe { connection.set_receive_context(context)?.set_send_context(context)? };
        Ok(Self { connection, wire })
    }

    /// Lends `wire` to the connection for the length of `call`.
    pub(crate) fn with<T>(
        &mut self,
        wire: &mut Wire,
        call: impl FnOnce(&mut Connection) -> T,
    ) -> T {
        std::mem::swap(&mut *lock(&self.wire), wire);
        let result = call(&mut self.connection);
        std::mem::swap(&mut *lock(&self.wire), wire);
        result
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// A wire is whole after each of its calls, whatever a thread with the lock did then.
fn lock(wire: &Mutex<Wire>) -> MutexGuard<'_, Wire> {
    wire.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As read(2) on a socket that does not block.
unsafe extern "C" fn receive(context: *mut c_void, buf: *mut u8, len: u32) -> c_int {
    // SAFETY: `Driven::new` gave this context, which lives as long as the connection that calls.
    let wire = unsafe { &*context.cast_const().cast::<Mutex<Wire>>() };
    // SAFETY: s2n has room for `len` bytes there, initialised, which nobody else sees now.
    let buf = unsafe { slice::from_raw_parts_mut(buf, len as usize) };
    match lock(wire).read(buf) {
        Ok(n) => n as c_int,
        Err(_) => would_block(),
    }
}

/// As write(2), but that a wire takes everything.
unsafe extern "C" fn send(context: *mut c_void, buf: *const u8, len: u32) -> c_int {
    // SAFETY: as above.
    let wire = unsafe { &*context.cast_const().cast::<Mutex<Wire>>() };
    // SAFETY: s2n has `len` bytes there to send.
    let buf = unsafe { slice::from_raw_parts(buf, len as usize) };
    match lock(wire).write(buf) {
        Ok(n) => n as c_int,
        Err(_) => would_block(),
    }
}

fn would_block() -> c_int {
    errno::set_errno(errno::Errno(libc::EWOULDBLOCK));
    -1
}

/// Makes a client accept any certificate, for `danger`.
pub(crate) fn skip_all_verification(config: &mut config::Builder) -> Result<(), Error> {
    // SAFETY: no memory is at stake; the crate marks the loss of protection so.
    unsafe { config.disable_x509_verification() }.map(drop)
}
