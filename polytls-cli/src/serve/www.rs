//! Serves the files of a directory over HTTP/1.1.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use polytls::{Error, ErrorKind};
use tokio::sync::watch;
use tower_http::services::ServeDir;

use super::asked_to_stop;
use crate::failure::{Failure, Result};
use crate::transport::Tls;

/// The files of one directory.
#[derive(Clone, Debug)]
pub(super) struct Www(ServeDir);

impl Www {
    pub(super) fn new(directory: &Path) -> Result<Self> {
        if let Err(e) = std::fs::read_dir(directory) {
            let why = format!("{}: cannot be read: {e}", directory.display());
            return Err(Error::new(ErrorKind::Config).because(why).into());
        }
        Ok(Self(ServeDir::new(directory)))
    }

    /// Answers requests until the client closes, or until the server stops; then closes.
    pub(super) async fn serve(&self, stream: &mut Tls, stop: &mut watch::Receiver<bool>) -> Result {
        let service = TowerToHyperService::new(self.0.clone());
        let connection = http1::Builder::new()
            .half_close(true) // a client may close its side and still wait for the answer
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_LIMIT)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let outcome = tokio::select! {
            outcome = connection.as_mut() => outcome,
            () = asked_to_stop(stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        match outcome {
            // The time for a next request, or for the first, is over: an end like any other.
            Err(e) if e.is_timeout() => Ok(()),
            Err(e) => Err(failure(e)),
            Ok(()) => Ok(()),
        }
    }
}

/// The error of ours that travelled through hyper, or hyper's own.
fn failure(e: hyper::Error) -> Failure {
    let mut next: Option<&(dyn StdError + 'static)> = Some(&e);
    while let Some(cause) = next {
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(ours) = inside.and_then(|inside| inside.downcast_ref::<Error>()) {
            return ours.clone().into();
        }
        next = cause.source();
    }
    Failure::Report(format!("http: {e}"))
}

/// How long a client may take for the head of a request, or wait before the next.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
