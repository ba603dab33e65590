//! Systems whose kernels have no TLS that we know of: there is no such socket.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::marker::PhantomData;

use super::AsDescriptor;
use crate::{Direction, KernelCipher, ReceiveError, TrafficKeys, Version};

/// For authors of a [`Transport`](crate::Transport): a socket, and what its kernel does for TLS. There is
/// none on this system.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a>(Infallible, PhantomData<&'a ()>);

impl<S> AsDescriptor for S {
    fn as_descriptor(&self) -> Option<Descriptor<'_>> {
        None
    }
}

impl Descriptor<'_> {
    /// Whether this machine's kernel knows this cipher in this version.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn knows(self, _: Version, _: KernelCipher) -> Result<bool, io::ErrorKind> {
        match self.0 {}
    }

    /// Whether keys can be set again.
    pub fn rekeys(self) -> bool {
        match self.0 {}
    }

    /// Prepares the socket.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn attach(self) -> io::Result<()> {
        match self.0 {}
    }

    /// Sets the keys of one direction.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn set_keys(
        self,
        _: Direction,
        _: Version,
        _: KernelCipher,
        _: &TrafficKeys,
    ) -> io::Result<()> {
        match self.0 {}
    }

    /// Sends plaintext in a record of this type, and says how much was taken.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn send_record(self, _: u8, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    /// Receives plaintext, and says of which type.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn receive_record(self, _: &mut [u8]) -> io::Result<(Option<u8>, usize)> {
        match self.0 {}
    }

    /// Sends a part of a file, and says how much was taken.
    ///
    /// # Errors
    ///
    /// Never.
    pub fn send_file(self, _: &File, _: u64, _: u64) -> io::Result<u64> {
        match self.0 {}
    }
}

impl From<io::Error> for ReceiveError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}
