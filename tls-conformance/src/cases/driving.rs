//! The same exchange, whoever moves the bytes.

pub(super) mod failing;
pub(super) mod timing;

use std::cell::RefCell;
use std::io::{self, ErrorKind as Io, IoSlice, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::panic;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use tls_core::{
    Backend, Blocking, Connection, ErrorKind, NonBlocking, Pipe, Progress, Result, SocketTimeouts,
    Stream, Transport, Version, pipe,
};

use super::cases;
use crate::pair::{Ends, NAME, Pair, Side, kind, pattern, ready, write_all};
use crate::streams::{Streams, both, now, pass, poll_receive, poll_send};

cases! { "driving";
    Pair blocking_sockets_carry_an_exchange [] []
        "Over blocking TCP sockets a client asks and a server answers, and both end properly.";
    Pair borrowed_sockets_carry_an_exchange [] []
        "Over references to TCP sockets the same exchange succeeds.";
    #[cfg(unix)]
    Pair unix_sockets_carry_an_exchange [] []
        "Over Unix domain sockets the same exchange succeeds.";
    Pair non_blocking_sockets_carry_an_exchange [] []
        "Over non-blocking TCP sockets, in one thread, the same exchange succeeds.";
    Pair polled_streams_carry_an_exchange [] []
        "Over a pipe and polled as tasks the same exchange succeeds.";
    Pair connections_driven_by_hand_carry_an_exchange [] []
        "With bytes moved by hand through small buffers the same exchange succeeds.";
    Pair a_transport_behind_a_pointer_carries_an_exchange [] []
        "A boxed and a borrowed transport serve like any other.";
    Pair a_transport_that_waits_for_a_flush_carries_an_exchange [] []
        "Before a stream waits for its peer, it flushes a transport that holds bytes back.";
    Pair a_connection_lives_as_long_as_its_thread [] []
        "A connection that a thread keeps to its very end still reads then, and tells a failure.";
    Pair a_write_does_the_handshake [] []
        "The first write on a stream finishes the handshake by itself.";
    Pair a_read_does_the_handshake [] []
        "The first read on a stream finishes the handshake by itself.";
    Pair a_read_sends_what_is_pending [] []
        "A read sends what was written before it waits, so that nobody waits for a flush.";
    Pair a_dry_non_blocking_socket_would_block [] []
        "A call on a non-blocking socket that is not ready says WouldBlock, and may be repeated.";
    Pair a_stream_tells_what_it_waits_for [Tls12Client] [Tls12Server]
        "A stream with bytes that its transport does not take says that it wants to write.";
}

/// The question: longer than a record, and more than a socket buffer may take at once.
fn question() -> Vec<u8> {
    pattern(300_000)
}

/// The answer to a question.
fn answer(question: &[u8]) -> Vec<u8> {
    question.iter().rev().copied().collect()
}

/// Two connected sockets whose calls do not wait for ever.
pub(super) fn sockets() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    for socket in [&client, &server] {
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
    }
    Ok((client, server))
}

/// More than any step takes; only a failure waits for so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the two sides in two threads.
fn threads(
    client: impl FnOnce() -> Result<()> + Send,
    server: impl FnOnce() -> Result<()> + Send,
) -> Result<()> {
    thread::scope(|scope| {
        let server = scope.spawn(server);
        let client = client();
        match server.join() {
            Ok(server) => client.and(server),
            Err(panic) => panic::resume_unwind(panic),
        }
    })
}

fn blocking_exchange<S: SocketTimeouts + Send>(ends: &Ends, client: S, server: S) -> Result<()> {
    let mut client = ends.client.connect(NAME, Blocking::new(client))?;
    let mut server = ends.server.accept(Blocking::new(server))?;
    threads(
        move || {
            client.handshake()?;
            client.write_all(&question())?;
            client.close_notify()?;
            let mut got = Vec::new();
            client.read_to_end(&mut got)?;
            assert!(got == answer(&question()) && client.close_received());
            Ok(())
        },
        move || {
            let mut got = Vec::new();
            server.read_to_end(&mut got)?;
            assert!(got == question() && server.close_received());
            server.write_all(&answer(&got))?;
            server.shutdown()?;
            Ok(())
        },
    )
}

