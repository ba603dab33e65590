//! The one driver: a connection joined to a transport.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::tasks::{Half, Tasks};
use crate::{
    Blocking, ChannelBinding, ClientHello, Connection, Error, ErrorKind, Negotiated, Progress,
    Result, SocketTimeouts, StdTransport, Transport, Wire,
};

/// A TLS connection over a transport.
///
/// Reading and writing finish the handshake first, if that has not been done. Over [`Blocking`]
/// and [`NonBlocking`](crate::NonBlocking) sockets a stream is [`Read`] and [`Write`]; adapters for
/// async runtimes use the `poll_` functions.
///
/// There are three ways to stop. [`poll_close_notify`](Self::poll_close_notify) ends what this side
/// sends and leaves reading open; [`poll_shutdown`](Self::poll_shutdown) does that and ends the
/// transport's writing direction too; [`into_transport`](Self::into_transport) gives the transport
/// back. Dropping a stream sends nothing: the peer sees a truncated connection.
///
/// Two tasks may use one stream, one of them to read and the other to write: each is woken for what it
/// waits for, whoever moved the bytes. Every `poll_` function but those that read belongs to the task
/// that writes. A call that is not repeated has lost nothing: what it has read or taken stays.
#[derive(Debug)]
pub struct Stream<T> {
    connection: Connection,
    transport: T,
    /// Why the transport takes no more bytes. Reading goes on: what the peer sent before is not
    /// lost, and may say why.
    send_failure: Option<Error>,
    /// Why the transport gives no more bytes. A socket that was reset says so only once, and then
    /// that it has ended.
    receive_failure: Option<Error>,
    tasks: Tasks,
    /// How many bytes the transport has taken.
    sent: u64,
}

/// What [`Stream::into_transport`] gives back.
#[derive(Debug)]
pub struct Parts<T> {
    /// The transport.
    pub transport: T,
    /// Bytes that were read from it and that the connection has not consumed.
    pub unread: Vec<u8>,
}

impl<T> Stream<T> {
    /// What the handshake settled, once it is done.
    pub fn negotiated(&self) -> Option<Negotiated> {
        self.connection.negotiated()
    }

    /// Derives keying material for a protocol above, as [`Connection::export_keying_material`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        self.connection.export_keying_material(out, label, context)
    }

    /// What ties an authentication inside of this connection to it, as [`Connection::channel_binding`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn channel_binding(&self, kind: ChannelBinding) -> Result<Vec<u8>> {
        self.connection.channel_binding(kind)
    }

    /// On a client, before the handshake: takes early data, as [`Connection::write_early`]. It goes out
    /// with the handshake.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn write_early(&mut self, buf: &[u8]) -> Result<usize> {
        self.connection.write_early(buf)
    }

    /// The OCSP response that the server has stapled, as [`Connection::staple`].
    pub fn staple(&self) -> Option<Vec<u8>> {
        self.connection.staple()
    }

    /// How many plaintext bytes reading gives without touching the transport.
    ///
    /// Ask before sleeping in poll(2): data that is already here makes no socket readable.
    pub fn buffered(&mut self) -> usize {
        self.connection.buffered()
    }

    /// Whether encrypted bytes wait for the transport to be writable.
    pub fn wants_write(&mut self) -> bool {
        self.send_failure.is_none() && !self.connection.wire().pending().is_empty()
    }

    /// Whether the handshake is done.
    pub fn is_established(&self) -> bool {
        self.connection.is_established()
    }

    /// Whether the peer's data ended with close_notify, and all of it has been read.
    pub fn close_received(&self) -> bool {
        self.connection.close_received()
    }

    /// Whether the peer's data ended without close_notify, and the configuration
    /// [tolerates](crate::EndOfStream) that.
    pub fn ended_without_close(&self) -> bool {
        self.connection.ended_without_close()
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The transport, to change its settings. Its bytes belong to the connection.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// Gives the transport back, with what was read from it and not consumed.
    ///
    /// Nothing is sent. Once the peer's close_notify has been read, what is
    /// [unread](Parts::unread) does not belong to the connection any more, and a protocol that
    /// goes on in clear begins there; before, it may hold the rest of the connection.
    pub fn into_transport(mut self) -> Parts<T> {
        let unread = self.connection.wire().unread().to_vec();
        Parts { transport: self.transport, unread }
    }
}

