//! What the kernel of this machine can do.

use std::io;
use std::sync::OnceLock;

use crate::{Suite, Version};

/// What the kernel of this machine can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Support {
    known: [[bool; Suite::ALL.len()]; Version::ALL.len()],
    rekeys: bool,
}

impl Support {
    /// Whether it can encrypt and decrypt records of this suite in this version.
    pub fn knows(&self, version: Version, suite: Suite) -> bool {
        self.known[version as usize][suite as usize]
    }

    /// Whether keys can be set again, as a key update in TLS 1.3 asks for (RFC 8446 §4.6.3). Linux can since
    /// 6.14.
    pub fn rekeys(&self) -> bool {
        self.rekeys
    }
}

/// What the kernel of this machine can do: tried out on a connection to itself, once per process.
///
/// # Errors
///
/// Why it has no TLS: [`io::ErrorKind::NotFound`] where the module `tls` is not loaded, which is the
/// ordinary case in a container; [`io::ErrorKind::Unsupported`] on another system than Linux; whatever else
/// kept it from being tried.
pub fn support() -> Result<&'static Support, io::ErrorKind> {
    static SUPPORT: OnceLock<Result<Support, io::ErrorKind>> = OnceLock::new();
    SUPPORT.get_or_init(|| probe::support().map_err(|e| e.kind())).as_ref().map_err(|kind| *kind)
}

#[cfg(not(target_os = "linux"))]
mod probe {
    use std::io;

    use super::Support;

    pub(super) fn support() -> io::Result<Support> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(target_os = "linux")]
mod probe {
    use std::io;
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::Support;
    use crate::{Direction, Keys, Suite, Version, attach, set_keys};

    pub(super) fn support() -> io::Result<Support> {
        let mut support = Support::default();
        attach(connected()?.0.as_fd())?;
        for version in Version::ALL {
            for suite in Suite::ALL {
                // Keys cannot be taken back, so that each needs sockets of its own.
                let (one, other) = connected()?;
                let known = set(&one, Direction::Send, version, suite)
                    .and_then(|()| set(&other, Direction::Receive, version, suite));
                support.known[version as usize][suite as usize] = known.is_ok();
                if known.is_ok() && version == Version::Tls13 {
                    let again = keys(Direction::Send, version, suite, &one);
                    support.rekeys |= again.is_ok();
                }
            }
        }
        Ok(support)
    }

    fn set(
        socket: &TcpStream,
        direction: Direction,
        version: Version,
        suite: Suite,
    ) -> io::Result<()> {
        attach(socket.as_fd())?;
        keys(direction, version, suite, socket)
    }

    fn keys(
        direction: Direction,
        version: Version,
        suite: Suite,
        socket: &TcpStream,
    ) -> io::Result<()> {
        let key = vec![0; suite.key_len()];
        let keys = Keys { version, suite, key: &key, iv: &[0; 12], sequence: 0 };
        set_keys(socket.as_fd(), direction, &keys)
    }

    /// Two sockets that nobody else has, connected to each other.
    fn connected() -> io::Result<(TcpStream, TcpStream)> {
        let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(v4).or_else(|_| TcpListener::bind(v6))?;
        let one = TcpStream::connect(listener.local_addr()?)?;
        let expected = one.local_addr()?;
        for _ in 0..MOST_STRANGERS {
            let (other, address) = listener.accept()?;
            if address == expected {
                return Ok((one, other));
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// Whoever else connects to a port of this machine in this instant.
    const MOST_STRANGERS: usize = 16;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_it_can_do() {
        match support() {
            Ok(support) => {
                assert!(support.knows(Version::Tls12, Suite::Aes128Gcm), "the oldest of all");
            }
            Err(kind) => {
                assert!(std::env::var_os("KTLS_REQUIRED").is_none(), "no kernel TLS: {kind}");
            }
        }
        assert_eq!(support(), support(), "asked once");
    }
}
