//! tungstenite over a non-blocking stream, client and server in one thread.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use polytls::{NonBlocking, Stream};
use tokio_tungstenite::tungstenite::handshake::{HandshakeRole, MidHandshake};
use tokio_tungstenite::tungstenite::{Error, HandshakeError, Message, WebSocket, accept, client};

use crate::{Ends, NAME, SIZES, URL, message};

/// Takes and gives a few bytes at a time, and would rather not every other time.
struct Shy {
    tcp: TcpStream,
    reads: usize,
    writes: usize,
}

impl Shy {
    fn new(tcp: TcpStream) -> Self {
        tcp.set_nonblocking(true).unwrap();
        tcp.set_nodelay(true).unwrap();
        Self { tcp, reads: 0, writes: 0 }
    }
}

/// How many bytes may move, of `len`; none now and then.
fn few(count: &mut usize, len: usize) -> io::Result<usize> {
    *count += 1;
    match *count % 2 {
        0 => Ok(len.min(1 + *count % 4099)),
        _ => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Read for Shy {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = few(&mut self.reads, buf.len())?;
        self.tcp.read(&mut buf[..n])
    }
}

impl Write for Shy {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = few(&mut self.writes, buf.len())?;
        self.tcp.write(&buf[..n])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Socket = WebSocket<Stream<NonBlocking<Shy>>>;

/// A handshake, or the rest of one.
fn go_on<R: HandshakeRole>(
    state: Result<R::FinalResult, HandshakeError<R>>,
    interrupted: &mut usize,
) -> Result<R::FinalResult, Box<MidHandshake<R>>> {
    match state {
        Ok(done) => Ok(done),
        Err(HandshakeError::Interrupted(rest)) => {
            *interrupted += 1;
            Err(Box::new(rest))
        }
        Err(HandshakeError::Failure(e)) => panic!("{e}"),
    }
}

fn connected(ends: &Ends) -> (Socket, Socket) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let theirs = listener.accept().unwrap().0;
    let ours = ends.client.connect(NAME, NonBlocking(Shy::new(ours))).unwrap();
    let theirs = ends.server.accept(NonBlocking(Shy::new(theirs))).unwrap();
    let mut interrupted = 0;
    let mut ours = go_on(client(URL, ours), &mut interrupted);
    let mut theirs = go_on(accept(theirs), &mut interrupted);
    loop {
        ours = ours.or_else(|rest| go_on(rest.handshake(), &mut interrupted));
        theirs = theirs.or_else(|rest| go_on(rest.handshake(), &mut interrupted));
        assert!(interrupted < 100_000, "the handshake does not end");
        if let (Ok(_), Ok(_)) = (&ours, &theirs) {
            break;
        }
    }
    assert!(interrupted > 2, "the transport was not shy");
    (ours.ok().unwrap().0, theirs.ok().unwrap())
}

/// What came of a call, unless it has to be repeated.
fn now<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Io(e)) if e.kind() == io::ErrorKind::WouldBlock => None,
        Err(e) => panic!("{e}"),
    }
}

pub(crate) fn a_shy_transport_loses_nothing(ends: Ends) {
    let (mut ours, mut theirs) = connected(&ends);
    for &size in SIZES {
        // Queued by the first call, whatever comes of it; sent by the ones that follow.
        let _ = now(ours.send(Message::Binary(message(size).into())));
        let (mut there, mut back) = (None, None);
        for _ in 0..100_000 {
            let _ = now(ours.flush());
            if there.is_none() {
                there = now(theirs.read());
                if let Some(message) = &there {
                    let _ = now(theirs.send(message.clone()));
                }
            }
            let _ = now(theirs.flush());
            back = now(ours.read());
            if back.is_some() {
                break;
            }
        }
        let expected = Some(Message::Binary(message(size).into()));
        assert!(there == expected, "{size} bytes did not arrive");
        assert!(back == expected, "{size} bytes did not come back");
    }
}