impl<T: Transport> Stream<T> {
    /// Joins `connection` to `transport`.
    pub fn new(connection: Connection, transport: T) -> Self {
        Self {
            connection,
            transport,
            send_failure: None,
            receive_failure: None,
            tasks: Tasks::default(),
            sent: 0,
        }
    }

    /// Finishes the handshake, and sends the last of it.
    pub fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.serve(Half::Writer, cx, |stream, cx| {
            ready!(stream.drive(cx, Connection::handshake))?;
            match stream.flush_all(cx) {
                Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
                // Tickets are nothing that the client waits for: it may not be reading yet, or may have
                // said all and gone. That nothing can be sent is for the next write to tell.
                unsent if stream.connection.has_only_tickets_to_send() => match unsent {
                    Poll::Ready(Err(e)) if stream.send_failure.is_none() => Poll::Ready(Err(e)),
                    _ => Poll::Ready(Ok(())),
                },
                unsent => unsent,
            }
        })
    }

    /// On a server: reads early data, as [`Connection::read_early`]; `0` means that there is no more, and
    /// that the handshake is done, unless `buf` is empty.
    pub fn poll_read_early(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
        self.serve(Half::Reader, cx, |stream, cx| {
            stream.drive(cx, |connection| connection.read_early(buf))
        })
    }

    /// Reads plaintext; `0` is the end of what the peer sends, unless `buf` is empty.
    ///
    /// Sends what is pending before it waits, so that nobody deadlocks for want of a flush.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<usize>> {
        self.serve(Half::Reader, cx, |stream, cx| {
            ready!(stream.poll_established(cx))?;
            stream.drive(cx, |connection| connection.read(buf))
        })
    }

    /// Reads plaintext into the first of `bufs` that is not empty, and into the rest as far as
    /// data is on hand.
    pub fn poll_read_vectored(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<Result<usize>> {
        let mut total = 0;
        for buf in bufs.iter_mut().filter(|buf| !buf.is_empty()) {
            if total > 0 && self.buffered() == 0 {
                break;
            }
            let n = match self.poll_read(cx, buf) {
                Poll::Ready(Ok(n)) => n,
                other if total == 0 => return other,
                _ => break, // the next call meets it again
            };
            total += n;
            if n < buf.len() {
                break;
            }
        }
        Poll::Ready(Ok(total))
    }

    /// Writes plaintext, and says how much was taken. What was taken is sent as far as the
    /// transport lets it; [flush](Self::poll_flush) for the rest.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        self.serve(Half::Writer, cx, |stream, cx| {
            ready!(stream.poll_established(cx))?;
            stream.check_send()?;
            let n = ready!(stream.drive(cx, |connection| connection.write(buf)))?;
            stream.check_send()?;
            Poll::Ready(Ok(n))
        })
    }

    /// Writes plaintext out of `bufs`, in order. Small pieces are gathered into one record.
    pub fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let mut pieces = bufs.iter().filter(|buf| !buf.is_empty());
        let Some(first) = pieces.next() else { return self.poll_write(cx, &[]) };
        let Some(second) = pieces.next() else { return self.poll_write(cx, first) };
        if first.len() >= RECORD {
            return self.poll_write(cx, first);
        }
        let mut record = Vec::with_capacity(RECORD);
        for piece in [first, second].into_iter().chain(pieces) {
            let n = piece.len().min(RECORD - record.len());
            record.extend_from_slice(&piece[..n]);
        }
        self.poll_write(cx, &record)
    }

    /// Takes new keys for what this side sends, and asks the peer to do the same, as
    /// [`Connection::update_keys`].
    pub fn poll_update_keys(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.serve(Half::Writer, cx, |stream, cx| {
            ready!(stream.poll_established(cx))?;
            stream.check_send()?;
            stream.drive(cx, Connection::update_keys)
        })
    }

    /// Waits until all written bytes are on their way.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.serve(Half::Writer, cx, Self::flush_all)
    }

    /// Sends close_notify: the end of what this side sends. Reading stays possible.
    pub fn poll_close_notify(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.serve(Half::Writer, cx, Self::close_direction)
    }

    /// Sends close_notify and ends the transport's writing direction.
    ///
    /// Before the handshake is done there is nothing to close: what is pending is sent, and the
    /// transport is ended.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.serve(Half::Writer, cx, |stream, cx| {
            match stream.connection.is_established() {
                true => ready!(stream.close_direction(cx))?,
                false => ready!(stream.flush_all(cx))?, // it may be the alert of a failed handshake
            }
            stream.transport.poll_shutdown(cx).map_err(Into::into)
        })
    }

    /// The ClientHello, of a connection that waits for one.
    pub(crate) fn poll_hello(&mut self, cx: &mut Context<'_>) -> Poll<Result<ClientHello>> {
        self.serve(Half::Writer, cx, |stream, cx| stream.drive(cx, Connection::hello))
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Makes a call of one of the two tasks that may use this stream.
    fn serve<R>(
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

    fn flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_send(cx))?;
        self.transport.poll_flush(cx).map_err(|e| self.sending_failed(e.into()))
    }

    fn close_direction(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.check_send()?;
        ready!(self.drive(cx, Connection::close))?;
        self.flush_all(cx)
    }

    fn poll_established(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.connection.is_established() {
            return Poll::Ready(Ok(()));
        }
        // Not flushed: a peer that does not take the last of it may have sent data already.
        self.drive(cx, Connection::handshake)
    }

    /// Repeats `step` until it is ready, moving bytes as it asks.
    fn drive<R>(
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
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.check_send()?;
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
    fn sending_failed(&mut self, failure: Error) -> Error {
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

    fn check_send(&self) -> Result<()> {
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

impl<T: StdTransport> Stream<T> {
    /// Finishes the handshake.
    ///
    /// # Errors
    ///
    /// Whatever ends the handshake, as an [`Error`] inside; [`io::ErrorKind::WouldBlock`] if a
    /// non-blocking transport is not ready.
    pub fn handshake(&mut self) -> io::Result<()> {
        self.now(Self::poll_handshake)
    }

    /// On a server: reads early data, as [`Connection::read_early`]; `0` means that there is no more, and
    /// that the handshake is done, unless `buf` is empty.
    ///
    /// # Errors
    ///
    /// As there, as an [`Error`] inside; [`io::ErrorKind::WouldBlock`] if a non-blocking transport is not
    /// ready.
    pub fn read_early(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_read_early(cx, buf))
    }

    /// Takes new keys for what this side sends, and asks the peer to do the same, as
    /// [`Connection::update_keys`].
    ///
    /// # Errors
    ///
    /// As there, as an [`Error`] inside; [`io::ErrorKind::WouldBlock`] if a non-blocking transport is not
    /// ready.
    pub fn update_keys(&mut self) -> io::Result<()> {
        self.now(Self::poll_update_keys)
    }

    /// Sends close_notify: the end of what this side sends. Reading stays possible.
    ///
    /// # Errors
    ///
    /// An [`Error`] inside; [`io::ErrorKind::WouldBlock`] if a non-blocking transport is not ready.
    pub fn close_notify(&mut self) -> io::Result<()> {
        self.now(Self::poll_close_notify)
    }

    /// Sends close_notify and ends the transport's writing direction.
    ///
    /// # Errors
    ///
    /// An [`Error`] inside; [`io::ErrorKind::WouldBlock`] if a non-blocking transport is not ready.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.now(Self::poll_shutdown)
    }

    pub(crate) fn now<R>(
        &mut self,
        mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<Result<R>>,
    ) -> io::Result<R> {
        if let Poll::Ready(result) = poll(self, &mut Context::from_waker(Waker::noop())) {
            return Ok(result?);
        }
        // A transport that waits by itself is only pending for the sake of a signature.
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Poll::Ready(result) = poll(self, &mut Context::from_waker(&waker)) {
                return Ok(result?);
            }
            if !self.transport.park()? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
    }
}

impl<S: SocketTimeouts> Stream<Blocking<S>> {
    /// Finishes the handshake, or gives up at `deadline`, however slowly the peer trickles bytes.
    ///
    /// Afterwards calls wait for ever again; the socket's own timeouts are off.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] with [`ErrorKind::Timeout`] inside at the deadline; whatever
    /// else ends the handshake.
    pub fn handshake_until(&mut self, deadline: Instant) -> io::Result<()> {
        self.transport.set_deadline(Some(deadline))?;
        let result = self.handshake();
        // Some systems fail here once the peer has gone, which `result` says better.
        let restored = self.transport.set_deadline(None);
        result.and(restored)
    }
}

impl<T: StdTransport> Read for Stream<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_read(cx, buf))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_read_vectored(cx, bufs))
    }
}

