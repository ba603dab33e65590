//! Which file is meant, and what is said of it.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use http::{Method, Request as Head, StatusCode};
use percent_encoding::percent_decode_str;
use polytls::{Error, ErrorKind};
use tokio::task::spawn_blocking;
use tower_http::services::ServeDir;

use super::answer::{Answer, Part, range};
use super::request::Request;
use crate::failure::Result;

/// The files of one directory.
#[derive(Clone, Debug)]
pub(super) struct Files {
    directory: PathBuf,
    /// Knows what to say of a file: its type, its date, which part of it is asked for.
    heads: ServeDir,
}

impl Files {
    pub(super) fn new(directory: &Path) -> Result<Self> {
        if let Err(e) = std::fs::read_dir(directory) {
            let why = format!("{}: cannot be read: {e}", directory.display());
            return Err(Error::new(ErrorKind::Config).because(why).into());
        }
        Ok(Self { directory: directory.to_owned(), heads: ServeDir::new(directory) })
    }

    pub(super) async fn answer(&self, request: &Request) -> Result<Answer> {
        // What is said of a file is the same with it and without.
        let mut head = Head::new(());
        let is_get = request.wants_file();
        let method = if is_get { Method::HEAD } else { request.head.method().clone() };
        *head.method_mut() = method;
        *head.uri_mut() = request.head.uri().clone();
        *head.headers_mut() = request.head.headers().clone();
        let response = self.heads.clone().try_call(head).await;
        let (head, _) = response.map_err(Error::from)?.into_parts();
        let range = range(&head.headers).filter(|_| is_get && head.status.is_success());
        let (Some((offset, len)), Some(path)) = (range, self.path(request.head.uri().path()))
        else {
            return Ok(Answer::new(head, None));
        };
        match spawn_blocking(move || open(path)).await {
            Ok(Ok(file)) => Ok(Answer::new(head, Some(Part { file, offset, len }))),
            // It may be gone, or was never to be read.
            Ok(Err(_)) | Err(_) => Ok(Answer::refusal(StatusCode::NOT_FOUND)),
        }
    }

    /// The file that a path names; nothing if it would lead out of the directory.
    fn path(&self, path: &str) -> Option<PathBuf> {
        let decoded = percent_decode_str(path.trim_start_matches('/')).decode_utf8().ok()?;
        let mut file = self.directory.clone();
        for component in Path::new(&*decoded).components() {
            match component {
                // Within one, on Windows, another drive may hide.
                Component::Normal(name) if Path::new(name).components().count() == 1 => {
                    file.push(name)
                }
                Component::CurDir => {}
                _ => return None,
            }
        }
        if file.is_dir() {
            file.push("index.html");
        }
        Some(file)
    }
}

fn open(path: PathBuf) -> io::Result<File> {
    // Before it is opened: a pipe would not open until somebody writes.
    if !path.metadata()?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_directory() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::new(folder.path()).unwrap();
        let inside = |path: &str| {
            files.path(path).map(|p| p.strip_prefix(folder.path()).unwrap().to_owned())
        };
        assert_eq!(inside("/a/b"), Some("a/b".into()));
        assert_eq!(inside("/a%20b"), Some("a b".into()));
        assert_eq!(inside("/"), Some("index.html".into()));
        for path in ["/../x", "/a/../../x", "/%2e%2e/x", "/a/%2e%2e/%2e%2e/x", "/%ff"] {
            assert_eq!(inside(path), None, "{path}");
        }
        assert_eq!(inside("//etc/passwd"), Some("etc/passwd".into()));
        assert!(inside("/%2fetc/passwd").is_none());
    }
}
