//! The words, polled.

use std::task::{Context, Poll, ready};

use tls_core::{Stream, Transport};

use crate::WordError;

/// A TLS stream with words for reading, which are polled.
///
/// A word that is pending and is not repeated has lost nothing: what has arrived is there for the next one,
/// whichever that is. So to interrupt a word is not to poll it again.
#[derive(Debug)]
pub struct Lines<T> {
    stream: Stream<T>,
    /// What has arrived; what was given to somebody is at its beginning.
    arrived: Vec<u8>,
    /// How much was given.
    given: usize,
    /// How much of the rest has no end of a line in it.
    searched: usize,
    limit: usize,
}

impl<T> Lines<T> {
    /// The most that a line or all of a stream may have, unless [said](Self::set_limit) otherwise: 64 MiB.
    pub const LIMIT: usize = 64 << 20;

    /// Takes a stream, whose handshake need not be done.
    pub fn new(stream: Stream<T>) -> Self {
        Self { stream, arrived: Vec::new(), given: 0, searched: 0, limit: Self::LIMIT }
    }

    /// Sets the most bytes that are gathered for a [line](Self::poll_line) or for [all](Self::poll_all): a
    /// peer that sends no end must not fill the memory.
    pub fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// How many bytes are there already, and wait for no socket.
    pub fn buffered(&mut self) -> usize {
        self.rest().len() + self.stream.buffered()
    }

    /// The stream. What the words have read of it and not given is not in there any more.
    pub fn stream(&self) -> &Stream<T> {
        &self.stream
    }

    /// The stream, to be driven. What the words have read of it and not given is not in there any more.
    pub fn stream_mut(&mut self) -> &mut Stream<T> {
        &mut self.stream
    }

    /// What was not given to anybody yet.
    fn rest(&self) -> &[u8] {
        &self.arrived[self.given..]
    }

    /// Gives `n` bytes, or all if there are fewer.
    fn give(&mut self, n: usize) -> Vec<u8> {
        self.searched = 0;
        if n >= self.rest().len() {
            let mut all = std::mem::take(&mut self.arrived);
            all.drain(..std::mem::take(&mut self.given));
            return all;
        }
        let piece = self.rest()[..n].to_vec();
        self.given += n;
        // Not each time: short lines out of much would move all of it again and again.
        if self.given >= self.arrived.len() / 2 {
            self.arrived.drain(..std::mem::take(&mut self.given));
        }
        piece
    }
}

impl<T: Transport> Lines<T> {
    /// Reads exactly `n` bytes. The memory for them is taken as they arrive.
    ///
    /// Gives [`WordError::Closed`] if the peer closes before; what came is kept.
    pub fn poll_exact(
        &mut self,
        cx: &mut Context<'_>,
        n: usize,
    ) -> Poll<Result<Vec<u8>, WordError>> {
        while self.rest().len() < n {
            if !ready!(self.poll_more(cx, n - self.rest().len()))? {
                return Poll::Ready(Err(WordError::Closed));
            }
        }
        Poll::Ready(Ok(self.give(n)))
    }

    /// Reads a line, up to and with the next `\n`.
    ///
    /// Gives [`WordError::Closed`] if the peer closes before that, [`WordError::TooLong`] if there is none
    /// within the [limit](Self::set_limit); what came is kept.
    pub fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<u8>, WordError>> {
        loop {
            let fresh = &self.rest()[self.searched..];
            let end = fresh.iter().position(|byte| *byte == b'\n').map(|i| self.searched + i + 1);
            match end {
                Some(end) if end <= self.limit => return Poll::Ready(Ok(self.give(end))),
                None if self.rest().len() < self.limit => {}
                _ => return Poll::Ready(Err(WordError::TooLong { limit: self.limit })),
            }
            self.searched = self.rest().len();
            if !ready!(self.poll_more(cx, CHUNK))? {
                return Poll::Ready(Err(WordError::Closed));
            }
        }
    }

    /// Reads all that comes, until the peer closes.
    ///
    /// Gives [`WordError::TooLong`] if there is no end within the [limit](Self::set_limit); what came is
    /// kept.
    pub fn poll_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<u8>, WordError>> {
        while self.rest().len() <= self.limit {
            if !ready!(self.poll_more(cx, CHUNK))? {
                return Poll::Ready(Ok(self.give(usize::MAX)));
            }
        }
        Poll::Ready(Err(WordError::TooLong { limit: self.limit }))
    }

    /// Reads what is there, at most `most` bytes, and waits only if there is nothing.
    ///
    /// Gives [`WordError::Closed`] once the peer has closed and all has been read.
    pub fn poll_available(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Vec<u8>, WordError>> {
        if most > 0 && self.rest().is_empty() && !ready!(self.poll_more(cx, most))? {
            return Poll::Ready(Err(WordError::Closed));
        }
        while self.rest().len() < most && self.stream.buffered() > 0 {
            let more = self.poll_more(cx, most - self.rest().len());
            if !matches!(more, Poll::Ready(Ok(true))) {
                break; // the next word meets it again
            }
        }
        Poll::Ready(Ok(self.give(most)))
    }

    /// Writes all of `data` from `written` on, which is moved as bytes are taken, and waits until they are on
    /// their way.
    ///
    /// # Panics
    ///
    /// If `written` is more than there is.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        data: &[u8],
        written: &mut usize,
    ) -> Poll<Result<(), WordError>> {
        while *written < data.len() {
            *written += ready!(self.stream.poll_write(cx, &data[*written..]))?;
        }
        self.stream.poll_flush(cx).map_err(Into::into)
    }

    /// Sends close_notify and ends the transport's writing direction.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WordError>> {
        self.stream.poll_shutdown(cx).map_err(Into::into)
    }

    /// Reads some more, up to `most` bytes; `false` is the end.
    fn poll_more(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<Result<bool, WordError>> {
        let before = self.arrived.len();
        self.arrived.resize(before + most.min(CHUNK), 0);
        let read = self.stream.poll_read(cx, &mut self.arrived[before..]);
        let n = match read {
            Poll::Ready(Ok(n)) => n,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.arrived.truncate(before + n);
        read.map_ok(|n| n > 0).map_err(Into::into)
    }
}

/// How much is read at once: a record's plaintext.
const CHUNK: usize = 16_384;