impl<T: StdTransport> Write for Stream<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_write(cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.now(|stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.now(Self::poll_flush)
    }
}

/// Wakes a thread that has parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// How many bytes may wait to be sent before nothing more is received.
const MAX_PENDING: usize = 2 * Wire::HIGH_WATER;

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD: usize = 16_384;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::connection::Rules;
    use crate::{EndOfStream, Pipe, Session, pipe};

    /// Answers every byte it reads with a whole kilobyte, and has one byte to give.
    #[derive(Debug)]
    struct Chatty;

    impl Session for Chatty {
        fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
            wire.write_all(b"the last of the handshake")?;
            Ok(Progress::Ready(()))
        }

        fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
            while let Some(&byte) = wire.unread().first() {
                wire.consume(1);
                if byte == b'!' {
                    buf[0] = byte;
                    return Ok(Progress::Ready(1));
                }
                wire.write_all(&[byte; 1024])?;
            }
            Ok(Progress::WantRead)
        }

        fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
            wire.write_all(buf)?;
            Ok(Progress::Ready(buf.len()))
        }

        fn close(&mut self, _: &mut Wire) -> Result<Progress<()>> {
            Ok(Progress::Ready(()))
        }

        fn buffered(&mut self, _: &mut Wire) -> Result<usize> {
            Ok(0)
        }

        fn negotiated(&self) -> Negotiated {
            Negotiated::default()
        }
    }

    fn chatty(room: usize) -> (Stream<Pipe>, Pipe) {
        let (ours, theirs) = pipe(room);
        let rules = Rules::client(EndOfStream::default());
        (Stream::new(Connection::new(Box::new(Chatty), rules), ours), theirs)
    }

    fn cx() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn answers_that_the_peer_does_not_take_stop_the_reading() {
        let (mut stream, mut peer) = chatty(64);
        for _ in 0..1000 {
            let _ = peer.poll_write(&mut cx(), &[IoSlice::new(&[b'?'; 64])]);
            assert!(stream.poll_read(&mut cx(), &mut [0; 8]).is_pending());
        }
        let pending = stream.connection.wire().pending().len();
        assert!(pending <= MAX_PENDING + 64 * 1024, "{pending} bytes wait");
        // A peer that takes them is served again.
        let mut taken = vec![0; 4096];
        for _ in 0..10_000 {
            let _ = peer.poll_read(&mut cx(), &mut taken);
            let _ = stream.poll_flush(&mut cx());
        }
        assert!(peer.poll_write(&mut cx(), &[IoSlice::new(b"!")]).is_pending());
        assert!(stream.poll_read(&mut cx(), &mut [0; 8]).is_pending());
        assert!(peer.poll_write(&mut cx(), &[IoSlice::new(b"!")]).is_ready());
    }

    #[test]
    fn a_full_transport_does_not_keep_data_from_the_reader() {
        let (mut stream, mut peer) = chatty(8);
        assert!(peer.poll_write(&mut cx(), &[IoSlice::new(b"!")]).is_ready());
        let read = stream.poll_read(&mut cx(), &mut [0; 8]);
        assert!(matches!(read, Poll::Ready(Ok(1))), "{read:?}");
        assert!(stream.wants_write());
    }
}
