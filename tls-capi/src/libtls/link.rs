//! The byte stream under a connection: a socket of our own, the program's descriptors, or its callbacks.

use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::task::{Context, Poll};

use polytls::Transport;

use crate::boundary::{
    Argument, Handle, ReadCallback, WriteCallback, call_read, call_write, descriptor,
};

/// What a call waits for, as libtls says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    PollIn = -2,
    PollOut = -3,
}

impl Want {
    fn of(returned: isize) -> Option<Self> {
        [Self::PollIn, Self::PollOut].into_iter().find(|want| *want as isize == returned)
    }
}

/// The stream, and what it waits for.
#[derive(Debug)]
pub(super) struct Link {
    channel: Channel,
    /// What reading waited for when it last did.
    pub(super) read_wants: Want,
    /// What writing waited for when it last did.
    pub(super) write_wants: Want,
}

#[derive(Debug)]
pub(super) enum Channel {
    /// Of `tls_connect`: ours to close.
    Own(TcpStream),
    /// The program's.
    Descriptors { read: RawFd, write: RawFd },
    /// The program's functions, which are told the context that they are called for.
    Callbacks { read: ReadCallback, write: WriteCallback, context: Handle, argument: Argument },
}

impl Link {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, read_wants: Want::PollIn, write_wants: Want::PollOut }
    }

    /// Ends the connection, if it is our own.
    pub(super) fn close(&mut self) {
        if let Channel::Own(socket) = &self.channel {
            let _ = socket.shutdown(Shutdown::Both);
            self.channel = Channel::Descriptors { read: -1, write: -1 };
        }
    }
}

impl Transport for Link {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let fd = match &self.channel {
            Channel::Own(socket) => socket.as_raw_fd(),
            Channel::Descriptors { read, .. } => *read,
            Channel::Callbacks { read, context, argument, .. } => {
                errno::set_errno(errno::Errno(0)); // so that what it says after is of the callback
                let returned = call_read(*read, *context, buf, *argument);
                return answer(returned, buf.len(), &mut self.read_wants);
            }
        };
        self.read_wants = Want::PollIn;
        repeat(|| rustix::io::read(open(fd)?, &mut *buf))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let Some(buf) = bufs.iter().find(|buf| !buf.is_empty()) else {
            return Poll::Ready(Ok(0));
        };
        let fd = match &self.channel {
            Channel::Own(socket) => socket.as_raw_fd(),
            Channel::Descriptors { write, .. } => *write,
            Channel::Callbacks { write, context, argument, .. } => {
                errno::set_errno(errno::Errno(0));
                let returned = call_write(*write, *context, buf, *argument);
                return answer(returned, buf.len(), &mut self.write_wants);
            }
        };
        self.write_wants = Want::PollOut;
        repeat(|| rustix::io::write(open(fd)?, buf))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn open<'a>(fd: RawFd) -> Result<std::os::fd::BorrowedFd<'a>, rustix::io::Errno> {
    descriptor(fd).ok_or(rustix::io::Errno::BADF)
}

/// Calls again after a signal: only what does not block is ever pending.
fn repeat(mut call: impl FnMut() -> Result<usize, rustix::io::Errno>) -> Poll<io::Result<usize>> {
    loop {
        match call() {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => return Poll::Pending,
            result => return Poll::Ready(result.map_err(Into::into)),
        }
    }
}

/// What a callback has returned. It is the program's function: nothing that it returns is believed to make
/// sense.
fn answer(returned: isize, length: usize, wants: &mut Want) -> Poll<io::Result<usize>> {
    if let Some(want) = Want::of(returned) {
        *wants = want;
        return Poll::Pending;
    }
    match usize::try_from(returned) {
        Ok(n) if n <= length => Poll::Ready(Ok(n)),
        Ok(_) => Poll::Ready(Err(io::Error::other("the callback returned more than it was given"))),
        Err(_) => Poll::Ready(Err(match errno::errno().0 {
            0 => io::Error::other("the callback failed"),
            number => io::Error::from_raw_os_error(number),
        })),
    }
}
