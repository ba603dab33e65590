//! Calls in the wrong order.

use tls_core::{Backend, Connection, Error, ErrorKind, Progress, Result};

use super::{both_roles, cases};
use crate::pair::{Ends, Pair, Side, kind, ready, take_pending, transfer, write_all};
use crate::streams::{Streams, now};

cases! { "misuse";
    Pair calls_before_the_handshake_are_misuse_and_harmless [] []
        "Reading, writing and closing too early is refused, and the handshake still succeeds.";
    Pair empty_calls_before_the_handshake_are_misuse [] []
        "Empty buffers do not make a call that comes too early right.";
    Pair calls_during_the_handshake_are_misuse_and_harmless [] []
        "Reading, writing and closing at any moment of the handshake is refused and harmless.";
    Pair misuse_is_found_by_the_core [] []
        "Misuse is told without a library being asked, and in words.";
    Pair facts_are_there_when_the_handshake_is_done [] []
        "Nothing is negotiated before the handshake is done, and everything stays so after.";
    Client a_failed_client_fails_the_same_way [] []
        "Every call on a client whose handshake failed gives the first failure again.";
    Server a_failed_server_fails_the_same_way [] []
        "Every call on a server whose handshake failed gives the first failure again.";
    Client bytes_after_the_end_change_nothing_for_a_client [] []
        "A client that was cut off stays so, even if bytes follow.";
    Server bytes_after_the_end_change_nothing_for_a_server [] []
        "A server that was cut off stays so, even if bytes follow.";
    Pair a_broken_connection_fails_the_same_way [] []
        "Every call on a connection that broke after its handshake gives the first failure again.";
    Pair a_broken_connection_sends_nothing_more [] []
        "After a failure nothing but its alert is sent, whatever is called.";
    Pair a_refused_pair_fails_the_same_way [] []
        "Both sides of a refused handshake give their first failure again.";
    Pair a_stream_refuses_to_close_before_the_handshake [] []
        "Closing a stream before its handshake is misuse, and the stream still works.";
    Pair a_shutdown_before_the_handshake_ends_the_transport [] []
        "Shutting a stream down before its handshake ends the transport and nothing else.";
}

both_roles! {
    a_failed_client_fails_the_same_way a_failed_server_fails_the_same_way = failed_handshake;
    bytes_after_the_end_change_nothing_for_a_client
        bytes_after_the_end_change_nothing_for_a_server = bytes_after_the_end;
}

/// Reads, writes and closes, each of which is misuse now.
#[track_caller]
fn all_misuse(side: &mut Connection) {
    let pending = side.wire().pending().len();
    assert_eq!(kind(side.read(&mut [0; 8])), ErrorKind::Misuse);
    assert_eq!(kind(side.write(b"too early")), ErrorKind::Misuse);
    assert_eq!(kind(side.close()), ErrorKind::Misuse);
    assert_eq!(side.buffered(), 0);
    assert_eq!(side.wire().pending().len(), pending, "nothing is sent");
    assert!(!side.close_sent() && !side.close_received());
}

fn works(pair: &mut Pair) -> Result<()> {
    let Pair { client, server, .. } = pair;
    assert_eq!(transfer(client, server, b"there", usize::MAX)?, b"there");
    assert_eq!(transfer(server, client, b"and back", usize::MAX)?, b"and back");
    Ok(())
}

fn calls_before_the_handshake_are_misuse_and_harmless(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Ends::default(client, server)?.pair()?;
    for side in Side::BOTH {
        let (side, _) = pair.sides(side);
        all_misuse(side);
        all_misuse(side);
    }
    pair.handshake()?;
    works(&mut pair)
}

fn empty_calls_before_the_handshake_are_misuse(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Ends::default(client, server)?.pair()?;
    for side in Side::BOTH {
        let (side, _) = pair.sides(side);
        assert_eq!(kind(side.read(&mut [])), ErrorKind::Misuse);
        assert_eq!(kind(side.write(&[])), ErrorKind::Misuse);
    }
    pair.handshake()?;
    works(&mut pair)
}

