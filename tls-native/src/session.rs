//! A stream of native-tls, driven over a lent wire.

use std::fmt;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::Arc;

use native_tls::{HandshakeError, MidHandshakeTlsStream, TlsStream};
use tls_core::pki_types::CertificateDer;
use tls_core::{
    Alert, Answer, CipherSuite, ClientHello, Error, ErrorKind, Group, Negotiated, Progress, Result,
    ServerName, Session, Version, Wire,
};
use zeroize::Zeroizing;

use crate::config::{Incoming, Outgoing};
use crate::error::{handshake_error, progress};
use crate::line::{Line, Passed};
use crate::platform;

pub(crate) struct NativeSession {
    state: State,
    role: Role,
    line: Line,
    /// The client's first message, once it was there and could be read.
    hello: Option<ClientHello>,
    /// What the server has said in clear.
    answer: Answer,
    plain: Plain,
}

enum State {
    Idle,
    Midway(MidHandshakeTlsStream<Line>),
    Done(TlsStream<Line>),
    /// The library has dropped everything.
    Failed,
}

enum Role {
    Client { with: Arc<Outgoing>, name: ServerName },
    Server { with: Arc<Incoming>, identity: usize, no_shared_protocol: bool },
}

/// Plaintext that was taken out of the library to see whether there is any.
#[derive(Default)]
struct Plain {
    bytes: Zeroizing<Vec<u8>>,
    start: usize,
    /// The library has said that the peer has closed.
    closed: bool,
}

type Step = Result<TlsStream<Line>, HandshakeError<Line>>;

impl NativeSession {
    pub(crate) fn client(with: Arc<Outgoing>, name: ServerName) -> Self {
        Self::new(Role::Client { with, name })
    }

    pub(crate) fn server(with: Arc<Incoming>, identity: usize) -> Self {
        Self::new(Role::Server { with, identity, no_shared_protocol: false })
    }

    fn new(role: Role) -> Self {
        Self {
            state: State::Idle,
            role,
            line: Line::default(),
            hello: None,
            answer: Answer::default(),
            plain: Plain::default(),
        }
    }

    /// Begins the handshake, as soon as it is known with what; `None` until then.
    fn begin(&mut self, wire: &mut Wire) -> Result<Option<Step>> {
        let line = self.line.clone();
        match &mut self.role {
            Role::Client { with, name } => {
                let name = name.to_string();
                Ok(Some(self.line.lend(wire, || with.connector.connect(&name, line))))
            }
            Role::Server { with, identity, no_shared_protocol } => {
                // What cannot be read is the library's to refuse, and if it does not, ours.
                self.hello = match ClientHello::read(wire.unread()) {
                    Ok(None) => return Ok(None),
                    Ok(hello) => hello,
                    Err(_) => None,
                };
                let choice = with.choose(*identity, self.hello.as_ref())?;
                *no_shared_protocol = choice.refused;
                Ok(Some(self.line.lend(wire, || choice.acceptor.accept(line))))
            }
        }
    }

    /// Looks at what has passed, and refuses what the library would accept.
    fn judge(&mut self, passed: &Passed) -> Result<(), (Alert, Error)> {
        let refuse = |alert, kind| Err((alert, Error::new(kind)));
        let from_server = match &self.role {
            Role::Client { .. } => &passed.incoming,
            Role::Server { .. } => &passed.outgoing,
        };
        let judged = self.answer.certificate().is_some();
        self.answer.feed(from_server).map_err(|e| (Alert::DECODE_ERROR, e))?;
        match &self.role {
            Role::Client { with, name } => {
                if self.hello.is_none() {
                    self.hello = ClientHello::read(&passed.outgoing).unwrap_or_default();
                }
                if self.answer.is_too_long() {
                    let e = Error::new(ErrorKind::Protocol);
                    return Err((Alert::DECODE_ERROR, e.because("absurdly long certificates")));
                }
                if let Some(leaf) = self.answer.certificate().filter(|_| !judged) {
                    with.demands.check(leaf, name)?;
                }
            }
            Role::Server { no_shared_protocol, .. } if self.answer.version_number().is_some() => {
                if self.hello.is_none() {
                    return refuse(Alert::DECODE_ERROR, ErrorKind::Protocol);
                }
                if *no_shared_protocol {
                    return refuse(Alert::NO_APPLICATION_PROTOCOL, ErrorKind::NoSharedAlpn);
                }
            }
            Role::Server { .. } => {}
        }
        // The library may know more than what is on offer here, and take it.
        if self.answer.cipher_suite().is_some_and(|suite| !CipherSuite::DEFAULT.contains(&suite)) {
            return refuse(Alert::HANDSHAKE_FAILURE, ErrorKind::NoSharedCipher);
        }
        if self.answer.group().is_some_and(|group| !Group::DEFAULT.contains(&group)) {
            return refuse(Alert::HANDSHAKE_FAILURE, ErrorKind::NoSharedGroup);
        }
        Ok(())
    }

