//! The byte streams that TLS runs over.

mod blocking;
mod non_blocking;

pub use blocking::Blocking;
pub use non_blocking::{NonBlocking, NonBlockingSocket};

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::{AsDescriptor, Descriptor, KernelTransport};

/// A byte stream in both directions, that can be polled.
///
/// The contract is that of the poll functions of the async world: `Pending` means that the waker
/// in `cx` will be woken, or, for transports that the program itself polls for readiness (mio,
/// poll(2)), that it has to wait for that.
pub trait Transport {
    /// Reads some bytes; `0` is the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes some bytes out of `bufs`, in order.
    fn poll_write(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>])
    -> Poll<io::Result<usize>>;

    /// Waits until written bytes are on their way.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the writing direction.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// The kernel's side of it, where there is one: a socket that can have its records encrypted and
    /// decrypted by the kernel.
    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        None
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (**self).poll_write(cx, bufs)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown(cx)
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        (**self).kernel()
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buf)
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        (**self).poll_write(cx, bufs)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown(cx)
    }

    fn kernel(&mut self) -> Option<&mut dyn KernelTransport> {
        (**self).kernel()
    }
}

/// A socket of `std` that has two directions and timeouts.
///
/// Implemented for [`TcpStream`], for Unix domain sockets, and for references to both.
pub trait SocketTimeouts: Read + Write {
    /// Limits how long one read may take; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Limits how long one write may take; `None` waits for ever.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Ends the writing direction.
    ///
    /// # Errors
    ///
    /// Whatever the operating system says.
    fn shutdown_write(&self) -> io::Result<()>;

    /// The socket as the kernel knows it, if the kernel is to encrypt and decrypt its records where a
    /// configuration [says so](crate::KernelTls).
    fn descriptor(&self) -> Option<Descriptor<'_>> {
        None
    }
}

macro_rules! socket_timeouts {
    ($($(#[$attribute:meta])* $socket:ty;)*) => {$(
        $(#[$attribute])*
        impl SocketTimeouts for $socket {
            fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
                (*self).set_read_timeout(limit)
            }

            fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
                (*self).set_write_timeout(limit)
            }

            fn shutdown_write(&self) -> io::Result<()> {
                match self.shutdown(Shutdown::Write) {
                    // The peer has reset it: the direction has ended already.
                    Err(e) if e.kind() == io::ErrorKind::NotConnected => Ok(()),
                    result => result,
                }
            }

            fn descriptor(&self) -> Option<Descriptor<'_>> {
                self.as_descriptor()
            }
        }
    )*};
}

socket_timeouts! {
    TcpStream;
    &TcpStream;
    #[cfg(unix)]
    std::os::unix::net::UnixStream;
    #[cfg(unix)]
    &std::os::unix::net::UnixStream;
}

/// The transports of `std`, over which a [`Stream`](crate::Stream) is [`Read`] and [`Write`].
pub trait StdTransport: Transport + sealed::Sealed {
    /// Waits until another thread unparks this one, up to the deadline if there is one; `false` at once
    /// from a transport that never waits.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] at the deadline.
    fn park(&self) -> io::Result<bool>;
}

mod sealed {
    /// Nobody else implements [`StdTransport`](super::StdTransport).
    pub trait Sealed {}

    impl<S> Sealed for super::Blocking<S> {}
    impl<S> Sealed for super::NonBlocking<S> {}
    impl<S> Sealed for super::NonBlockingSocket<S> {}
}
