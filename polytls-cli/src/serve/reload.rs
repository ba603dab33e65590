//! `--reload`: the files of a configuration are followed, and put in place when they change.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use polytls::Server;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use zeroize::Zeroizing;

use super::Site;
use crate::output;
use crate::signal::Hangup;

/// Reloads `server` for as long as it is polled: when the files have changed, or when the signal comes.
/// `loaded` is what they were when they were last read.
pub(super) async fn follow(server: Server, site: Arc<Site>, mut hangup: Hangup, mut loaded: u64) {
    let mut last = loaded;
    loop {
        let asked = tokio::select! {
            () = hangup.heard() => true,
            () = sleep(PAUSE) => false,
        };
        let files = site.files();
        let Ok(now) = spawn_blocking(move || fingerprint(&files)).await else { return };
        // Files that are still being written, or are replaced one after the other, are left alone for
        // a moment.
        let settled = now != loaded && now == last;
        last = now;
        if !(asked || settled) {
            continue;
        }
        loaded = now;
        let (server, site) = (server.clone(), site.clone());
        match spawn_blocking(move || site.reload(&server)).await {
            Ok(Ok(())) => output::note("reloaded"),
            Ok(Err(e)) => {
                output::note(format!("{} (reloading: what was in place stays)", e.one_line()));
            }
            Err(_) => return, // the program ends
        }
    }
}

/// A number that is another one when something in these files, or files of these directories, is.
///
/// What stands in them counts, not their times: a file that was replaced within a second, by one as
/// long, has changed as well.
pub(super) fn fingerprint(paths: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        add(path, &mut hasher);
        let mut inside = fs::read_dir(path).into_iter().flatten().flatten().collect::<Vec<_>>();
        inside.sort_by_key(fs::DirEntry::file_name);
        for entry in inside {
            entry.file_name().hash(&mut hasher);
            add(&entry.path(), &mut hasher);
        }
    }
    hasher.finish()
}

fn add(path: &Path, hasher: &mut DefaultHasher) {
    // To read a pipe would take from it what is meant for somebody else.
    let is_file = path.is_file();
    is_file.hash(hasher);
    if !is_file {
        return;
    }
    let Ok(mut file) = File::open(path) else { return };
    let mut buf = Zeroizing::new(vec![0; 16_384]); // perhaps a key
    let mut length = 0_u64;
    while let Ok(n @ 1..) = file.read(&mut buf) {
        hasher.write(&buf[..n]);
        length += n as u64;
    }
    length.hash(hasher);
}

const PAUSE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_file_is_seen_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("roots")).unwrap();
        fs::write(path("a"), "one").unwrap();
        fs::write(path("roots/b"), "two").unwrap();
        fs::write(path("beside"), "three").unwrap();
        let watched = [path("a"), path("roots"), path("missing")];
        let mut before = fingerprint(&watched);
        let mut changed = || {
            let now = fingerprint(&watched);
            std::mem::replace(&mut before, now) != now
        };
        assert!(!changed());
        fs::write(path("beside"), "other").unwrap();
        fs::write(path("a"), "one").unwrap();
        assert!(!changed());
        for (name, text) in [
            ("a", Some("One")),
            ("roots/b", Some("Two")),
            ("roots/c", Some("")),
            ("missing", Some("")),
            ("a", None),
            ("roots/b", None),
        ] {
            match text {
                Some(text) => fs::write(path(name), text).unwrap(),
                None => fs::remove_file(path(name)).unwrap(),
            }
            assert!(changed(), "{name} {text:?}");
        }
        fs::rename(path("roots/c"), path("roots/d")).unwrap();
        assert!(changed());
    }
}
