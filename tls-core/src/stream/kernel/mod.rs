//! Records that the kernel encrypts and decrypts.

use std::io;
use std::task::{Context, Poll, ready};

use super::Stream;
use crate::file::Part;
use crate::kernel::records::{DATA, HEADER, NEW_KEYS, RECORD, header, read_header};
use crate::tasks::Half;
use crate::{
    Capability, Connection, Direction, Error, ErrorKind, HandedOver, KernelCipher, KernelRefusal,
    KernelTls, Result, SendPath, StdTransport, TrafficKeys, Transport, Version,
};

/// What a stream knows of the kernel.
#[derive(Debug, Default)]
pub(super) struct State {
    refusal: Option<KernelRefusal>,
    is_attached: bool,
    /// The type of the record that the transport takes, and what it has not taken of it.
    record: (u8, usize),
    /// What the kernel was told.
    keys: Option<(Version, KernelCipher)>,
}

impl<T> Stream<T> {
    /// Which way files go by now: the kernel's once it has the records, which happens at the first
    /// [`sendfile`](Self::poll_sendfile) or [`poll_kernel`](Self::poll_kernel).
    pub fn send_path(&self) -> SendPath {
        match self.connection.is_kernels() {
            true => SendPath::Kernel,
            false => SendPath::UserSpace,
        }
    }

    /// Why the records are not the kernel's; `None` if they are, and as long as nobody has tried.
    pub fn kernel_refusal(&self) -> Option<KernelRefusal> {
        match self.connection.kernel_tls() {
            KernelTls::Off => Some(KernelRefusal::NotWanted),
            KernelTls::Auto | KernelTls::Required => self.kernel.refusal,
        }
    }
}

impl<T: Transport> Stream<T> {
    /// Gives the records to the kernel, if the [configuration](KernelTls) allows it and nothing
    /// [refuses](Self::kernel_refusal) it, and says which way files go. Finishes the handshake, and sends
    /// what is pending.
    ///
    /// [`poll_sendfile`](Self::poll_sendfile) does so by itself. This is for programs that want to know
    /// before, or to write data that way too. What has been read and not been asked for is kept.
    pub fn poll_kernel(&mut self, cx: &mut Context<'_>) -> Poll<Result<SendPath>> {
        self.serve(Half::Writer, cx, |stream, cx| {
            ready!(stream.poll_established(cx))?;
            stream.check_send()?;
            stream.connection.check_open("kernel TLS")?;
            stream.poll_switch(cx)
        })
    }

    /// Which way a file goes now.
    pub(super) fn poll_path(&mut self, cx: &mut Context<'_>) -> Poll<Result<SendPath>> {
        let path = ready!(self.poll_switch(cx))?;
        let required = self.connection.kernel_tls() == KernelTls::Required;
        if path == SendPath::UserSpace && required {
            let e = Error::new(ErrorKind::Unsupported(Capability::KernelTls));
            let why = self.kernel.refusal.map_or_else(String::new, |why| why.to_string());
            return Poll::Ready(Err(e.because(why)));
        }
        Poll::Ready(Ok(path))
    }

    fn poll_switch(&mut self, cx: &mut Context<'_>) -> Poll<Result<SendPath>> {
        if self.connection.is_kernels() {
            return Poll::Ready(Ok(SendPath::Kernel));
        }
        let is_decided = match self.kernel.refusal {
            None => self.connection.kernel_tls() == KernelTls::Off,
            Some(why) => why != KernelRefusal::PartialRecord,
        };
        if is_decided {
            return Poll::Ready(Ok(SendPath::UserSpace));
        }
        self.kernel.refusal = ready!(self.poll_give(cx))?;
        Poll::Ready(Ok(self.send_path()))
    }

