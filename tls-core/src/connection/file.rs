//! Files, read and encrypted.

use std::fs::File;

use super::{Connection, misuse};
use crate::file::{Part, Scratch};
use crate::{Progress, Result, Wire};

impl Connection {
    /// Encrypts some of a file onto the wire, from `offset` on and at most `len` bytes, and says how much.
    /// `Ready(0)` is for a `len` of 0 only. Nothing is remembered between calls: the next one passes
    /// `offset` and `len` as they are by then, and another file if the program likes. The file's own
    /// position does not matter, and does not move but on Windows.
    ///
    /// `WantWrite` means that the wire is full; never more than [`Wire::HIGH_WATER`] bytes wait.
    ///
    /// A file that shrinks meanwhile is sent as far as it goes, one that grows as far as `len` says. What
    /// can be read at an offset can be sent: files, and such devices as have one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::File`](crate::ErrorKind) if the file ends at `offset` or before it, cannot be read
    /// there (a pipe, a socket, a terminal, a directory), or the range is beyond all numbers: nothing was
    /// taken, and the connection is as it was. [`ErrorKind::Misuse`](crate::ErrorKind) before the
    /// handshake is done, or after [`close`](Self::close); whatever ends the connection.
    pub fn sendfile(&mut self, file: &File, offset: u64, len: u64) -> Result<Progress<u64>> {
        self.check_open("sendfile")?;
        self.send_part(Part::new(file, offset, len)?, &mut Scratch::default())
    }

    /// The same, with a buffer that the caller wipes when all is done.
    pub(crate) fn send_part(
        &mut self,
        part: Part<'_>,
        scratch: &mut Scratch,
    ) -> Result<Progress<u64>> {
        self.check_open("sendfile")?;
        if part.len == 0 {
            return Ok(Progress::Ready(0));
        }
        let Some(most) = self.room_for(part.len) else { return Ok(Progress::WantWrite) };
        let data = scratch.read(part, most)?;
        if data.is_empty() {
            return Err(part.ended());
        }
        Ok(match self.write(data)? {
            Progress::Ready(n) => Progress::Ready(n as u64),
            Progress::WantRead => Progress::WantRead,
            Progress::WantWrite => Progress::WantWrite,
            Progress::WantSignature => Progress::WantSignature,
        })
    }

    /// How much of `len` bytes the wire has room for, in full records; `None` if it is worth to wait for
    /// more room.
    fn room_for(&mut self, len: u64) -> Option<usize> {
        let records = self.wire.room() / FULL_RECORD;
        let most = records * RECORD;
        // A last piece goes along with what is pending. Else each write to the network is to be a large one.
        let all = u64::try_from(most).is_ok_and(|most| len <= most);
        (records > 0 && (all || self.wire.pending().is_empty())).then_some(most)
    }

    /// Checks that data can be sent.
    pub(crate) fn check_open(&self, call: &'static str) -> Result<()> {
        self.check_established(call)?;
        self.check_failure()?;
        match self.close_sent {
            true => Err(misuse("nothing can be sent after the own close_notify")),
            false => Ok(()),
        }
    }
}

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD: usize = 16_384;

/// What such a record takes on the wire.
const FULL_RECORD: usize = Wire::HIGH_WATER / 4;
