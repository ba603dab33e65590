//! Files that nobody else may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::{Error, ErrorKind, Result};

/// Reads a regular file of at most `most` bytes that belongs to this user, or to root, and that nobody else
/// has any right to.
pub(crate) fn read(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>> {
    let fault = |e: io::Error| {
        let why = format!("{}: cannot be read: {e}", path.display());
        Error::new(ErrorKind::Config).because(why).with_source(e)
    };
    let mut options = OpenOptions::new();
    options.read(true);
    // To open a pipe would wait for somebody to write.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits() as i32,
    );
    let file = options.open(path).map_err(fault)?;
    check(path, &file.metadata().map_err(fault)?)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(most + 1));
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(fault)?;
    match bytes.len() > most {
        true => Err(unusable(path, &format!("it has more than {most} bytes"))),
        false => Ok(bytes),
    }
}

fn check(path: &Path, file: &fs::Metadata) -> Result<()> {
    if !file.is_file() {
        return Err(unusable(path, "it is not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let own = rustix::process::geteuid().as_raw();
        if ![own, 0].contains(&file.uid()) {
            return Err(unusable(path, "it belongs to another user"));
        }
        let mode = file.mode() & 0o777;
        if mode & 0o077 != 0 {
            let why = format!("others have a right to it (mode {mode:04o}, should be 0600)");
            return Err(unusable(path, &why));
        }
    }
    Ok(())
}

/// Puts a file with these bytes at `path`, whole or not at all. It belongs to whom the one belonged to that
/// was there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, |new| fs::rename(new, path))
}

/// Makes a file with these bytes, whole or not at all, where there is none.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    // A link does not take the place of a file, as a rename would.
    write(path, bytes, |new| fs::hard_link(new, path))
}

/// Writes a file beside `path`, and has `put` bring it there.
fn write(path: &Path, bytes: &[u8], put: impl FnOnce(&Path) -> io::Result<()>) -> Result<()> {
    let fault = |e: io::Error| {
        let why = format!("{}: cannot be written: {e}", path.display());
        Error::new(ErrorKind::Config).because(why).with_source(e)
    };
    let beside = beside(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside).map_err(fault)?;
    let done = fill(&mut file, path, bytes).and_then(|()| put(&beside));
    // Gone already, if it was renamed.
    let _ = fs::remove_file(&beside);
    done.map_err(fault)?;
    // So that it is there also after the power was cut; not every file system can be told so.
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn fill(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    #[cfg(unix)]
    if let Ok(before) = fs::metadata(path) {
        use std::os::unix::fs::MetadataExt as _;
        let now = file.metadata()?;
        if (before.uid(), before.gid()) != (now.uid(), now.gid()) {
            std::os::unix::fs::fchown(&*file, Some(before.uid()), Some(before.gid()))?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    file.write_all(bytes)?;
    file.sync_all()
}

fn beside(path: &Path) -> Result<PathBuf> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|e| {
        let why = format!("the system has no random numbers: {e}");
        Error::new(ErrorKind::Backend).because(why)
    })?;
    let name = path.file_name().ok_or_else(|| unusable(path, "it is not the name of a file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{:016x}", u64::from_ne_bytes(random)));
    Ok(path.with_file_name(hidden))
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Config).because(format!("{}: {why}", path.display()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    #[test]
    fn a_file_is_made_once_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        create(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let e = create(&path, b"two").unwrap_err();
        assert!(e.to_string().contains("keys: cannot be written"), "{e}");
        assert_eq!(read(&path, 3).unwrap().as_slice(), b"one");
        let before = fs::metadata(&path).unwrap().ino();
        replace(&path, b"three").unwrap();
        assert_ne!(fs::metadata(&path).unwrap().ino(), before, "it was not written in place");
        assert_eq!(read(&path, 5).unwrap().as_slice(), b"three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_others_can_read_or_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        create(&path, b"secret").unwrap();
        let refused = |path: &Path, why: &str| {
            let e = read(path, 6).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Config);
            assert!(e.to_string().contains(why), "{e}, not {why}");
            assert!(e.to_string().contains(&*path.to_string_lossy()), "{e}");
        };
        for mode in [0o640, 0o604, 0o620, 0o601, 0o777] {
            set_mode(&path, mode).unwrap();
            refused(&path, &format!("mode {mode:04o}"));
        }
        set_mode(&path, 0o400).unwrap();
        assert_eq!(read(&path, 6).unwrap().as_slice(), b"secret");
        let e = read(&path, 5).unwrap_err();
        assert!(e.to_string().contains("more than 5 bytes"), "{e}");
        refused(folder.path(), "not a regular file");
        refused(&folder.path().join("missing"), "cannot be read");
        refused(Path::new("/dev/null"), "not a regular file");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        refused(&pipe, "not a regular file");
    }

    #[test]
    fn the_owner_stays_who_it_was_and_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        create(&path, b"one").unwrap();
        let own = fs::metadata(&path).unwrap().uid();
        let somebody = 65_534;
        // Only root can give a file away; everybody else keeps it.
        let given = std::os::unix::fs::chown(&path, Some(somebody), Some(somebody)).is_ok();
        let owner = if given { somebody } else { own };
        assert_eq!(read(&path, 3).is_ok(), owner == own);
        replace(&path, b"two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().uid(), owner);
    }
}
