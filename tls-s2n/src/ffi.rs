//! What the safe crate leaves to the caller. The only file with `unsafe` here.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{mem, slice};

use s2n_tls::config;
use s2n_tls::connection::Connection;
use s2n_tls::error::Error;
use tls_core::Wire;
use tls_core::danger::KeyLog;

use crate::records::{Fault, Phase, Records};

/// A connection whose I/O is a wire of its own, empty but for the length of a call.
pub(crate) struct Driven {
    /// Before the wire, so that it goes first.
    connection: Connection,
    /// Shared with the callbacks below, which C calls in the middle of a call on `connection`.
    lent: Arc<Mutex<Lent>>,
    /// What the config of the connection logs to.
    _log: Option<Arc<KeyLog>>,
}

struct Lent {
    wire: Wire,
    records: Records,
    /// What is wrong with what the peer sends; s2n is told that nothing has come.
    fault: Option<Fault>,
}

impl Driven {
    /// With the log of every config that the connection may come to have.
    pub(crate) fn new(mut connection: Connection, log: Option<Arc<KeyLog>>) -> Result<Self, Error> {
        let (wire, records) = (Wire::default(), Records::new());
        let lent = Arc::new(Mutex::new(Lent { wire, records, fault: None }));
        let context = Arc::as_ptr(&lent).cast_mut().cast::<c_void>();
        connection.set_receive_callback(Some(receive))?.set_send_callback(Some(send))?;
        // SAFETY: the mutex lives as long as the `Arc` beside the connection, which is dropped after
        // it; the callbacks only share it.
        unsafe { connection.set_receive_context(context)?.set_send_context(context)? };
        Ok(Self { connection, lent, _log: log })
    }

    /// Lends `wire` to the connection for the length of `call`.
    pub(crate) fn with<T>(
        &mut self,
        wire: &mut Wire,
        call: impl FnOnce(&mut Connection) -> T,
    ) -> T {
        mem::swap(&mut lock(&self.lent).wire, wire);
        let result = call(&mut self.connection);
        mem::swap(&mut lock(&self.lent).wire, wire);
        result
    }

    /// Says what may come from now on.
    pub(crate) fn expect(&mut self, phase: Phase) {
        lock(&self.lent).records.phase = phase;
    }

    /// What was wrong with a record's header, if anything.
    pub(crate) fn fault(&self) -> Option<Fault> {
        lock(&self.lent).fault
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// A wire is whole after each of its calls, whatever a thread with the lock did then.
fn lock(lent: &Mutex<Lent>) -> MutexGuard<'_, Lent> {
    lent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As read(2) on a socket that does not block.
unsafe extern "C" fn receive(context: *mut c_void, buf: *mut u8, len: u32) -> c_int {
    // SAFETY: `Driven::new` gave this context, which lives as long as the connection that calls.
    let lent = unsafe { &*context.cast_const().cast::<Mutex<Lent>>() };
    // SAFETY: s2n has room for `len` bytes there, initialised, which nobody else sees now.
    let buf = unsafe { slice::from_raw_parts_mut(buf, len as usize) };
    let mut lent = lock(lent);
    let Ok(n) = lent.wire.read(buf) else { return would_block() };
    match lent.records.feed(&buf[..n]) {
        Ok(()) => n as c_int,
        Err(why) => {
            lent.fault = Some(why);
            would_block()
        }
    }
}

/// As write(2), but that a wire takes everything.
unsafe extern "C" fn send(context: *mut c_void, buf: *const u8, len: u32) -> c_int {
    // SAFETY: as above.
    let lent = unsafe { &*context.cast_const().cast::<Mutex<Lent>>() };
    // SAFETY: s2n has `len` bytes there to send.
    let buf = unsafe { slice::from_raw_parts(buf, len as usize) };
    match lock(lent).wire.write(buf) {
        Ok(n) => n as c_int,
        Err(_) => would_block(),
    }
}

fn would_block() -> c_int {
    errno::set_errno(errno::Errno(libc::EWOULDBLOCK));
    -1
}

/// Logs the secrets of the connections with this config, each of which has to keep the log.
pub(crate) fn log_keys(config: &mut config::Builder, log: &Arc<KeyLog>) -> Result<(), Error> {
    let context = Arc::as_ptr(log).cast_mut().cast::<c_void>();
    // SAFETY: a config logs only in a call on a connection that has it, and such a connection stands in
    // a `Driven`, before the log that it keeps alive; the callback only shares the log.
    unsafe { config.set_key_log_callback(Some(log_line), context) }.map(drop)
}

/// Whatever kind of connection the caller means, it is not looked at.
unsafe extern "C" fn log_line<C>(
    context: *mut c_void,
    _connection: *mut C,
    line: *mut u8,
    len: usize,
) -> c_int {
    // SAFETY: `log_keys` gave this context, which lives as long as the connection that calls.
    let log = unsafe { &*context.cast_const().cast::<KeyLog>() };
    // SAFETY: s2n has a line of `len` bytes there for the length of this call.
    let line = unsafe { slice::from_raw_parts(line.cast_const(), len) };
    if let Ok(line) = std::str::from_utf8(line) {
        log.line(line);
    }
    0
}

/// Makes a client accept any certificate, for `danger`.
pub(crate) fn skip_all_verification(config: &mut config::Builder) -> Result<(), Error> {
    // SAFETY: no memory is at stake; the crate marks the loss of protection so.
    unsafe { config.disable_x509_verification() }.map(drop)
}
