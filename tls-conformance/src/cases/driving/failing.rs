//! Transports that fail, and errors that travel through `std::io`.

use std::cell::Cell;
use std::io::{self, ErrorKind as Io, IoSlice, Read, Write};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tls_core::{
    Backend, Blocking, ClientAuth, Connection, Error, ErrorKind, Pipe, Progress, Result, Stream,
    Transport, Version, Versions, pipe,
};

use super::super::{both_roles, cases};
use super::{sockets, threads};
use crate::certs::Authority;
use crate::pair::{Ends, NAME, Side, client_alone, configs, kind, server_alone};
use crate::streams::{Streams, both, now, poll_send};
use crate::told;

cases! { "driving";
    Pair the_refusal_is_read_after_a_write_failed
        [Tls13Client] [EncryptedAlerts Tls13Server RequestClientCertificate]
        "A client whose write fails can still read the alert that says why.";
    Pair data_is_read_after_a_write_failed [] []
        "After a write failed, what the peer sent before is still read, and then the failure.";
    Pair data_of_a_client_that_is_gone_before_the_tickets_is_read [Tls13Client] [Tls13Server]
        "A server whose client has said all and gone, so that no ticket can be sent, still reads what it said.";
    Pair a_failed_write_stays_failed [] []
        "A stream whose transport refused bytes sends nothing more, as if nothing were missing.";
    Pair a_failed_flush_stays_failed [] []
        "A stream whose transport lost bytes that it had taken sends nothing more.";
    Pair a_reset_transport_is_an_io_error [] []
        "A transport that failed to read is an I/O error of its kind, for good, and no end.";
    Server the_alert_is_sent_before_the_error_is_told [] []
        "A server that refuses a client has sent its alert when it says so.";
    Server a_shutdown_sends_an_alert_that_waits [] []
        "A server that refused a client sends the rest of its alert before it ends the transport.";
    Pair kinds_survive_io_errors [] []
        "An error that was read through std::io keeps its kind, with a fitting std::io kind.";
    Client shutting_down_a_client_whose_peer_is_gone_is_done [] []
        "Ending the transport of a client whose server has reset it is no error: it has ended.";
    Server shutting_down_a_server_whose_peer_is_gone_is_done [] []
        "Ending the transport of a server whose client has reset it is no error: it has ended.";
    Client a_refused_connection_is_invalid_data [] []
        "A peer that does not speak TLS is invalid data to std::io, and keeps its kind.";
}

both_roles! {
    shutting_down_a_client_whose_peer_is_gone_is_done
        shutting_down_a_server_whose_peer_is_gone_is_done = peer_is_gone;
}

fn the_refusal_is_read_after_a_write_failed(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), only) = (configs(), Versions::only(Version::Tls13));
    let roots = Authority::root("Root of the clients").roots();
    let s = s.versions(only).client_auth(ClientAuth::Require(roots));
    let ends = Ends::new((client, c.versions(only)), (server, s))?;
    let mut streams = Streams::of(&ends, 1 << 16)?;
    let Streams { client, server } = &mut streams;
    // In TLS 1.3 the client is done before the server has judged it.
    let (c, s) = both(|cx| client.poll_handshake(cx), |cx| server.poll_handshake(cx));
    c?;
    assert_eq!(kind(s), ErrorKind::NoPeerCertificate);
    let Streams { mut client, server } = streams;
    drop(server);
    let failed = kind(now(|cx| client.poll_write(cx, b"request")));
    assert_eq!(failed, ErrorKind::Io(Io::BrokenPipe));
    for _ in 0..2 {
        let read = now(|cx| client.poll_read(cx, &mut [0; 8]));
        told::encrypted_alert(read.map(Progress::Ready))?;
    }
    Ok(())
}

fn data_is_read_after_a_write_failed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::established(client, server, 1 << 16)?;
    now(|cx| poll_send(cx, &mut streams.server, &mut &b"busy"[..]))?;
    let Streams { mut client, server } = streams;
    drop(server);
    let broken = ErrorKind::Io(Io::BrokenPipe);
    assert_eq!(kind(now(|cx| client.poll_write(cx, b"request"))), broken);
    let mut buf = [0; 8];
    assert_eq!(now(|cx| client.poll_read(cx, &mut buf))?, 4);
    assert_eq!(&buf[..4], b"busy");
    // The missing close_notify is the broken transport's fault.
    assert_eq!(kind(now(|cx| client.poll_read(cx, &mut buf))), broken);
    assert_eq!(kind(now(|cx| client.poll_read(cx, &mut buf))), broken);
    Ok(())
}

