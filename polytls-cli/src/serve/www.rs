//! Serves the files of a directory over HTTP/1.1.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use polytls::{Error, ErrorKind, Result, Stream};
use tokio::sync::watch;
use tower_http::services::ServeDir;

use super::asked_to_stop;
use crate::transport::Tcp;

/// The files of one directory.
#[derive(Clone, Debug)]
pub(super) struct Www(ServeDir);

impl Www {
    pub(super) fn new(directory: &Path) -> Result<Self> {
        if let Err(e) = std::fs::read_dir(directory) {
            let why = format!("{}: cannot be read: {e}", directory.display());
            return Err(Error::new(ErrorKind::Config).because(why).with_source(e));
        }
        Ok(Self(ServeDir::new(directory)))
    }

    /// Answers requests until the client closes, or until the server stops; then closes.
    pub(super) async fn serve(
        &self,
        stream: &mut Stream<Tcp>,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<()> {
        let service = TowerToHyperService::new(self.0.clone());
        let connection = http1::Builder::new()
            .half_close(true) // a client may close its side and still wait for the answer
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_LIMIT)
            .serve_connection(Http(stream), service);
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
            Err(e) => Err(tls_error(e)),
            Ok(()) => Ok(()),
        }
    }
}

/// The error of ours that travelled through hyper, or one about hyper's.
fn tls_error(e: hyper::Error) -> Error {
    let mut next: Option<&(dyn StdError + 'static)> = Some(&e);
    while let Some(cause) = next {
        let inside = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(ours) = inside.and_then(|inside| inside.downcast_ref::<Error>()) {
            return ours.clone();
        }
        next = cause.source();
    }
    Error::new(ErrorKind::Protocol).because("in HTTP").with_source(e)
}

/// A stream as hyper wants it.
struct Http<'a>(&'a mut Stream<Tcp>);

impl Read for Http<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        // By way of a buffer, because the cursor's own memory is not initialised.
        let mut bytes = [0; 8192];
        let most = buf.remaining().min(bytes.len());
        let n = ready!(self.0.poll_read(cx, &mut bytes[..most]))?;
        buf.put_slice(&bytes[..n]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Http<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, buf).map_err(Into::into)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_flush(cx).map_err(Into::into)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx).map_err(Into::into)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_vectored(cx, bufs).map_err(Into::into)
    }
}

/// How long a client may take for the head of a request, or wait before the next.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
