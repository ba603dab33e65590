//! A kernel that follows a script, and a library that gives its keys away.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use zeroize::Zeroizing;

use crate::connection::Rules;
use crate::{
    CipherSuite, Connection, Direction, EndOfStream, Error, ErrorKind, HandedOver, KernelCipher,
    KernelTls, KernelTransport, LaterKeys, Negotiated, Progress, ReceiveError, Result, Session,
    Stream, TrafficKeys, Transport, Version, Wire,
};

/// What the kernel gives at the next call; it would block once there is nothing.
#[derive(Debug)]
pub(super) enum Given {
    Record(u8, Vec<u8>),
    Refused(ReceiveError),
    Blocks,
    End,
}

/// What the kernel was told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The keys of a direction, by their first byte.
    Keys(Direction, u8),
    Record(u8, Vec<u8>),
    File(u64, u64),
}

#[derive(Debug)]
pub(super) struct Script {
    pub(super) given: VecDeque<Given>,
    /// How much is taken at each call; 0 would block. Everything, once there is none left.
    pub(super) room: VecDeque<usize>,
    pub(super) told: Vec<Told>,
    pub(super) rekeys: bool,
    /// Which of the keys are not taken, counted from now on.
    pub(super) bad_keys: Option<usize>,
    pub(super) lends_pages: bool,
    /// What the next file meets.
    pub(super) breaks: Option<io::ErrorKind>,
    /// What went over the transport without the kernel's TLS, and comes so.
    pub(super) plain: Vec<u8>,
    pub(super) arriving: VecDeque<u8>,
}

impl Script {
    fn room(&mut self, wanted: usize) -> Option<usize> {
        match self.room.pop_front() {
            Some(0) => None,
            Some(n) => Some(n.min(wanted)),
            None => Some(wanted),
        }
    }