fn blocking_sockets_carry_an_exchange(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (client, server) = sockets()?;
    blocking_exchange(&ends, client, server)
}

fn borrowed_sockets_carry_an_exchange(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (client, server) = sockets()?;
    blocking_exchange(&ends, &client, &server)
}

#[cfg(unix)]
fn unix_sockets_carry_an_exchange(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (client, server) = std::os::unix::net::UnixStream::pair()?;
    for socket in [&client, &server] {
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
    }
    blocking_exchange(&ends, client, server)
}

/// Repeats `call` on a socket that is not ready; `None` if it is not yet.
fn unless_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == Io::WouldBlock => Ok(None),
        Err(e) => Err(e),
    }
}

/// One side of an exchange over a non-blocking socket: writes, closes, and reads to the end, all
/// of it as far as the socket is ready.
struct Worker {
    stream: Stream<NonBlocking<TcpStream>>,
    to_write: Vec<u8>,
    written: usize,
    closed: bool,
    got: Vec<u8>,
    ended: bool,
}

impl Worker {
    fn new(connection: Connection, socket: TcpStream, to_write: Vec<u8>) -> Result<Self> {
        socket.set_nonblocking(true)?;
        let stream = Stream::new(connection, NonBlocking(socket));
        Ok(Self { stream, to_write, written: 0, closed: false, got: Vec::new(), ended: false })
    }

    /// Whether anything moved.
    fn turn(&mut self) -> io::Result<bool> {
        let mut moved = false;
        while self.written < self.to_write.len() {
            let rest = &self.to_write[self.written..];
            let Some(n) = unless_blocked(self.stream.write(rest))? else { break };
            self.written += n;
            moved = true;
        }
        if self.written == self.to_write.len() && !self.closed {
            self.closed = unless_blocked(self.stream.close_notify())?.is_some();
            moved |= self.closed;
        }
        let mut buf = [0; 20_000];
        while !self.ended {
            let Some(n) = unless_blocked(self.stream.read(&mut buf))? else { break };
            self.got.extend_from_slice(&buf[..n]);
            self.ended = n == 0;
            moved = true;
        }
        Ok(moved)
    }
}

fn non_blocking_sockets_carry_an_exchange(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (client_socket, server_socket) = sockets()?;
    let data = question();
    let mut client = Worker::new(ends.client.connection(NAME)?, client_socket, data.clone())?;
    let mut server = Worker::new(ends.server.connection()?, server_socket, answer(&data))?;
    let begun = Instant::now();
    while !(client.closed && client.ended && server.closed && server.ended) {
        let moved = client.turn()? | server.turn()?;
        if !moved {
            assert!(begun.elapsed() < PATIENCE, "nothing moves");
            thread::sleep(Duration::from_micros(200));
        }
    }
    assert!(server.got == data && client.got == answer(&data));
    Ok(())
}

fn polled_streams_carry_an_exchange(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::new(client, server, 4096)?;
    let Streams { client, server } = &mut streams;
    let data = question();
    assert!(pass(client, server, &data, 50_000)? == data);
    let reply = answer(&data);
    assert!(pass(server, client, &reply, 50_000)? == reply);
    let (closed, end) =
        both(|cx| client.poll_close_notify(cx), |cx| server.poll_read(cx, &mut [0; 8]));
    closed?;
    assert_eq!(end?, 0);
    Ok(())
}

/// A network between two connections: takes and gives a few bytes at a time.
fn ferry(from: &mut Connection, to: &mut Connection, most: usize) -> usize {
    let mut moved = 0;
    while !from.wire().pending().is_empty() {
        let spare = to.wire().spare();
        let room = spare.len().min(most);
        if room == 0 {
            break;
        }
        let n = from.wire().pending().len().min(room);
        to.wire().spare()[..n].copy_from_slice(&from.wire().pending()[..n]);
        to.wire().filled(n);
        from.wire().sent(n);
        moved += n;
        if moved > 40_000 {
            break;
        }
    }
    moved
}