    /// Looks at the outcome, as far as it was not in clear before.
    fn conclude(&self, stream: &TlsStream<Line>) -> Result<(), (Alert, Error)> {
        if self.answer.version().is_none() {
            let e = Error::new(ErrorKind::Protocol).because("the server's answer is unreadable");
            return Err((Alert::DECODE_ERROR, e));
        }
        let Role::Client { with, name } = &self.role else { return Ok(()) };
        // What was in clear has been judged.
        if !with.demands.any() || self.answer.certificate().is_some() {
            return Ok(());
        }
        match peer_certificate(stream) {
            Some(leaf) => with.demands.check(&leaf, name),
            None => Err((Alert::BAD_CERTIFICATE, Error::new(ErrorKind::NoPeerCertificate))),
        }
    }

    /// Gives up with an alert of our own, in place of what the library has to say.
    fn refuse<T>(&self, wire: &mut Wire, (alert, e): (Alert, Error)) -> Result<T> {
        // In clear: it comes before the change of keys, or, in TLS 1.3, where OpenSSL's own
        // refusals of a certificate are in clear too.
        put(wire, &[21, 3, 3, 0, 2, 2, alert.0]);
        Err(e)
    }

    /// Calls the library once the handshake is done.
    fn with<T>(
        &mut self,
        wire: &mut Wire,
        call: impl FnOnce(&mut TlsStream<Line>) -> io::Result<T>,
    ) -> Result<Progress<T>> {
        // The core makes no other call before the handshake, or after it failed.
        let State::Done(stream) = &mut self.state else {
            return Err(Error::new(ErrorKind::Misuse).because("there is no connection"));
        };
        match self.line.lend(wire, || call(stream)) {
            Ok(value) => Ok(Progress::Ready(value)),
            Err(e) => progress(e),
        }
    }

    /// Takes the plaintext of the next record out of the library.
    fn fill(&mut self, wire: &mut Wire) -> Result<()> {
        const RECORD: usize = 16_384;
        let before = self.plain.bytes.len();
        let mut bytes = Zeroizing::new(mem::take(&mut *self.plain.bytes));
        bytes.resize(before + RECORD, 0);
        let read = self.with(wire, |stream| stream.read(&mut bytes[before..]));
        let n = if let Ok(Progress::Ready(n)) = read { n } else { 0 };
        bytes.truncate(before + n);
        self.plain.bytes = bytes;
        self.plain.closed = read? == Progress::Ready(0);
        Ok(())
    }

    fn is_server(&self) -> bool {
        matches!(self.role, Role::Server { .. })
    }
}

