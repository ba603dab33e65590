//! The session of a connection whose records are the kernel's.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::{
    Alert, Capability, Error, ErrorKind, HandedOver, LaterKeys, Negotiated, Progress, Result,
    Session, TrafficKeys, Version, Wire,
};

/// What is left of TLS when the kernel encrypts: alerts, and messages after the handshake.
///
/// On its wire records stand in clear: a header of five bytes, and the plaintext. The driver gives each to
/// the kernel by its type, and writes down what the kernel gives in the same form. A record of the type
/// [`NEW_KEYS`] is for the driver itself: there the next of [`send_keys`](Self::send_keys) begin.
#[derive(Debug)]
pub(crate) struct KernelRecords {
    version: Version,
    is_server: bool,
    /// Whether the kernel takes new keys.
    rekeys: bool,
    /// Locked by nobody: a connection has to be [`Sync`], and this need not be.
    later: Mutex<Box<dyn LaterKeys>>,
    /// What has not been read of the data at the beginning of the wire.
    left: usize,
    /// The beginning of a message that is not all there yet.
    message: Zeroizing<Vec<u8>>,
    send_keys: VecDeque<TrafficKeys>,
    receive_keys: Option<TrafficKeys>,
    refused: u32,
    close_sent: bool,
    close_received: bool,
}

/// What the driver looks out for: no record of TLS has this type (RFC 8446 §5.1).
pub(crate) const NEW_KEYS: u8 = 0;

/// What stands before the plaintext.
pub(crate) const HEADER: usize = 5;

/// The header of a record in clear.
pub(crate) fn header(kind: u8, len: usize) -> [u8; HEADER] {
    let [high, low] = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    [kind, 3, 3, high, low]
}

/// The type and the length of the record that `bytes` begin with.
pub(crate) fn read_header(bytes: &[u8]) -> Option<(u8, usize)> {
    match bytes {
        &[kind, _, _, high, low, ..] => Some((kind, u16::from_be_bytes([high, low]).into())),
        _ => None,
    }
}

impl KernelRecords {
    pub(crate) fn new(handed: HandedOver, is_server: bool, rekeys: bool) -> Self {
        Self {
            version: handed.version,
            is_server,
            rekeys,
            later: Mutex::new(handed.later),
            left: 0,
            message: Zeroizing::default(),
            send_keys: VecDeque::new(),
            receive_keys: None,
            refused: 0,
            close_sent: false,
            close_received: false,
        }
    }

    /// The keys that begin where the wire says so.
    pub(crate) fn send_keys(&mut self) -> Option<TrafficKeys> {
        self.send_keys.pop_front()
    }

    /// The keys that the kernel has to have before it gives anything more.
    pub(crate) fn receive_keys(&mut self) -> Option<TrafficKeys> {
        self.receive_keys.take()
    }

    /// Goes on to the next data, or to the end; whether there is any.
    fn advance(&mut self, wire: &mut Wire) -> Result<bool> {
        while self.left == 0 && !self.close_received {
            let Some((kind, len)) = read_header(wire.unread()) else { return Ok(false) };
            wire.consume(HEADER);
            if kind == DATA && self.message.is_empty() {
                self.left = len;
                continue;
            }
            let body = Zeroizing::new(wire.unread()[..len].to_vec());
            wire.consume(len);
            match kind {
                ALERT if self.message.is_empty() => self.alert(wire, &body)?,
                HANDSHAKE if body.is_empty() => {
                    return Err(fatal(wire, Alert::UNEXPECTED_MESSAGE, "an empty message"));
                }
                HANDSHAKE => self.messages(wire, &body)?,
                DATA | ALERT => {
                    let why = "another record in the middle of a message";
                    return Err(fatal(wire, Alert::UNEXPECTED_MESSAGE, why));
                }
                _ => {
                    return Err(fatal(
                        wire,
                        Alert::UNEXPECTED_MESSAGE,
                        "a record of no known type",
                    ));
                }
            }
        }
        Ok(true)
    }

