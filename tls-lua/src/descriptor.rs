//! The transport: descriptors of the script's, or a socket of this module's.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, RawFd};

use rustix::io::Errno;
use rustix::net::SendFlags;

use crate::ffi;

/// What a connection's bytes come from and go to.
///
/// A descriptor that does not block makes calls return early; one that does, lets them wait.
#[derive(Debug)]
pub(crate) enum Descriptors {
    /// Closed, if it was this module's.
    Closed,
    /// The script's, one to read from and one to write to. It closes them.
    Lent(BorrowedFd<'static>, BorrowedFd<'static>),
    /// A socket that was made here.
    Own(TcpStream),
}

impl Descriptors {
    /// Takes two numbers of the script's.
    pub(crate) fn lent(read: RawFd, write: RawFd) -> Result<Self, String> {
        match (ffi::lent(read), ffi::lent(write)) {
            (Some(read), Some(write)) => Ok(Self::Lent(read, write)),
            _ => Err("invalid file descriptors".into()),
        }
    }

    /// The number to wait for, to read or to write.
    pub(crate) fn number(&self, to_write: bool) -> Option<RawFd> {
        match self {
            Self::Closed => None,
            Self::Lent(read, write) => Some(if to_write { write } else { read }.as_raw_fd()),
            Self::Own(socket) => Some(socket.as_raw_fd()),
        }
    }

    /// Closes what is this module's, so that what was sent still arrives: a socket with something unread
    /// in it is reset when it is closed, and a server's tickets are nothing that anybody reads.
    pub(crate) fn close(&mut self) {
        if !matches!(self, Self::Own(_)) {
            return; // those of the script's stay what they are to it
        }
        let Self::Own(mut socket) = std::mem::replace(self, Self::Closed) else { return };
        // Whatever fails here, the socket is as good as closed.
        let _ = socket.shutdown(Shutdown::Write);
        if socket.set_nonblocking(true).is_err() {
            return;
        }
        let mut unread = [0; 4096];
        for _ in 0..256 {
            match socket.read(&mut unread) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
        }
    }

    fn reader(&self) -> io::Result<BorrowedFd<'_>> {
        match self {
            Self::Closed => Err(io::ErrorKind::NotConnected.into()),
            Self::Lent(read, _) => Ok(*read),
            Self::Own(socket) => Ok(socket.as_fd()),
        }
    }

    fn writer(&self) -> io::Result<BorrowedFd<'_>> {
        match self {
            Self::Lent(_, write) => Ok(*write),
            _ => self.reader(),
        }
    }
}

impl Read for Descriptors {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self.reader()?, buf)?)
    }
}

impl Write for Descriptors {
    /// Without SIGPIPE, which would end a program in Lua.
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let to = self.writer()?;
        match rustix::net::send(to, buf, SendFlags::NOSIGNAL) {
            Err(Errno::NOTSOCK) => Ok(rustix::io::write(to, buf)?),
            sent => Ok(sent?),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
