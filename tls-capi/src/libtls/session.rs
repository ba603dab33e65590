//! The session file of `tls_config_set_session_fd`.
//!
//! A library that gives its sessions as bytes has them in the file. Of another they stay in this process, and
//! the file says which they are: the next connection of this process resumes, that of another does not.

use std::fmt;
use std::io;
use std::mem;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};

use pem::Pem;
use polytls::{
    Backend, Capability, Client, Error, ErrorKind, Resumption, SessionKey, SessionStore,
};
use rustix::fs::{FileType, fstat, ftruncate};
use zeroize::Zeroizing;

use super::client::{Prepared, refused};
use super::error::{Fault, Outcome};
use super::settings::Settings;
use crate::boundary::{descriptor, guard};

/// What a section with one session is called.
const SESSION: &str = "POLYTLS SESSION";

/// What a section is called that says which sessions in memory are meant.
const MEMORY: &str = "POLYTLS SESSIONS IN MEMORY";

/// What other libraries call theirs; it is passed over, and replaced.
const FOREIGN: &str = "SSL SESSION PARAMETERS";

/// More than any file of ours has.
const MOST_BYTES: usize = 1 << 20;

/// How many sessions are in a file: servers give one or two.
const MOST_SESSIONS: usize = 4;

/// Checks a descriptor as libtls does: it is a secret of one's own, or it is refused.
pub(super) fn check(fd: RawFd) -> Outcome<()> {
    let failed = |e: io::Error| Fault::system("failed to stat session file", &e);
    let file = descriptor(fd).ok_or_else(|| failed(io::Error::from_raw_os_error(9)))?;
    let stat = fstat(file).map_err(|e| failed(e.into()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Fault::new("session file is not a regular file"));
    }
    let own = rustix::process::getuid().as_raw();
    if stat.st_uid != own {
        let text = format!("session file has incorrect owner (uid {} != {own})", stat.st_uid);
        return Err(Fault::new(text));
    }
    let mode = stat.st_mode & 0o777;
    if mode != 0o600 {
        let text = format!("session file has incorrect permissions ({mode:o} != 600)");
        return Err(Fault::new(text));
    }
    Ok(())
}

/// How a client of these settings resumes.
pub(super) fn resumption(settings: &Settings, backend: &dyn Backend) -> Outcome<Resumption> {
    let Some(fd) = settings.session_fd else { return Ok(Resumption::Off) };
    sections(fd)?;
    let can = backend.capabilities();
    match (can.contains(Capability::ExportSessions), can.contains(Capability::ResumeClient)) {
        (true, _) => Ok(Resumption::Store(Arc::new(File { fd }))),
        (false, true) => Ok(Resumption::Memory(Resumption::SERVERS)),
        (false, false) => {
            let e = Error::new(ErrorKind::Unsupported(Capability::ExportSessions));
            Err(refused(&e, backend))
        }
    }
}

/// Sessions in a file.
#[derive(Debug)]
struct File {
    fd: RawFd,
}

impl SessionStore for File {
    fn put(&self, key: &SessionKey, session: Vec<u8>) {
        let session = Zeroizing::new(session);
        let mut kept = sections(self.fd).unwrap_or_default();
        kept.retain(|section| section.tag() == SESSION);
        let mut contents = label(key);
        contents.extend_from_slice(&session);
        kept.push(Pem::new(SESSION, contents));
        let surplus = kept.len().saturating_sub(MOST_SESSIONS);
        kept.drain(..surplus);
        // A session that cannot be kept is only one that is not resumed.
        let _ = write(self.fd, &kept);
    }

    fn take(&self, key: &SessionKey) -> Option<Vec<u8>> {
        let mut kept = sections(self.fd).ok()?;
        let label = label(key);
        let is_it =
            |section: &Pem| section.tag() == SESSION && section.contents().starts_with(&label);
        let taken = kept.remove(kept.iter().rposition(is_it)?);
        // It may be good only once: where it cannot be taken out, it is not used.
        write(self.fd, &kept).ok()?;
        Some(taken.contents()[label.len()..].to_vec())
    }
}

/// What a session belongs to, before its bytes.
fn label(key: &SessionKey) -> Vec<u8> {
    let name = key.name().as_pki().to_str().into_owned();
    let port = key.name().port().unwrap_or_default();
    let mut label = key.fingerprint().to_vec();
    label.extend_from_slice(&port.to_be_bytes());
    label.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
    label.extend_from_slice(name.as_bytes());
    label
}