fn connections_driven_by_hand_carry_an_exchange(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Ends::default(client, server)?.pair()?;
    for _ in 0..100 {
        let done = [pair.client.handshake()?, pair.server.handshake()?];
        ferry(&mut pair.client, &mut pair.server, 100);
        ferry(&mut pair.server, &mut pair.client, 100);
        if done == [Progress::Ready(()); 2] {
            break;
        }
    }
    for (side, data) in [(Side::Client, question()), (Side::Server, answer(&question()))] {
        let (from, to) = pair.sides(side);
        let (mut written, mut got, mut buf) = (0, Vec::new(), [0; 7000]);
        for round in 0..1000 {
            assert!(round < 999, "{written} written, {} read", got.len());
            if !from.close_sent() {
                if let Progress::Ready(n) = from.write(&data[written..])? {
                    written += n;
                }
                if written == data.len() {
                    ready(from.close())?;
                }
            }
            ferry(from, to, 1234);
            while let Progress::Ready(n @ 1..) = to.read(&mut buf)? {
                got.extend_from_slice(&buf[..n]);
            }
            if to.close_received() {
                break;
            }
        }
        assert!(got == data);
    }
    Ok(())
}

fn a_transport_behind_a_pointer_carries_an_exchange(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (a, mut b): (Pipe, Pipe) = pipe(5000);
    let boxed: Box<dyn Transport> = Box::new(a);
    let mut client = ends.client.connect(NAME, boxed)?;
    let mut server = ends.server.accept(&mut b as &mut dyn Transport)?;
    let (data, mut got, mut rest) = (question(), Vec::new(), &question()[..]);
    let (sent, received) = both(
        |cx| poll_send(cx, &mut client, &mut rest),
        |cx| poll_receive(cx, &mut server, &mut got, data.len(), 30_000),
    );
    sent.and(received)?;
    assert!(got == data);
    Ok(())
}

/// Sends nothing before it is flushed.
struct HoldsBack {
    pipe: Pipe,
    held: Vec<u8>,
}

impl HoldsBack {
    fn new(pipe: Pipe) -> Self {
        Self { pipe, held: Vec::new() }
    }
}

impl Transport for HoldsBack {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.pipe.poll_read(cx, buf)
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let before = self.held.len();
        bufs.iter().for_each(|buf| self.held.extend_from_slice(buf));
        Poll::Ready(Ok(self.held.len() - before))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let n = std::task::ready!(self.pipe.poll_write(cx, &[IoSlice::new(&self.held)]))?;
            self.held.drain(..n);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.poll_flush(cx))?;
        self.pipe.poll_shutdown(cx)
    }
}

fn a_transport_that_waits_for_a_flush_carries_an_exchange(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (a, b) = pipe(1000);
    let mut client = ends.client.connect(NAME, HoldsBack::new(a))?;
    let mut server = ends.server.accept(HoldsBack::new(b))?;
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    let mut written = false;
    let (c, s) = both(
        |cx| {
            if !written {
                std::task::ready!(client.poll_write(cx, b"ask"))?;
                written = true;
            }
            poll_receive(cx, &mut client, &mut answered, 6, 6) // no flush
        },
        |cx| {
            std::task::ready!(poll_receive(cx, &mut server, &mut asked, 3, 3))?;
            poll_send(cx, &mut server, &mut &b"answer"[..])
        },
    );
    c.and(s)?;
    assert_eq!((&asked[..], &answered[..]), (&b"ask"[..], &b"answer"[..]));
    Ok(())
}

/// Reads from its connection when its thread ends, and tells how that went.
struct Keeper(Pair, mpsc::Sender<(Result<Progress<usize>>, ErrorKind)>);

impl Drop for Keeper {
    fn drop(&mut self) {
        let good = self.0.client.read(&mut [0; 8]);
        self.0.client.wire().feed(&[0; 100]);
        let _ = self.1.send((good, kind(self.0.client.read(&mut [0; 8]))));
    }
}

thread_local! {
    static KEEPER: RefCell<Option<Keeper>> = const { RefCell::new(None) };
}

fn a_connection_lives_as_long_as_its_thread(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let pair = Ends::default(client, server)?.pair()?;
    let (sender, told) = mpsc::channel();
    let thread = thread::spawn(move || -> Result<()> {
        KEEPER.set(Some(Keeper(pair, sender)));
        KEEPER.with_borrow_mut(|keeper| {
            // What a library keeps for the thread is made here, and gone before the keeper is.
            let Keeper(pair, _) = keeper.as_mut().unwrap();
            pair.handshake()?;
            write_all(&mut pair.server, b"good")?;
            pair.carry_all();
            Ok(())
        })
    });
    thread.join().unwrap()?;
    let (good, bad) = told.recv().unwrap();
    assert_eq!(ready(good)?, 4);
    assert_eq!(bad, ErrorKind::Protocol);
    Ok(())
}

