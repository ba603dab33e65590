//! Systems whose sockets have descriptors. Only Linux has TLS in its kernel; the others say so.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_error;

use super::AsDescriptor;
use crate::{Direction, KernelCipher, ReceiveError, TrafficKeys, Version, Wire};

/// For authors of a [`Transport`](crate::Transport): a socket, and what its kernel does for TLS. The calls
/// are those of a [`KernelTransport`](crate::KernelTransport), each made once: one that would block says so.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a>(BorrowedFd<'a>);

impl<S: AsFd> AsDescriptor for S {
    fn as_descriptor(&self) -> Option<Descriptor<'_>> {
        Some(Descriptor(self.as_fd()))
    }
}

impl Descriptor<'_> {
    /// Whether this machine's kernel knows this cipher in this version.
    ///
    /// # Errors
    ///
    /// Why it has no TLS at all.
    pub fn knows(self, version: Version, cipher: KernelCipher) -> Result<bool, io::ErrorKind> {
        Ok(tls_kernel::support()?.knows(kernel_version(version), suite(cipher)))
    }

    /// Whether keys can be set again.
    pub fn rekeys(self) -> bool {
        tls_kernel::support().is_ok_and(tls_kernel::Support::rekeys)
    }

    /// Prepares the socket.
    ///
    /// # Errors
    ///
    /// Whatever the kernel says.
    pub fn attach(self) -> io::Result<()> {
        tls_kernel::attach(self.0)
    }

    /// Sets the keys of one direction.
    ///
    /// # Errors
    ///
    /// Whatever the kernel says.
    pub fn set_keys(
        self,
        direction: Direction,
        version: Version,
        cipher: KernelCipher,
        keys: &TrafficKeys,
    ) -> io::Result<()> {
        let direction = match direction {
            Direction::Send => tls_kernel::Direction::Send,
            Direction::Receive => tls_kernel::Direction::Receive,
        };
        let keys = tls_kernel::Keys {
            version: kernel_version(version),
            suite: suite(cipher),
            key: &keys.key,
            iv: &keys.iv,
            sequence: keys.sequence,
        };
        tls_kernel::set_keys(self.0, direction, &keys)
    }

    /// Sends plaintext in a record of this type, and says how much was taken.
    ///
    /// # Errors
    ///
    /// Whatever the kernel says.
    pub fn send_record(self, kind: u8, payload: &[u8]) -> io::Result<usize> {
        self.check()?;
        tls_kernel::send_record(self.0, kind, payload)
    }

    /// Receives plaintext, and says of which type.
    ///
    /// # Errors
    ///
    /// Whatever the kernel says; [`ReceiveError`] tells what it means.
    pub fn receive_record(self, buf: &mut [u8]) -> io::Result<(Option<u8>, usize)> {
        tls_kernel::receive_record(self.0, buf)
    }

    /// Sends a part of a file, and says how much was taken.
    ///
    /// # Errors
    ///
    /// Whatever the kernel says.
    pub fn send_file(self, file: &File, offset: u64, len: u64) -> io::Result<u64> {
        self.check()?;
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(MOST);
        let sent = tls_kernel::send_file(self.0, file, offset, len)?;
        // In user space this would have been several writes.
        if sent > Wire::HIGH_WATER {
            self.check()?;
        }
        Ok(sent as u64)
    }

    /// Whether the connection is still there. Where Linux encrypts it takes bytes for one that was reset,
    /// at least in 7.2, and lets them go.
    ///
    /// Asked before a write, not after it: what a write meets at the peer's side is for the next one, as
    /// without the kernel's TLS. A close_notify to a peer that has gone is no error.
    fn check(self) -> io::Result<()> {
        let mut polled = [PollFd::new(&self.0, PollFlags::empty())];
        poll(&mut polled, Some(&Timespec::default()))?;
        if !polled[0].revents().contains(PollFlags::HUP) {
            return Ok(());
        }
        match socket_error(self.0)? {
            Ok(()) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(e) => Err(e.into()),
        }
    }
}

impl From<io::Error> for ReceiveError {
    fn from(e: io::Error) -> Self {
        match tls_kernel::Fault::of(&e) {
            Some(tls_kernel::Fault::BadRecord) => Self::BadRecord,
            Some(tls_kernel::Fault::TooLong) => Self::TooLong,
            Some(tls_kernel::Fault::OtherVersion) => Self::OtherVersion,
            Some(tls_kernel::Fault::NoKeys) => Self::NoKeys,
            None => Self::Io(e),
        }
    }
}

fn kernel_version(version: Version) -> tls_kernel::Version {
    match version {
        Version::Tls12 => tls_kernel::Version::Tls12,
        Version::Tls13 => tls_kernel::Version::Tls13,
    }
}

fn suite(cipher: KernelCipher) -> tls_kernel::Suite {
    match cipher {
        KernelCipher::Aes128Gcm => tls_kernel::Suite::Aes128Gcm,
        KernelCipher::Aes256Gcm => tls_kernel::Suite::Aes256Gcm,
        KernelCipher::Chacha20Poly1305 => tls_kernel::Suite::Chacha20Poly1305,
    }
}

/// More than one call of Linux' takes.
const MOST: usize = 1 << 30;
