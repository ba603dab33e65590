//! One connection, from the name to the end.

use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use polytls::{Client, NonBlocking, ServerName, Stream};

use super::crew::CLOSERS;
use super::dial::{Awaited, Dial};
use super::failure::{Failure, Result};
use super::socket::{Bell, Interest, Socket};

/// A connection of which no call waits.
///
/// The first call after a failure tells it, whichever call that is.
pub(super) struct Connection {
    client: Client,
    name: ServerName,
    state: State,
    bell: Bell,
    /// What has come and has not been read: it is looked at before somebody reads it.
    ahead: Ahead,
    ended: bool,
    failure: Option<Failure>,
    is_told: bool,
    /// Set from the end of the handshake until a caller knows of it.
    is_new: bool,
    /// Set once a write has taken less than it was given.
    wants_room: bool,
}

enum State {
    Dialing(Dial),
    Tls(Box<Tls>),
    Over,
}

struct Tls {
    stream: Stream<NonBlocking<Socket>>,
    socket: Socket,
}

#[derive(Default)]
struct Ahead {
    bytes: Vec<u8>,
    taken: usize,
}

impl Connection {
    /// Begins to connect.
    pub(super) fn new(client: Client, host: &str, port: &str) -> Result<Self> {
        let name = ServerName::parse(host)
            .map_err(|e| Failure::new(c"TLS_ARGUMENT_ERROR", e.to_string()))?;
        let bell = Bell::new().map_err(|e| Failure::io(c"TCP_ALLOCATION_ERROR", "eventfd", &e))?;
        let mut connection = Self {
            client,
            name,
            state: State::Over,
            bell,
            ahead: Ahead::default(),
            ended: false,
            failure: None,
            is_told: false,
            is_new: false,
            wants_room: false,
        };
        match Dial::new(host, port, &connection.bell) {
            Ok(dial) => connection.state = State::Dialing(dial),
            Err(e) => connection.failure = Some(e),
        }
        connection.advance();
        Ok(connection)
    }

    /// Reads what is there; 0 is nothing yet, or the end.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.advance();
        let mut n = self.ahead.take(buf);
        while n < buf.len() && (n == 0 || self.buffered() > 0) {
            match self.receive(&mut buf[n..]) {
                0 => break,
                more => n += more,
            }
        }
        if n == 0 && self.ahead.len() == 0 {
            self.check_again()?;
        }
        Ok(n)
    }

    /// Takes what there is room for.
    pub(super) fn write(&mut self, buf: &[u8]) -> Result<usize> {
        self.advance();
        self.check_again()?;
        let mut taken = 0;
        if let State::Tls(tls) = &mut self.state {
            while taken < buf.len() && tls.stream.is_established() {
                match tls.stream.poll_write(&mut cx(), &buf[taken..]) {
                    Poll::Ready(Ok(n)) => taken += n,
                    Poll::Ready(Err(e)) => {
                        self.failure = Some(e.into());
                        break;
                    }
                    Poll::Pending => break,
                }
            }
        }
        if taken > 0 {
            self.is_new = false;
        } else {
            self.check_again()?;
        }
        self.wants_room = taken < buf.len();
        Ok(taken)
    }

    /// How many bytes can be read at once.
    pub(super) fn available(&mut self) -> Result<usize> {
        self.advance();
        self.look();
        self.check_once()?;
        Ok(self.ahead.len() + self.buffered())
    }

    /// Whether there is something to read, or may be yet.
    pub(super) fn is_open(&mut self) -> Result<bool> {
        self.advance();
        self.look();
        self.check_once()?;
        Ok(self.ahead.len() > 0 || !self.ended && self.failure.is_none())
    }

    /// What there is to wait for; nothing if a call has something to do right now.
    pub(super) fn interest(&mut self) -> Result<Option<Interest>> {
        self.bell.silence();
        self.advance();
        self.look();
        if self.ahead.len() > 0 || self.ended {
            return Ok(None);
        }
        self.check_again()?;
        let bell = self.bell.clone();
        Ok(match &mut self.state {
            State::Dialing(dial) => Some(match dial.awaited() {
                Awaited::Bell => Interest { bell, socket: None, reading: false, writing: false },
                Awaited::Socket(socket) => {
                    Interest { bell, socket: Some(socket.clone()), reading: false, writing: true }
                }
            }),
            State::Tls(tls) => {
                let writing = tls.stream.wants_write();
                let has_room = self.wants_room && tls.stream.is_established() && !writing;
                if self.is_new || has_room {
                    (self.is_new, self.wants_room) = (false, false);
                    return Ok(None);
                }
                Some(Interest { bell, socket: Some(tls.socket.clone()), reading: true, writing })
            }
            State::Over => None,
        })
    }

    /// What nobody has been told yet, when it is about to be closed.
    pub(super) fn last_words(&mut self) -> Result<()> {
        self.check_once()
    }

    /// Has whoever waits for it look again.
    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Goes on as far as it can: dials, shakes hands, sends what waits.
    fn advance(&mut self) {
        if self.failure.is_none() {
            self.failure = self.step().err();
        }
    }

    fn step(&mut self) -> Result<()> {
        if let State::Dialing(dial) = &mut self.state {
            let Some(socket) = dial.poll()? else { return Ok(()) };
            let stream = self.client.connect(self.name.clone(), NonBlocking(socket.clone()))?;
            self.state = State::Tls(Box::new(Tls { stream, socket }));
        }
        let State::Tls(tls) = &mut self.state else { return Ok(()) };
        if tls.stream.is_established() {
            // What cannot be sent is for the next write to tell: there may be something to read yet.
            let _ = tls.stream.poll_flush(&mut cx());
            return Ok(());
        }
        if let Poll::Ready(Err(e)) = tls.stream.poll_handshake(&mut cx()) {
            return Err(e.into());
        }
        self.is_new = tls.stream.is_established();
        Ok(())
    }

    /// Has a look at what has come, if nothing that came before still waits.
    fn look(&mut self) {
        if self.ahead.len() > 0 {
            return;
        }
        let mut bytes = std::mem::take(&mut self.ahead.bytes);
        bytes.resize(RECORD, 0);
        let n = self.receive(&mut bytes);
        bytes.truncate(n);
        if n == 0 {
            bytes = Vec::new(); // idle connections are many
        }
        self.ahead = Ahead { bytes, taken: 0 };
    }

    /// How much has been received, but not looked at.
    fn buffered(&mut self) -> usize {
        match &mut self.state {
            State::Tls(tls) if self.failure.is_none() => tls.stream.buffered(),
            State::Dialing(_) | State::Tls(_) | State::Over => 0,
        }
    }

    fn receive(&mut self, buf: &mut [u8]) -> usize {
        let State::Tls(tls) = &mut self.state else { return 0 };
        if self.ended || self.failure.is_some() || !tls.stream.is_established() {
            return 0;
        }
        match tls.stream.poll_read(&mut cx(), buf) {
            Poll::Ready(Ok(0)) => self.ended = true,
            Poll::Ready(Ok(n)) => return n,
            Poll::Ready(Err(e)) => self.failure = Some(e.into()),
            Poll::Pending => {}
        }
        0
    }

    /// The failure, if there is one that nobody was told, and everything before it has been read.
    fn check_once(&mut self) -> Result<()> {
        if self.is_told || self.ahead.len() > 0 {
            return Ok(());
        }
        self.check_again()
    }

    /// The failure, if there is one, told or not.
    fn check_again(&mut self) -> Result<()> {
        let Some(failure) = &self.failure else { return Ok(()) };
        self.is_told = true;
        Err(failure.clone())
    }
}

