//! TCP sockets, whose records the kernel may encrypt and decrypt.

use std::fs::File;
use std::io;
use std::task::{Context, Poll, ready};

use tls_core::{
    AsDescriptor, Descriptor, Direction, KernelCipher, KernelRefusal, KernelTransport,
    ReceiveError, SendPath, TrafficKeys, Version,
};
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::TcpStream;

use crate::TlsStream;
use crate::transport::Io;

impl TlsStream<TcpStream> {
    /// Shows the kernel the socket: its TLS may have the records, where the configuration
    /// [says so](tls_core::KernelTls) and nothing [refuses](Self::kernel_refusal) it. To be called before
    /// the first [`sendfile`](Self::sendfile); a stream over something else than TCP has no such call, and
    /// sends files all the same.
    pub fn offer_socket(&mut self) {
        self.0.transport_mut().socket = Some(|tcp| tcp);
    }
}

impl<IO> TlsStream<IO> {
    /// Which way files go by now: the kernel's once it has the records, which happens at the first
    /// [`sendfile`](Self::sendfile).
    pub fn send_path(&self) -> SendPath {
        self.0.send_path()
    }

    /// Why the records are not the kernel's; `None` if they are, and as long as nobody has tried.
    pub fn kernel_refusal(&self) -> Option<KernelRefusal> {
        self.0.kernel_refusal()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
    /// Gives the records to the kernel, if that can be, and says which way files go. As
    /// [`Stream::poll_kernel`](tls_core::Stream::poll_kernel); [`sendfile`](Self::sendfile) does so by
    /// itself.
    ///
    /// Dropped before it is ready, it can be called again.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] after the own close_notify; whatever ends the connection.
    pub async fn kernel(&mut self) -> io::Result<SendPath> {
        Ok(std::future::poll_fn(|cx| self.0.poll_kernel(cx)).await?)
    }
}

impl<IO> Io<IO> {
    fn socket(&self) -> io::Result<&TcpStream> {
        self.socket.map(|of| of(&self.inner)).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn descriptor(&self) -> io::Result<Descriptor<'_>> {
        self.socket()?.as_descriptor().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Makes the call once the socket is ready for it, and again when it was not.
    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        mut call: impl FnMut(Descriptor<'_>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        let (tcp, descriptor) = (self.socket()?, self.descriptor()?);
        loop {
            match interest.is_readable() {
                true => ready!(tcp.poll_read_ready(cx))?,
                false => ready!(tcp.poll_write_ready(cx))?,
            }
            match tcp.try_io(interest, || call(descriptor)) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

impl<IO> KernelTransport for Io<IO> {
    fn knows(&self, version: Version, cipher: KernelCipher) -> Result<bool, io::ErrorKind> {
        self.descriptor().map_err(|e| e.kind())?.knows(version, cipher)
    }

    fn rekeys(&self) -> bool {
        self.descriptor().is_ok_and(Descriptor::rekeys)
    }

    fn attach(&mut self) -> io::Result<()> {
        self.descriptor()?.attach()
    }

    fn set_keys(
        &mut self,
        direction: Direction,
        version: Version,
        cipher: KernelCipher,
        keys: &TrafficKeys,
    ) -> io::Result<()> {
        self.descriptor()?.set_keys(direction, version, cipher, keys)
    }

    fn poll_send_record(
        &mut self,
        cx: &mut Context<'_>,
        kind: u8,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(cx, Interest::WRITABLE, |socket| socket.send_record(kind, payload))
    }

    fn poll_receive_record(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(Option<u8>, usize), ReceiveError>> {
        let received = self.poll(cx, Interest::READABLE, |socket| socket.receive_record(buf));
        received.map_err(Into::into)
    }

    fn poll_send_file(
        &mut self,
        cx: &mut Context<'_>,
        file: &File,
        offset: u64,
        len: u64,
    ) -> Poll<io::Result<u64>> {
        self.poll(cx, Interest::WRITABLE, |socket| socket.send_file(file, offset, len))
    }
}