    fn alert(&mut self, wire: &mut Wire, body: &[u8]) -> Result<()> {
        let &[level, alert] = body else {
            return Err(fatal(wire, Alert::DECODE_ERROR, "an alert that is none"));
        };
        let alert = Alert(alert);
        let is_warning = match self.version {
            Version::Tls12 => level == WARNING,
            // Of no weight any more, but for this one (RFC 8446 §6).
            Version::Tls13 => alert == Alert::USER_CANCELED,
        };
        match alert {
            Alert::CLOSE_NOTIFY => self.close_received = true,
            _ if is_warning => {}
            _ => return Err(Error::new(ErrorKind::AlertReceived(alert))),
        }
        Ok(())
    }

    fn messages(&mut self, wire: &mut Wire, body: &[u8]) -> Result<()> {
        let mut all = mem::take(&mut self.message);
        all.extend_from_slice(body);
        let mut at = 0;
        while let &[kind, a, b, c, ref rest @ ..] = &all[at..] {
            let len = u32::from_be_bytes([0, a, b, c]) as usize;
            if len > MOST {
                return Err(fatal(wire, Alert::DECODE_ERROR, "a message too long"));
            }
            let Some(message) = rest.get(..len) else { break };
            self.handshake_message(wire, kind, message, rest.len() == len)?;
            at += 4 + len;
        }
        all.drain(..at);
        self.message = all;
        Ok(())
    }

    fn handshake_message(
        &mut self,
        wire: &mut Wire,
        kind: u8,
        body: &[u8],
        is_last: bool,
    ) -> Result<()> {
        match (self.version, kind) {
            (Version::Tls13, NEW_SESSION_TICKET) if !self.is_server => {
                self.later().ticket(body).map_err(|e| give_up(wire, e))
            }
            (Version::Tls13, KEY_UPDATE) => self.key_update(wire, body, is_last),
            (Version::Tls12, HELLO_REQUEST) if !self.is_server => self.renegotiation(wire),
            (Version::Tls12, CLIENT_HELLO) if self.is_server => self.renegotiation(wire),
            _ => Err(fatal(wire, Alert::UNEXPECTED_MESSAGE, "a message at the wrong time")),
        }
    }

    /// The peer has new keys (RFC 8446 §4.6.3).
    fn key_update(&mut self, wire: &mut Wire, body: &[u8], is_last: bool) -> Result<()> {
        let answer = match body {
            [0] => false,
            [1] => !self.close_sent,
            [_] => return Err(fatal(wire, Alert::ILLEGAL_PARAMETER, "a key update of no kind")),
            _ => return Err(fatal(wire, Alert::DECODE_ERROR, "a key update that is none")),
        };
        if !is_last {
            let why = "a message with the old keys after a key update"; // RFC 8446 §5.1
            return Err(fatal(wire, Alert::UNEXPECTED_MESSAGE, why));
        }
        if !self.rekeys {
            return Err(give_up(wire, no_new_keys("the peer has new keys")));
        }
        self.receive_keys = Some(self.later().next_receive().map_err(|e| give_up(wire, e))?);
        if answer {
            self.take_new_keys(wire, NOT_REQUESTED)?;
        }
        Ok(())
    }

    /// Says so with the old keys, and has the driver take the new ones behind it.
    fn take_new_keys(&mut self, wire: &mut Wire, request: u8) -> Result<()> {
        let keys = self.later().next_send().map_err(|e| give_up(wire, e))?;
        self.send_keys.push_back(keys);
        put(wire, HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, request]);
        put(wire, NEW_KEYS, &[]);
        Ok(())
    }

    /// Refuses it with a warning (RFC 5246 §7.2.2), as often as that may be a misunderstanding.
    fn renegotiation(&mut self, wire: &mut Wire) -> Result<()> {
        self.refused += 1;
        if self.refused > MOST_REFUSED {
            let why = "renegotiation again and again";
            return Err(fatal(wire, Alert::UNEXPECTED_MESSAGE, why));
        }
        if !self.close_sent {
            put(wire, ALERT, &[WARNING, Alert::NO_RENEGOTIATION.0]);
        }
        Ok(())
    }

    fn later(&mut self) -> &mut dyn LaterKeys {
        &mut **self.later.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&mut self, wire: &mut Wire, request: u8) -> Result<Progress<()>> {
        if !self.rekeys {
            return Err(no_new_keys("the keys cannot be new"));
        }
        self.take_new_keys(wire, request)?;
        Ok(Progress::Ready(()))
    }
}

