//! How connections end.

use std::task::{Context, Poll, Waker};

use tls_core::{Backend, Connection, EndOfStream, ErrorKind, Progress, Result, Stream, Version};

use super::{both_versions, cases};
use crate::pair::{
    Ends, Pair, Side, configs, kind, pattern, read_exactly, ready, take_pending, transfer,
    write_all,
};
use crate::raw;
use crate::streams::{Streams, both, now, pass, poll_receive, poll_send};

cases! { "closing";
    Pair tls12_close_notify_is_a_proper_end [Tls12Client] [Tls12Server]
        "close_notify ends the data of a TLS 1.2 peer, properly and for good, behind all of it.";
    Pair tls13_close_notify_is_a_proper_end [Tls13Client] [Tls13Server]
        "close_notify ends the data of a TLS 1.3 peer, properly and for good, behind all of it.";
    Pair tls12_truncation_is_unexpected_eof [Tls12Client] [Tls12Server]
        "A transport that ends without close_notify is an error in TLS 1.2, behind all data.";
    Pair tls13_truncation_is_unexpected_eof [Tls13Client] [Tls13Server]
        "A transport that ends without close_notify is an error in TLS 1.3, behind all data.";
    Pair an_end_within_a_record_is_unexpected_eof [] []
        "A transport that ends within a record is an error, wherever that is.";
    Pair tolerated_truncation_is_an_end_that_can_be_told [] []
        "Where truncation is tolerated it is an end, and can be told from a proper one.";
    Pair a_proper_end_is_told_from_tolerated_truncation [] []
        "Where truncation is tolerated, close_notify is still told as a proper end.";
    Pair tolerated_truncation_tolerates_no_damage [] []
        "Where truncation is tolerated, a damaged record is still an error.";
    Pair truncation_during_the_handshake_is_never_tolerated [] []
        "Where truncation is tolerated, a handshake that is cut off is still an error.";
    Pair tls12_a_closed_side_reads_on
        [Tls12Client Tls12HalfClose] [Tls12HalfClose Tls12Server]
        "After its own close_notify a TLS 1.2 side reads all that its peer still sends: 1 MiB.";
    Pair tls13_a_closed_side_reads_on [Tls13Client] [Tls13Server]
        "After its own close_notify a TLS 1.3 side reads all that its peer still sends: 1 MiB.";
    Pair a_write_after_the_own_close_is_misuse [] []
        "Writing after the own close_notify is refused, sends nothing, and harms nothing else.";
    Pair tls12_a_write_after_the_peers_close_arrives
        [Tls12Client Tls12HalfClose] [Tls12HalfClose Tls12Server]
        "A TLS 1.2 side whose peer has closed may still write, and close.";
    Pair tls13_a_write_after_the_peers_close_arrives [Tls13Client] [Tls13Server]
        "A TLS 1.3 side whose peer has closed may still write, and close.";
    Pair both_may_close_at_once [] []
        "Two sides that close at the same time both end properly.";
    Pair closing_twice_sends_one_alert [] []
        "Closing again is ready, and sends nothing more.";
    Pair a_close_on_a_full_wire_gets_through [] []
        "A close finds room even on a wire that takes no more data, behind that data.";
    Pair dropping_sends_nothing [] []
        "A stream that is dropped sends no close_notify: its peer sees a truncated connection.";
    Pair bytes_behind_close_notify_stay_unread [] []
        "What follows close_notify on the transport does not belong to the connection.";
    Pair shutdown_ends_the_transport [] []
        "Shutting down sends close_notify and then ends the transport's writing direction.";
    Pair close_notify_leaves_the_transport_open [] []
        "A half close of a stream ends its data and not its transport.";
    Pair a_close_passes_a_transport_of_one_byte [] []
        "close_notify passes through a transport that takes one byte at a time.";
    Pair a_close_behind_a_full_transport_is_pending [] []
        "A close waits until the data before it is sent, and then gets through.";
    Pair an_end_on_both_sides_leaves_nothing_to_do [] []
        "After both closes every call has a settled answer.";
}