fn data_of_a_client_that_is_gone_before_the_tickets_is_read(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), only) = (configs(), Versions::only(Version::Tls13));
    let ends = Ends::new((client, c.versions(only)), (server, s.versions(only)))?;
    let Streams { mut client, mut server } = Streams::of(&ends, 1 << 16)?;
    let mut cx = Context::from_waker(Waker::noop());
    assert!(client.poll_handshake(&mut cx).is_pending());
    assert!(server.poll_handshake(&mut cx).is_pending());
    now(|cx| client.poll_handshake(cx))?;
    now(|cx| poll_send(cx, &mut client, &mut &b"all"[..]))?;
    now(|cx| client.poll_close_notify(cx))?;
    drop(client);
    now(|cx| server.poll_handshake(cx))?;
    let mut buf = [0; 8];
    assert_eq!(now(|cx| server.poll_read(cx, &mut buf))?, 3);
    assert_eq!(&buf[..3], b"all");
    assert_eq!(now(|cx| server.poll_read(cx, &mut buf))?, 0, "nothing was lost");
    let broken = ErrorKind::Io(Io::BrokenPipe);
    assert_eq!(kind(now(|cx| server.poll_write(cx, b"answer"))), broken);
    Ok(())
}

/// A pipe that can be told to fail.
struct Failing {
    pipe: Pipe,
    reads: Rc<Cell<Option<Io>>>,
    writes: Rc<Cell<Option<Io>>>,
    flushes: Rc<Cell<Option<Io>>>,
}

impl Failing {
    fn new(pipe: Pipe) -> Self {
        Self { pipe, reads: Rc::default(), writes: Rc::default(), flushes: Rc::default() }
    }
}

impl Transport for Failing {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.reads.get() {
            Some(kind) => Poll::Ready(Err(kind.into())),
            None => self.pipe.poll_read(cx, buf),
        }
    }

    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.writes.get() {
            // "Nothing was written" is a failure too.
            Some(Io::WriteZero) => Poll::Ready(Ok(0)),
            Some(kind) => Poll::Ready(Err(kind.into())),
            None => self.pipe.poll_write(cx, bufs),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.flushes.get() {
            Some(kind) => Poll::Ready(Err(kind.into())),
            None => self.pipe.poll_flush(cx),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_shutdown(cx)
    }
}

/// An established pair of streams.
fn failing(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<(Stream<Failing>, Stream<Failing>)> {
    let ends = Ends::default(client, server)?;
    let (a, b) = pipe(1 << 16);
    let mut client = ends.client.connect(NAME, Failing::new(a))?;
    let mut server = ends.server.accept(Failing::new(b))?;
    let (c, s) = both(|cx| client.poll_handshake(cx), |cx| server.poll_handshake(cx));
    c.and(s)?;
    Ok((client, server))
}

fn a_failed_write_stays_failed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for why in [Io::ConnectionReset, Io::WriteZero] {
        let (c, s) = failing(client, server)?;
        write_fails(c, s, why)?;
        let (c, s) = failing(client, server)?;
        write_fails(s, c, why)?;
    }
    Ok(())
}

fn write_fails(mut side: Stream<Failing>, mut peer: Stream<Failing>, why: Io) -> Result<()> {
    let expected = ErrorKind::Io(why);
    side.transport().writes.set(Some(why));
    assert_eq!(kind(now(|cx| side.poll_write(cx, b"lost"))), expected);
    // A record is missing; what comes after it must not be sent.
    side.transport().writes.set(None);
    assert_eq!(kind(now(|cx| side.poll_write(cx, b"found"))), expected);
    assert_eq!(kind(now(|cx| side.poll_flush(cx))), expected);
    assert_eq!(kind(now(|cx| side.poll_close_notify(cx))), expected);
    assert!(!side.wants_write());
    now(|cx| poll_send(cx, &mut peer, &mut &b"still there"[..]))?;
    let mut buf = [0; 20];
    assert_eq!(now(|cx| side.poll_read(cx, &mut buf))?, 11);
    drop(side);
    let end = kind(now(|cx| peer.poll_read(cx, &mut buf)));
    assert_eq!(end, ErrorKind::UnexpectedEof, "and nothing before it");
    Ok(())
}

fn a_failed_flush_stays_failed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (mut client, mut server) = failing(client, server)?;
    for side in [&mut client, &mut server] {
        let broken = ErrorKind::Io(Io::ConnectionReset);
        side.transport().flushes.set(Some(Io::ConnectionReset));
        now(|cx| side.poll_write(cx, b"taken"))?;
        assert_eq!(kind(now(|cx| side.poll_flush(cx))), broken);
        side.transport().flushes.set(None);
        assert_eq!(kind(now(|cx| side.poll_write(cx, b"found"))), broken);
        assert_eq!(kind(now(|cx| side.poll_flush(cx))), broken);
    }
    Ok(())
}

