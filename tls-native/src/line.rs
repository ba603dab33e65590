//! The wire, as native-tls's stream sees it.

use std::io::{self, Read, Write};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tls_core::{Error, ErrorKind, Wire};

use crate::platform;

/// A handle on the wire that is lent for the length of a call.
///
/// A failed handshake drops native-tls's stream with all that is in it. What is in it is only
/// another handle: the alert that the library wrote is still here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    wire: Wire,
    phase: Phase,
    records: Records,
}

#[derive(Debug)]
enum Phase {
    /// What the library reads is noted, and what it writes is held back: it may have to be refused.
    Handshake(Passed),
    /// `whole` is whether another handshake would be one too many, as in TLS 1.2.
    Traffic { whole: bool },
}

impl Default for Phase {
    fn default() -> Self {
        Self::Handshake(Passed::default())
    }
}

/// What passed during one call.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    pub(crate) incoming: Vec<u8>,
    pub(crate) outgoing: Vec<u8>,
}

impl Line {
    /// Lends `wire` to the library for the length of `call`.
    pub(crate) fn lend<T>(&self, wire: &mut Wire, call: impl FnOnce() -> T) -> T {
        platform::forget_errors();
        mem::swap(&mut self.inner().wire, wire);
        let result = call();
        mem::swap(&mut self.inner().wire, wire);
        result
    }

    /// What has passed in the handshake since this was last asked.
    pub(crate) fn passed(&self) -> Passed {
        match &mut self.inner().phase {
            Phase::Handshake(passed) => mem::take(passed),
            Phase::Traffic { .. } => Passed::default(),
        }
    }

    /// From now on data passes. `whole` is whether there must be no further handshake.
    pub(crate) fn established(&self, whole: bool) {
        self.inner().phase = Phase::Traffic { whole };
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves bytes behind, nothing that is half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Line {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let inner = &mut *self.inner();
        let n = inner.wire.read(buf)?;
        let handshakes = inner.records.begin_handshakes(&buf[..n]);
        match &mut inner.phase {
            Phase::Handshake(passed) => passed.incoming.extend_from_slice(&buf[..n]),
            Phase::Traffic { whole } if *whole && handshakes => {
                let e = Error::new(ErrorKind::Protocol);
                return Err(e.because("the peer wants to renegotiate").into());
            }
            Phase::Traffic { .. } => {}
        }
        Ok(n)
    }
}

impl Write for Line {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let inner = &mut *self.inner();
        match &mut inner.phase {
            Phase::Handshake(passed) => {
                passed.outgoing.extend_from_slice(buf);
                Ok(buf.len())
            }
            Phase::Traffic { .. } => inner.wire.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where records begin in the bytes that come.
#[derive(Debug, Default)]
struct Records {
    header: [u8; 5],
    have: usize,
    body_left: usize,
}

impl Records {
    /// Whether a record with handshake messages begins in these bytes, the next of all that come.
    fn begin_handshakes(&mut self, mut bytes: &[u8]) -> bool {
        const HANDSHAKE: u8 = 22;
        let mut found = false;
        loop {
            let n = self.body_left.min(bytes.len());
            self.body_left -= n;
            let Some((&byte, rest)) = bytes[n..].split_first() else { return found };
            bytes = rest;
            self.header[self.have] = byte;
            self.have += 1;
            if self.have == self.header.len() {
                let [kind, _, _, a, b] = self.header;
                found |= kind == HANDSHAKE;
                (self.have, self.body_left) = (0, u16::from_be_bytes([a, b]).into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what comes in pieces of `size` bytes, and says how the last read ended.
    fn read(line: &Line, wire: &mut Wire, size: usize) -> io::Error {
        let mut handle = line.clone();
        line.lend(wire, || {
            loop {
                if let Err(e) = handle.read(&mut vec![0; size]) {
                    return e;
                }
            }
        })
    }

    #[test]
    fn a_second_handshake_is_refused_where_there_is_none() {
        const FIRST: &[u8] = b"\x16\x03\x03\x00\x02\x16\x16\x14\x03\x03\x00\x01\x01";
        const DATA: &[u8] = b"\x17\x03\x03\x00\x03\x16\x03\x03\x15\x03\x03\x00\x00";
        for size in [1, 2, 5, 100] {
            for (whole, refused) in [(true, true), (false, false)] {
                let (line, mut wire) = (Line::default(), Wire::default());
                wire.feed(FIRST);
                assert_eq!(read(&line, &mut wire, size).kind(), io::ErrorKind::WouldBlock);
                assert_eq!(line.passed().incoming, FIRST);
                line.established(whole);
                wire.feed(DATA);
                assert_eq!(read(&line, &mut wire, size).kind(), io::ErrorKind::WouldBlock);
                wire.feed(FIRST);
                let e = Error::from(read(&line, &mut wire, size));
                assert_eq!(e.kind() == ErrorKind::Protocol, refused, "{e:?}");
            }
        }
    }

    #[test]
    fn what_a_handshake_writes_is_held_back() {
        let (line, mut wire) = (Line::default(), Wire::default());
        let mut handle = line.clone();
        line.lend(&mut wire, || handle.write_all(b"hello")).unwrap();
        drop(handle);
        assert_eq!((wire.pending(), line.passed().outgoing.as_slice()), (&b""[..], &b"hello"[..]));
        line.established(true);
        let mut handle = line.clone();
        line.lend(&mut wire, || handle.write_all(b"data")).unwrap();
        assert_eq!(wire.pending(), b"data");
    }
}
