//! A file with the ticket keys of a fleet.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{TicketKeySet, TicketKeySource};
use crate::{Error, ErrorKind, Result, private_file};

/// A file with the ticket keys of a fleet, which is looked at again and again.
///
/// It holds the text of a [`TicketKeySet`]. It has to be a regular file (a link to one will do) that belongs
/// to this user or to root, and that nobody else may read or write. What stands in it counts, not its times:
/// it may be replaced by another as often as one likes, best at once, by renaming. One that is unusable
/// changes nothing.
#[derive(Debug)]
pub struct TicketKeyFile {
    path: PathBuf,
    /// What was given last.
    given: Option<TicketKeySet>,
    /// What was seen last, and is not given before it is seen again: whoever writes a file in place may be
    /// in the middle of it.
    seen: Option<TicketKeySet>,
}

impl TicketKeyFile {
    /// How long until the file is looked at again.
    pub const PAUSE: Duration = Duration::from_millis(200);

    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it cannot be read, others may read it too, or it holds no keys.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let seen = Some(read(&path)?);
        Ok(Self { path, given: None, seen })
    }

    /// Makes a file with one key, where there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is a file already, or it cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<()> {
        private_file::create(path.as_ref(), TicketKeySet::new()?.to_text().as_bytes())
    }

    /// Puts a new key into the file: the one that was the newest encrypts from now on, and the new one once
    /// there is a newer. The file is replaced at once, and belongs to the same user as before. Comments in it
    /// are lost. Gives the revision of the new key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the file cannot be read or written, or holds no keys.
    pub fn rotate(path: impl AsRef<Path>) -> Result<u32> {
        let path = path.as_ref();
        let next = read(path)?.rotated().map_err(|e| in_file(path, &e))?;
        private_file::replace(path, next.to_text().as_bytes())?;
        Ok(next.revision())
    }
}

impl TicketKeySource for TicketKeyFile {
    fn keys(&mut self) -> Result<Option<TicketKeySet>> {
        let now = match read(&self.path) {
            Ok(now) => now,
            Err(e) => {
                self.seen = None;
                return Err(e);
            }
        };
        let settled = self.seen.as_ref() == Some(&now);
        self.seen = Some(now.clone());
        if !settled || self.given.as_ref() == Some(&now) {
            return Ok(None);
        }
        self.given = Some(now.clone());
        Ok(Some(now))
    }

    fn pause(&self) -> Duration {
        Self::PAUSE
    }
}

fn read(path: &Path) -> Result<TicketKeySet> {
    let bytes = private_file::read(path, TicketKeySet::MOST_TEXT)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        let why = format!("{}: it is not text", path.display());
        Error::new(ErrorKind::Config).because(why)
    })?;
    TicketKeySet::parse(text).map_err(|e| in_file(path, &e))
}

/// The same error, with the file it is about.
fn in_file(path: &Path, e: &Error) -> Error {
    let said = e.detail().unwrap_or_default();
    Error::new(e.kind()).because(format!("{}: {said}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_followed_and_what_is_unusable_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        TicketKeyFile::create(&path).unwrap();
        let mut source = TicketKeyFile::open(&path).unwrap();
        let first = source.keys().unwrap().unwrap();
        assert_eq!((first.len(), first.revision()), (1, 1));
        assert_eq!(source.keys().unwrap(), None);

        assert_eq!(TicketKeyFile::rotate(&path).unwrap(), 2);
        assert_eq!(source.keys().unwrap(), None, "it may not be all of it");
        let second = source.keys().unwrap().unwrap();
        assert_eq!((second.len(), second.revision()), (2, 2));

        // Half of it, in place.
        let whole = fs::read(&path).unwrap();
        for n in [0, 1, 50, 99, 100, whole.len() - 1] {
            fs::write(&path, &whole[..n]).unwrap();
            let changed = source.keys();
            assert!(matches!(&changed, Ok(None) | Err(_)), "{n} bytes: {changed:?}");
            fs::write(&path, &whole).unwrap();
            assert_eq!(source.keys().unwrap(), None);
            assert_eq!(source.keys().unwrap(), None, "it is as it was");
        }
        fs::write(&path, b"\xff\n").unwrap();
        let e = source.keys().unwrap_err();
        assert!(e.to_string().contains("keys: it is not text"), "{e}");
        fs::remove_file(&path).unwrap();
        assert_eq!(source.keys().unwrap_err().kind(), ErrorKind::Config);
        fs::write(&path, &whole).unwrap();
        assert!(TicketKeyFile::create(&path).is_err(), "there is one already");
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        TicketKeyFile::create(&path).unwrap();
        fs::write(&path, "1 abc\n").unwrap();
        for e in
            [TicketKeyFile::open(&path).unwrap_err(), TicketKeyFile::rotate(&path).unwrap_err()]
        {
            assert_eq!(e.kind(), ErrorKind::Config);
            assert!(e.to_string().ends_with("keys: line 1: the key is not 96 hexadecimal digits"));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "1 abc\n", "it is left as it is");
    }
}