    /// Gives the records to the kernel, or says why not.
    fn poll_give(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<KernelRefusal>>> {
        let refuse = |why| Poll::Ready(Ok(Some(why)));
        let needs = self.connection.kernel_needs();
        let Some(kernel) = self.transport.kernel() else {
            return refuse(KernelRefusal::NoDescriptor);
        };
        let (version, cipher) = match needs {
            Ok(needs) => needs,
            Err(why) => return refuse(why),
        };
        match kernel.knows(version, cipher) {
            Ok(true) => {}
            Ok(false) => return refuse(self.connection.kernel_knows_not()),
            Err(kind) => return refuse(KernelRefusal::NoUlp(kind)),
        }
        let is_drained = self.connection.drain();
        // Also an alert that the peer is due.
        let flushed = self.flush_all(cx);
        let is_drained = is_drained?;
        ready!(flushed)?;
        if !is_drained || self.connection.is_mid_record() {
            return refuse(KernelRefusal::PartialRecord);
        }
        if !self.kernel.is_attached {
            let Some(kernel) = self.transport.kernel() else {
                return refuse(KernelRefusal::NoDescriptor);
            };
            if let Err(e) = kernel.attach() {
                return refuse(KernelRefusal::NoUlp(e.kind()));
            }
            self.kernel.is_attached = true;
        }
        let Some(handed) = self.connection.hand_over()? else {
            return refuse(KernelRefusal::Library);
        };
        Poll::Ready(self.give(version, cipher, handed).map(|()| None))
    }

    /// From here on there is no way back: the session has no keys any more.
    fn give(&mut self, version: Version, cipher: KernelCipher, handed: HandedOver) -> Result<()> {
        let fits = |keys: &TrafficKeys| keys.key.len() == cipher.key_len();
        let is_as_negotiated = handed.version == version
            && KernelCipher::of(handed.cipher_suite) == Some(cipher)
            && fits(&handed.send)
            && fits(&handed.receive);
        if !is_as_negotiated {
            let e = Error::new(ErrorKind::Backend);
            return Err(self.lost(e.because("the keys handed over are not what was negotiated")));
        }
        self.kernel.keys = Some((version, cipher));
        self.set_keys(Direction::Send, &handed.send)?;
        self.set_keys(Direction::Receive, &handed.receive)?;
        let rekeys = self.transport.kernel().is_some_and(|kernel| kernel.rekeys());
        self.connection.give_to_kernel(handed, rekeys);
        Ok(())
    }

    fn set_keys(&mut self, direction: Direction, keys: &TrafficKeys) -> Result<()> {
        let set = match (self.transport.kernel(), self.kernel.keys) {
            (Some(kernel), Some((version, cipher))) => {
                kernel.set_keys(direction, version, cipher, keys)
            }
            _ => Err(io::ErrorKind::NotConnected.into()),
        };
        set.map_err(|e| {
            let failure = Error::new(ErrorKind::Io(e.kind())).with_source(e);
            self.lost(failure.because("the kernel does not take the keys"))
        })
    }

    /// Nothing is sent or received any more: it could go out in clear.
    fn lost(&mut self, failure: Error) -> Error {
        self.connection.wire().discard_pending();
        self.send_failure = Some(failure.clone());
        self.receive_failure = Some(failure.clone());
        self.connection.broken(failure)
    }

    /// Sends what is pending, each record by its type.
    pub(super) fn poll_send_records(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            let (kind, left) = self.kernel.record;
            if left == 0 {
                let Some((kind, len)) = read_header(self.connection.wire().pending()) else {
                    return Poll::Ready(Ok(()));
                };
                self.connection.wire().sent(HEADER);
                match kind {
                    NEW_KEYS => self.take_send_keys()?,
                    kind => self.kernel.record = (kind, len),
                }
                continue;
            }
            let payload = &self.connection.wire().pending()[..left];
            let taken = match self.transport.kernel() {
                Some(kernel) => ready!(kernel.poll_send_record(cx, kind, payload)),
                None => Err(io::ErrorKind::NotConnected.into()),
            };
            let failure = match taken {
                Ok(0) => io::Error::from(io::ErrorKind::WriteZero),
                Ok(n) => {
                    self.connection.wire().sent(n);
                    self.kernel.record.1 -= n;
                    self.sent += n as u64;
                    continue;
                }
                Err(e) => e,
            };
            return Poll::Ready(Err(self.sending_failed(failure.into())));
        }
    }

