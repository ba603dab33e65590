//! What the hooks do on a socket.

use std::error::Error as _;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use errno::{Errno, set_errno};
use polytls::{NonBlocking, Result, ServerName, Stream};
use rustix::net::{RecvFlags, SendFlags, getpeername, recv, send};

use super::facil::{
    Hooks, ON_DATA, ON_READY, descriptor_of, fio_close, fio_defer, fio_force_event, fio_rw_hook_set,
};
use super::settings::{Protocol, Settings};
use crate::boundary::{Argument, Buffer, Bytes, Handle, descriptor, guard};
use crate::handles::Table;

/// A connection on one of facil.io's sockets. One thread may read on it while another one writes.
struct Connection {
    uuid: isize,
    settings: Arc<Settings>,
    state: Mutex<State>,
}

struct State {
    stream: Stream<NonBlocking<Socket>>,
    /// What the program gave for the connection, until it was given back with a protocol.
    udata: Option<Argument>,
    has_failed: bool,
}

static CONNECTIONS: Table<Connection> = Table::new();

/// Makes TLS of a socket, as a server or as a client. If that cannot be, the socket is closed.
pub(super) fn begin(uuid: isize, settings: &Arc<Settings>, is_server: bool, udata: Argument) {
    let stream = match join(uuid, settings, is_server) {
        Ok(stream) => stream,
        Err(e) => {
            settings.failed(e.to_string());
            give_back(settings, None, -1, udata);
            fio_close(uuid);
            return;
        }
    };
    let state = Mutex::new(State { stream, udata: Some(udata), has_failed: false });
    let connection = Connection { uuid, settings: settings.clone(), state };
    let handle = CONNECTIONS.insert(|_| connection);
    if fio_rw_hook_set(uuid, &HOOKS, handle) != 0 {
        end(handle); // some releases do not say so themselves
        return;
    }
    fio_force_event(uuid, ON_READY);
}

fn join(uuid: isize, settings: &Settings, is_server: bool) -> Result<Stream<NonBlocking<Socket>>> {
    let socket = Socket(descriptor_of(uuid));
    if is_server {
        return settings.server()?.accept(NonBlocking(socket));
    }
    let (client, name) = settings.client()?;
    // An address is never told to the server (RFC 6066 §3), and here never compared either.
    let name = name.map_or_else(|| ServerName::parse(&socket.peer().to_string()), Ok)?;
    client.connect(name, NonBlocking(socket))
}

static HOOKS: Hooks = Hooks { read, write, flush, before_close, cleanup };

extern "C" fn read(_: isize, handle: Handle, buf: Buffer, count: usize) -> isize {
    guard(|| {
        let mut buf = buf;
        let Some(connection) = CONNECTIONS.get(handle) else { return gone() };
        let Some(buf) = buf.get(count) else { return gone() };
        let mut state = connection.lock();
        let polled = state.stream.poll_read(&mut cx(), buf);
        connection.settle(&mut state);
        // What is here already makes no socket readable.
        if matches!(polled, Poll::Ready(Ok(1..))) && state.stream.buffered() > 0 {
            fio_force_event(connection.uuid, ON_DATA);
        }
        connection.answer(&mut state, polled)
    })
}

extern "C" fn write(_: isize, handle: Handle, buf: Bytes, count: usize) -> isize {
    guard(|| {
        let Some(connection) = CONNECTIONS.get(handle) else { return gone() };
        let Some(buf) = buf.get(count) else { return gone() };
        let mut state = connection.lock();
        let polled = state.stream.poll_write(&mut cx(), buf);
        connection.settle(&mut state);
        connection.answer(&mut state, polled)
    })
}

/// Says 1 as long as something waits to be sent.
extern "C" fn flush(_: isize, handle: Handle) -> isize {
    guard(|| {
        let Some(connection) = CONNECTIONS.get(handle) else { return gone() };
        let mut state = connection.lock();
        let polled = match state.stream.is_established() {
            true => state.stream.poll_flush(&mut cx()),
            false => state.stream.poll_handshake(&mut cx()),
        };
        connection.settle(&mut state);
        match polled {
            Poll::Ready(Err(_)) => connection.answer(&mut state, polled.map_ok(|()| 0)),
            Poll::Ready(Ok(())) | Poll::Pending => state.stream.wants_write().into(),
        }
    })
}

