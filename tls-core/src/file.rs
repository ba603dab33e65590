//! Parts of files, on their way to the wire.

use std::fs::File;
use std::{fmt, hint, io, mem};

use crate::{Error, ErrorKind, Result, pool};

/// A part of a file.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) file: &'a File,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

impl<'a> Part<'a> {
    /// Checks that the range has an end.
    pub(crate) fn new(file: &'a File, offset: u64, len: u64) -> Result<Self> {
        let part = Self { file, offset, len };
        match offset.checked_add(len) {
            Some(_) => Ok(part),
            None => Err(part.refused().because(format!("{part} have no end"))),
        }
    }

    /// What is left after the first `n` bytes.
    pub(crate) fn after(self, n: u64) -> Self {
        Self { offset: self.offset + n, len: self.len - n, ..self }
    }

    /// Not more than `n` bytes of it.
    pub(crate) fn at_most(self, n: u64) -> Self {
        Self { len: self.len.min(n), ..self }
    }

    /// Reads the beginning of it, through interruptions; not fewer bytes than `buf` has room for, if the
    /// file has them.
    pub(crate) fn read(self, buf: &mut [u8]) -> Result<usize> {
        let room = usize::try_from(self.len).map_or(buf.len(), |len| buf.len().min(len));
        let mut read = 0;
        while read < room {
            match read_at(self.file, &mut buf[read..room], self.offset + read as u64) {
                Ok(0) => break,
                Ok(n) => read += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // The next call meets it again.
                Err(_) if read > 0 => break,
                Err(e) => {
                    let why = format!("{self} cannot be read");
                    return Err(self.refused().because(why).with_source(e));
                }
            }
        }
        Ok(read)
    }

    /// The file has nothing where this part begins.
    #[cold]
    pub(crate) fn ended(self) -> Error {
        self.refused().because(format!("it ends before {self}"))
    }

    fn refused(self) -> Error {
        Error::new(ErrorKind::File)
    }
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} bytes at offset {}", self.len, self.offset)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

/// Moves the file's own position too: Windows reads in no other way.
#[cfg(windows)]
fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

/// Where bytes of files wait to be encrypted: a buffer of the pool's, wiped when it goes back.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Empty as long as nothing was read.
    buf: Vec<u8>,
    dirty: usize,
}

impl Scratch {
    /// The most that is read at a time: as many full records as the wire has room for.
    pub(crate) const ROOM: usize = 4 * 16_384;

    /// Reads the beginning of `part`, at most `most` bytes of it.
    pub(crate) fn read(&mut self, part: Part<'_>, most: usize) -> Result<&[u8]> {
        if self.buf.is_empty() {
            self.buf = pool::take();
        }
        let n = part.read(&mut self.buf[..most.min(Self::ROOM)])?;
        self.dirty = self.dirty.max(n);
        Ok(&self.buf[..n])
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.buf.is_empty() {
            // As the wire wipes: once for all that was read, in a way that is not dropped as a dead store.
            self.buf[..self.dirty].fill(0);
            hint::black_box(&mut self.buf);
            pool::give_back(mem::take(&mut self.buf));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn a_part_is_read_as_far_as_it_goes() {
        let file = file(b"0123456789");
        let mut scratch = Scratch::default();
        let mut read = |offset, len, most| {
            let part = Part::new(&file, offset, len).unwrap();
            scratch.read(part, most).unwrap().to_vec()
        };
        assert_eq!(read(0, 10, 100), b"0123456789");
        assert_eq!(read(3, 4, 100), b"3456");
        assert_eq!(read(3, 4, 2), b"34");
        assert_eq!(read(8, 100, 100), b"89");
        assert_eq!(read(10, 1, 100), b"");
        assert_eq!(read(1 << 40, 1, 100), b"");
    }

    #[test]
    fn a_range_without_an_end_is_refused() {
        let file = file(b"x");
        let refused = Part::new(&file, 2, u64::MAX).map(drop).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::File);
        let text = refused.to_string();
        assert!(text.contains("offset 2") && text.contains("18446744073709551615 bytes"), "{text}");
        Part::new(&file, 1, u64::MAX - 1).map(drop).unwrap();
    }

    #[test]
    fn what_was_read_goes_back_wiped() {
        let file = file(&[0xaa; 5000]);
        let mut scratch = Scratch::default();
        scratch.read(Part::new(&file, 0, 5000).unwrap(), 5000).unwrap();
        scratch.read(Part::new(&file, 0, 10).unwrap(), 5000).unwrap();
        drop(scratch);
        assert!(pool::take()[..5000].iter().all(|&b| b == 0), "the file's bytes were left behind");
    }
}
