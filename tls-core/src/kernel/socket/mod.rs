//! Sockets of this machine's kernel.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "other.rs")]
mod imp;

pub use imp::Descriptor;

/// What may be a socket of the kernel's. On Unix that is whatever has a file descriptor, elsewhere nothing is.
pub trait AsDescriptor {
    /// The socket; `None` on a system whose kernel has no TLS that we know of.
    fn as_descriptor(&self) -> Option<Descriptor<'_>>;
}
