//! Writing, a record at a time.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::RawFd;
use std::os::unix::fs::FileExt as _;

use super::{Connection, Outcome};
use crate::{ffi, reply};

impl Connection {
    /// Writes a record's worth of `data`, and says how much. What was taken is the descriptor's when that is
    /// told, so that nobody has to come back for it.
    ///
    /// After [`Outcome::Wants`] the call is to be repeated with the same data, as with `tls_write`.
    pub(super) fn write(&mut self, data: &[u8]) -> Outcome<usize> {
        let taken = match self.taken {
            Some(taken) => taken.min(data.len()),
            None if data.is_empty() => return Outcome::Done(0),
            None => match self.stream.write(&data[..data.len().min(RECORD)]) {
                Ok(taken) => taken,
                Err(e) => return self.outcome("write", Err(e)),
            },
        };
        self.hand_over(taken)
    }

    /// Writes what stands at `offset` of a file, up to a record's worth of `len` bytes; 0 at its end.
    pub(super) fn send_file(&mut self, fd: RawFd, offset: u64, len: u64) -> Outcome<usize> {
        let file = match ffi::lent(fd).map(|lent| lent.try_clone_to_owned()) {
            Some(Ok(own)) => File::from(own),
            Some(Err(e)) => return Outcome::Failed(reply::system(&e)),
            None => return Outcome::Failed("Bad file descriptor".into()),
        };
        let mut record = vec![0; usize::try_from(len).unwrap_or(RECORD).min(RECORD)];
        match file.read_at(&mut record, offset) {
            Ok(0) => Outcome::Done(0),
            Ok(n) => self.write(&record[..n]),
            Err(e) => Outcome::Failed(reply::system(&e)),
        }
    }

    /// Waits until what was taken is the descriptor's, and tells how much that is only then.
    fn hand_over(&mut self, taken: usize) -> Outcome<usize> {
        self.taken = Some(taken);
        let flushed = self.stream.flush();
        let outcome = self.outcome("write", flushed);
        if !matches!(outcome, Outcome::Wants(_)) {
            self.taken = None;
        }
        outcome.map(|()| taken)
    }
}

/// The most plaintext in one record (RFC 8446 §5.1), and in one call of libtls.
const RECORD: usize = 16_384;