/// Says goodbye, and 1 if that is not on its way yet.
extern "C" fn before_close(_: isize, handle: Handle) -> isize {
    guard(|| {
        let Some(connection) = CONNECTIONS.get(handle) else { return 0 };
        let mut state = connection.lock();
        if state.stream.is_established() {
            let _ = state.stream.poll_close_notify(&mut cx());
        }
        state.stream.wants_write().into()
    })
}

extern "C" fn cleanup(handle: Handle) {
    guard(|| end(handle));
}

fn end(handle: Handle) {
    let Some(connection) = CONNECTIONS.remove(handle) else { return };
    let udata = connection.lock().udata.take();
    if let Some(udata) = udata {
        give_back(&connection.settings, None, -1, udata);
    }
}

impl Connection {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the program which protocol it is, once that is known.
    fn settle(&self, state: &mut State) {
        let Some(negotiated) = state.stream.negotiated().filter(|_| state.udata.is_some()) else {
            return;
        };
        if let Some(udata) = state.udata.take() {
            give_back(&self.settings, negotiated.alpn.as_deref(), self.uuid, udata);
        }
        fio_force_event(self.uuid, ON_DATA);
    }

    /// What a hook returns, and `errno`.
    fn answer(&self, state: &mut State, polled: Poll<Result<usize>>) -> isize {
        match polled {
            Poll::Ready(Ok(n)) => n.try_into().unwrap_or(isize::MAX),
            Poll::Pending => {
                set_errno(rustix_errno(rustix::io::Errno::WOULDBLOCK));
                -1
            }
            Poll::Ready(Err(e)) => {
                if !std::mem::replace(&mut state.has_failed, true) {
                    let mut why = e.to_string();
                    let mut source = e.source();
                    while let Some(e) = source {
                        why = format!("{why}: {e}");
                        source = e.source();
                    }
                    self.settings.failed(why);
                    // Not from within a hook, in which facil.io holds its lock.
                    fio_defer(close, Handle::from_number(self.uuid as usize), Handle::NULL);
                }
                gone()
            }
        }
    }
}

extern "C" fn close(uuid: Handle, _: Handle) {
    guard(|| fio_close(uuid.number() as isize));
}

/// What the program gave for a connection, on its way back with a protocol.
struct Selected(Arc<Protocol>, isize, Argument);

static SELECTED: Table<Selected> = Table::new();

/// Has the event loop tell the program: it may do then what it must not in a hook.
fn give_back(settings: &Settings, name: Option<&[u8]>, uuid: isize, udata: Argument) {
    let Some(protocol) = settings.protocol(name) else { return };
    let handle = SELECTED.insert(|_| Selected(protocol, uuid, udata));
    if fio_defer(tell, handle, Handle::NULL) != 0 {
        SELECTED.remove(handle);
    }
}

extern "C" fn tell(handle: Handle, _: Handle) {
    guard(|| {
        if let Some(selected) = SELECTED.remove(handle) {
            let Selected(protocol, uuid, udata) = &*selected;
            protocol.selected(*uuid, *udata);
        }
    });
}

/// What a hook says of a connection that is of no use any more.
fn gone() -> isize {
    set_errno(rustix_errno(rustix::io::Errno::CONNRESET));
    -1
}

fn rustix_errno(e: rustix::io::Errno) -> Errno {
    Errno(e.raw_os_error())
}

/// facil.io's socket, which it opens and closes.
#[derive(Debug)]
struct Socket(RawFd);

impl Socket {
    fn peer(&self) -> IpAddr {
        let peer = descriptor(self.0).and_then(|socket| getpeername(socket).ok().flatten());
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip())
    }
}

fn closed() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let socket = descriptor(self.0).ok_or_else(closed)?;
        Ok(recv(socket, buf, RecvFlags::DONTWAIT)?.0)
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let socket = descriptor(self.0).ok_or_else(closed)?;
        Ok(send(socket, buf, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nobody is woken: facil.io polls.
fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