fn a_write_does_the_handshake(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::new(client, server, 1000)?;
    let Streams { client, server } = &mut streams;
    assert!(!client.is_established() && client.negotiated().is_none());
    let (sent, received) =
        both(|cx| client.poll_write(cx, b"hello"), |cx| server.poll_write(cx, b"hi"));
    assert_eq!((sent?, received?), (5, 2));
    assert!(client.is_established() && client.negotiated().is_some());
    assert!(server.is_established() && server.negotiated().is_some());
    Ok(())
}

fn a_read_does_the_handshake(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::new(client, server, 1000)?;
    let Streams { client, server } = &mut streams;
    let mut got = Vec::new();
    let (sent, received) =
        both(|cx| poll_receive(cx, client, &mut got, 2, 2), |cx| server.poll_write(cx, b"hi"));
    sent?;
    assert_eq!(received?, 2);
    assert_eq!(got, b"hi");
    Ok(())
}

fn a_read_sends_what_is_pending(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::established(client, server, 1000)?;
    let Streams { client, server } = &mut streams;
    assert_eq!(now(|cx| client.poll_write(cx, &pattern(9000)))?, 9000);
    assert!(client.wants_write(), "the transport is full");
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    let (client_result, server_result) = both(
        |cx| poll_receive(cx, client, &mut answered, 3, 3), // no flush
        |cx| match poll_receive(cx, server, &mut asked, 9000, 9000)? {
            Poll::Ready(()) => poll_send(cx, server, &mut &b"yes"[..]),
            Poll::Pending => Poll::Pending,
        },
    );
    client_result.and(server_result)?;
    assert!(asked == pattern(9000));
    assert_eq!(answered, b"yes");
    assert!(!client.wants_write());
    Ok(())
}

fn a_dry_non_blocking_socket_would_block(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (client_socket, server_socket) = sockets()?;
    let mut client = Worker::new(ends.client.connection(NAME)?, client_socket, Vec::new())?.stream;
    let mut server = Worker::new(ends.server.connection()?, server_socket, Vec::new())?.stream;
    for _ in 0..3 {
        assert_eq!(server.handshake().unwrap_err().kind(), Io::WouldBlock);
        assert_eq!(server.read(&mut [0; 8]).unwrap_err().kind(), Io::WouldBlock);
        assert_eq!(server.write(b"x").unwrap_err().kind(), Io::WouldBlock);
    }
    let begun = Instant::now();
    loop {
        let done = (unless_blocked(client.handshake())?, unless_blocked(server.handshake())?);
        if let (Some(()), Some(())) = done {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "the handshake does not end: {done:?}");
        thread::sleep(Duration::from_micros(200));
    }
    for _ in 0..3 {
        let e = client.read(&mut [0; 8]).unwrap_err();
        assert_eq!(e.kind(), Io::WouldBlock);
        assert_eq!(kind::<()>(Err(e.into())), ErrorKind::Io(Io::WouldBlock));
    }
    server.write_all(b"now")?;
    let mut got = [0; 3];
    while unless_blocked(client.read_exact(&mut got))?.is_none() {
        assert!(begun.elapsed() < PATIENCE, "the data does not come");
        thread::sleep(Duration::from_micros(200));
    }
    assert_eq!(&got, b"now");
    Ok(())
}

fn a_stream_tells_what_it_waits_for(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    // In TLS 1.3 tickets would wait for the client to read.
    let ends = Ends::only(Version::Tls12, client, server)?;
    let mut streams = Streams::of(&ends, 10)?;
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(!streams.client.wants_write() && !streams.server.wants_write());
    assert!(streams.client.poll_handshake(&mut cx).is_pending());
    assert!(streams.client.wants_write(), "the rest of its ClientHello");
    assert!(streams.server.poll_handshake(&mut cx).is_pending());
    assert!(!streams.server.wants_write(), "it has nothing to say yet");
    streams.handshake()?;
    assert!(!streams.client.wants_write() && !streams.server.wants_write());
    Ok(())
}
