//! A socket that can be waited for while another thread uses or closes it, and what wakes who waits.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

/// A socket that stays open for as long as anybody waits for it.
#[derive(Clone, Debug)]
pub(super) struct Socket(Arc<TcpStream>);

impl Socket {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self(Arc::new(tcp))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buf)
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self.0).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Wakes who waits for a connection: its name has been resolved, or it has been closed.
#[derive(Clone, Debug)]
pub(super) struct Bell(Arc<OwnedFd>);

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    pub(super) fn ring(&self) {
        // It can only be full, and then it rings.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    pub(super) fn silence(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0_u8; 8]);
    }
}

/// What a connection needs before it can go on.
#[derive(Debug)]
pub(super) struct Interest {
    pub(super) bell: Bell,
    pub(super) socket: Option<Socket>,
    pub(super) reading: bool,
    pub(super) writing: bool,
}

impl Interest {
    /// Waits until something of it is there; `false` if the deadline passes before.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> io::Result<bool> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.reading);
        flags.set(PollFlags::OUT, self.writing);
        let mut fds = vec![PollFd::new(&*self.bell.0, PollFlags::IN)];
        fds.extend(self.socket.as_ref().map(|socket| PollFd::new(socket, flags)));
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let timeout = match left.map(Timespec::try_from) {
                Some(Ok(timeout)) => Some(timeout),
                Some(Err(_)) | None => None, // longer than there are numbers for
            };
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;

    fn interest(bell: &Bell, socket: Option<Socket>) -> Interest {
        Interest { bell: bell.clone(), socket, reading: true, writing: false }
    }

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_millis(20))
    }

    #[test]
    fn a_bell_wakes_until_it_is_silenced() {
        let bell = Bell::new().unwrap();
        assert!(!interest(&bell, None).wait(soon()).unwrap());
        bell.ring();
        bell.ring();
        assert!(interest(&bell, None).wait(None).unwrap());
        bell.silence();
        assert!(!interest(&bell, None).wait(soon()).unwrap());
    }

    #[test]
    fn a_socket_wakes_for_what_is_wanted_of_it() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let bell = Bell::new().unwrap();
        let mut wanted = interest(&bell, Some(Socket::new(tcp)));
        assert!(!wanted.wait(soon()).unwrap());
        wanted.writing = true;
        assert!(wanted.wait(None).unwrap());
        wanted.writing = false;
        peer.write_all(b"x").unwrap();
        assert!(wanted.wait(None).unwrap());
    }
}
