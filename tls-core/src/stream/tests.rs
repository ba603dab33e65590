//! The driver with sessions that no library has.

use std::io::{IoSlice, Write as _};
use std::task::{Context, Poll, Waker};

use super::drive::MAX_PENDING;
use super::*;
use crate::connection::Rules;
use crate::{EndOfStream, Pipe, Progress, Session, Wire, pipe};

/// Answers every byte it reads with a whole kilobyte, and has one byte to give.
#[derive(Debug)]
struct Chatty;

impl Session for Chatty {
    fn handshake(&mut self, wire: &mut Wire) -> Result<Progress<()>> {
        wire.write_all(b"the last of the handshake")?;
        Ok(Progress::Ready(()))
    }

    fn read(&mut self, wire: &mut Wire, buf: &mut [u8]) -> Result<Progress<usize>> {
        while let Some(&byte) = wire.unread().first() {
            wire.consume(1);
            if byte == b'!' {
                buf[0] = byte;
                return Ok(Progress::Ready(1));
            }
            wire.write_all(&[byte; 1024])?;
        }
        Ok(Progress::WantRead)
    }

    fn write(&mut self, wire: &mut Wire, buf: &[u8]) -> Result<Progress<usize>> {
        wire.write_all(buf)?;
        Ok(Progress::Ready(buf.len()))
    }

    fn close(&mut self, _: &mut Wire) -> Result<Progress<()>> {
        Ok(Progress::Ready(()))
    }

    fn buffered(&mut self, _: &mut Wire) -> Result<usize> {
        Ok(0)
    }

    fn negotiated(&self) -> Negotiated {
        Negotiated::default()
    }
}

fn chatty(room: usize) -> (Stream<Pipe>, Pipe) {
    let (ours, theirs) = pipe(room);
    let rules = Rules::client(EndOfStream::default());
    (Stream::new(Connection::new(Box::new(Chatty), rules), ours), theirs)
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[test]
fn answers_that_the_peer_does_not_take_stop_the_reading() {
    let (mut stream, mut peer) = chatty(64);
    for _ in 0..1000 {
        let _ = peer.poll_write(&mut cx(), &[IoSlice::new(&[b'?'; 64])]);
        assert!(stream.poll_read(&mut cx(), &mut [0; 8]).is_pending());
    }
    let pending = stream.connection.wire().pending().len();
    assert!(pending <= MAX_PENDING + 64 * 1024, "{pending} bytes wait");
    // A peer that takes them is served again.
    let mut taken = vec![0; 4096];
    for _ in 0..10_000 {
        let _ = peer.poll_read(&mut cx(), &mut taken);
        let _ = stream.poll_flush(&mut cx());
    }
    assert!(peer.poll_write(&mut cx(), &[IoSlice::new(b"!")]).is_pending());
    assert!(stream.poll_read(&mut cx(), &mut [0; 8]).is_pending());
    assert!(peer.poll_write(&mut cx(), &[IoSlice::new(b"!")]).is_ready());
}

#[test]
fn a_full_transport_does_not_keep_data_from_the_reader() {
    let (mut stream, mut peer) = chatty(8);
    assert!(peer.poll_write(&mut cx(), &[IoSlice::new(b"!")]).is_ready());
    let read = stream.poll_read(&mut cx(), &mut [0; 8]);
    assert!(matches!(read, Poll::Ready(Ok(1))), "{read:?}");
    assert!(stream.wants_write());
}