/// What is in a file; nothing if it is empty.
fn sections(fd: RawFd) -> Outcome<Vec<Pem>> {
    let text = read(fd).map_err(|e| Fault::system("failed to read session file", &e))?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let failed = || Fault::new("failed to parse session");
    let text = std::str::from_utf8(&text).map_err(|_| failed())?;
    let sections = pem::parse_many(text).map_err(|_| failed())?;
    let is_known = |section: &Pem| [SESSION, MEMORY, FOREIGN].contains(&section.tag());
    match !sections.is_empty() && sections.iter().all(is_known) {
        true => Ok(sections),
        false => Err(failed()),
    }
}

fn read(fd: RawFd) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = descriptor(fd).ok_or(io::ErrorKind::InvalidInput)?;
    let mut text = Zeroizing::new(vec![0; 1 << 13]);
    let mut length = 0;
    loop {
        if length == text.len() {
            if length >= MOST_BYTES {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            text.resize(length * 2, 0);
        }
        match rustix::io::pread(file, &mut text[length..], length as u64) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    text.truncate(length);
    Ok(text)
}

fn write(fd: RawFd, sections: &[Pem]) -> io::Result<()> {
    let file = descriptor(fd).ok_or(io::ErrorKind::InvalidInput)?;
    let text: Zeroizing<String> = Zeroizing::new(sections.iter().map(pem::encode).collect());
    let mut done = 0;
    while done < text.len() {
        match rustix::io::pwrite(file, &text.as_bytes()[done..], done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => done += n,
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(ftruncate(file, text.len() as u64)?)
}

/// Sessions that are with a client in this process.
#[derive(Clone)]
pub(super) struct InMemory {
    fd: RawFd,
    number: [u8; 16],
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").field("fd", &self.fd).finish_non_exhaustive()
    }
}

impl InMemory {
    /// Says in the file which sessions are meant.
    pub(super) fn note(&self) {
        let _ = write(self.fd, &[Pem::new(MEMORY, self.number)]);
    }
}

struct Known {
    settings: Settings,
    has_name: bool,
    backend: &'static str,
    prepared: Prepared,
}

/// The clients whose sessions are here. The longest unused goes first.
static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

at_end!(forget);

/// Wipes the sessions at the end of the program.
extern "C" fn forget() {
    guard(|| drop(mem::take(&mut *KNOWN.lock().unwrap_or_else(PoisonError::into_inner))));
}

/// How many clients are kept for their sessions.
const MOST_CLIENTS: usize = 64;

/// The client that the file says has the sessions, if it is one of these settings.
pub(super) fn in_memory(
    settings: &Settings,
    has_name: bool,
    backend: &dyn Backend,
) -> Outcome<Option<Prepared>> {
    let Some(fd) = settings.session_fd else { return Ok(None) };
    let sections = sections(fd)?;
    let Some(number) = sections.iter().find(|section| section.tag() == MEMORY) else {
        return Ok(None);
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = known.iter().position(|known| {
        let is_its = |own: &InMemory| own.number == *number.contents();
        known.prepared.in_memory.as_ref().is_some_and(is_its)
            && known.backend == backend.name()
            && known.has_name == has_name
            && same(&known.settings, settings)
    });
    Ok(found.map(|at| {
        let known_now = known.remove(at);
        let mut prepared = known_now.prepared.clone();
        known.push(known_now);
        // The same file may be open as another descriptor.
        if let Some(own) = &mut prepared.in_memory {
            own.fd = fd;
        }
        prepared
    }))
}

/// Whether sessions of the one may be resumed under the other.
fn same(one: &Settings, other: &Settings) -> bool {
    // What a client does not have at all.
    let plain = |settings: &Settings| Settings {
        session_fd: None,
        session_id: Vec::new(),
        session_lifetime: 0,
        ..settings.clone()
    };
    plain(one) == plain(other)
}

/// Keeps a new client whose sessions cannot be in the file.
pub(super) fn keep(
    settings: &Settings,
    has_name: bool,
    backend: &dyn Backend,
    client: Client,
) -> Prepared {
    let exports = backend.capabilities().contains(Capability::ExportSessions);
    let mut number = [0; 16];
    let Some(fd) = settings.session_fd.filter(|_| !exports) else {
        return Prepared { client, in_memory: None };
    };
    if getrandom::fill(&mut number).is_err() {
        return Prepared { client, in_memory: None };
    }
    let prepared = Prepared { client, in_memory: Some(InMemory { fd, number }) };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= MOST_CLIENTS {
        known.remove(0);
    }
    let (settings, prepared_too) = (settings.clone(), prepared.clone());
    known.push(Known { settings, has_name, backend: backend.name(), prepared: prepared_too });
    prepared
}
