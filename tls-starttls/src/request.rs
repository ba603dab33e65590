//! What is asked for, and asking it over a blocking socket.

use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tls_core::{Blocking, SocketTimeouts, Transport};

use crate::{Agreed, Error, ErrorKind, Negotiation, Protocol, Stage};

/// How long the conversation in clear may take if nothing else is said.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A request to upgrade a connection. Cheap to clone, and good for many connections.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Starttls {
    protocol: Protocol,
    name: Option<String>,
    limit: Option<Duration>,
}

impl Starttls {
    /// Asks in the words of `protocol`, within [`LIMIT`].
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, name: None, limit: Some(LIMIT) }
    }

    /// Says this name, where the protocol wants one: in SMTP and LMTP this client's own, a domain or an
    /// address in brackets (RFC 5321 §4.1.1.1), `[127.0.0.1]` if left out; in XMPP the domain that is
    /// asked for (RFC 6120 §4.7.2), which cannot be left out. Other protocols want none, and take no
    /// notice.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Limits how long it may take, however slowly the server trickles its bytes. `None` is for ever.
    ///
    /// A [`Negotiation`] that the program drives has no clock: there the limit is the program's.
    pub fn limit(mut self, limit: Option<Duration>) -> Self {
        self.limit = limit;
        self
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How long it may take.
    pub fn time_limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Begins to ask; no byte moves yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if a name is missing, or has characters that it cannot have.
    pub fn begin(&self) -> Result<Negotiation, Error> {
        Negotiation::new(self.protocol, self.name.as_deref())
    }

    /// Asks over a socket in blocking mode, such as a `&TcpStream`, where nothing has been said yet. When
    /// it is done, TLS is to begin.
    ///
    /// The timeouts of the socket are off afterwards, if there is a limit.
    ///
    /// # Errors
    ///
    /// [`Error`]. The connection is of no more use then.
    pub fn upgrade<S: SocketTimeouts>(&self, socket: S) -> Result<Agreed, Error> {
        let fail = |e: std::io::Error| self.fail(ErrorKind::Io(e.kind()));
        let mut transport = Blocking::new(socket);
        let deadline = self.limit.and_then(|limit| Instant::now().checked_add(limit));
        transport.set_deadline(deadline).map_err(fail)?;
        let agreed = self.upgrade_over(&mut transport)?;
        transport.set_deadline(None).map_err(fail)?;
        Ok(agreed)
    }

    fn upgrade_over(&self, transport: &mut impl Transport) -> Result<Agreed, Error> {
        let mut negotiation = self.begin()?;
        match negotiation.poll(&mut Context::from_waker(Waker::noop()), transport) {
            Poll::Ready(result) => result,
            // No blocking transport says so.
            Poll::Pending => Err(self.fail(ErrorKind::Io(std::io::ErrorKind::WouldBlock))),
        }
    }

    fn fail(&self, kind: ErrorKind) -> Error {
        Error::new(self.protocol, Stage::Greeting, kind)
    }
}
