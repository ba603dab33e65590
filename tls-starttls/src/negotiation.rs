//! The conversation in clear, without a socket.

use std::io::{self, IoSlice};
use std::mem;
use std::task::{Context, Poll, ready};

use tls_core::Transport;

use crate::dialogue::{self, Dialogue, Fault, Heard};
use crate::{Error, ErrorKind, Protocol};

/// The longest line, tag or packet that a server may say, in bytes.
pub const MAX_LINE: usize = 8 * 1024;

/// The most that a server may say in clear, in bytes.
pub const MAX_TOTAL: usize = 64 * 1024;

/// The conversation in clear by which a client gets to TLS: a state machine that moves no bytes.
///
/// Send what [`to_send`](Self::to_send) gives and tell how much with [`sent`](Self::sent); hand what
/// comes to [`receive`](Self::receive); until it [is done](Self::is_done). [`poll`](Self::poll) does so
/// over a [`Transport`]. How the bytes are cut does not matter. Its first error is its last word.
#[derive(Debug)]
pub struct Negotiation {
    protocol: Protocol,
    dialogue: Box<dyn Dialogue>,
    /// What came and was not understood yet.
    heard: Vec<u8>,
    /// How much came in all.
    total: usize,
    /// What is to be sent, and how much of it has been.
    says: (Vec<u8>, usize),
    state: State,
}

#[derive(Debug)]
enum State {
    Talking,
    /// The go-ahead was given; something may be left to be sent.
    Agreed,
    Failed(Error),
}

/// What was agreed in clear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {
    /// In [MySQL](Protocol::Mysql), the payload of the server's first packet (its handshake, version 10):
    /// the program logs in with the nonce that is in it, and with packet number 2. It came in clear, so
    /// that nothing in it is to be believed: choose no weaker way of logging in because of it.
    pub mysql_handshake: Option<Vec<u8>>,
}

impl Negotiation {
    pub(crate) fn new(protocol: Protocol, name: Option<&str>) -> Result<Self, Error> {
        let (dialogue, opening) = dialogue::begin(protocol, name)?;
        Ok(Self {
            protocol,
            dialogue,
            heard: Vec::new(),
            total: 0,
            says: (opening, 0),
            state: State::Talking,
        })
    }