impl Drop for Connection {
    /// Says goodbye, and has a thread send what the network does not take right now.
    fn drop(&mut self) {
        let State::Tls(mut tls) = std::mem::replace(&mut self.state, State::Over) else { return };
        if self.failure.is_some() || !tls.stream.is_established() || tls.is_gone() {
            return;
        }
        let bell = self.bell.clone();
        bell.silence();
        // Without a thread it is closed as it is.
        let _ = CLOSERS.spawn(move || {
            let deadline = Instant::now() + LONGEST_CLOSE;
            while !tls.is_gone() {
                let (bell, socket) = (bell.clone(), Some(tls.socket.clone()));
                let wanted = Interest { bell, socket, reading: false, writing: true };
                if !matches!(wanted.wait(Some(deadline)), Ok(true)) {
                    break;
                }
            }
        });
    }
}

impl Tls {
    /// Whether everything has been sent, or cannot be.
    fn is_gone(&mut self) -> bool {
        let sent = self.stream.poll_close_notify(&mut cx());
        if sent.is_pending() {
            return false;
        }
        // What was received and never read would make the system throw away what was sent.
        let mut socket = self.socket.clone();
        let _ = rustix::net::shutdown(&socket, rustix::net::Shutdown::Write);
        for _ in 0..MOST_UNREAD {
            if !matches!(std::io::Read::read(&mut socket, &mut [0; RECORD]), Ok(1..)) {
                break;
            }
        }
        true
    }
}

impl Ahead {
    fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    fn take(&mut self, buf: &mut [u8]) -> usize {
        let n = buf.len().min(self.len());
        buf[..n].copy_from_slice(&self.bytes[self.taken..][..n]);
        self.taken += n;
        n
    }
}

/// For how long what was written is sent after the connection has been closed.
const LONGEST_CLOSE: Duration = Duration::from_secs(30);

/// The most plaintext in one record (RFC 8446 §5.1).
const RECORD: usize = 16_384;

/// How many pieces of that size are looked through before a socket is closed.
const MOST_UNREAD: usize = 64;

/// Nobody is woken: who waits does so in poll(2).
fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