impl Session for NativeSession {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let step = match mem::replace(&mut self.state, State::Failed) {
            State::Idle => match self.begin(wire)? {
                Some(step) => step,
                None => {
                    self.state = State::Idle;
                    return Ok(Progress::WantRead);
                }
            },
            State::Midway(stream) => self.line.lend(wire, || stream.handshake()),
            State::Done(stream) => {
                self.state = State::Done(stream);
                return Ok(Progress::Ready(()));
            }
            // The core makes no call after an error.
            State::Failed => return Err(Error::new(ErrorKind::Misuse).because("it has failed")),
        };
        let passed = self.line.passed();
        let stream = match step {
            Err(HandshakeError::Failure(e)) => {
                put(wire, &passed.outgoing);
                return Err(self.named(handshake_error(e)));
            }
            Err(HandshakeError::WouldBlock(stream)) => Err(stream),
            Ok(stream) => Ok(stream),
        };
        if let Err(refusal) = self.judge(&passed) {
            return self.refuse(wire, refusal);
        }
        match stream {
            Err(stream) => {
                put(wire, &passed.outgoing);
                self.state = State::Midway(stream);
                Ok(Progress::WantRead)
            }
            Ok(stream) => {
                if let Err(refusal) = self.conclude(&stream) {
                    return self.refuse(wire, refusal);
                }
                put(wire, &passed.outgoing);
                self.line.established(self.answer.version() == Some(Version::Tls12));
                self.state = State::Done(stream);
                Ok(Progress::Ready(()))
            }
        }
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        let here = &self.plain.bytes[self.plain.start..];
        if !here.is_empty() {
            let n = here.len().min(buf.len());
            buf[..n].copy_from_slice(&here[..n]);
            self.plain.start += n;
            if self.plain.start == self.plain.bytes.len() {
                (self.plain.bytes, self.plain.start) = Default::default();
            }
            return Ok(Progress::Ready(n));
        }
        if self.plain.closed {
            return Ok(Progress::Ready(0));
        }
        self.with(wire, |stream| stream.read(buf))
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        const RECORD: usize = 16_384;
        /// What it takes on the wire: header, nonce, type and tag.
        const SEALED: usize = RECORD + 38;
        let mut room = wire.room();
        self.with(wire, |stream| {
            let mut written = 0;
            while written < buf.len() && (written == 0 || room >= SEALED) {
                let part = &buf[written..buf.len().min(written + RECORD)];
                written += match stream.write(part) {
                    // What was taken is taken; the rest has to wait.
                    Err(e) if written > 0 && e.kind() == io::ErrorKind::WouldBlock => break,
                    result => result?,
                };
                room = room.saturating_sub(SEALED);
            }
            Ok(written)
        })
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        let State::Done(stream) = &mut self.state else { return self.with(wire, |_| Ok(())) };
        match self.line.lend(wire, || stream.shutdown()) {
            // In the middle of a message, such as a ticket in several records, there is no closing.
            Err(e) if platform::is_in_handshake(&e) => {
                self.fill(wire)?;
                self.with(wire, |stream| match stream.shutdown() {
                    Err(e) if platform::is_in_handshake(&e) => {
                        Err(io::ErrorKind::WouldBlock.into())
                    }
                    result => result,
                })
            }
            Err(e) => progress(e),
            Ok(()) => Ok(Progress::Ready(())),
        }
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        let inside = |session: &Self| match &session.state {
            State::Done(stream) => stream.buffered_read_size().unwrap_or(0),
            State::Idle | State::Midway(_) | State::Failed => 0,
        };
        if self.undelivered() + inside(self) == 0 && !self.plain.closed {
            self.fill(wire)?;
        }
        Ok(self.undelivered() + inside(self))
    }

    fn undelivered(&self) -> usize {
        self.plain.bytes.len() - self.plain.start
    }

    fn negotiated(&self) -> Negotiated {
        let mut negotiated = Negotiated::default();
        let State::Done(stream) = &self.state else { return negotiated };
        negotiated.version = self.answer.version();
        negotiated.cipher_suite = self.answer.cipher_suite();
        negotiated.group = self.answer.group();
        negotiated.resumed = self.hello.as_ref().and_then(|hello| self.answer.resumes(hello));
        negotiated.alpn = stream.negotiated_alpn().unwrap_or_default();
        match &self.role {
            Role::Client { with, name } => {
                negotiated.server_name = name.as_dns().filter(|_| with.send_name).map(Into::into);
                let leaf = self.answer.certificate().cloned();
                negotiated.peer_chain.extend(leaf.or_else(|| peer_certificate(stream)));
            }
            Role::Server { .. } => {
                negotiated.server_name = self.hello.as_ref().and_then(|h| h.server_name.clone());
            }
        }
        negotiated
    }
}

impl NativeSession {
    /// Says more of an error than the library does.
    fn named(&self, e: Error) -> Error {
        // Which of the two was missing decides a server by what it was offered.
        let offered = self.hello.as_ref().filter(|_| self.is_server());
        let no_group = offered.is_some_and(|hello| {
            !hello.groups.is_empty() && !hello.groups.iter().any(|g| Group::DEFAULT.contains(g))
        });
        match e.kind() {
            ErrorKind::NoSharedCipher if no_group => {
                Error::new(ErrorKind::NoSharedGroup).with_source(e)
            }
            _ => e,
        }
    }
}

impl fmt::Debug for NativeSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Idle => "idle",
            State::Midway(_) => "in the handshake",
            State::Done(_) => "established",
            State::Failed => "failed",
        };
        f.debug_struct("NativeSession").field("state", &state).finish_non_exhaustive()
    }
}

fn put(wire: &mut Wire, bytes: &[u8]) {
    wire.reserve(bytes.len())[..bytes.len()].copy_from_slice(bytes);
    wire.commit(bytes.len());
}

fn peer_certificate(stream: &TlsStream<Line>) -> Option<CertificateDer<'static>> {
    let certificate = stream.peer_certificate().ok().flatten()?;
    certificate.to_der().ok().map(Into::into)
}