    /// All bytes of data, without how they were cut.
    pub(super) fn data(&self) -> Vec<u8> {
        let data = self.told.iter().filter_map(|told| match told {
            Told::Record(23, bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        data.flatten().copied().collect()
    }
}

impl Transport for Script {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.arriving.is_empty() {
            true => Poll::Pending,
            false => Poll::Ready(io::Read::read(&mut self.arriving, buf)),
        }
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let wanted = bufs.first().map_or(0, |buf| buf.len());
        let Some(n) = self.room(wanted) else { return Poll::Pending };
        self.plain.extend_from_slice(&bufs[0][..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        Some(self)
    }
}

impl KernelTransport for Script {
    fn knows(&self, _: Version, _: KernelCipher) -> Result<bool, io::ErrorKind> {
        Ok(true)
    }

    fn rekeys(&self) -> bool {
        self.rekeys
    }

    fn attach(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_keys(
        &mut self,
        direction: Direction,
        _: Version,
        _: KernelCipher,
        keys: &TrafficKeys,
    ) -> io::Result<()> {
        match &mut self.bad_keys {
            Some(0) => return Err(io::ErrorKind::ResourceBusy.into()),
            Some(left) => *left -= 1,
            None => {}
        }
        self.told.push(Told::Keys(direction, keys.key[0]));
        Ok(())
    }

    fn poll_send_record(
        &mut self,
        _: &mut Context<'_>,
        kind: u8,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(n) = self.room(payload.len()) else { return Poll::Pending };
        self.told.push(Told::Record(kind, payload[..n].to_vec()));
        Poll::Ready(Ok(n))
    }

    fn poll_receive_record(
        &mut self,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(Option<u8>, usize), ReceiveError>> {
        Poll::Ready(match self.given.pop_front() {
            None | Some(Given::Blocks) => return Poll::Pending,
            Some(Given::Record(kind, bytes)) => {
                buf[..bytes.len()].copy_from_slice(&bytes);
                Ok((Some(kind), bytes.len()))
            }
            Some(Given::Refused(why)) => Err(why),
            Some(Given::End) => Ok((None, 0)),
        })
    }

    fn poll_send_file(
        &mut self,
        _: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: u64,
    ) -> Poll<io::Result<u64>> {
        if let Some(kind) = self.breaks.take() {
            return Poll::Ready(Err(kind.into()));
        }
        if !self.lends_pages {
            return Poll::Ready(Err(io::ErrorKind::InvalidInput.into()));
        }
        let left = file.metadata()?.len().saturating_sub(offset);
        let wanted = usize::try_from(len.min(left)).unwrap();
        let Some(n) = self.room(wanted) else { return Poll::Pending };
        if n > 0 {
            self.told.push(Told::File(offset, n as u64));
        }
        Poll::Ready(Ok(n as u64))
    }
}

/// A library whose records are what stands between brackets; it takes a part of one off the wire.
#[derive(Debug)]
struct Giver {
    version: Version,
    suite: CipherSuite,
}

impl Session for Giver {
    fn handshake(&mut self, _: &mut Wire) -> Result<Progress<()>> {
        Ok(Progress::Ready(()))
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        let &[_, _, _, high, low, ref rest @ ..] = wire.unread() else {
            return Ok(Progress::WantRead);
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let Some(body) = rest.get(..len) else { return Ok(Progress::WantRead) };
        buf[..len].copy_from_slice(body);
        wire.consume(5 + len);
        Ok(Progress::Ready(len))
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        io::Write::write_all(wire, buf)?;
        Ok(Progress::Ready(buf.len()))
    }

    fn close(&mut self, _: &mut Wire) -> Result<Progress<()>> {
        Ok(Progress::Ready(()))
    }

    fn buffered(&mut self, _: &mut Wire) -> Result<usize> {
        Ok(0)
    }

    fn hand_over(&mut self) -> Result<HandedOver> {
        Ok(HandedOver {
            version: self.version,
            cipher_suite: self.suite,
            send: keys(1),
            receive: keys(101),
            later: Box::new(Counting { send: 1, receive: 101 }),
        })
    }

    fn negotiated(&self) -> Negotiated {
        Negotiated {
            version: Some(self.version),
            cipher_suite: Some(self.suite),
            ..Negotiated::default()
        }
    }
}

fn keys(first: u8) -> TrafficKeys {
    TrafficKeys { key: Zeroizing::new(vec![first; 16]), iv: [0; 12], sequence: 0 }
}

/// Keys with numbers; tickets have to be whole.
#[derive(Debug)]
struct Counting {
    send: u8,
    receive: u8,
}

impl LaterKeys for Counting {
    fn next_send(&mut self) -> Result<TrafficKeys> {
        self.send += 1;
        Ok(keys(self.send))
    }

    fn next_receive(&mut self) -> Result<TrafficKeys> {
        self.receive += 1;
        Ok(keys(self.receive))
    }

    fn ticket(&mut self, body: &[u8]) -> Result<()> {
        match body == TICKET {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Protocol)),
        }
    }
}

/// The body of a ticket that a client takes.
pub(super) const TICKET: &[u8] = b"a ticket, as far as anybody here can tell";

/// A stream that has not begun, of a side.
pub(super) fn stream(version: Version, is_server: bool, after: Option<u32>) -> Stream<Script> {
    let suite = match version {
        Version::Tls12 => CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256,
        Version::Tls13 => CipherSuite::TLS13_AES_128_GCM_SHA256,
    };
    let rules = match is_server {
        true => Rules::server(EndOfStream::default(), None),
        false => Rules::client(EndOfStream::default()),
    };
    let rules = rules.kernel_tls(KernelTls::Auto, None).key_update_after(after);
    let connection = Connection::new(Box::new(Giver { version, suite }), rules);
    let script = Script {
        given: VecDeque::new(),
        room: VecDeque::new(),
        told: Vec::new(),
        rekeys: true,
        bad_keys: None,
        lends_pages: true,
        breaks: None,
        plain: Vec::new(),
        arriving: VecDeque::new(),
    };
    Stream::new(connection, script)
}
