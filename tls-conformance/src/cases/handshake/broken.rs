//! Bytes that are no handshake, and handshakes that stop.

use tls_core::{Backend, Connection, ErrorKind, Progress, Result, Version};

use super::super::{both_roles, both_versions, cases};
use crate::pair::{Ends, Pair, Side, client_alone, kind, server_alone, take_pending};
use crate::raw::{self, Hello, Noise};

cases! { "handshake";
    Pair tls12_an_end_at_any_record_is_unexpected [Tls12Client] [Tls12Server]
        "A TLS 1.2 handshake whose transport ends between any two records fails as cut off.";
    Pair tls13_an_end_at_any_record_is_unexpected [Tls13Client] [Tls13Server]
        "A TLS 1.3 handshake whose transport ends between any two records fails as cut off.";
    Pair tls12_an_end_within_any_record_is_unexpected [Tls12Client] [Tls12Server]
        "A TLS 1.2 handshake whose transport ends within any record fails as cut off.";
    Pair tls13_an_end_within_any_record_is_unexpected [Tls13Client] [Tls13Server]
        "A TLS 1.3 handshake whose transport ends within any record fails as cut off.";
    Client an_end_before_the_first_byte_is_unexpected_to_a_client [] []
        "A client whose server hangs up without a byte fails as cut off, not as refused.";
    Server an_end_before_the_first_byte_is_unexpected_to_a_server [] []
        "A server whose client hangs up without a byte fails as cut off.";
    Server a_plain_http_request_is_not_tls [] []
        "A server that is sent plain HTTP says so, and sends nothing back.";
    Client a_plain_http_answer_is_not_tls [] []
        "A client that is answered in plain HTTP says so, and sends nothing more.";
    Client other_protocols_are_not_tls_to_a_client [] []
        "A client tells banners and garbage from TLS, whatever the pieces they arrive in.";
    Server other_protocols_are_not_tls_to_a_server [] []
        "A server tells banners and garbage from TLS, whatever the pieces they arrive in.";
    Client random_bytes_fail_with_a_kind_at_a_client [] []
        "A client that is sent records of random bytes fails with a kind that blames the peer.";
    Server random_bytes_fail_with_a_kind_at_a_server [] []
        "A server that is sent records of random bytes fails with a kind that blames the peer.";
    Server a_damaged_hello_fails_with_a_kind_or_is_answered [] []
        "A server that is sent a damaged ClientHello blames the peer, or can make sense of it.";
    Client too_long_a_record_breaks_the_protocol_for_a_client [] []
        "A client refuses a record that is longer than any may be, from its header alone.";
    Server too_long_a_record_breaks_the_protocol_for_a_server [] []
        "A server refuses a record that is longer than any may be, from its header alone.";
    Client empty_records_break_the_protocol_for_a_client [] []
        "A client does not read empty handshake records for ever.";
    Server empty_records_break_the_protocol_for_a_server [] []
        "A server does not read empty handshake records for ever.";
    Client a_wrong_first_message_breaks_the_protocol_for_a_client [] []
        "A client that is sent anything but a ServerHello first takes it for a broken protocol.";
    Server a_wrong_first_message_breaks_the_protocol_for_a_server [] []
        "A server that is sent anything but a ClientHello first takes it for a broken protocol.";
    Server an_enormous_hello_breaks_the_protocol [] []
        "A server does not collect a ClientHello of sixteen megabytes.";
}

both_versions! {
    tls12_an_end_at_any_record_is_unexpected tls13_an_end_at_any_record_is_unexpected = end_between;
    tls12_an_end_within_any_record_is_unexpected
        tls13_an_end_within_any_record_is_unexpected = end_within;
}

both_roles! {
    an_end_before_the_first_byte_is_unexpected_to_a_client
        an_end_before_the_first_byte_is_unexpected_to_a_server = end_at_once;
    other_protocols_are_not_tls_to_a_client other_protocols_are_not_tls_to_a_server = not_tls;
    random_bytes_fail_with_a_kind_at_a_client random_bytes_fail_with_a_kind_at_a_server = random;
    too_long_a_record_breaks_the_protocol_for_a_client
        too_long_a_record_breaks_the_protocol_for_a_server = too_long;
    empty_records_break_the_protocol_for_a_client
        empty_records_break_the_protocol_for_a_server = empty_records;
    a_wrong_first_message_breaks_the_protocol_for_a_client
        a_wrong_first_message_breaks_the_protocol_for_a_server = wrong_first_message;
}

