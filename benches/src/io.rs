//! What the connections speak over: a pipe in memory or a socket, with every call counted.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use polytls::Transport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::ffi::{Side, as_side};

/// One end of a connection without TLS. It never waits: "would block" is pending.
#[derive(Debug)]
pub(crate) struct Io {
    link: Link,
    counts: Rc<Counts>,
}

#[derive(Debug)]
enum Link {
    Memory { reads: Rc<RefCell<Lane>>, writes: Rc<RefCell<Lane>> },
    Socket(TcpStream),
}

/// One direction, with room for everything.
#[derive(Debug, Default)]
struct Lane {
    bytes: Vec<u8>,
    start: usize,
}

/// What has been asked of an end, and what it has sent.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) reads: Cell<u64>,
    pub(crate) writes: Cell<u64>,
    pub(crate) records: Cell<u64>,
    /// How many bytes of the record that is being written are still to come.
    left: Cell<usize>,
    /// The piece of a header that has been written.
    header: RefCell<Vec<u8>>,
}

impl Io {
    /// Two ends, joined in memory.
    pub(crate) fn memory() -> (Self, Self) {
        let lane = || Rc::new(RefCell::new(Lane::default()));
        let (there, back) = (lane(), lane());
        let link = Link::Memory { reads: back.clone(), writes: there.clone() };
        (Self::new(link), Self::new(Link::Memory { reads: there, writes: back }))
    }

    /// Two ends, joined over loopback.
    pub(crate) fn loopback() -> io::Result<(Self, Self)> {
        let (client, server) = sockets()?;
        Ok((Self::socket(client)?, Self::socket(server)?))
    }

    /// An end that is a socket, from now on without waiting.
    pub(crate) fn socket(socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::new(Link::Socket(socket)))
    }

    /// What is counted here.
    pub(crate) fn counts(&self) -> Rc<Counts> {
        self.counts.clone()
    }

    fn new(link: Link) -> Self {
        Self { link, counts: Rc::new(Counts::default()) }
    }
}

/// Two connected sockets.
pub(crate) fn sockets() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let server = listener.accept()?.0;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    Ok((client, server))
}

/// The memory of a pipe is neither side's, whoever drops it last.
impl Drop for Lane {
    fn drop(&mut self) {
        as_side(Side::Other, || drop(mem::take(&mut self.bytes)));
    }
}

impl Counts {
    /// Notes what goes out, and counts the records that begin in it.
    fn wrote(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.left.get().min(bytes.len());
            self.left.set(self.left.get() - skipped);
            bytes = &bytes[skipped..];
            let mut header = self.header.borrow_mut();
            let n = (5 - header.len()).min(bytes.len());
            header.extend_from_slice(&bytes[..n]);
            bytes = &bytes[n..];
            if let [_, _, _, high, low] = header[..] {
                self.records.set(self.records.get() + 1);
                self.left.set(usize::from(u16::from_be_bytes([high, low])));
                header.clear();
            }
        }
    }
}

impl Lane {
    fn push(&mut self, bytes: &[u8]) {
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn pull(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let there = &self.bytes[self.start..];
        if there.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let n = there.len().min(buf.len());
        buf[..n].copy_from_slice(&there[..n]);
        self.start += n;
        Ok(n)
    }
}

fn bump(count: &Cell<u64>) {
    count.set(count.get() + 1);
}

impl Read for Io {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        bump(&self.counts.reads);
        match &mut self.link {
            Link::Memory { reads, .. } => reads.borrow_mut().pull(buf),
            Link::Socket(socket) => socket.read(buf),
        }
    }
}

impl Write for Io {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        bump(&self.counts.writes);
        match &mut self.link {
            Link::Memory { writes, .. } => as_side(Side::Other, || {
                let mut lane = writes.borrow_mut();
                for buf in bufs {
                    self.counts.wrote(buf);
                    lane.push(buf);
                }
                Ok(bufs.iter().map(|buf| buf.len()).sum())
            }),
            Link::Socket(socket) => socket.write_vectored(bufs),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn polled<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl Transport for Io {
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        polled(self.read(buf))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        polled(self.write_vectored(bufs))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Io {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.read(buf.initialize_unfilled());
        polled(read.map(|n| buf.advance(n)))
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        polled(self.write(buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        polled(self.write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_records_are_counted() {
        let (mut a, mut b) = Io::memory();
        let two = [23, 3, 3, 0, 2, 1, 1, 23, 3, 3, 0, 1, 1];
        for byte in two {
            assert_eq!(a.write(&[byte]).unwrap(), 1);
        }
        assert_eq!((a.counts.writes.get(), a.counts.records.get()), (13, 2));
        assert_eq!(a.write(&two).unwrap(), 13);
        assert_eq!((a.counts.writes.get(), a.counts.records.get()), (14, 4));
        let mut buf = [0; 64];
        assert_eq!(b.read(&mut buf).unwrap(), 26);
        assert_eq!(b.read(&mut buf).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(b.counts.reads.get(), 2);
    }
}
