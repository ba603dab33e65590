//! The calls, by their names.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::crypto_info::crypto_info;
use crate::{Direction, Keys, ffi};

/// Lets the kernel's TLS take its place on a connected TCP socket. As long as no keys are set, nothing
/// else changes.
///
/// # Errors
///
/// Whatever the kernel says: [`io::ErrorKind::NotFound`] without the module `tls`, which only a caller with
/// `CAP_NET_ADMIN` loads by asking; [`io::ErrorKind::NotConnected`] also once the peer has ended its
/// direction; [`io::ErrorKind::AlreadyExists`] if it has its place already.
pub fn attach(socket: BorrowedFd<'_>) -> io::Result<()> {
    ffi::set_option(socket, libc::SOL_TCP, libc::TCP_ULP, b"tls")
}

/// Sets the keys of one direction of an [attached](attach) socket.
///
/// From then on what is written is encrypted, or what is read is decrypted. No byte of the peer's next
/// record may have been read before the keys of what is received are set. Setting keys a second time, for a
/// key update in TLS 1.3, needs [`Support::rekeys`](crate::Support::rekeys).
///
/// # Errors
///
/// Whatever the kernel says; [`io::ErrorKind::InvalidInput`] also for a key of another length than the
/// suite's.
pub fn set_keys(socket: BorrowedFd<'_>, direction: Direction, keys: &Keys<'_>) -> io::Result<()> {
    let name = match direction {
        Direction::Send => TLS_TX,
        Direction::Receive => TLS_RX,
    };
    ffi::set_option(socket, libc::SOL_TLS, name, &crypto_info(keys)?)
}

/// Writes plaintext as one record of this content type (RFC 8446 §5.1), and says how much was taken.
/// Data, of type 23, may be more than a record holds, and becomes several.
///
/// # Errors
///
/// Whatever the kernel says; no signal is raised.
pub fn send_record(socket: BorrowedFd<'_>, kind: u8, payload: &[u8]) -> io::Result<usize> {
    match kind {
        DATA => ffi::send(socket, payload),
        kind => ffi::send_with_type(socket, kind, payload),
    }
}

/// Reads plaintext of one record, or of several if they are data, and says of which content type; none if
/// the socket's keys are not set. No bytes and no type are the end of the connection, which also stands in
/// the middle of a record.
///
/// # Errors
///
/// Whatever the kernel says; [`Fault::of`](crate::Fault::of) tells what that means for a record.
pub fn receive_record(socket: BorrowedFd<'_>, buf: &mut [u8]) -> io::Result<(Option<u8>, usize)> {
    ffi::receive_with_type(socket, buf)
}

/// Writes a part of `file`, and says how much was taken; nothing if the file ends at `offset`. Its own
/// position does not move.
///
/// A peer that is gone raises `SIGPIPE` in programs that do not ignore it, as Rust's do.
///
/// # Errors
///
/// Whatever the kernel says; [`io::ErrorKind::InvalidInput`] for an offset that no file has, and for a file
/// that cannot be sent so, such as a pipe.
pub fn send_file(
    socket: BorrowedFd<'_>,
    file: &File,
    offset: u64,
    len: usize,
) -> io::Result<usize> {
    ffi::send_file(socket, file.as_fd(), offset, len)
}

/// Application data (RFC 8446 §5.1).
const DATA: u8 = 23;

// linux/tls.h
const TLS_TX: libc::c_int = 1;
const TLS_RX: libc::c_int = 2;