/// Gives `victim` so many whole records and `part` of the next, then the end. `None` if its
/// handshake was done before that.
fn cut(
    pair: &mut Pair,
    victim: Side,
    whole: usize,
    part: fn(usize) -> usize,
) -> Option<Result<Progress<()>>> {
    let (victim, peer) = pair.sides(victim);
    let mut delivered = 0;
    for _ in 0..1000 {
        if victim.handshake().expect("nothing is wrong yet") == Progress::Ready(()) {
            return None;
        }
        peer.wire().feed(&take_pending(victim));
        let _ = peer.handshake().expect("nothing is wrong yet");
        let flight = take_pending(peer);
        for record in raw::records(&flight) {
            if delivered == whole {
                victim.wire().feed(&record[..part(record.len())]);
                victim.wire().end();
                return Some(victim.handshake());
            }
            delivered += 1;
            victim.wire().feed(record);
            if victim.handshake().expect("nothing is wrong yet") == Progress::Ready(()) {
                return None;
            }
        }
    }
    panic!("the handshake does not end");
}

fn end(
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
    part: fn(usize) -> usize,
) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for victim in Side::BOTH {
        let mut records = 0;
        loop {
            let mut pair = ends.pair()?;
            let Some(result) = cut(&mut pair, victim, records, part) else { break };
            assert_eq!(kind(result), ErrorKind::UnexpectedEof, "{victim:?}, record {records}");
            let (victim, _) = pair.sides(victim);
            assert_eq!(kind(victim.handshake()), ErrorKind::UnexpectedEof, "again");
            assert!(victim.negotiated().is_none() && !victim.is_established());
            records += 1;
        }
        assert!(records >= 2, "{victim:?}: only {records} records");
    }
    Ok(())
}

fn end_between(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    end(version, client, server, |_| 0)
}

fn end_within(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for part in [|_| 1, |_| 4, |_| 5, |length| length / 2, |length| length - 1] {
        end(version, client, server, part)?;
    }
    Ok(())
}

fn end_at_once(_: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let mut connection = make()?;
    connection.wire().end();
    assert_eq!(kind(connection.handshake()), ErrorKind::UnexpectedEof);
    assert_eq!(kind(connection.handshake()), ErrorKind::UnexpectedEof);
    let mut connection = make()?;
    assert_eq!(connection.handshake()?, Progress::WantRead);
    connection.wire().end();
    assert_eq!(kind(connection.handshake()), ErrorKind::UnexpectedEof);
    Ok(())
}

/// Feeds bytes in pieces, until the handshake fails, which it must do before more are needed.
#[track_caller]
fn fed(connection: &mut Connection, bytes: &[u8], chunk: usize) -> ErrorKind {
    for piece in bytes.chunks(chunk) {
        connection.wire().feed(piece);
        match connection.handshake() {
            Ok(Progress::Ready(())) => panic!("the handshake is done"),
            Ok(Progress::WantRead | Progress::WantWrite | Progress::WantSignature) => {}
            Err(e) => {
                assert_eq!(kind(connection.handshake()), e.kind(), "the first failure is final");
                return e.kind();
            }
        }
    }
    panic!("it waits for more than {} bytes", bytes.len());
}

fn a_plain_http_request_is_not_tls(server: &dyn Backend) -> Result<()> {
    for request in [
        "GET / HTTP/1.1\r\nHost: server.test\r\n\r\n",
        "POST /x HTTP/1.0\r\n\r\n",
        "PRI * HTTP/2.0",
    ] {
        let mut server = server_alone(server)?;
        assert_eq!(fed(&mut server, request.as_bytes(), usize::MAX), ErrorKind::NotTls);
        assert!(take_pending(&mut server).is_empty(), "there is nobody to understand it");
        let text = server.handshake().unwrap_err().to_string();
        assert!(text.contains("plain HTTP request"), "{text}");
    }
    Ok(())
}

fn a_plain_http_answer_is_not_tls(client: &dyn Backend) -> Result<()> {
    let mut client = client_alone(client)?;
    assert_eq!(client.handshake()?, Progress::WantRead);
    let _ = take_pending(&mut client);
    let answer = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    assert_eq!(fed(&mut client, answer, usize::MAX), ErrorKind::NotTls);
    assert!(take_pending(&mut client).is_empty(), "there is nobody to understand it");
    let text = client.handshake().unwrap_err().to_string();
    assert!(text.contains("right port"), "{text}");
    Ok(())
}

fn not_tls(side: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let sslv2_hello = b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10";
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"[..],
        b"220 mail.test ESMTP ready\r\n",
        b"* OK IMAP4rev1\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x17\x03\x03\x00\x10data before any handshake",
        b"\x14\x03\x03\x00\x01\x01",
        b"\x16\x02\x00\x00\x10not a version of TLS",
        b"\x16\x09\x00\x00\x10nor is this one",
        b"\x18\x03\x03\x00\x03a heartbeat",
        sslv2_hello,
    ] {
        for chunk in [1, 2, 3, 5, usize::MAX] {
            let mut connection = make()?;
            let _ = connection.handshake()?;
            let _ = take_pending(&mut connection);
            let kind = fed(&mut connection, bytes, chunk);
            assert_eq!(kind, ErrorKind::NotTls, "{side:?}: {:?}", bytes.escape_ascii().to_string());
            assert!(take_pending(&mut connection).is_empty());
        }
    }
    Ok(())
}

