//! Files.

use std::fs::File;
use std::io;
use std::task::{Context, Poll, ready};

use super::Stream;
use crate::file::{Part, Scratch};
use crate::tasks::Half;
use crate::{Error, ErrorKind, Result, SendPath, StdTransport, Transport};

impl<T: Transport> Stream<T> {
    /// Sends some of a file, from `offset` on and at most `len` bytes, and says how much was taken, as
    /// [`poll_write`](Self::poll_write) does of a buffer: in order with what is written before and after,
    /// and sent as far as the transport lets it. `0` is for a `len` of 0 only.
    ///
    /// Nothing is remembered between calls. What can be sent, and what becomes of a file that changes
    /// meanwhile, is said at [`Connection::sendfile`](crate::Connection::sendfile). An error is given once
    /// nothing more could be taken before it.
    ///
    /// Which [way](Self::send_path) it goes is decided by the first call that has something to send, and
    /// for good, as far as the configuration [leaves that open](crate::KernelTls).
    ///
    /// # Errors
    ///
    /// As there; [`ErrorKind::Unsupported`] if the configuration requires the kernel's way and it is
    /// refused, and the connection is as it was.
    pub fn poll_sendfile(
        &mut self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: u64,
    ) -> Poll<Result<u64>> {
        self.serve(Half::Writer, cx, |stream, cx| {
            ready!(stream.poll_established(cx))?;
            stream.check_send()?;
            stream.connection.check_open("sendfile")?;
            let part = Part::new(file, offset, len)?;
            if len == 0 {
                return Poll::Ready(Ok(0));
            }
            match ready!(stream.poll_path(cx))? {
                SendPath::Kernel => stream.poll_file(cx, part),
                SendPath::UserSpace => stream.poll_part(cx, part),
            }
        })
    }

    /// Reads, encrypts and sends, until the transport takes no more.
    pub(super) fn poll_part(&mut self, cx: &mut Context<'_>, part: Part<'_>) -> Poll<Result<u64>> {
        let mut scratch = Scratch::default();
        let part = part.at_most(MOST_AT_ONCE);
        let mut taken = 0;
        loop {
            let rest = part.after(taken);
            match self.drive(cx, |connection| connection.send_part(rest, &mut scratch)) {
                Poll::Ready(Ok(n)) => taken += n,
                // It is met again, if it has not passed by then.
                Poll::Ready(Err(_)) | Poll::Pending if taken > 0 => break,
                nothing => return nothing,
            }
            self.check_send()?;
            if taken == part.len || !self.connection.wire().pending().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(taken))
    }
}

impl<T: StdTransport> Stream<T> {
    /// Sends a part of a file: `len` bytes from `offset` on, in order with what is written before and
    /// after. Says how many were taken; what was taken is never to be passed again.
    ///
    /// Over a blocking transport that is all of them, unless a deadline passes meanwhile. A non-blocking
    /// one takes what it can at once. Call again with the rest in both cases.
    ///
    /// What can be sent, and what becomes of a file that changes meanwhile, is said at
    /// [`Connection::sendfile`](crate::Connection::sendfile).
    ///
    /// # Errors
    ///
    /// With an [`Error`] inside: [`ErrorKind::File`] if the file ends before the range does,
    /// once all that there is has been taken; whatever else is said there. [`io::ErrorKind::WouldBlock`]
    /// if a non-blocking transport takes nothing; [`io::ErrorKind::TimedOut`] if the deadline has passed
    /// before anything was taken.
    pub fn sendfile(&mut self, file: &File, offset: u64, len: u64) -> io::Result<u64> {
        let mut taken = 0;
        loop {
            // The sum is checked by the first call.
            let (at, rest) = (offset.saturating_add(taken), len - taken);
            match self.now(|stream, cx| stream.poll_sendfile(cx, file, at, rest)) {
                Ok(n) => taken += n,
                Err(e) if taken > 0 && is_for_later(&e) => return Ok(taken),
                Err(e) => return Err(after(taken, offset, len, e)),
            }
            if taken == len {
                return Ok(taken);
            }
        }
    }
}

/// What is wrong with a file, after some of it has been taken.
fn after(taken: u64, offset: u64, len: u64, e: io::Error) -> io::Error {
    match Error::find(&e).map(Error::kind) {
        Some(ErrorKind::File) if taken > 0 => {
            let why = format!("after {taken} of the {len} bytes at offset {offset}");
            Error::new(ErrorKind::File).because(why).with_source(e).into()
        }
        _ => e,
    }
}

/// Whether nothing is wrong but the time.
fn is_for_later(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// How much one call takes at most, so that one whose transport is always ready ends too.
const MOST_AT_ONCE: u64 = 4 << 20;