impl Session for KernelRecords {
    fn handshake(&mut self, _: &mut Wire) -> Result<Progress<()>> {
        Ok(Progress::Ready(()))
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        if !self.advance(wire)? {
            return Ok(Progress::WantRead);
        }
        let n = self.left.min(buf.len());
        buf[..n].copy_from_slice(&wire.unread()[..n]);
        wire.consume(n);
        self.left -= n;
        Ok(Progress::Ready(n))
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        let mut written = 0;
        while written < buf.len() && wire.room() >= HEADER + RECORD {
            let record = &buf[written..buf.len().min(written + RECORD)];
            put(wire, DATA, record);
            written += record.len();
        }
        Ok(Progress::Ready(written))
    }

    fn close(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        put(wire, ALERT, &[WARNING, Alert::CLOSE_NOTIFY.0]);
        self.close_sent = true;
        Ok(Progress::Ready(()))
    }

    fn buffered(&mut self, wire: &mut Wire) -> Result<usize> {
        self.advance(wire)?;
        Ok(self.left)
    }

    fn undelivered(&self) -> usize {
        self.left
    }

    fn update_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.update(wire, REQUESTED)
    }

    fn renew_keys(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        self.update(wire, NOT_REQUESTED)
    }

    /// Nobody asks: what was negotiated stays with the session that did.
    fn negotiated(&self) -> Negotiated {
        Negotiated::default()
    }
}

/// Puts a record on the wire.
fn put(wire: &mut Wire, kind: u8, body: &[u8]) {
    let room = wire.reserve_plain(HEADER + body.len());
    room[..HEADER].copy_from_slice(&header(kind, body.len()));
    room[HEADER..][..body.len()].copy_from_slice(body);
    wire.commit(HEADER + body.len());
}

/// The peer is at fault, and is told.
#[cold]
fn fatal(wire: &mut Wire, alert: Alert, why: &'static str) -> Error {
    wire.put_alert(alert);
    Error::new(ErrorKind::Protocol).because(why)
}

/// This side cannot go on, and says so.
#[cold]
fn give_up(wire: &mut Wire, e: Error) -> Error {
    wire.put_alert(Alert::INTERNAL_ERROR);
    e
}

#[cold]
fn no_new_keys(what: &'static str) -> Error {
    let e = Error::new(ErrorKind::Unsupported(Capability::KeyUpdate));
    e.because(format!("{what}, and the kernel that encrypts takes none: Linux does since 6.14"))
}

// Content types (RFC 8446 §5.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
pub(crate) const DATA: u8 = 23;

// Messages (RFC 8446 §4, RFC 5246 §7.4).
const HELLO_REQUEST: u8 = 0;
const CLIENT_HELLO: u8 = 1;
const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;

// What a key update says (RFC 8446 §4.6.3).
const NOT_REQUESTED: u8 = 0;
const REQUESTED: u8 = 1;

/// The level of alerts that end nothing (RFC 5246 §7.2).
const WARNING: u8 = 1;

/// The most plaintext in one record (RFC 8446 §5.1).
pub(crate) const RECORD: usize = 16_384;

/// The longest message that is waited for; a ticket is shorter (RFC 8446 §4.6.1).
const MOST: usize = Wire::MAX_INCOMING;

/// How often renegotiation is refused kindly.
const MOST_REFUSED: u32 = 4;