fn a_reset_transport_is_an_io_error(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for why in [Io::ConnectionReset, Io::ConnectionAborted] {
        let (client, server) = failing(client, server)?;
        for mut side in [client, server] {
            side.transport().reads.set(Some(why));
            for _ in 0..2 {
                let failed = kind(now(|cx| side.poll_read(cx, &mut [0; 8])));
                assert_eq!(failed, ErrorKind::Io(why));
                // A socket tells it only once.
                side.transport().reads.set(None);
            }
            assert!(!side.close_received() && !side.ended_without_close());
        }
    }
    Ok(())
}

fn the_alert_is_sent_before_the_error_is_told(server: &dyn Backend) -> Result<()> {
    let server = server_alone(server)?;
    let (a, mut b) = pipe(1 << 16);
    let mut stream = Stream::new(server, a);
    let hello = crate::raw::Hello { legacy_version: 0x0302, ..crate::raw::Hello::tls12() }.record();
    assert_eq!(now(|cx| b.poll_write(cx, &[IoSlice::new(&hello)]))?, hello.len());
    assert_eq!(kind(now(|cx| stream.poll_handshake(cx))), ErrorKind::NoSharedVersion);
    let mut sent = [0; 20];
    let n = now(|cx| b.poll_read(cx, &mut sent))?;
    assert!(matches!(sent[..n], [21, 3, _, 0, 2, 2, 70]), "{:02x?}", &sent[..n]);
    Ok(())
}

fn a_shutdown_sends_an_alert_that_waits(server: &dyn Backend) -> Result<()> {
    let (a, mut b) = pipe(3);
    let mut stream = Stream::new(server_alone(server)?, a);
    let hello = crate::raw::Hello { legacy_version: 0x0302, ..crate::raw::Hello::tls12() }.record();
    let mut rest = &hello[..];
    let refused = loop {
        let n = now(|cx| b.poll_write(cx, &[IoSlice::new(rest)]))?;
        rest = &rest[n..];
        if let Poll::Ready(result) = stream.poll_handshake(&mut Context::from_waker(Waker::noop()))
        {
            break kind(result);
        }
    };
    assert_eq!(refused, ErrorKind::NoSharedVersion);
    let mut sent = Vec::new();
    let (shut, read) = both(
        |cx| stream.poll_shutdown(cx),
        |cx| {
            let mut buf = [0; 3];
            loop {
                match ready!(b.poll_read(cx, &mut buf))? {
                    0 => return Poll::Ready(Ok::<_, Error>(())),
                    n => sent.extend_from_slice(&buf[..n]),
                }
            }
        },
    );
    shut?;
    read?;
    assert!(matches!(sent[..], [21, 3, _, 0, 2, 2, 70]), "{sent:02x?}");
    Ok(())
}

fn kinds_survive_io_errors(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (client, server) = sockets()?;
    let mut client = ends.client.connect(NAME, Blocking::new(client))?;
    let mut server = ends.server.accept(Blocking::new(server))?;
    let e = client.close_notify().unwrap_err();
    assert_eq!(e.kind(), Io::InvalidInput);
    assert_eq!(Error::from(e).kind(), ErrorKind::Misuse);
    // The server goes: a client that did, with tickets unread, might have its system reset the connection.
    threads(
        || {
            let mut got = Vec::new();
            let e = client.read_to_end(&mut got).unwrap_err();
            assert_eq!(got, b"and gone");
            assert_eq!(e.kind(), Io::UnexpectedEof);
            assert_eq!(Error::from(e).kind(), ErrorKind::UnexpectedEof);
            Ok(())
        },
        || {
            server.handshake()?;
            server.write_all(b"and gone")?;
            drop(server);
            Ok(())
        },
    )
}

fn a_refused_connection_is_invalid_data(client: &dyn Backend) -> Result<()> {
    let connection = client_alone(client)?;
    let (socket, mut peer) = sockets()?;
    peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
    let mut stream = Stream::new(connection, Blocking::new(socket));
    for _ in 0..2 {
        let e = stream.read(&mut [0; 8]).unwrap_err();
        assert_eq!(e.kind(), Io::InvalidData);
        assert_eq!(Error::from(e).kind(), ErrorKind::NotTls);
    }
    Ok(())
}

fn peer_is_gone(_: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let connection = make()?;
    let (mut socket, peer) = sockets()?;
    // A socket that is closed with bytes unread resets the connection.
    socket.write_all(b"never read")?;
    drop(peer);
    // The reset has arrived once a read fails.
    let reset = socket.read(&mut [0; 8]).unwrap_err();
    assert_eq!(reset.kind(), Io::ConnectionReset);
    let mut stream = Stream::new(connection, Blocking::new(socket));
    stream.shutdown()?;
    Ok(())
}
