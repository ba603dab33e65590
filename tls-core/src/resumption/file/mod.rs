//! Sessions in a file: each call reads it and, if it changes anything, puts a new one in its place.

mod disk;
mod form;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use super::{MemoryStore, SessionKey, SessionStore};
use crate::{Error, ErrorKind, Result};
use form::Kept;

/// A [`SessionStore`] in a file, so that one process resumes what another began. They may use it at the
/// same time.
///
/// Whoever has the file can pretend to be the client (libtls has the same rules for `session_fd`).
/// The file is a regular one, belongs to the user of the process, and has the mode 0600; it may be empty.
/// That is looked at before each use, and a symbolic link is never followed. A file with sessions is
/// replaced as a whole under a lock, so that no reader meets a half of one, and a session that one
/// process has taken is there for no other. That needs leave to write in the folder.
///
/// Only the newest sessions are kept: [`PER_SERVER`](Self::PER_SERVER) of each server,
/// [`MAX_SIZE`](Self::MAX_SIZE) bytes of all, none for longer than [`LIFETIME`](Self::LIFETIME). Names of
/// servers stand in clear in the file, and sessions as the library gave them.
///
/// A call waits for another process [half a second](Self::PATIENCE) at most. What goes wrong then or later
/// costs sessions, never a connection, and [`trouble`](Self::trouble) tells it.
pub struct FileStore {
    path: PathBuf,
    /// What went wrong first since it was asked for. Held for the length of a call, so that threads do
    /// not wait for each other as processes do.
    trouble: Mutex<Option<Error>>,
}

impl FileStore {
    /// How many bytes a file has at most.
    pub const MAX_SIZE: usize = 1 << 20;

    /// How many bytes a session has at most.
    pub const MAX_SESSION: usize = 1 << 18;

    /// How many sessions of one server are kept.
    pub const PER_SERVER: usize = MemoryStore::PER_SERVER;

    /// How long a session is kept at most. Nobody is verified again when it is resumed.
    pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

    /// How long a call waits for other processes.
    pub const PATIENCE: Duration = Duration::from_millis(500);

    /// Opens the file, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the file and what is wrong with it: it cannot be made, read and
    /// written; it is not a regular file, or a symbolic link; it belongs to somebody else, or has another
    /// mode than 0600; it holds something else than sessions, has been damaged, or is too large.
    /// [`ErrorKind::Timeout`] if another process keeps it locked. On systems other than Unix always
    /// [`ErrorKind::Config`]: who owns a file cannot be told there.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let store = Self { path: path.into(), trouble: Mutex::default() };
        store.change(|_| ((), false))?;
        Ok(store)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What has gone wrong first since this was asked the last time, if anything has: sessions were lost.
    pub fn trouble(&self) -> Option<Error> {
        self.told().take()
    }

    fn told(&self) -> MutexGuard<'_, Option<Error>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is in the file: `change` says whether it did.
    fn change<T>(&self, change: impl FnOnce(&mut Kept) -> (T, bool)) -> Result<T> {
        let deadline = Instant::now() + Self::PATIENCE;
        let file = loop {
            let file = disk::open(&self.path).map_err(|why| self.error(&why))?;
            // Whoever held the lock may have put another file in the place of this one.
            let is_ours =
                disk::lock(&file).and_then(|locked| Ok(locked && disk::is_at(&file, &self.path)?));
            match is_ours {
                Ok(true) => break file,
                Ok(false) if Instant::now() < deadline => thread::sleep(TICK),
                Ok(false) => {
                    let why = format!("{}: another process keeps it locked", self.path.display());
                    return Err(Error::new(ErrorKind::Timeout).because(why));
                }
                Err(e) => return Err(self.error(&format!("cannot be locked: {e}"))),
            }
        };
        let mut bytes = Zeroizing::new(Vec::new());
        let most = Self::MAX_SIZE as u64 + 1;
        let read = (&file).take(most).read_to_end(&mut bytes);
        read.map_err(|e| self.error(&format!("cannot be read: {e}")))?;
        if bytes.len() > Self::MAX_SIZE {
            let why = format!("it is larger than {} bytes", Self::MAX_SIZE);
            return Err(self.error(&why));
        }
        let mut kept = Kept::read(&bytes).map_err(|why| self.error(why))?;
        let (result, is_changed) = change(&mut kept);
        if is_changed {
            kept.drop_older(now(), Self::LIFETIME.as_secs());
            let replaced = disk::replace(&self.path, &kept.to_bytes());
            replaced.map_err(|e| self.error(&format!("cannot be replaced: {e}")))?;
        }
        Ok(result)
    }

    fn error(&self, why: &str) -> Error {
        Error::new(ErrorKind::Config).because(format!("{}: {why}", self.path.display()))
    }

    /// Runs a change, and remembers what goes wrong.
    fn try_change<T>(&self, change: impl FnOnce(&mut Kept) -> (T, bool)) -> Option<T> {
        let mut trouble = self.told();
        match self.change(change) {
            Ok(result) => Some(result),
            Err(e) => {
                trouble.get_or_insert(e);
                None
            }
        }
    }
}

impl SessionStore for FileStore {
    fn put(&self, key: &SessionKey, session: Vec<u8>) {
        let session = Zeroizing::new(session);
        if session.len() > Self::MAX_SESSION {
            let why = format!("a session of {} bytes is too large for it", session.len());
            self.told().get_or_insert(self.error(&why));
            return;
        }
        self.try_change(|kept| {
            kept.put(key, session, now(), Self::PER_SERVER, Self::MAX_SIZE);
            ((), true)
        });
    }

    fn take(&self, key: &SessionKey) -> Option<Vec<u8>> {
        // Taken is only what is gone from the file.
        self.try_change(|kept| {
            kept.drop_older(now(), Self::LIFETIME.as_secs());
            let taken = kept.take(key);
            let is_changed = taken.is_some();
            (taken, is_changed)
        })?
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// How often to look whether another process is done.
const TICK: Duration = Duration::from_millis(1);
