//! Unix: an owner, a mode, and locks that end with their process.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

/// Opens the file, which is made if there is none; what is wrong with it, if it is not for this user only.
pub(crate) fn open(path: &Path) -> Result<File, String> {
    // Not to wait for the other end, should it be a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(flags.bits() as i32);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(e) if e.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err("it is a symbolic link".into());
        }
        Err(e) => return Err(format!("cannot be opened to read and write: {e}")),
    };
    let metadata = file.metadata().map_err(|e| format!("cannot be looked at: {e}"))?;
    check(&metadata)?;
    Ok(file)
}

fn check(file: &Metadata) -> Result<(), String> {
    if !file.is_file() {
        return Err("it is not a regular file".into());
    }
    if file.uid() != geteuid().as_raw() {
        return Err(format!(
            "it belongs to the user {}, not to {}",
            file.uid(),
            geteuid().as_raw()
        ));
    }
    match file.mode() & 0o7777 {
        0o600 => Ok(()),
        mode => Err(format!("its mode is {mode:04o}; it has to be 0600, for its owner only")),
    }
}

/// Locks it as long as it is open, if nobody else has.
pub(crate) fn lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Whether it is still the file at this path.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let at_path = match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let file = file.metadata()?;
    Ok((file.dev(), file.ino()) == (at_path.dev(), at_path.ino()))
}

/// Puts a new file in the place of the one at `path`, at once.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let Some(name) = path.file_name() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut new_name = OsString::from(".");
    new_name.push(name);
    new_name.push(format!(".{:016x}", u64::from_ne_bytes(random)));
    let new = path.with_file_name(new_name);
    // Follows no link: there must be nothing of this name.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    // Whatever the process leaves out of the modes of its files.
    let mode = fs::Permissions::from_mode(0o600);
    let written = file.set_permissions(mode).and_then(|()| file.write_all(bytes));
    written.and_then(|()| fs::rename(&new, path)).inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}
