//! A handshake that may have a deadline.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tls_core::{Result, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::TlsStream;
use crate::transport::Io;

/// A handshake under way: ready with the stream once it is done.
///
/// One that fails is ready once the transport has taken the alert that tells the peer why. It can be
/// polled by reference, as in `select!`, and goes on where it was. Dropping it drops the transport: the
/// peer sees a connection that ended in the middle. Who wants to keep a transport whatever happens lends
/// it (`&mut socket`), or [begins](crate::TlsAcceptor::begin) a stream and calls
/// [`handshake`](TlsStream::handshake).
///
/// # Panics
///
/// With a deadline, where tokio's own timers would: outside of a runtime, or of one without time.
#[derive(Debug)]
#[must_use = "nothing happens until it is polled"]
pub struct Handshake<IO> {
    inner: tls_core::Handshake<Io<IO>>,
    deadline: Deadline,
}

impl<IO> Handshake<IO> {
    pub(crate) fn new(stream: Result<Stream<Io<IO>>>, deadline: Deadline) -> Self {
        Self { inner: tls_core::Handshake::new(stream), deadline }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Handshake<IO> {
    type Output = io::Result<TlsStream<IO>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(result) = Pin::new(&mut this.inner).poll(cx) {
            return Poll::Ready(Ok(TlsStream(result?)));
        }
        this.deadline.poll(cx).map(|late| Err(this.inner.give_up(late).into()))
    }
}

/// The instant at which a handshake is given up, if there is one.
#[derive(Debug)]
pub(crate) struct Deadline {
    limit: Duration,
    at: Option<Instant>,
    /// Made when it is first waited for: most handshakes need none.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// So long from now; never, if that is beyond the end of time.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        let at = limit.and_then(|limit| Instant::now().checked_add(limit));
        Self { limit: limit.unwrap_or_default(), at, timer: None }
    }

    /// Ready once it has passed, with what there is to say.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        let Some(at) = self.at else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if !timer.is_elapsed() && timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        Poll::Ready(format!("no handshake within {:?}", self.limit))
    }
}
