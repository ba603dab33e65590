//! A kernel that encrypts and decrypts records, in memory: so that what libraries hand over is tried on
//! machines whose kernel does not.

mod cipher;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice, Read, Seek, SeekFrom};
use std::mem;
use std::task::{Context, Poll, Waker, ready};

use tls_core::{
    Direction, KernelCipher, KernelTransport, Pipe, ReceiveError, TrafficKeys, Transport, Version,
};

use cipher::{HEADER, Protection, RECORD};

/// One end of a pipe, as a socket with such a kernel.
pub(crate) struct Soft {
    pipe: Pipe,
    pub(crate) kernel: Kernel,
    /// What has passed the socket on its way out.
    pub(crate) written: Vec<u8>,
    send: Option<Protection>,
    receive: Option<Protection>,
    /// Encrypted, and not sent yet.
    outgoing: VecDeque<u8>,
    /// Received, and not decrypted yet.
    incoming: Vec<u8>,
    /// Decrypted, and not given yet.
    plain: Option<(u8, Vec<u8>)>,
    /// The peer has new keys, which are not set yet.
    waits_for_keys: bool,
    version: Option<Version>,
    /// What the records are protected with.
    pub(crate) cipher: Option<KernelCipher>,
    is_attached: bool,
    /// A record did not decrypt: nothing goes any more.
    is_broken: bool,
    /// Whether what is written stays here.
    pub(crate) holds_back: bool,
    held: Vec<u8>,
}

/// What the kernel is able to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
    /// Whether there is one.
    pub(crate) is_there: bool,
    pub(crate) knows: Result<bool, io::ErrorKind>,
    pub(crate) rekeys: bool,
    pub(crate) attaches: Result<(), io::ErrorKind>,
    /// Of which direction it takes no keys.
    pub(crate) refuses_keys: Option<Direction>,
}

impl Kernel {
    /// Knows everything.
    pub(crate) const ABLE: Self = Self {
        is_there: true,
        knows: Ok(true),
        rekeys: true,
        attaches: Ok(()),
        refuses_keys: None,
    };
}

impl Soft {
    pub(crate) fn new(pipe: Pipe, kernel: Kernel) -> Self {
        Self {
            pipe,
            kernel,
            written: Vec::new(),
            send: None,
            receive: None,
            outgoing: VecDeque::new(),
            incoming: Vec::new(),
            plain: None,
            waits_for_keys: false,
            version: None,
            cipher: None,
            is_attached: false,
            is_broken: false,
            holds_back: false,
            held: Vec::new(),
        }
    }

    /// Whether records go through the kernel both ways.
    pub(crate) fn has_keys(&self) -> bool {
        self.send.is_some() && self.receive.is_some()
    }

    /// Sends bytes that nobody has encrypted here.
    pub(crate) fn inject(&mut self, bytes: &[u8]) {
        let cx = &mut Context::from_waker(Waker::noop());
        let sent = self.pipe.poll_write(cx, &[IoSlice::new(bytes)]);
        assert!(matches!(sent, Poll::Ready(Ok(n)) if n == bytes.len()), "no room for {sent:?}");
    }

    /// What was held back; from now on nothing is.
    pub(crate) fn take_held(&mut self) -> Vec<u8> {
        self.holds_back = false;
        mem::take(&mut self.held)
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let piece = self.outgoing.make_contiguous();
            let n = ready!(self.pipe.poll_write(cx, &[IoSlice::new(piece)]))?;
            self.written.extend(self.outgoing.drain(..n));
        }
        Poll::Ready(Ok(()))
    }

    /// A whole record off the pipe; `None` at its end.
    fn poll_record(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Vec<u8>>>> {
        loop {
            if let &[_, _, _, high, low, ref rest @ ..] = &self.incoming[..] {
                let len = usize::from(u16::from_be_bytes([high, low]));
                if rest.len() >= len {
                    return Poll::Ready(Ok(Some(self.incoming.drain(..HEADER + len).collect())));
                }
            }
            let mut buf = [0; 4096];
            match ready!(self.pipe.poll_read(cx, &mut buf))? {
                0 => return Poll::Ready(Ok(None)), // in the middle of a record too
                n => self.incoming.extend_from_slice(&buf[..n]),
            }
        }
    }
}