    /// Takes what came from the server.
    ///
    /// # Errors
    ///
    /// [`Error`], which is then its last word. [`ErrorKind::Injected`] also if anything comes once the
    /// go-ahead was given, or while there is something to send.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &self.state {
            State::Failed(e) => return Err(e.clone()),
            _ if bytes.is_empty() => return Ok(()),
            State::Agreed => return Err(self.fail(Fault::new(ErrorKind::Injected, bytes))),
            State::Talking => {}
        }
        let asked = self.to_send().is_empty();
        if !asked && !self.dialogue.may_interrupt() {
            return Err(self.fail(Fault::new(ErrorKind::Injected, bytes)));
        }
        self.total = self.total.saturating_add(bytes.len());
        if self.total > MAX_TOTAL {
            return Err(self.fail(Fault::new(ErrorKind::TooLong, b"")));
        }
        self.heard.extend_from_slice(bytes);
        let heard = mem::take(&mut self.heard);
        let rest = self.understand(&heard, asked).map_err(|fault| self.fail(fault))?;
        self.heard.extend_from_slice(rest);
        Ok(())
    }

    /// Takes the end of what the server sends: an error, unless all is done.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Ended`], or what ended it before.
    pub fn end(&mut self) -> Result<(), Error> {
        match &self.state {
            State::Failed(e) => Err(e.clone()),
            State::Agreed => Ok(()),
            State::Talking => {
                let heard = mem::take(&mut self.heard);
                Err(self.fail(Fault::new(ErrorKind::Ended, &heard)))
            }
        }
    }

    /// Notes that so many bytes of [`to_send`](Self::to_send) are sent.
    pub fn sent(&mut self, n: usize) {
        let (bytes, sent) = &mut self.says;
        *sent = sent.saturating_add(n);
        if *sent >= bytes.len() {
            self.says = (Vec::new(), 0);
        }
    }

    /// What is to be sent.
    pub fn to_send(&self) -> &[u8] {
        let (bytes, sent) = &self.says;
        &bytes[*sent..]
    }

    /// Whether TLS is to begin: the server has agreed, and nothing is left to be sent.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Agreed) && self.to_send().is_empty()
    }

    /// What was agreed, once it is done.
    pub fn agreed(&self) -> Option<Agreed> {
        self.is_done().then(|| Agreed { mysql_handshake: self.dialogue.handshake() })
    }

    /// Asks over `transport`, and is ready when TLS is to begin there.
    ///
    /// Of what the transport holds after the go-ahead nothing is read. Dropped or pending, it can be
    /// polled again, and goes on where it was.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn poll<T: Transport + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        transport: &mut T,
    ) -> Poll<Result<Agreed, Error>> {
        loop {
            if let State::Failed(e) = &self.state {
                return Poll::Ready(Err(e.clone()));
            }
            if !self.to_send().is_empty() {
                let bytes = [IoSlice::new(self.to_send())];
                match ready!(transport.poll_write(cx, &bytes)) {
                    Ok(0) => return self.broken(io::ErrorKind::WriteZero),
                    Ok(n) => self.sent(n),
                    Err(e) => return self.broken(e.kind()),
                }
                continue;
            }
            if let Err(e) = ready!(transport.poll_flush(cx)) {
                return self.broken(e.kind());
            }
            if let Some(agreed) = self.agreed() {
                return Poll::Ready(Ok(agreed));
            }
            let mut bytes = [0; 4096];
            let outcome = match ready!(transport.poll_read(cx, &mut bytes)) {
                Ok(0) => self.end(),
                Ok(n) => self.receive(&bytes[..n]),
                Err(e) => return self.broken(e.kind()),
            };
            if let Err(e) = outcome {
                return Poll::Ready(Err(e));
            }
        }
    }

    /// Gives it up because the limit of time has passed, unless it had failed before.
    pub fn give_up(&mut self) -> Error {
        match &self.state {
            State::Failed(e) => e.clone(),
            State::Agreed | State::Talking => self.fail(Fault::new(ErrorKind::Timeout, b"")),
        }
    }

    /// Takes piece after piece, and gives what is not a whole one.
    fn understand<'a>(&mut self, heard: &'a [u8], mut asked: bool) -> Result<&'a [u8], Fault> {
        let mut rest = heard;
        while !rest.is_empty() {
            let (taken, says, done) = match self.dialogue.hear(rest, asked)? {
                Heard::Part if rest.len() > MAX_LINE => return Err(Fault::too_long(rest)),
                Heard::Part => break,
                Heard::On(n) => (n, Vec::new(), false),
                Heard::Answer(n, says) => (n, says, false),
                Heard::Done(n, says) => (n, says, true),
            };
            rest = &rest[taken..];
            if done {
                self.state = State::Agreed;
            }
            let speaks = !says.is_empty();
            self.says.0.extend_from_slice(&says);
            if !rest.is_empty() && (done || speaks && !self.dialogue.may_interrupt()) {
                return Err(Fault::new(ErrorKind::Injected, rest));
            }
            asked &= !speaks;
        }
        Ok(rest)
    }

    fn broken(&mut self, kind: io::ErrorKind) -> Poll<Result<Agreed, Error>> {
        let kind = match kind {
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            kind => ErrorKind::Io(kind),
        };
        Poll::Ready(Err(self.fail(Fault::new(kind, b""))))
    }

    /// Makes this the last word.
    fn fail(&mut self, fault: Fault) -> Error {
        let e = Error::new(self.protocol, self.dialogue.stage(), fault.kind).said(&fault.said);
        self.says = (Vec::new(), 0);
        self.heard = Vec::new();
        self.state = State::Failed(e.clone());
        e
    }
}
