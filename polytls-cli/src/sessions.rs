//! `connect --count` and `--session`: several connections, and what the next ones may resume.

use std::io::{Read as _, stdin};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, value_parser};
use polytls::{Backend, Capability, Error, ErrorKind, FileStore, Resumption};

use crate::cli::usage;
use crate::failure::{Failure, Result, one_line};
use crate::output;

#[derive(Args, Clone, Debug)]
pub(crate) struct SessionArgs {
    /// Make N connections, one after the other, each with all that standard input has, which is read to
    /// its end first: 16 MiB at most. With it --facts writes a list.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) count: Option<u32>,
    /// Keep sessions in FILE, to be resumed by the next connection and when the command runs again. It
    /// is made if there is none, is secret (mode 0600), and may be used by several at a time.
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
}

/// Where sessions are kept, if it is a file.
pub(crate) struct Kept(Option<Arc<FileStore>>);

impl SessionArgs {
    /// Opens the file.
    pub(crate) fn open(&self, backend: &dyn Backend) -> Result<Kept> {
        let Some(path) = &self.session else { return Ok(Kept(None)) };
        let needed = Capability::ExportSessions;
        if !backend.capabilities().contains(needed) {
            // Before the file is made.
            let why = format!("--session needs it and {} lacks it", backend.name());
            return Err(Error::new(ErrorKind::Unsupported(needed)).because(why).into());
        }
        Ok(Kept(Some(Arc::new(FileStore::open(path)?))))
    }

    /// What each of several connections sends; nothing if there is one, which reads as it goes.
    pub(crate) fn input(&self) -> Result<Option<Vec<u8>>> {
        if self.count.is_none() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let most = MOST_INPUT + 1;
        stdin().lock().take(most).read_to_end(&mut bytes).map_err(Failure::input)?;
        match bytes.len() as u64 > MOST_INPUT {
            true => Err(usage("with --count standard input may have 16 MiB at most")),
            false => Ok(Some(bytes)),
        }
    }
}

impl Kept {
    pub(crate) fn resumption(&self) -> Resumption {
        match &self.0 {
            Some(store) => Resumption::Store(store.clone()),
            None => Resumption::Auto,
        }
    }

    /// Whether there may be sessions from before this command.
    pub(crate) fn outlasts(&self) -> bool {
        self.0.is_some()
    }

    /// Says so if sessions were lost.
    pub(crate) fn tell_trouble(&self) {
        if let Some(e) = self.0.as_ref().and_then(|store| store.trouble()) {
            output::note(format!("warning: a session was lost: {}", one_line(&e)));
        }
    }
}

const MOST_INPUT: u64 = 16 << 20;