impl Transport for Soft {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(self.receive.is_none(), "read past the kernel");
        self.pipe.poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(self.send.is_none(), "written past the kernel");
        if self.holds_back {
            let before = self.held.len();
            self.held.extend(bufs.iter().flat_map(|buf| buf.iter()));
            return Poll::Ready(Ok(self.held.len() - before));
        }
        let n = ready!(self.pipe.poll_write(cx, bufs))?;
        self.written.extend(bufs.iter().flat_map(|buf| buf.iter()).take(n));
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_out(cx))?;
        self.pipe.poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_out(cx))?;
        self.pipe.poll_shutdown(cx)
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        self.kernel.is_there.then_some(self)
    }
}

impl KernelTransport for Soft {
    fn knows(&self, _: Version, _: KernelCipher) -> Result<bool, io::ErrorKind> {
        self.kernel.knows
    }

    fn rekeys(&self) -> bool {
        self.kernel.rekeys
    }

    fn attach(&mut self) -> io::Result<()> {
        assert!(!self.is_attached, "attached twice");
        self.kernel.attaches?;
        self.is_attached = true;
        Ok(())
    }

    fn set_keys(
        &mut self,
        direction: Direction,
        version: Version,
        cipher: KernelCipher,
        keys: &TrafficKeys,
    ) -> io::Result<()> {
        assert!(self.is_attached, "keys before it is attached");
        if self.kernel.refuses_keys == Some(direction) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let place = match direction {
            Direction::Send => &mut self.send,
            Direction::Receive => &mut self.receive,
        };
        if place.is_some() && !(self.kernel.rekeys && version == Version::Tls13) {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        *place = Some(Protection::new(version, cipher, keys));
        self.version = Some(version);
        self.cipher = Some(cipher);
        if direction == Direction::Receive {
            self.waits_for_keys = false;
        }
        Ok(())
    }

    fn poll_send_record(
        &mut self,
        cx: &mut Context<'_>,
        kind: u8,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_broken {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        ready!(self.poll_out(cx))?;
        let n = payload.len().min(RECORD);
        let send = self.send.as_mut().expect("keys");
        self.outgoing.extend(send.seal(kind, &payload[..n]));
        // It is the kernel's now, whether or not it can be sent.
        let _ = self.poll_out(cx)?;
        Poll::Ready(Ok(n))
    }

    fn poll_receive_record(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(Option<u8>, usize), ReceiveError>> {
        if let Poll::Ready(Err(e)) = self.poll_out(cx) {
            return Poll::Ready(Err(ReceiveError::Io(e)));
        }
        loop {
            if self.is_broken {
                return Poll::Ready(Err(ReceiveError::BadRecord));
            }
            if let Some((kind, plain)) = &mut self.plain {
                let (kind, n) = (*kind, plain.len().min(buf.len()));
                buf[..n].copy_from_slice(&plain[..n]);
                plain.drain(..n);
                if plain.is_empty() {
                    self.plain = None;
                }
                return Poll::Ready(Ok((Some(kind), n)));
            }
            let record = match ready!(self.poll_record(cx)) {
                Ok(Some(record)) => record,
                Ok(None) => return Poll::Ready(Ok((None, 0))),
                Err(e) => return Poll::Ready(Err(ReceiveError::Io(e))),
            };
            if self.waits_for_keys {
                return Poll::Ready(Err(ReceiveError::NoKeys));
            }
            match self.receive.as_mut().expect("keys").open(&record) {
                // Passed over, as Linux does.
                Ok((DATA, plain)) if plain.is_empty() => {}
                Ok((kind, plain)) => {
                    let is_update = kind == HANDSHAKE && plain.first() == Some(&KEY_UPDATE);
                    self.waits_for_keys = is_update && self.version == Some(Version::Tls13);
                    self.plain = Some((kind, plain));
                }
                Err(e) => {
                    self.is_broken = matches!(e, ReceiveError::BadRecord);
                    return Poll::Ready(Err(e));
                }
            }
        }
    }

    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        mut file: &File,
        offset: u64,
        len: u64,
    ) -> Poll<io::Result<u64>> {
        // Where the file is read is not to change.
        let at = file.stream_position()?;
        file.seek(SeekFrom::Start(offset))?;
        let mut data = Vec::new();
        let read = file.take(len.min(RECORD as u64)).read_to_end(&mut data);
        file.seek(SeekFrom::Start(at))?;
        match read? {
            0 => Poll::Ready(Ok(0)),
            _ => self.poll_send_record(cx, DATA, &data).map_ok(|n| n as u64),
        }
    }
}

const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;
const KEY_UPDATE: u8 = 24;
