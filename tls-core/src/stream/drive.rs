//! What moves the bytes.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use super::Stream;
use crate::tasks::Half;
use crate::{Connection, Error, ErrorKind, Progress, Result, Transport, Wire};

impl<T: Transport> Stream<T> {
    /// Makes a call of one of the two tasks that may use this stream.
    pub(super) fn serve<R>(
        &mut self,
        half: Half,
        cx: &mut Context<'_>,
        call: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<Result<R>>,
    ) -> Poll<Result<R>> {
        let before = self.progress(half);
        let polled = match self.tasks.begin(half, cx.waker()) {
            None => call(self, cx),
            Some(both) => call(self, &mut Context::from_waker(&both)),
        };
        // A failure that was there before changes nothing: the other task has been told.
        let changed = self.progress(half) != before;
        self.tasks.end(half, cx.waker(), polled.is_pending(), changed);
        polled
    }

    /// What a call of `half` can change for the other task.
    fn progress(&mut self, half: Half) -> (bool, u64, [bool; 3]) {
        let moved = match half {
            Half::Reader => self.sent,
            Half::Writer => self.connection.wire().received(),
        };
        let failures = [
            self.connection.has_failed(),
            self.send_failure.is_some(),
            self.receive_failure.is_some(),
        ];
        (self.is_established(), moved, failures)
    }

    pub(super) fn flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_send(cx))?;
        self.transport.poll_flush(cx).map_err(|e| self.sending_failed(e.into()))
    }

    pub(super) fn close_direction(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.check_send()?;
        ready!(self.drive(cx, Connection::close))?;
        self.flush_all(cx)
    }

    pub(super) fn poll_established(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.connection.is_established() {
            return Poll::Ready(Ok(()));
        }
        // Not flushed: a peer that does not take the last of it may have sent data already.
        self.drive(cx, Connection::handshake)
    }

    /// Repeats `step` until it is ready, moving bytes as it asks.
    pub(super) fn drive<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Connection) -> Result<Progress<R>>,
    ) -> Poll<Result<R>> {
        loop {
            let progress = step(&mut self.connection);
            let sent = match progress {
                Ok(Progress::Ready(_) | Progress::WantWrite) => self.poll_send(cx),
                // Even a failed step may leave an alert to send, and a pending one output that the
                // peer waits for: no transport may hold that back.
                Ok(Progress::WantRead | Progress::WantSignature) | Err(_) => self.flush_all(cx),
            };
            match progress {
                Ok(Progress::Ready(value)) => return Poll::Ready(Ok(value)),
                Ok(Progress::WantWrite) => ready!(sent)?,
                // More than writing ever leaves there: answers to a peer that takes none of them.
                Ok(Progress::WantRead) if self.connection.wire().pending().len() > MAX_PENDING => {
                    ready!(sent)?;
                }
                Ok(Progress::WantRead) => ready!(self.poll_receive(cx))?,
                Ok(Progress::WantSignature) if self.connection.await_signature(cx.waker()) => {}
                Ok(Progress::WantSignature) => return Poll::Pending,
                Err(e) => return Poll::Ready(Err(self.blame(e))),
            }
        }
    }

    /// Sends what is pending, as far as the transport takes it.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.check_send()?;
        if self.connection.is_kernels() {
            return self.poll_send_records(cx);
        }
        while !self.connection.wire().pending().is_empty() {
            let pending = [IoSlice::new(self.connection.wire().pending())];
            let failure = match ready!(self.transport.poll_write(cx, &pending)) {
                Ok(0) => io::Error::from(io::ErrorKind::WriteZero),
                Ok(n) => {
                    self.connection.wire().sent(n);
                    self.sent += n as u64;
                    continue;
                }
                Err(e) => e,
            };
            return Poll::Ready(Err(self.sending_failed(failure.into())));
        }
        Poll::Ready(Ok(()))
    }

    /// Remembers why nothing more can be sent, unless it was only too late for this call.
    pub(super) fn sending_failed(&mut self, failure: Error) -> Error {
        if failure.kind() != ErrorKind::Timeout {
            self.connection.wire().discard_pending();
            self.send_failure = Some(failure.clone());
        }
        failure
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let Some(e) = &self.receive_failure {
            return Poll::Ready(Err(e.clone()));
        }
        if self.connection.is_kernels() {
            return self.poll_receive_record(cx);
        }
        let wire = self.connection.wire();
        let spare = wire.spare();
        if spare.is_empty() {
            let why = format!("a message does not fit in {} bytes", Wire::MAX_INCOMING);
            return Poll::Ready(Err(Error::new(ErrorKind::Protocol).because(why)));
        }
        match self.transport.poll_read(cx, spare) {
            Poll::Pending => {
                wire.rest();
                return Poll::Pending;
            }
            Poll::Ready(Err(e)) => {
                wire.rest();
                let failure = Error::from(e);
                if failure.kind() != ErrorKind::Timeout {
                    self.receive_failure = Some(failure.clone());
                }
                return Poll::Ready(Err(failure));
            }
            Poll::Ready(Ok(0)) => {
                wire.end();
                wire.rest();
            }
            Poll::Ready(Ok(n)) => wire.filled(n),
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn check_send(&self) -> Result<()> {
        match &self.send_failure {
            None => Ok(()),
            Some(e) => Err(e.clone()),
        }
    }

    /// An end that came after the transport broke is the transport's fault.
    fn blame(&self, e: Error) -> Error {
        match &self.send_failure {
            Some(cause) if e.kind() == ErrorKind::UnexpectedEof => cause.clone(),
            _ => e,
        }
    }
}

/// How many bytes may wait to be sent before nothing more is received.
pub(super) const MAX_PENDING: usize = 2 * Wire::HIGH_WATER;