fn calls_during_the_handshake_are_misuse_and_harmless(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Ends::default(client, server)?.pair()?;
    pair.chunk = 50;
    for round in 0.. {
        assert!(round < 1000, "the handshake does not end");
        let mut done = true;
        for side in Side::BOTH {
            let (side, _) = pair.sides(side);
            if side.handshake()? != Progress::Ready(()) {
                all_misuse(side);
                assert!(side.negotiated().is_none() && !side.is_established());
                done = false;
            }
        }
        pair.carry();
        if done {
            break;
        }
    }
    pair.carry_all();
    works(&mut pair)
}

fn misuse_is_found_by_the_core(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Ends::default(client, server)?.pair()?;
    let told = |e: Error, word: &str| {
        assert_eq!((e.kind(), e.backend()), (ErrorKind::Misuse, None));
        assert!(e.to_string().contains(word), "{e}");
    };
    for side in Side::BOTH {
        let (side, _) = pair.sides(side);
        told(side.read(&mut [0]).unwrap_err(), "read before the handshake");
        told(side.write(b"x").unwrap_err(), "write before the handshake");
        told(side.close().unwrap_err(), "close before the handshake");
    }
    pair.handshake()?;
    for side in Side::BOTH {
        let (side, _) = pair.sides(side);
        ready(side.close())?;
        told(side.write(b"x").unwrap_err(), "close_notify");
    }
    Ok(())
}

fn facts_are_there_when_the_handshake_is_done(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Ends::default(client, server)?.pair()?;
    assert!(pair.client.negotiated().is_none() && pair.server.negotiated().is_none());
    pair.handshake()?;
    pair.carry_all();
    let facts = pair.negotiated();
    works(&mut pair)?;
    assert_eq!(pair.negotiated(), facts);
    ready(pair.client.close())?;
    ready(pair.server.close())?;
    pair.carry_all();
    assert_eq!(ready(pair.server.read(&mut [0; 8]))?, 0);
    assert_eq!(pair.negotiated(), facts, "even after the end");
    Ok(())
}

/// Calls everything twice; each call must give `why`.
#[track_caller]
fn all_fail(side: &mut Connection, why: ErrorKind) {
    for _ in 0..2 {
        assert_eq!(kind(side.read(&mut [0; 8])), why, "read");
        assert_eq!(kind(side.write(b"x")), why, "write");
        assert_eq!(kind(side.close()), why, "close");
        assert_eq!(side.buffered(), 0);
    }
    assert!(!side.close_sent() && !side.close_received());
}

fn failed_handshake(side: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let oversized = [22, 3, 3, 0xff, 0xff];
    for (bytes, why) in [
        (&b"SSH-2.0-OpenSSH\r\n"[..], ErrorKind::NotTls),
        (&crate::raw::alert(40), ErrorKind::AlertReceived(tls_core::Alert::HANDSHAKE_FAILURE)),
        (&oversized, ErrorKind::Protocol),
    ] {
        let mut connection = make()?;
        let _ = connection.handshake()?;
        connection.wire().feed(bytes);
        assert_eq!(kind(connection.handshake()), why, "{side:?}");
        all_fail(&mut connection, why);
        connection.wire().feed(&crate::raw::Hello::tls13().record());
        assert_eq!(kind(connection.handshake()), why, "{side:?}, with new bytes");
        connection.wire().end();
        assert_eq!(kind(connection.handshake()), why, "{side:?}, at the end");
        all_fail(&mut connection, why);
        assert!(connection.negotiated().is_none() && !connection.is_established());
    }
    Ok(())
}

fn bytes_after_the_end(side: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let mut connection = make()?;
    let _ = connection.handshake()?;
    connection.wire().end();
    assert_eq!(kind(connection.handshake()), ErrorKind::UnexpectedEof);
    connection.wire().feed(&crate::raw::alert(40));
    assert_eq!(kind(connection.handshake()), ErrorKind::UnexpectedEof, "{side:?}");
    all_fail(&mut connection, ErrorKind::UnexpectedEof);
    Ok(())
}

