//! Records that the kernel encrypts and decrypts, once the library has made the handshake (kTLS).

mod handover;
pub(crate) mod records;
mod socket;
mod transport;

pub use handover::{HandedOver, LaterKeys, TrafficKeys};
pub(crate) use records::KernelRecords;
pub use socket::{AsDescriptor, Descriptor};
pub use transport::{Direction, KernelCipher, KernelTransport, ReceiveError};

use std::fmt;
use std::io;

use crate::ServerConfigBuilder;
use crate::{Capability, CipherSuite, ClientConfig, ClientConfigBuilder, ServerConfig, Version};

/// Whether a connection may let the kernel encrypt and decrypt its records (kTLS, Linux).
///
/// It does so from the first [`sendfile`](crate::Stream::sendfile) on. What is sent and received is the
/// same either way; alerts that answer a broken record are not sent any more, for the kernel lets nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KernelTls {
    /// Never.
    #[default]
    Off,
    /// Where it can be done, and in user space where not.
    Auto,
    /// A connection that cannot have it sends no file. Requires [`Capability::KernelTls`].
    Required,
}

/// Which way a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SendPath {
    /// `sendfile(2)` on a socket whose records the kernel encrypts.
    Kernel,
    /// Read, encrypted by the library, and written.
    UserSpace,
}

impl fmt::Display for SendPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kernel => "kernel",
            Self::UserSpace => "user space",
        })
    }
}

/// Why a connection's records are not the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KernelRefusal {
    /// The configuration does not ask for it.
    NotWanted,
    /// The transport has no socket to show.
    NoDescriptor,
    /// The kernel has no TLS, or not for this socket: what it says when asked. Without the module `tls`
    /// that is [`io::ErrorKind::NotFound`].
    NoUlp(io::ErrorKind),
    /// The kernel does not know this cipher suite in this version.
    CipherSuite(Version, CipherSuite),
    /// The library does not give its keys away, or not for what was negotiated, or not now.
    Library,
    /// A record has come in part; a later file may go the kernel's way.
    PartialRecord,
    /// Records are to be [small](crate::ServerConfigBuilder::record_limit), which no kernel heeds.
    RecordLimit,
}

impl fmt::Display for KernelRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWanted => f.write_str("the configuration does not ask for it"),
            Self::NoDescriptor => f.write_str("the transport has no socket to show"),
            Self::NoUlp(why) => write!(f, "the kernel has no TLS for this socket ({why})"),
            Self::CipherSuite(version, suite) => {
                write!(f, "the kernel does not know {suite} in {version}")
            }
            Self::Library => write!(f, "the backend lacks {}", Capability::KernelTls),
            Self::PartialRecord => f.write_str("a record has come in part"),
            Self::RecordLimit => f.write_str("records are to be small"),
        }
    }
}

impl ClientConfig {
    /// Whether the kernel may encrypt and decrypt the records.
    pub fn kernel_tls(&self) -> KernelTls {
        self.finer.kernel_tls
    }
}

impl ClientConfigBuilder {
    /// Whether the kernel may encrypt and decrypt the records; [`KernelTls::Off`] by default.
    pub fn kernel_tls(mut self, kernel_tls: KernelTls) -> Self {
        self.finer.kernel_tls = kernel_tls;
        self
    }
}

impl ServerConfig {
    /// Whether the kernel may encrypt and decrypt the records.
    pub fn kernel_tls(&self) -> KernelTls {
        self.finer.kernel_tls
    }
}

impl ServerConfigBuilder {
    /// Whether the kernel may encrypt and decrypt the records; [`KernelTls::Off`] by default.
    pub fn kernel_tls(mut self, kernel_tls: KernelTls) -> Self {
        self.finer.kernel_tls = kernel_tls;
        self
    }
}