both_versions! {
    tls12_close_notify_is_a_proper_end tls13_close_notify_is_a_proper_end = proper_end;
    tls12_truncation_is_unexpected_eof tls13_truncation_is_unexpected_eof = truncation;
    tls12_a_closed_side_reads_on tls13_a_closed_side_reads_on = half_close;
    tls12_a_write_after_the_peers_close_arrives
        tls13_a_write_after_the_peers_close_arrives = write_after_peers_close;
}

/// Reads the end, which stays the end whatever the transport does.
#[track_caller]
fn at_proper_end(side: &mut Connection) -> Result<()> {
    for round in 0..3 {
        assert_eq!(ready(side.read(&mut [0; 8]))?, 0);
        assert!(side.close_received() && !side.ended_without_close());
        assert_eq!(side.buffered(), 0);
        if round == 1 {
            side.wire().end();
        }
    }
    Ok(())
}

fn proper_end(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for side in Side::BOTH {
        for data in [&b""[..], b"the last words"] {
            let mut pair = ends.established()?;
            let (from, to) = pair.sides(side);
            write_all(from, data)?;
            ready(from.close())?;
            assert!(from.close_sent() && !from.close_received() && !to.close_received());
            to.wire().feed(&take_pending(from));
            assert_eq!(read_exactly(to, data.len())?, data);
            at_proper_end(to)?;
            // The answer.
            assert!(!to.close_sent());
            ready(to.close())?;
            from.wire().feed(&take_pending(to));
            at_proper_end(from)?;
        }
    }
    Ok(())
}

fn truncation(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for side in Side::BOTH {
        for data in [&b""[..], b"and the rest is"] {
            let mut pair = ends.established()?;
            let (from, to) = pair.sides(side);
            write_all(from, data)?;
            to.wire().feed(&take_pending(from));
            to.wire().end();
            assert_eq!(read_exactly(to, data.len())?, data);
            for _ in 0..3 {
                assert_eq!(kind(to.read(&mut [0; 8])), ErrorKind::UnexpectedEof, "{side:?}");
            }
            assert!(!to.close_received() && !to.ended_without_close());
        }
    }
    Ok(())
}

fn an_end_within_a_record_is_unexpected_eof(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = Ends::default(client, server)?;
    for side in Side::BOTH {
        for cut in [1, 4, 5, 6, 20, usize::MAX] {
            let mut pair = ends.established()?;
            let (from, to) = pair.sides(side);
            write_all(from, b"whole")?;
            to.wire().feed(&take_pending(from));
            // Not even a torn close_notify is one.
            ready(from.close())?;
            let record = take_pending(from);
            to.wire().feed(&record[..cut.min(record.len() - 1)]);
            to.wire().end();
            assert_eq!(read_exactly(to, 5)?, b"whole");
            assert_eq!(kind(to.read(&mut [0; 8])), ErrorKind::UnexpectedEof, "{side:?} at {cut}");
            assert_eq!(kind(to.read(&mut [0; 8])), ErrorKind::UnexpectedEof);
        }
    }
    Ok(())
}

/// Both tolerate truncation.
fn tolerant(client: &dyn Backend, server: &dyn Backend) -> Result<Ends> {
    let (c, s) = configs();
    let policy = EndOfStream::TolerateTruncation;
    Ends::new((client, c.end_of_stream(policy)), (server, s.end_of_stream(policy)))
}

fn tolerated_truncation_is_an_end_that_can_be_told(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = tolerant(client, server)?;
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (from, to) = pair.sides(side);
        write_all(from, b"Content-Length: 5")?;
        to.wire().feed(&take_pending(from));
        to.wire().end();
        assert_eq!(read_exactly(to, 17)?, b"Content-Length: 5");
        assert!(!to.ended_without_close(), "not before it is read");
        for _ in 0..3 {
            assert_eq!(ready(to.read(&mut [0; 8]))?, 0);
            assert!(to.ended_without_close() && !to.close_received());
        }
        // Only that direction has ended.
        assert_eq!(transfer(to, from, b"understood", usize::MAX)?, b"understood");
        ready(to.close())?;
        from.wire().feed(&take_pending(to));
        at_proper_end(from)?;
    }
    Ok(())
}

