//! A handshake as a future.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::{Error, ErrorKind, Result, Stream, Transport};

/// For adapters to async runtimes: a handshake that gives its stream once it is done.
///
/// A handshake that fails is ready once the transport has taken the alert that tells the peer why,
/// or takes nothing more. The future owns the stream: dropping it drops the transport, and the peer
/// sees a connection that ended in the middle.
#[derive(Debug)]
#[must_use = "nothing happens until it is polled"]
pub struct Handshake<T> {
    /// `None` once the future is done.
    stream: Option<Stream<T>>,
    /// Why there will be no stream; an alert may still wait to be sent.
    failure: Option<Error>,
}

impl<T> Handshake<T> {
    /// The handshake of a stream that has begun, or the failure of one that has not.
    pub fn new(stream: Result<Stream<T>>) -> Self {
        match stream {
            Ok(stream) => Self { stream: Some(stream), failure: None },
            Err(e) => Self { stream: None, failure: Some(e) },
        }
    }

    /// Ends the handshake because a deadline has passed, and says so in the words of `late`, unless it
    /// had failed before and only the alert was late.
    pub fn give_up(&mut self, late: impl Into<Cow<'static, str>>) -> Error {
        self.stream = None;
        self.failure.take().unwrap_or_else(|| Error::new(ErrorKind::Timeout).because(late))
    }
}

impl<T: Transport + Unpin> Future for Handshake<T> {
    type Output = Result<Stream<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let (Some(stream), None) = (&mut this.stream, &this.failure) {
            match stream.poll_handshake(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(e)) => this.failure = Some(e),
            }
        }
        if let (Some(stream), Some(_)) = (&mut this.stream, &this.failure) {
            if stream.wants_write() && stream.poll_flush(cx).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Ready(match (this.stream.take(), this.failure.take()) {
            (_, Some(e)) => Err(e),
            (Some(stream), None) => Ok(stream),
            (None, None) => {
                Err(Error::new(ErrorKind::Misuse).because("the handshake is polled after its end"))
            }
        })
    }
}
