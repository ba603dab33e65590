//! The one driver: a connection joined to a transport.

mod drive;
mod file;
mod kernel;
mod sockets;
#[cfg(test)]
mod tests;

use std::io::{IoSlice, IoSliceMut};
use std::task::{Context, Poll, ready};

use crate::tasks::{Half, Tasks};
use crate::{ChannelBinding, ClientHello, Connection, Error, Negotiated, Result, Transport};

/// A TLS connection over a transport.
///
/// Reading and writing finish the handshake first, if that has not been done. Over
/// [`Blocking`](crate::Blocking) and [`NonBlocking`](crate::NonBlocking) sockets a stream is
/// [`Read`](std::io::Read) and [`Write`](std::io::Write); adapters for async runtimes use the `poll_`
/// functions.
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
    kernel: kernel::State,
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
    ///
    /// A socket whose records are the [kernel's](crate::SendPath::Kernel) stays so, and nothing can go on
    /// in clear over it.
    pub fn into_transport(mut self) -> Parts<T> {
        let unread = match self.connection.is_kernels() {
            true => Vec::new(),
            false => self.connection.wire().unread().to_vec(),
        };
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
            kernel: kernel::State::default(),
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
}

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD: usize = 16_384;