    fn take_send_keys(&mut self) -> Result<()> {
        match self.connection.next_send_keys() {
            Some(keys) => self.set_keys(Direction::Send, &keys),
            None => Ok(()),
        }
    }

    /// Receives what the kernel has decrypted.
    pub(super) fn poll_receive_record(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if let Some(keys) = self.connection.next_receive_keys() {
            self.set_keys(Direction::Receive, &keys)?;
        }
        let wire = self.connection.wire();
        let Some((head, room)) = wire.spare().split_first_chunk_mut::<HEADER>() else {
            let e = Error::new(ErrorKind::Protocol);
            return Poll::Ready(Err(e.because("too much waits to be read")));
        };
        let most = room.len().min(usize::from(u16::MAX));
        let received = match self.transport.kernel() {
            Some(kernel) => kernel.poll_receive_record(cx, &mut room[..most]),
            None => Poll::Ready(Ok((None, 0))),
        };
        match received {
            Poll::Pending => {
                wire.rest();
                return Poll::Pending;
            }
            Poll::Ready(Ok((None, 0))) => {
                wire.end();
                wire.rest();
            }
            Poll::Ready(Ok((kind, n))) => {
                // Without a type it is what it would be without the kernel's TLS.
                *head = header(kind.unwrap_or(DATA), n);
                wire.filled(HEADER + n);
                let _plaintext = wire.incoming();
            }
            Poll::Ready(Err(why)) => {
                wire.rest();
                let failure = self.connection.bad_records(why);
                if failure.kind() != ErrorKind::Timeout {
                    self.receive_failure = Some(failure.clone());
                }
                // The alert, if there is one; why it cannot be sent does not matter any more.
                let _ = self.poll_send_records(cx);
                return Poll::Ready(Err(failure));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends a file without reading it, in order with what is pending.
    pub(super) fn poll_file(&mut self, cx: &mut Context<'_>, part: Part<'_>) -> Poll<Result<u64>> {
        ready!(self.drive(cx, Connection::prepare_records))?;
        ready!(self.poll_send(cx))?;
        let is_regular = part.file.metadata().is_ok_and(|metadata| metadata.is_file());
        if !is_regular {
            return self.poll_part(cx, part);
        }
        let most = self.connection.records_left().max(1).saturating_mul(RECORD as u64);
        let part = part.at_most(most.min(MOST_AT_ONCE));
        let sent = match self.transport.kernel() {
            Some(kernel) => {
                ready!(kernel.poll_send_file(cx, part.file, part.offset, part.len))
            }
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        match sent {
            Ok(0) => Poll::Ready(Err(part.ended())),
            Ok(n) => {
                self.sent += n;
                self.connection.count_records(n.div_ceil(RECORD as u64));
                Poll::Ready(Ok(n))
            }
            Err(e) if e.kind() == io::ErrorKind::TimedOut => Poll::Ready(Err(e.into())),
            // Told once: the socket would take the next bytes, and lose them.
            Err(e) if is_of_the_network(&e) => Poll::Ready(Err(self.sending_failed(e.into()))),
            // The file's fault, or that of a file system that lends no pages: reading tells which.
            Err(_) => self.poll_part(cx, part),
        }
    }
}

impl<T: StdTransport> Stream<T> {
    /// Gives the records to the kernel, if that can be, and says which way files go, as
    /// [`poll_kernel`](Self::poll_kernel).
    ///
    /// # Errors
    ///
    /// As there, as an [`Error`] inside; [`io::ErrorKind::WouldBlock`] if a non-blocking transport is not
    /// ready.
    pub fn kernel(&mut self) -> io::Result<SendPath> {
        self.now(Self::poll_kernel)
    }
}

/// Whether no file makes such an error.
fn is_of_the_network(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NotConnected
    )
}

/// How much one call sends at most.
const MOST_AT_ONCE: u64 = 16 << 20;

#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