fn a_proper_end_is_told_from_tolerated_truncation(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = tolerant(client, server)?;
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (from, to) = pair.sides(side);
        ready(from.close())?;
        to.wire().feed(&take_pending(from));
        to.wire().end();
        at_proper_end(to)?;
    }
    Ok(())
}

fn tolerated_truncation_tolerates_no_damage(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = tolerant(client, server)?;
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (from, to) = pair.sides(side);
        write_all(from, b"damaged")?;
        let mut record = take_pending(from);
        *record.last_mut().unwrap() ^= 1;
        to.wire().feed(&record);
        to.wire().end();
        for _ in 0..3 {
            assert_eq!(kind(to.read(&mut [0; 8])), ErrorKind::BadRecord);
        }
        assert!(!to.ended_without_close() && !to.close_received());
    }
    Ok(())
}

fn truncation_during_the_handshake_is_never_tolerated(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = tolerant(client, server)?;
    for side in Side::BOTH {
        let mut pair = ends.pair()?;
        assert_eq!(pair.client.handshake()?, Progress::WantRead);
        let hello = take_pending(&mut pair.client);
        pair.server.wire().feed(&hello[..hello.len() - 1]);
        let (side, _) = pair.sides(side);
        side.wire().end();
        assert_eq!(kind(side.handshake()), ErrorKind::UnexpectedEof);
        assert_eq!(kind(side.read(&mut [0; 8])), ErrorKind::UnexpectedEof);
        assert!(!side.ended_without_close());
    }
    Ok(())
}

fn half_close(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    let data = pattern(1 << 20);
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (closed, open) = pair.sides(side);
        ready(closed.close())?;
        open.wire().feed(&take_pending(closed));
        at_proper_end(open)?;
        assert!(transfer(open, closed, &data, usize::MAX)? == data, "{side:?}");
        assert!(closed.wire().pending().is_empty(), "nothing is sent after close_notify");
        ready(open.close())?;
        closed.wire().feed(&take_pending(open));
        at_proper_end(closed)?;
    }
    Ok(())
}

fn a_write_after_the_own_close_is_misuse(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (closed, open) = pair.sides(side);
        ready(closed.close())?;
        open.wire().feed(&take_pending(closed));
        for _ in 0..3 {
            assert_eq!(kind(closed.write(b"too late")), ErrorKind::Misuse, "{side:?}");
            assert!(closed.wire().pending().is_empty());
        }
        at_proper_end(open)?;
        assert_eq!(transfer(open, closed, b"never mind", usize::MAX)?, b"never mind");
        assert_eq!(kind(closed.write(b"still too late")), ErrorKind::Misuse);
        assert!(closed.wire().pending().is_empty());
    }
    Ok(())
}

fn write_after_peers_close(
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for side in Side::BOTH {
        // Whether the end has been read already or not.
        for read_first in [true, false] {
            let mut pair = ends.established()?;
            let (closed, open) = pair.sides(side);
            ready(closed.close())?;
            open.wire().feed(&take_pending(closed));
            if read_first {
                at_proper_end(open)?;
            }
            assert_eq!(transfer(open, closed, b"one more thing", usize::MAX)?, b"one more thing");
            at_proper_end(open)?;
            assert_eq!(transfer(open, closed, b"and another", usize::MAX)?, b"and another");
            ready(open.close())?;
            closed.wire().feed(&take_pending(open));
            at_proper_end(closed)?;
        }
    }
    Ok(())
}

