//! A client that has been heard before anybody decides who serves it.

use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::stream::Stream;
use crate::{
    Alert, Blocking, ClientHello, Connection, Parts, Progress, Result, Server, SocketTimeouts,
    StdTransport, Transport, Wire,
};

/// The beginning of a connection to a server that is not chosen yet, driven by hand.
///
/// The client speaks first (RFC 8446 §4.1.2). Its offer is read here, on any backend and before any
/// library sees a byte of it: the caller looks, takes its time (it may ask a database, or wait for
/// another task), and goes on with the [`Server`] of its choice.
///
/// ```text
/// let hello = loop {
///     match incoming.hello()? {
///         Progress::Ready(hello) => break hello,
///         _ => { /* incoming.wire().feed(bytes) or incoming.wire().end() */ }
///     }
/// };
/// let connection = incoming.accept(choose(&hello))?;
/// ```
///
/// [`IncomingStream`] does that over any [`Transport`].
#[derive(Debug)]
pub struct Incoming(Connection);

impl Incoming {
    /// Waits for a client.
    pub fn new() -> Self {
        Self(Connection::unheard())
    }

    /// The bytes between this connection and the network.
    pub fn wire(&mut self) -> &mut Wire {
        self.0.wire()
    }

    /// What the client offers, once all of it is there. Nothing is consumed: it can be asked again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotTls`](crate::ErrorKind) or [`ErrorKind::Protocol`](crate::ErrorKind), saying
    /// where, for bytes that can never become a ClientHello;
    /// [`ErrorKind::AlertReceived`](crate::ErrorKind) if the client gives up before it says anything;
    /// [`ErrorKind::UnexpectedEof`](crate::ErrorKind) if the wire [ended](Wire::end) before. As after
    /// any error there may be an alert to send.
    pub fn hello(&mut self) -> Result<Progress<ClientHello>> {
        self.0.hello()
    }

    /// Goes on with `server`, to which the whole ClientHello is still to come. Also before the hello has
    /// been read.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`](crate::ErrorKind) if the library has no memory or no random numbers;
    /// what [`hello`](Self::hello) failed with.
    pub fn accept(mut self, server: &Server) -> Result<Connection> {
        server.begin(&mut self.0)?;
        Ok(self.0)
    }

    /// Refuses the client: puts the fatal `alert` on the wire, such as
    /// [`Alert::UNRECOGNIZED_NAME`]. Nothing can follow it.
    pub fn refuse(&mut self, alert: Alert) {
        self.0.refuse(alert);
    }
}

impl Default for Incoming {
    fn default() -> Self {
        Self::new()
    }
}

/// An [`Incoming`] over a transport.
#[derive(Debug)]
pub struct IncomingStream<T>(Stream<T>);

impl<T: Transport> IncomingStream<T> {
    /// Waits for a client at the other end of `transport`.
    pub fn new(transport: T) -> Self {
        Self(Stream::new(Connection::unheard(), transport))
    }

    /// Reads what the client offers. It can be asked again.
    ///
    /// # Errors
    ///
    /// As [`Incoming::hello`], and whatever the transport fails with. An alert has been sent, as far as
    /// the transport takes it.
    pub fn poll_hello(&mut self, cx: &mut Context<'_>) -> Poll<Result<ClientHello>> {
        self.0.poll_hello(cx)
    }

    /// Waits until an alert that [`poll_hello`](Self::poll_hello) called for is on its way.
    ///
    /// # Errors
    ///
    /// Whatever the transport fails with.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.0.poll_flush(cx)
    }

    /// Gives the transport back, with all that was read from it: whoever turns out not to speak TLS may
    /// speak something else that the program knows.
    pub fn into_transport(self) -> Parts<T> {
        self.0.into_transport()
    }

    /// Goes on with `server`, to which the whole ClientHello is still to come.
    ///
    /// # Errors
    ///
    /// As [`Incoming::accept`].
    pub fn accept(mut self, server: &Server) -> Result<Stream<T>> {
        server.begin(self.0.connection())?;
        Ok(self.0)
    }

    /// Refuses the client with the fatal `alert`, and ends the transport's writing direction.
    pub fn poll_refuse(&mut self, cx: &mut Context<'_>, alert: Alert) -> Poll<Result<()>> {
        self.0.connection().refuse(alert);
        self.0.poll_shutdown(cx)
    }
}

impl<T: StdTransport> IncomingStream<T> {
    /// Reads what the client offers. It can be asked again.
    ///
    /// # Errors
    ///
    /// As [`Incoming::hello`], as an [`Error`](crate::Error) inside; [`io::ErrorKind::WouldBlock`] if a
    /// non-blocking transport is not ready.
    pub fn hello(&mut self) -> io::Result<ClientHello> {
        self.0.now(Stream::poll_hello)
    }

    /// Refuses the client with the fatal `alert`, and ends the transport's writing direction.
    ///
    /// # Errors
    ///
    /// Whatever the transport fails with; [`io::ErrorKind::WouldBlock`] if a non-blocking transport is
    /// not ready.
    pub fn refuse(&mut self, alert: Alert) -> io::Result<()> {
        self.0.connection().refuse(alert);
        self.0.shutdown()
    }
}

impl<S: SocketTimeouts> IncomingStream<Blocking<S>> {
    /// Reads what the client offers, or gives up at `deadline`, however slowly the client trickles
    /// bytes.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] at the deadline; else as [`hello`](Self::hello).
    pub fn hello_until(&mut self, deadline: Instant) -> io::Result<ClientHello> {
        self.0.transport_mut().set_deadline(Some(deadline))?;
        let result = self.hello();
        // Some systems fail here once the peer has gone, which `result` says better.
        let restored = self.0.transport_mut().set_deadline(None);
        result.and_then(|hello| restored.map(|()| hello))
    }
}
