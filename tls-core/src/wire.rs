//! The bytes between a session and the network.

use std::io::{self, Read, Write};
use std::{fmt, hint, mem};

use crate::{Alert, pool};

/// Ciphertext on its way in and out of one connection.
///
/// A wire is two byte queues and an end mark. The driver moves the bytes between the wire and the
/// network: [`spare`](Self::spare) and [`filled`](Self::filled) (or [`feed`](Self::feed)) on the
/// way in, [`pending`](Self::pending) and [`sent`](Self::sent) on the way out, [`end`](Self::end)
/// when the network brings nothing more.
///
/// A [`Session`](crate::Session) sees the other side. A C library's stream type reads and writes
/// it through [`Read`] and [`Write`]: reading a dry wire is [`io::ErrorKind::WouldBlock`], also
/// after the end (the end is judged by [`Connection`](crate::Connection), once for all libraries),
/// and writing never blocks, so that no library stops in the middle of a record. A library that
/// works on slices uses [`incoming`](Self::incoming) and [`consume`](Self::consume),
/// [`reserve`](Self::reserve) and [`commit`](Self::commit), without a copy.
///
/// Each queue has room for four full records (65,688 bytes). Its memory comes from a pool of the
/// current thread when it is first needed and goes back once it is drained, so an idle connection
/// holds none, unless a record has come in part. Memory that may have held plaintext is wiped first.
#[derive(Default)]
pub struct Wire {
    incoming: Queue,
    outgoing: Queue,
    received: u64,
    ended: bool,
    /// Set once it matters where records end.
    framing: Option<Framing>,
}

impl Wire {
    /// How many pending bytes make a session wait for the network before it encrypts more.
    pub const HIGH_WATER: usize = pool::BUFFER;

    /// The most bytes that one TLS record takes, header included (RFC 5246 §6.2.3).
    pub const MAX_RECORD: usize = 5 + 16_384 + 2_048;

    /// The most bytes that wait to be consumed before [`spare`](Self::spare) gives no more room.
    ///
    /// Only a handshake message, which a session may need whole, can come near it.
    pub const MAX_INCOMING: usize = 2 * pool::BUFFER;

    /// Room for bytes from the network, to be followed by [`filled`](Self::filled).
    ///
    /// The room is empty only when [`MAX_INCOMING`](Self::MAX_INCOMING) bytes already wait, which
    /// means that the peer sends more than any valid message needs.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.is_full() {
            return &mut [];
        }
        self.incoming.spare(Self::MAX_RECORD)
    }

    /// Puts a fatal alert on the wire, in clear (RFC 8446 §6).
    pub(crate) fn put_alert(&mut self, alert: Alert) {
        let record = [21, 3, 3, 0, 2, 2, alert.0];
        self.reserve(record.len())[..record.len()].copy_from_slice(&record);
        self.commit(record.len());
    }

    /// Whether there is no more room for bytes from the network.
    pub(crate) fn is_full(&self) -> bool {
        self.incoming.len() + Self::MAX_RECORD > Self::MAX_INCOMING
    }

    /// Records that the network put `n` bytes in the [`spare`](Self::spare) room.
    ///
    /// # Panics
    ///
    /// If `n` is more than the room that `spare` gave.
    pub fn filled(&mut self, n: usize) {
        self.incoming.filled(n);
        self.note(n);
    }

    /// Adds bytes that came from the network, however many they are.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.incoming.push(bytes);
        self.note(bytes.len());
    }

    /// Records that the network will bring nothing more.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Whether the network has ended.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The bytes that wait to be sent.
    pub fn pending(&self) -> &[u8] {
        self.outgoing.bytes()
    }

    /// Drops the first `n` pending bytes, once the network has taken them.
    ///
    /// # Panics
    ///
    /// If fewer than `n` bytes were pending.
    pub fn sent(&mut self, n: usize) {
        self.outgoing.consume(n);
    }

    /// The bytes from the network that no session has consumed yet.
    pub fn unread(&self) -> &[u8] {
        self.incoming.bytes()
    }

    /// The unconsumed bytes, to be decrypted in place.
    pub fn incoming(&mut self) -> &mut [u8] {
        self.incoming.sensitive = true;
        self.incoming.bytes_mut()
    }

    /// Drops the first `n` unconsumed bytes.
    ///
    /// # Panics
    ///
    /// If there were fewer.
    pub fn consume(&mut self, n: usize) {
        self.incoming.consume(n);
    }

    /// How many bytes a session may still put on the wire before it should wait.
    pub fn room(&self) -> usize {
        Self::HIGH_WATER.saturating_sub(self.outgoing.len())
    }

    /// Room for at least `n` more bytes to send, to be followed by [`commit`](Self::commit).
    pub fn reserve(&mut self, n: usize) -> &mut [u8] {
        self.outgoing.spare(n)
    }

    /// Records that the session put `n` bytes in the [`reserve`](Self::reserve) room.
    ///
    /// # Panics
    ///
    /// If `n` is more than the room that `reserve` gave.
    pub fn commit(&mut self, n: usize) {
        self.outgoing.filled(n);
    }

    /// How many bytes the network has ever brought.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Room for at least `n` more bytes, in which plaintext will stand.
    pub(crate) fn reserve_plain(&mut self, n: usize) -> &mut [u8] {
        self.outgoing.spare(n);
        self.outgoing.sensitive = true;
        &mut self.outgoing.buf[self.outgoing.end..]
    }

    /// Minds from now on where the records end that the network brings. The first of them begins with the
    /// first unread byte.
    pub(crate) fn mind_records(&mut self) {
        if self.framing.is_none() {
            let mut framing = Framing::default();
            framing.pass(self.incoming.bytes());
            self.framing = Some(framing);
        }
    }

    /// Whether the network has brought a part of a record, whoever has consumed it; also if nobody minded.
    pub(crate) fn is_mid_record(&self) -> bool {
        self.framing.as_ref().is_none_or(|framing| !framing.is_between())
    }

    /// From now on what comes is plaintext, and whole records.
    pub(crate) fn take_plaintext(&mut self) {
        self.framing = None;
    }

    fn note(&mut self, n: usize) {
        self.received += n as u64;
        if let Some(framing) = &mut self.framing {
            let bytes = self.incoming.bytes();
            framing.pass(&bytes[bytes.len() - n..]);
        }
    }

    /// Gives unused memory back; called when the driver has to wait.
    pub(crate) fn rest(&mut self) {
        self.incoming.release_if_empty();
        self.outgoing.release_if_empty();
    }

    /// Drops what waits to be sent: the network does not take it any more.
    pub(crate) fn discard_pending(&mut self) {
        self.outgoing.consume(self.outgoing.len());
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.incoming.bytes();
        if bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = buf.len().min(bytes.len());
        buf[..n].copy_from_slice(&bytes[..n]);
        self.incoming.consume(n);
        Ok(n)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.outgoing.push(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("unread", &self.incoming.len())
            .field("pending", &self.outgoing.len())
            .field("ended", &self.ended)
            .finish()
    }
}

