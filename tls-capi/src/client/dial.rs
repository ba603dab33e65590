//! From a name and a port to a connected socket, without waiting.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::vec;

use dns_lookup::{AddrInfoHints, SockType, getaddrinfo};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use super::crew::RESOLVERS;
use super::failure::{Failure, Result};
use super::socket::{Bell, Socket};

/// A connection attempt.
#[derive(Debug)]
pub(super) struct Dial {
    /// What is asked for, as `host:port`.
    whom: String,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// A thread asks; nobody waits for it.
    Resolving(Receiver<Result<Vec<SocketAddr>>>),
    Connecting {
        socket: Socket,
        to: SocketAddr,
        others: vec::IntoIter<SocketAddr>,
    },
    Over,
}

/// What there is to wait for.
pub(super) enum Awaited<'a> {
    Bell,
    Socket(&'a Socket),
}

impl Dial {
    /// Begins an attempt; the bell rings when the name has been resolved.
    pub(super) fn new(host: &str, port: &str, bell: &Bell) -> Result<Self> {
        let whom = format!("{host}:{port}");
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let (answer, resolved) = channel();
        // An address needs no resolver.
        if let (Ok(ip), Ok(port)) = (bare.parse::<IpAddr>(), port.parse()) {
            let _ = answer.send(Ok(vec![SocketAddr::new(ip, port)]));
            return Ok(Self { whom, stage: Stage::Resolving(resolved) });
        }
        let (host, port, bell) = (bare.to_owned(), port.to_owned(), bell.clone());
        let resolver = RESOLVERS.spawn(move || {
            // Whatever happens: rung last, when there is an answer or the other end of it is gone.
            let _ring = Ring(bell);
            let answer = answer;
            let _ = answer.send(resolve(&host, &port));
        });
        resolver.map_err(|e| Failure::io(c"GETADDRINFO_ERROR", &whom, &e))?;
        Ok(Self { whom, stage: Stage::Resolving(resolved) })
    }

    /// Goes on as far as it can; the socket, once it is connected.
    pub(super) fn poll(&mut self) -> Result<Option<Socket>> {
        loop {
            match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Resolving(resolved) => match resolved.try_recv() {
                    Ok(addresses) => {
                        let none = || io::Error::from(io::ErrorKind::NotFound);
                        self.connect(addresses?.into_iter(), None, none)?;
                    }
                    Err(TryRecvError::Empty) => {
                        self.stage = Stage::Resolving(resolved);
                        return Ok(None);
                    }
                    Err(TryRecvError::Disconnected) => {
                        let text = format!("{}: the resolver has died", self.whom);
                        return Err(Failure::new(c"GETADDRINFO_ERROR", text));
                    }
                },
                Stage::Connecting { socket, to, others } => match outcome(&socket) {
                    Ok(true) => return Ok(Some(socket)),
                    Ok(false) => {
                        self.stage = Stage::Connecting { socket, to, others };
                        return Ok(None);
                    }
                    Err(e) => self.connect(others, Some(to), || e)?,
                },
                Stage::Over => return Ok(None),
            }
        }
    }

    pub(super) fn awaited(&self) -> Awaited<'_> {
        match &self.stage {
            Stage::Resolving(_) | Stage::Over => Awaited::Bell,
            Stage::Connecting { socket, .. } => Awaited::Socket(socket),
        }
    }

    /// Tries the first address that can be tried; what was said to the last one otherwise.
    fn connect(
        &mut self,
        mut others: vec::IntoIter<SocketAddr>,
        tried: Option<SocketAddr>,
        said: impl FnOnce() -> io::Error,
    ) -> Result<()> {
        let mut last = None;
        for to in others.by_ref() {
            match begin(to) {
                Ok(tcp) => {
                    self.stage = Stage::Connecting { socket: Socket::new(tcp), to, others };
                    return Ok(());
                }
                Err(e) => last = Some((Some(to), e)),
            }
        }
        let (to, e) = last.unwrap_or_else(|| (tried, said()));
        let to = to.map(|to| format!(" at {to}")).unwrap_or_default();
        Err(Failure::io(c"TCP_CONNECT_ERROR", &format!("{}{to}", self.whom), &e))
    }
}

struct Ring(Bell);

impl Drop for Ring {
    fn drop(&mut self) {
        self.0.ring();
    }
}

fn resolve(host: &str, port: &str) -> Result<Vec<SocketAddr>> {
    let failed = |e: &io::Error| Failure::io(c"GETADDRINFO_ERROR", &format!("{host}:{port}"), e);
    let hints = AddrInfoHints { socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = getaddrinfo(Some(host), Some(port), Some(hints)).map_err(|e| failed(&e.into()))?;
    // What the system's resolver knows and this library does not is passed over.
    Ok(found.filter_map(|address| address.ok().map(|address| address.sockaddr)).collect())
}

fn begin(to: SocketAddr) -> io::Result<TcpStream> {
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    match connect(&socket, &to) {
        // A signal has not stopped it (POSIX).
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => {}
        Err(e) => return Err(e.into()),
    }
    let tcp = TcpStream::from(socket);
    tcp.set_nodelay(true)?; // a handshake is small messages, each of which the peer waits for
    Ok(tcp)
}

/// Whether it is connected by now.
fn outcome(socket: &Socket) -> io::Result<bool> {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        Ok(0) | Err(Errno::INTR) => return Ok(false),
        Ok(_) => {}
        Err(e) => return Err(e.into()),
    }
    rustix::net::sockopt::socket_error(socket)??;
    Ok(true)
}