fn both_may_close_at_once(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    for side in Side::BOTH {
        let (side, _) = pair.sides(side);
        write_all(side, b"goodbye")?;
        ready(side.close())?;
    }
    pair.carry_all();
    for side in Side::BOTH {
        let (side, _) = pair.sides(side);
        assert_eq!(read_exactly(side, 7)?, b"goodbye");
        at_proper_end(side)?;
        assert!(side.close_sent() && side.wire().pending().is_empty());
    }
    Ok(())
}

fn closing_twice_sends_one_alert(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    for side in Side::BOTH {
        let (side, peer) = pair.sides(side);
        for _ in 0..3 {
            ready(side.close())?;
        }
        let sent = take_pending(side);
        assert_eq!(raw::records(&sent).len(), 1, "{sent:02x?}");
        peer.wire().feed(&sent);
        at_proper_end(peer)?;
        ready(side.close())?;
        assert!(side.wire().pending().is_empty());
    }
    // And once more when both have.
    for side in Side::BOTH {
        let (side, _) = pair.sides(side);
        ready(side.close())?;
        assert!(side.wire().pending().is_empty());
    }
    Ok(())
}

fn a_close_on_a_full_wire_gets_through(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let data = pattern(1 << 20);
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (from, to) = pair.sides(side);
        let mut taken = 0;
        while let Progress::Ready(n) = from.write(&data[taken..])? {
            taken += n;
            assert!(taken < data.len(), "{taken} bytes taken, and still room");
        }
        // At once or after some room was made.
        while from.close()? != Progress::Ready(()) {
            let n = from.wire().pending().len().min(1000);
            assert!(n > 0, "it waits for nothing");
            to.wire().feed(&from.wire().pending()[..n]);
            from.wire().sent(n);
        }
        to.wire().feed(&take_pending(from));
        assert!(read_exactly(to, taken)? == data[..taken]);
        at_proper_end(to)?;
    }
    Ok(())
}

fn dropping_sends_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for side in Side::BOTH {
        let streams = Streams::established(client, server, 1 << 16)?;
        let (dropped, mut left) = match side {
            Side::Client => (streams.client, streams.server),
            Side::Server => (streams.server, streams.client),
        };
        drop(dropped);
        let result = now(|cx| left.poll_read(cx, &mut [0; 8]));
        assert_eq!(kind(result), ErrorKind::UnexpectedEof, "{side:?}");
        let result = now(|cx| left.poll_read(cx, &mut [0; 8]));
        assert_eq!(kind(result), ErrorKind::UnexpectedEof, "again");
        assert!(!left.close_received());
    }
    Ok(())
}

fn bytes_behind_close_notify_stay_unread(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let clear = b"220 and on we go in clear\r\n";
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (from, to) = pair.sides(side);
        write_all(from, b"QUIT")?;
        ready(from.close())?;
        to.wire().feed(&take_pending(from));
        to.wire().feed(clear);
        assert_eq!(read_exactly(to, 4)?, b"QUIT");
        at_proper_end(to)?;
        assert_eq!(to.wire().unread(), clear, "{side:?}");
        // What this side still sends does not touch it.
        assert_eq!(transfer(to, from, b"bye", usize::MAX)?, b"bye");
        ready(to.close())?;
        assert_eq!(to.wire().unread(), clear);
    }
    let mut streams = Streams::of(&ends, 1 << 16)?;
    streams.handshake()?;
    let Streams { mut client, mut server } = streams;
    now(|cx| client.poll_close_notify(cx))?;
    let mut transport = client.into_transport().transport;
    let written = now(|cx| {
        tls_core::Transport::poll_write(&mut transport, cx, &[std::io::IoSlice::new(clear)])
    })?;
    assert_eq!(written, clear.len());
    assert_eq!(now(|cx| server.poll_read(cx, &mut [0; 100]))?, 0);
    assert_eq!(server.into_transport().unread, clear);
    Ok(())
}

