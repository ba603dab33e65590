//! Handshakes with a deadline.

use std::io::{ErrorKind as Io, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use tls_core::{Backend, Blocking, Connection, Error, ErrorKind, Result, Stream};

use super::super::{both_roles, cases};
use super::{sockets, threads};
use crate::pair::{Ends, NAME, Side};

cases! { "driving";
    Client a_silent_server_meets_the_deadline [] []
        "A client's handshake with a peer that says nothing ends at the deadline.";
    Server a_silent_client_meets_the_deadline [] []
        "A server's handshake with a peer that says nothing ends at the deadline.";
    Client a_trickling_server_meets_the_deadline [] []
        "A client's handshake ends at the deadline even while single bytes keep coming.";
    Server a_trickling_client_meets_the_deadline [] []
        "A server's handshake ends at the deadline even while single bytes keep coming.";
    Client a_deadline_in_the_past_fails_a_client_at_once [] []
        "A client's handshake with a deadline that has passed does not wait at all.";
    Server a_deadline_in_the_past_fails_a_server_at_once [] []
        "A server's handshake with a deadline that has passed does not wait at all.";
    Pair a_deadline_that_was_kept_limits_nothing_later [] []
        "After a handshake in time, reads wait beyond the deadline.";
}

both_roles! {
    a_silent_server_meets_the_deadline a_silent_client_meets_the_deadline = silence;
    a_trickling_server_meets_the_deadline a_trickling_client_meets_the_deadline = trickle;
    a_deadline_in_the_past_fails_a_client_at_once
        a_deadline_in_the_past_fails_a_server_at_once = past;
}

/// Does the handshake, which must fail at the deadline and not much later.
fn times_out(connection: Connection, socket: TcpStream, limit: Duration) {
    let mut stream = Stream::new(connection, Blocking::new(socket));
    let begun = Instant::now();
    let e = stream.handshake_until(begun + limit).unwrap_err();
    let took = begun.elapsed();
    assert_eq!(e.kind(), Io::TimedOut);
    assert_eq!(Error::from(e).kind(), ErrorKind::Timeout);
    assert!(took >= limit, "after {took:?} already");
    assert!(took < limit + Duration::from_secs(3), "only after {took:?}");
    assert!(!stream.is_established());
}

fn silence(_: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let connection = make()?;
    let (socket, peer) = sockets()?;
    times_out(connection, socket, Duration::from_millis(60));
    drop(peer);
    Ok(())
}

fn trickle(side: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let connection = make()?;
    let (socket, mut peer) = sockets()?;
    threads(
        move || {
            times_out(connection, socket, Duration::from_millis(150));
            Ok(())
        },
        move || {
            // The begin of a hello that promises more, a byte at a time.
            let hello = if side == Side::Client { 2 } else { 1 };
            let begin = [22, 3, 3, 0x10, 0, hello, 0, 0x0f, 0xfc, 3, 3];
            for byte in begin.into_iter().chain([7; 200]) {
                if peer.write_all(&[byte]).is_err() {
                    return Ok(()); // it has given up
                }
                thread::sleep(Duration::from_millis(20));
            }
            panic!("the deadline did not end the handshake");
        },
    )
}

fn past(_: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let connection = make()?;
    let (socket, _peer) = sockets()?;
    times_out(connection, socket, Duration::ZERO);
    Ok(())
}

fn a_deadline_that_was_kept_limits_nothing_later(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let (client, server) = sockets()?;
    let mut client = ends.client.connect(NAME, Blocking::new(client))?;
    let mut server = ends.server.accept(Blocking::new(server))?;
    let deadline = Instant::now() + Duration::from_millis(700);
    threads(
        move || {
            client.handshake_until(deadline)?;
            let socket = client.transport().get_ref();
            assert_eq!((socket.read_timeout()?, socket.write_timeout()?), (None, None));
            let mut got = [0; 5];
            client.read_exact(&mut got)?;
            assert!(Instant::now() > deadline);
            assert_eq!(&got, b"later");
            assert_eq!(client.read(&mut got)?, 0);
            Ok(())
        },
        move || {
            server.handshake_until(deadline)?;
            thread::sleep(deadline.saturating_duration_since(Instant::now()));
            thread::sleep(Duration::from_millis(30));
            server.write_all(b"later")?;
            server.shutdown()?;
            Ok(())
        },
    )
}