/// Where in a record a stream of bytes stands.
#[derive(Default)]
struct Framing {
    header: [u8; 5],
    /// How much of the header has come.
    seen: usize,
    /// How much of the body is to come.
    left: usize,
}

impl Framing {
    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let n = self.left.min(bytes.len());
                self.left -= n;
                bytes = &bytes[n..];
                continue;
            }
            self.header[self.seen] = bytes[0];
            self.seen += 1;
            bytes = &bytes[1..];
            if self.seen == self.header.len() {
                let [_, _, _, high, low] = self.header;
                self.left = u16::from_be_bytes([high, low]).into();
                self.seen = 0;
            }
        }
    }

    fn is_between(&self) -> bool {
        self.seen == 0 && self.left == 0
    }
}

/// A byte queue whose contents are always one slice.
#[derive(Default)]
struct Queue {
    /// Initialised throughout; empty while nothing is held.
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// The furthest byte written since the buffer was taken.
    dirty: usize,
    /// Whether plaintext may stand in the buffer.
    sensitive: bool,
}

impl Queue {
    /// Room for at least `min` more bytes.
    fn spare(&mut self, min: usize) -> &mut [u8] {
        if self.buf.is_empty() {
            self.buf = pool::take();
        }
        if self.buf.len() - self.end < min {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            let needed = self.end + min;
            if needed > self.buf.len() {
                self.grow(needed);
            }
        }
        &mut self.buf[self.end..]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.spare(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.filled(bytes.len());
    }

    fn filled(&mut self, n: usize) {
        assert!(n <= self.buf.len() - self.end, "more bytes than there was room for");
        self.end += n;
        self.dirty = self.dirty.max(self.end);
    }

    fn consume(&mut self, n: usize) {
        assert!(n <= self.len(), "more bytes than there were");
        self.start += n;
        self.release_if_empty();
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buf[self.start..self.end]
    }

    fn bytes(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    fn len(&self) -> usize {
        self.end - self.start
    }

    /// Moves to a larger buffer; the old one goes back, wiped, instead of being left to the allocator.
    fn grow(&mut self, needed: usize) {
        let mut larger = vec![0; needed.next_multiple_of(pool::BUFFER)];
        larger[..self.end].copy_from_slice(&self.buf[..self.end]);
        let (end, sensitive) = (self.end, self.sensitive);
        self.release();
        *self = Self { buf: larger, start: 0, end, dirty: end, sensitive };
    }

    fn release_if_empty(&mut self) {
        if self.start == self.end {
            self.release();
        }
    }

    fn release(&mut self) {
        let mut queue = mem::take(self);
        if queue.buf.is_empty() {
            return;
        }
        if queue.sensitive {
            // A plain fill, not a volatile write a byte: this runs for each record. `black_box` keeps it
            // from being dropped as a dead store.
            queue.buf[..queue.dirty].fill(0);
            hint::black_box(&mut queue.buf);
        }
        pool::give_back(mem::take(&mut queue.buf));
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // What `release` takes out of `self` is a queue too; its own drop finds an empty buffer.
        if !self.buf.is_empty() {
            self.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut wire = Wire::default();
        let (mut fed, mut seen) = (0_u32, 0_u32);
        for round in 0..500 {
            for _ in 0..round % 97 {
                wire.feed(&fed.to_le_bytes());
                fed += 1;
            }
            let mut four = [0; 4];
            for _ in 0..round % 89 {
                if wire.read(&mut four).is_ok() {
                    assert_eq!(u32::from_le_bytes(four), seen);
                    seen += 1;
                }
            }
        }
        assert_eq!(wire.unread().len(), 4 * (fed - seen) as usize);
    }

    #[test]
    fn a_dry_wire_would_block_even_when_ended() {
        let mut wire = Wire::default();
        let dry = |wire: &mut Wire| wire.read(&mut [0; 8]).unwrap_err().kind();
        assert_eq!(dry(&mut wire), io::ErrorKind::WouldBlock);
        wire.end();
        assert_eq!(dry(&mut wire), io::ErrorKind::WouldBlock);
        assert!(wire.is_ended());
    }

    #[test]
    fn a_drained_wire_holds_no_memory() {
        let mut wire = Wire::default();
        wire.feed(&[1; 100]);
        wire.write_all(&[2; 100]).unwrap();
        assert!(!wire.incoming.buf.is_empty() && !wire.outgoing.buf.is_empty());
        wire.consume(100);
        wire.sent(100);
        assert!(wire.incoming.buf.is_empty() && wire.outgoing.buf.is_empty());
    }

    #[test]
    fn memory_that_held_plaintext_goes_back_wiped() {
        let mut wire = Wire::default();
        wire.feed(&[0xaa; 4000]);
        wire.incoming().fill(0xbb);
        wire.consume(4000);
        assert!(pool::take().iter().all(|&b| b == 0), "plaintext was left behind");
    }

    #[test]
    fn plaintext_on_its_way_out_is_wiped_too() {
        let mut wire = Wire::default();
        wire.reserve_plain(4000)[..4000].fill(0xcc);
        wire.commit(4000);
        wire.sent(4000);
        assert!(pool::take().iter().all(|&b| b == 0), "plaintext was left behind");
    }

    #[test]
    fn the_middle_of_a_record_is_known_whatever_the_pieces() {
        let bytes = [&[23, 3, 3, 0, 2, 7, 7][..], &[21, 3, 3, 0, 0], &[23, 3, 3, 1, 0]].concat();
        for chunk in 1..=bytes.len() {
            let mut wire = Wire::default();
            assert!(wire.is_mid_record(), "nobody minded");
            wire.mind_records();
            let mut fed = 0;
            for piece in bytes.chunks(chunk) {
                wire.feed(piece);
                wire.consume(piece.len());
                fed += piece.len();
                assert_eq!(wire.is_mid_record(), ![7, 12].contains(&fed), "{fed} by {chunk}");
            }
            wire.feed(&[0; 256]);
            assert!(!wire.is_mid_record());
        }
        let mut wire = Wire::default();
        wire.feed(&bytes[..9]);
        wire.mind_records();
        assert!(wire.is_mid_record());
        wire.feed(&bytes[9..12]);
        assert!(!wire.is_mid_record());
    }

    #[test]
    fn spare_room_is_bounded() {
        let mut wire = Wire::default();
        let mut total = 0;
        loop {
            let n = wire.spare().len();
            if n == 0 {
                break;
            }
            wire.filled(n.min(10_000));
            total += n.min(10_000);
            assert!(total <= Wire::MAX_INCOMING);
        }
        assert!(total > Wire::MAX_INCOMING / 2);
    }

    #[test]
    fn growth_keeps_the_bytes() {
        let mut wire = Wire::default();
        let data: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
        wire.feed(&data[..50_000]);
        wire.consume(10_000);
        wire.feed(&data[50_000..]);
        assert!(wire.unread() == &data[10_000..]);
    }
}