fn shutdown_ends_the_transport(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut streams = Streams::established(client, server, 1 << 16)?;
    let Streams { client, server } = &mut streams;
    now(|cx| client.poll_shutdown(cx))?;
    assert_eq!(now(|cx| server.poll_read(cx, &mut [0; 8]))?, 0);
    assert!(server.close_received());
    // The other direction is open.
    assert_eq!(pass(server, client, b"one more", 8)?, b"one more");
    now(|cx| server.poll_shutdown(cx))?;
    assert_eq!(now(|cx| client.poll_read(cx, &mut [0; 8]))?, 0);
    for mut stream in [streams.client, streams.server] {
        assert_eq!(kind(now(|cx| stream.poll_write(cx, b"x"))), ErrorKind::Misuse);
        // Behind the close_notify there is the end of the transport.
        let mut transport = stream.into_transport().transport;
        let end = now(|cx| tls_core::Transport::poll_read(&mut transport, cx, &mut [0; 8]))?;
        assert_eq!(end, 0);
    }
    Ok(())
}

fn close_notify_leaves_the_transport_open(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut streams = Streams::established(client, server, 1 << 16)?;
    let Streams { client, server } = &mut streams;
    now(|cx| client.poll_close_notify(cx))?;
    now(|cx| client.poll_close_notify(cx))?;
    assert_eq!(now(|cx| server.poll_read(cx, &mut [0; 8]))?, 0);
    assert_eq!(pass(server, client, b"one more", 8)?, b"one more");
    let Streams { server, .. } = streams;
    let mut transport = server.into_transport().transport;
    let polled = tls_core::Transport::poll_read(
        &mut transport,
        &mut Context::from_waker(Waker::noop()),
        &mut [0; 8],
    );
    assert!(polled.is_pending(), "{polled:?}");
    Ok(())
}

fn a_close_passes_a_transport_of_one_byte(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    for room in [1, 7] {
        let mut streams = Streams::established(client, server, room)?;
        let Streams { client, server } = &mut streams;
        // Both read while they close: with so little room nobody could wait for the other.
        let closing = |stream: &mut Stream<_>, cx: &mut Context<'_>| {
            let closed = stream.poll_close_notify(cx)?;
            let read = stream.poll_read(cx, &mut [0; 8])?;
            if closed.is_ready() { read.map(Ok) } else { Poll::Pending }
        };
        let (client, server): (Result<usize>, Result<usize>) =
            both(|cx| closing(client, cx), |cx| closing(server, cx));
        assert_eq!((client?, server?), (0, 0));
        assert!(streams.client.close_received() && streams.server.close_received());
    }
    Ok(())
}

fn a_close_behind_a_full_transport_is_pending(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut streams = Streams::established(client, server, 1000)?;
    let Streams { client, server } = &mut streams;
    let (data, mut got) = (pattern(30_000), Vec::new());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(poll_send(&mut cx, client, &mut &data[..]).is_pending());
    assert!(client.poll_close_notify(&mut cx).is_pending());
    let (closed, received) = both(
        |cx| client.poll_close_notify(cx),
        |cx| poll_receive(cx, server, &mut got, 30_000, 5000),
    );
    closed.and(received)?;
    assert!(got == data);
    assert_eq!(now(|cx| server.poll_read(cx, &mut [0; 8]))?, 0);
    Ok(())
}

fn an_end_on_both_sides_leaves_nothing_to_do(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Ends::default(client, server)?.established()?;
    ready(pair.client.close())?;
    pair.carry_all();
    at_proper_end(&mut pair.server)?;
    ready(pair.server.close())?;
    pair.carry_all();
    at_proper_end(&mut pair.client)?;
    for side in Side::BOTH {
        let (side, _) = pair.sides(side);
        ready(side.handshake())?;
        assert_eq!(kind(side.write(b"x")), ErrorKind::Misuse);
        ready(side.close())?;
        at_proper_end(side)?;
        assert!(side.is_established() && side.close_sent() && side.close_received());
        assert!(side.negotiated().is_some());
        assert!(side.wire().pending().is_empty());
    }
    Ok(())
}
