//! What is promised of a file, with a real one.

#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::*;
use crate::ServerName;

fn key(name: &str) -> SessionKey {
    SessionKey::new(ServerName::parse(name).unwrap().at_port(443), [7; 32])
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions");
    (folder, path)
}

/// A file of this mode with these bytes.
fn file(path: &Path, bytes: &[u8], mode: u32) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Why the file is refused.
#[track_caller]
fn refusal(path: &Path) -> String {
    let e = FileStore::open(path).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    assert!(e.to_string().contains(&*path.to_string_lossy()), "{e}");
    e.to_string()
}

#[test]
fn what_one_store_keeps_another_takes_once() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).unwrap();
    store.put(&key("a.test"), vec![1]);
    store.put(&key("a.test"), vec![2]);
    drop(store);
    let (one, other) = (FileStore::open(&path).unwrap(), FileStore::open(&path).unwrap());
    assert_eq!(one.take(&key("b.test")), None);
    assert_eq!(one.take(&key("a.test")), Some(vec![2]));
    assert_eq!(other.take(&key("a.test")), Some(vec![1]));
    assert_eq!((one.take(&key("a.test")), other.take(&key("a.test"))), (None, None));
    assert!(one.trouble().is_none() && other.trouble().is_none());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "something is left over");
}

#[test]
fn a_file_for_others_too_is_refused() {
    let (_folder, path) = folder();
    file(&path, b"", 0o600);
    FileStore::open(&path).unwrap();
    for mode in [0o604, 0o640, 0o660, 0o602, 0o601, 0o644, 0o666, 0o700, 0o4600, 0o1600] {
        file(&path, b"", mode);
        let why = refusal(&path);
        assert!(why.contains(&format!("mode is {mode:04o}")), "{why}");
    }
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let (_folder, path) = folder();
    file(&path, b"", 0o600);
    // Only root can give a file away; to anybody else all of /etc belongs to somebody else.
    let given = Command::new("chown").arg("65534").arg(&path).status().unwrap();
    match given.success() {
        true => assert!(refusal(&path).contains("belongs to the user 65534")),
        false => {
            let why = refusal(Path::new("/etc/passwd"));
            assert!(why.contains("cannot be opened") || why.contains("belongs to"), "{why}");
        }
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let (folder, path) = folder();
    let target = folder.path().join("target");
    symlink(&target, &path).unwrap();
    assert!(refusal(&path).contains("symbolic link"));
    assert!(!target.exists(), "the link was followed");
    file(&target, b"", 0o600);
    assert!(refusal(&path).contains("symbolic link"));
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap().success());
    assert!(refusal(&path).contains("not a regular file"));
    assert!(refusal(folder.path()).contains("cannot be opened"));
    assert!(refusal(&folder.path().join("none/sessions")).contains("cannot be opened"));
}

#[test]
fn a_damaged_file_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).unwrap();
    store.put(&key("a.test"), vec![1; 300]);
    let whole = fs::read(&path).unwrap();
    let mut changed = whole.clone();
    changed[100] ^= 1;
    for (bytes, why) in [
        (&whole[..whole.len() - 1], "damaged"),
        (&changed, "damaged"),
        (b"hello", "not a file of sessions"),
        (b"polytls sessions 99\n", "another version"),
        (&vec![0; FileStore::MAX_SIZE + 1], "larger than"),
    ] {
        file(&path, bytes, 0o600);
        assert!(refusal(&path).contains(why), "{}", refusal(&path));
        // It may also happen later.
        assert_eq!(store.take(&key("a.test")), None);
        store.put(&key("a.test"), vec![2]);
        let trouble = store.trouble().unwrap();
        assert!(trouble.to_string().contains(why), "{trouble}");
        assert!(store.trouble().is_none(), "it has been told");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    file(&path, &whole, 0o600);
    assert_eq!(store.take(&key("a.test")), Some(vec![1; 300]));
}

#[test]
fn a_link_that_comes_later_is_not_followed() {
    let (folder, path) = folder();
    let store = FileStore::open(&path).unwrap();
    let target = folder.path().join("target");
    file(&target, b"of somebody else", 0o600);
    fs::remove_file(&path).unwrap();
    symlink(&target, &path).unwrap();
    store.put(&key("a.test"), vec![1]);
    assert!(store.trouble().unwrap().to_string().contains("symbolic link"));
    assert_eq!(fs::read(&target).unwrap(), b"of somebody else");
}

#[test]
fn a_lock_that_is_never_given_up_costs_a_session_and_no_more() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).unwrap();
    let holder = fs::File::open(&path).unwrap();
    flock(&holder, FlockOperation::LockExclusive).unwrap();
    let begin = Instant::now();
    store.put(&key("a.test"), vec![1]);
    assert!(begin.elapsed() < FileStore::PATIENCE * 20, "{:?}", begin.elapsed());
    assert_eq!(store.trouble().unwrap().kind(), ErrorKind::Timeout);
    drop(holder);
    store.put(&key("a.test"), vec![2]);
    assert_eq!(store.take(&key("a.test")), Some(vec![2]));
    assert!(store.trouble().is_none());
}

#[test]
fn a_file_has_a_bound() {
    let (_folder, path) = folder();
    let store = FileStore::open(&path).unwrap();
    for i in 0..20 {
        store.put(&key("a.test"), vec![i; 10]);
    }
    for i in 0..30_u8 {
        store.put(&key(&format!("s{i}.test")), vec![i; 100_000]);
        assert!(fs::metadata(&path).unwrap().len() <= FileStore::MAX_SIZE as u64);
    }
    assert_eq!(store.take(&key("s0.test")), None, "the oldest have gone");
    assert_eq!(store.take(&key("s29.test")), Some(vec![29; 100_000]));
    store.put(&key("b.test"), vec![0; FileStore::MAX_SIZE]);
    assert_eq!(store.take(&key("b.test")), None, "it is too large");
    assert!(store.trouble().is_some());
}

/// As processes do: each thread has a store of its own, and the lock is the file's.
#[test]
fn many_at_a_time_neither_lose_the_file_nor_take_a_session_twice() {
    const THREADS: u8 = 4;
    const EACH: u8 = 30;
    let (_folder, path) = folder();
    let stores = (0..THREADS).map(|_| FileStore::open(&path).unwrap()).collect::<Vec<_>>();
    let taken =
        Arc::new((0..THREADS as usize * 256).map(|_| AtomicUsize::new(0)).collect::<Vec<_>>());
    thread::scope(|scope| {
        for (thread, store) in stores.iter().enumerate() {
            let taken = taken.clone();
            scope.spawn(move || {
                for i in 0..EACH {
                    store.put(&key("a.test"), vec![thread as u8, i]);
                    if let Some(session) = store.take(&key("a.test")) {
                        let [by, i] = session[..] else { panic!("{session:?}") };
                        taken[by as usize * 256 + i as usize].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let counts = taken.iter().map(|count| count.load(Ordering::Relaxed));
    assert!(counts.clone().all(|count| count <= 1), "a session was taken twice");
    assert!(counts.sum::<usize>() > EACH.into());
    FileStore::open(&path).unwrap();
}
