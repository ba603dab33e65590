//! Systems whose kernel has no TLS that we know of.

#![cfg_attr(not(unix), allow(unused))]

use std::io;

#[cfg(unix)]
pub use sockets::{attach, receive_record, send_file, send_record, set_keys};

#[cfg(unix)]
mod sockets {
    use std::fs::File;
    use std::io;
    use std::os::fd::BorrowedFd;

    use super::unsupported;
    use crate::{Direction, Keys};

    /// Lets the kernel's TLS take its place on a connected TCP socket.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`].
    pub fn attach(_: BorrowedFd<'_>) -> io::Result<()> {
        unsupported()
    }

    /// Sets the keys of one direction of an attached socket.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`].
    pub fn set_keys(_: BorrowedFd<'_>, _: Direction, _: &Keys<'_>) -> io::Result<()> {
        unsupported()
    }

    /// Writes plaintext as one record of this content type.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`].
    pub fn send_record(_: BorrowedFd<'_>, _: u8, _: &[u8]) -> io::Result<usize> {
        unsupported()
    }

    /// Reads plaintext of one record, and says of which content type.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`].
    pub fn receive_record(_: BorrowedFd<'_>, _: &mut [u8]) -> io::Result<(Option<u8>, usize)> {
        unsupported()
    }

    /// Writes a part of `file`, and says how much was taken.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::Unsupported`].
    pub fn send_file(_: BorrowedFd<'_>, _: &File, _: u64, _: usize) -> io::Result<usize> {
        unsupported()
    }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}
