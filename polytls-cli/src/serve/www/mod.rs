//! Serves the files of a directory over HTTP/1.1.
//!
//! What a request means, and what an answer says, is for crates that do nothing else. The file itself goes
//! past them: no HTTP library hands one to the transport as a file.

mod answer;
mod files;
mod request;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use polytls::Error;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::timeout;

use super::asked_to_stop;
use crate::failure::{Failure, Result};
use crate::ktls::Way;
use crate::output;
use crate::transport::Tls;
use answer::Answer;
use files::Files;
use request::{Heads, Next, Request};

/// The files of one directory.
#[derive(Clone, Debug)]
pub(super) struct Www(Files);

impl Www {
    pub(super) fn new(directory: &Path) -> Result<Self> {
        Ok(Self(Files::new(directory)?))
    }

    /// Answers requests until the client closes, or until the server stops; then closes.
    pub(super) async fn serve(
        &self,
        stream: &mut Tls,
        peer: SocketAddr,
        stop: &mut watch::Receiver<bool>,
    ) -> Result {
        let mut heads = Heads::default();
        loop {
            let next = tokio::select! {
                next = timeout(IDLE_LIMIT, heads.next(stream)) => next,
                () = asked_to_stop(stop) => break,
            };
            let request = match next {
                // The time for a next request, or for the first, is over: an end like any other.
                Err(_) | Ok(Ok(Next::End)) => break,
                Ok(Ok(Next::Request(request))) => request,
                Ok(Ok(Next::Bad { status, why })) => {
                    send(stream, &Answer::refusal(status), None).await?;
                    stream.shutdown().await.map_err(Error::from)?;
                    return Err(Failure::Report(format!("http: {why}")));
                }
                Ok(Err(e)) => return Err(e.into()),
            };
            let answer = self.0.answer(&request).await?;
            let last = request.is_last || *stop.borrow();
            let sent = send(stream, &answer, Some((&request, last))).await;
            log(stream, peer, &request, &answer);
            sent?;
            if last {
                break;
            }
        }
        Ok(stream.shutdown().await.map_err(Error::from)?)
    }
}

/// Sends an answer, whole: its head, and its file unless only the head was asked for.
async fn send(stream: &mut Tls, answer: &Answer, to: Option<(&Request, bool)>) -> Result {
    let (wants_file, last) =
        to.map_or((false, true), |(request, last)| (request.wants_file(), last));
    let head = answer.head(last);
    stream.write_all(&head).await.map_err(Error::from)?;
    if let Some(part) = answer.file.as_ref().filter(|_| wants_file) {
        let mut sent = 0;
        while sent < part.len {
            let n = stream.sendfile(&part.file, part.offset + sent, part.len - sent).await;
            sent += n.map_err(Error::from)?;
        }
    }
    Ok(stream.flush().await.map_err(Error::from)?)
}

/// Says what was asked and answered, and which way a file went.
fn log(stream: &Tls, peer: SocketAddr, request: &Request, answer: &Answer) {
    let Request { head, .. } = request;
    // As it came, so that nobody writes lines of their own into a log.
    let target = head.uri().to_string().escape_default().to_string();
    let (method, status) = (head.method(), answer.status().as_u16());
    let how = match &answer.file {
        Some(part) if request.wants_file() => {
            format!(", {} bytes, {}", part.len, Way::of(stream).to_line())
        }
        _ => String::new(),
    };
    output::note(format!("{method} {target}: {status}{how} (peer {peer})"));
}

/// How long a client may take for the head of a request, or wait before the next.
const IDLE_LIMIT: Duration = Duration::from_secs(30);