/// Whether a kind can be what bytes from a peer lead to.
fn blames_the_peer(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::AlertReceived(_)
            | ErrorKind::BadRecord
            | ErrorKind::NoSharedAlpn
            | ErrorKind::NoSharedCipher
            | ErrorKind::NoSharedGroup
            | ErrorKind::NoSharedSignature
            | ErrorKind::NoSharedVersion
            | ErrorKind::NotTls
            | ErrorKind::Protocol
            | ErrorKind::UnexpectedEof
    )
}

fn random(side: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    for seed in 0..200 {
        let mut noise = Noise::new(seed);
        let mut connection = make()?;
        let _ = connection.handshake()?;
        for _ in 0..3 {
            let length = 1 + noise.below(300);
            let mut payload = noise.bytes(length);
            // Every other one looks like the message that is expected.
            if seed % 2 == 0 {
                payload[0] = if side == Side::Client { 2 } else { 1 };
                payload.get_mut(1..3).unwrap_or_default().fill(0);
            }
            connection.wire().feed(&raw::record(22, &payload));
        }
        connection.wire().end();
        let kind = kind(connection.handshake());
        assert!(blames_the_peer(kind), "{side:?}, seed {seed}: {kind:?}");
    }
    Ok(())
}

fn a_damaged_hello_fails_with_a_kind_or_is_answered(server: &dyn Backend) -> Result<()> {
    let config = crate::pair::configs().1.build()?;
    let server = tls_core::Server::new(&config, server)?;
    for seed in 0..600 {
        let mut noise = Noise::new(seed);
        let mut hello =
            if seed % 2 == 0 { Hello::tls12().record() } else { Hello::tls13().record() };
        for _ in 0..1 + noise.below(3) {
            let at = 5 + noise.below(hello.len() - 5);
            hello[at] = noise.below(256) as u8;
        }
        let mut connection = server.connection()?;
        connection.wire().feed(&hello);
        connection.wire().end();
        // A server that could make sense of it waits for more, and finds the end.
        let kind = kind(connection.handshake());
        assert!(blames_the_peer(kind), "seed {seed}: {kind:?}");
    }
    Ok(())
}

fn too_long(side: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    for length in [16_384 + 2048 + 1, 0x7fff, 0xffff_u16] {
        let mut connection = make()?;
        let _ = connection.handshake()?;
        let header = [&[22, 3, 3][..], &length.to_be_bytes()].concat();
        assert_eq!(fed(&mut connection, &header, 1), ErrorKind::Protocol, "{side:?}: {length}");
    }
    Ok(())
}

fn empty_records(_: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let mut connection = make()?;
    let _ = connection.handshake()?;
    let flood = raw::record(22, &[]).repeat(1000);
    assert_eq!(fed(&mut connection, &flood, 5), ErrorKind::Protocol);
    Ok(())
}

fn wrong_first_message(side: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    let hellos = [Hello::tls13().record(), raw::server_hello(0x0303, 0xc02b, &[])];
    let other = match side {
        Side::Client => &hellos[0],
        Side::Server => &hellos[1],
    };
    for bytes in [
        other,
        &raw::record(22, &raw::message(11, &[0, 0, 0])), // Certificate
        &raw::record(22, &raw::message(20, &[1; 12])),   // Finished
        &raw::record(22, &raw::message(99, b"anything")), // nothing
    ] {
        let mut connection = make()?;
        let _ = connection.handshake()?;
        let _ = take_pending(&mut connection);
        assert_eq!(fed(&mut connection, bytes, usize::MAX), ErrorKind::Protocol, "{bytes:02x?}");
        let sent = take_pending(&mut connection);
        assert!(matches!(sent[..], [21, 3, _, 0, 2, 2, _]), "no alert: {sent:02x?}");
    }
    Ok(())
}

fn an_enormous_hello_breaks_the_protocol(server: &dyn Backend) -> Result<()> {
    let mut server = server_alone(server)?;
    let begin = [&[1, 0xff, 0xff, 0xff, 3, 3][..], &[7; 16_000]].concat();
    let mut flood = raw::record(22, &begin);
    for _ in 0..20 {
        flood.extend(raw::record(22, &[7; 16_000]));
    }
    assert_eq!(fed(&mut server, &flood, 16_005), ErrorKind::Protocol);
    Ok(())
}