/// Breaks the connection that `side` reads from, and reads the failure.
fn break_at(side: &mut Connection, peer: &mut Connection) -> Result<()> {
    write_all(peer, b"to be damaged")?;
    let mut record = take_pending(peer);
    *record.last_mut().unwrap() ^= 1;
    side.wire().feed(&record);
    assert_eq!(kind(side.read(&mut [0; 20])), ErrorKind::BadRecord);
    Ok(())
}

fn a_broken_connection_fails_the_same_way(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    for side in Side::BOTH {
        let mut pair = Pair::established(client, server)?;
        pair.carry_all();
        let (side, peer) = pair.sides(side);
        break_at(side, peer)?;
        all_fail(side, ErrorKind::BadRecord);
        assert_eq!(kind(side.handshake()), ErrorKind::BadRecord);
        // What was settled is still known.
        assert!(side.is_established() && side.negotiated().is_some());
        // A good record does not mend it.
        write_all(peer, b"sound")?;
        side.wire().feed(&take_pending(peer));
        all_fail(side, ErrorKind::BadRecord);
    }
    Ok(())
}

fn a_broken_connection_sends_nothing_more(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    for side in Side::BOTH {
        let mut pair = Pair::established(client, server)?;
        pair.carry_all();
        let (side, peer) = pair.sides(side);
        break_at(side, peer)?;
        // The alert, from a library that has one for it.
        let alert = take_pending(side);
        assert!(crate::raw::records(&alert).len() <= 1, "{alert:02x?}");
        all_fail(side, ErrorKind::BadRecord);
        assert!(side.wire().pending().is_empty());
    }
    Ok(())
}

fn a_refused_pair_fails_the_same_way(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    // The client does not trust this server.
    let (stranger, _) = crate::pair::configs();
    let (_, s) = crate::pair::configs();
    let mut pair = Pair::new((client, stranger), (server, s))?;
    let (client_failed, server_failed) = pair.handshakes();
    let (client_kind, server_kind) = (kind(client_failed), kind(server_failed));
    assert!(matches!(client_kind, ErrorKind::Certificate(_)), "{client_kind:?}");
    all_fail(&mut pair.client, client_kind);
    assert_eq!(kind(pair.client.handshake()), client_kind);
    all_fail(&mut pair.server, server_kind);
    assert_eq!(kind(pair.server.handshake()), server_kind);
    Ok(())
}

fn a_stream_refuses_to_close_before_the_handshake(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut streams = Streams::new(client, server, 1000)?;
    for stream in [&mut streams.client, &mut streams.server] {
        for _ in 0..2 {
            assert_eq!(kind(now(|cx| stream.poll_close_notify(cx))), ErrorKind::Misuse);
        }
        assert!(!stream.wants_write() && stream.transport().written.is_empty());
        now(|cx| stream.poll_flush(cx))?;
        assert_eq!(stream.buffered(), 0);
    }
    let Streams { client, server } = &mut streams;
    assert_eq!(crate::streams::pass(client, server, b"fine", 4)?, b"fine");
    now(|cx| client.poll_close_notify(cx))
}

fn a_shutdown_before_the_handshake_ends_the_transport(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut streams = Streams::new(client, server, 1 << 16)?;
    let Streams { client, server } = &mut streams;
    now(|cx| client.poll_shutdown(cx))?;
    assert!(client.transport().written.is_empty(), "there is nothing to close");
    assert_eq!(kind(now(|cx| server.poll_handshake(cx))), ErrorKind::UnexpectedEof);
    // Too late for a handshake: the transport takes nothing more, and the peer leaves.
    let Streams { mut client, server } = streams;
    drop(server);
    let failed = kind(now(|cx| client.poll_handshake(cx)));
    assert_eq!(failed, ErrorKind::Io(std::io::ErrorKind::BrokenPipe));
    Ok(())
}
