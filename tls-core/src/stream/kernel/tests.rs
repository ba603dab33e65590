//! The driver with a kernel that follows a script.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::task::{Context, Poll, Waker};

use super::script::{Given, Script, TICKET, Told, stream};
use crate::{
    Alert, Capability, Direction, ErrorKind, KernelRefusal, ReceiveError, Result, SendPath, Stream,
    Version,
};

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[track_caller]
fn now<T>(polled: Poll<T>) -> T {
    match polled {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("pending, but should be ready"),
    }
}

fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file
}

/// A stream whose records the kernel has.
fn given(version: Version, is_server: bool) -> Stream<Script> {
    let mut stream = stream(version, is_server, None);
    assert_eq!(now(stream.poll_kernel(&mut cx())).unwrap(), SendPath::Kernel);
    let keys = [Told::Keys(Direction::Send, 1), Told::Keys(Direction::Receive, 101)];
    assert_eq!(stream.transport.told, keys);
    stream.transport.told.clear();
    stream
}

/// Reads as far as there is something, through calls that would block.
fn read_all(stream: &mut Stream<Script>) -> Result<Vec<u8>> {
    let (mut got, mut buf) = (Vec::new(), [0; 7]);
    loop {
        match stream.poll_read(&mut cx(), &mut buf) {
            Poll::Ready(Ok(0)) => return Ok(got),
            Poll::Ready(Ok(n)) => got.extend_from_slice(&buf[..n]),
            Poll::Ready(Err(e)) => return Err(e),
            Poll::Pending if stream.transport.given.is_empty() => return Ok(got),
            Poll::Pending => {}
        }
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, a, b, c], body].concat()
}

/// A type, and the plaintext.
type Record<'a> = (u8, &'a [u8]);

fn records(list: &[Record<'_>]) -> VecDeque<Given> {
    list.iter().map(|&(kind, bytes)| Given::Record(kind, bytes.to_vec())).collect()
}

const CLOSE: Record<'static> = (21, &[1, 0]);

#[test]
fn data_and_files_go_in_order_whatever_the_room() {
    let content: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
    let file = file(&content);
    for room in [vec![], vec![0, 1, 0, 2, 0, 3], [0, 1000].repeat(300), [5].repeat(40)] {
        let mut stream = given(Version::Tls13, true);
        stream.transport.room = room.into();
        let write = |mut data: &[u8], stream: &mut Stream<Script>| {
            while !data.is_empty() {
                if let Poll::Ready(n) = stream.poll_write(&mut cx(), data) {
                    data = &data[n.unwrap()..];
                }
            }
        };
        write(b"before", &mut stream);
        let (mut at, end) = (10, 90_000);
        while at < end {
            if let Poll::Ready(n) = stream.poll_sendfile(&mut cx(), &file, at, end - at) {
                at += n.unwrap();
            }
        }
        write(b"after", &mut stream);
        while stream.poll_close_notify(&mut cx()).is_pending() {}
        let mut expected = 10;
        let told = &stream.transport.told;
        let first = told.iter().position(|told| matches!(told, Told::File(..))).unwrap();
        for told in &told[first..] {
            match told {
                Told::File(offset, len) => {
                    assert_eq!(*offset, expected);
                    expected += len;
                }
                Told::Record(23, _) => assert_eq!(expected, end, "data before the file's end"),
                other => assert_eq!(*other, Told::Record(21, vec![1, 0])),
            }
        }
        assert_eq!(stream.transport.data(), b"beforeafter");
        assert_eq!(told.last(), Some(&Told::Record(21, vec![1, 0])));
        assert!(stream.transport.plain.is_empty());
    }
}

#[test]
fn messages_come_in_pieces_and_together() {
    let ticket = message(4, TICKET);
    let two = [ticket.as_slice(), &ticket].concat();
    let update = message(24, &[0]);
    for piece in [1, 2, 3, 4, 5, 44, 45, 1000] {
        let mut stream = given(Version::Tls13, false);
        let given = &mut stream.transport.given;
        given.push_back(Given::Record(23, b"one".to_vec()));
        for piece in two.chunks(piece).chain(update.chunks(piece)) {
            given.extend([Given::Blocks, Given::Record(22, piece.to_vec())]);
        }
        given.push_back(Given::Blocks);
        given.extend(records(&[(23, b" two"), (23, b""), (23, b" three"), CLOSE]));
        assert_eq!(read_all(&mut stream).unwrap(), b"one two three", "by {piece}");
        assert!(stream.close_received());
        assert_eq!(stream.transport.told, [Told::Keys(Direction::Receive, 102)]);
    }
}

#[test]
fn a_key_update_is_answered_with_the_old_keys() {
    let answer = [
        Told::Record(22, vec![24, 0, 0, 1, 0]),
        Told::Keys(Direction::Send, 2),
        Told::Record(23, b"after".to_vec()),
    ];
    for room in [vec![], vec![0, 0, 0, 100, 0, 100], vec![0, 100, 0, 0, 100]] {
        let mut stream = given(Version::Tls13, false);
        stream.transport.room = room.into();
        stream.transport.given = records(&[(23, b"x"), (22, &message(24, &[1])), (23, b"y")]);
        assert_eq!(read_all(&mut stream).unwrap(), b"xy");
        while !matches!(stream.poll_write(&mut cx(), b"after"), Poll::Ready(Ok(5))) {}
        while stream.poll_flush(&mut cx()).is_pending() {}
        let (receive, mut rest): (Vec<_>, Vec<_>) = stream
            .transport
            .told
            .iter()
            .cloned()
            .partition(|told| matches!(told, Told::Keys(Direction::Receive, _)));
        assert_eq!(receive, [Told::Keys(Direction::Receive, 102)]);
        // The room may cut it; what is inside stays in order.
        rest.dedup_by(|b, a| match (a, b) {
            (Told::Record(a, one), Told::Record(b, other)) if a == b => {
                one.append(other);
                true
            }
            _ => false,
        });
        assert_eq!(rest, answer);
    }
}

#[test]
fn after_the_own_close_a_key_update_has_no_answer() {
    let mut stream = given(Version::Tls13, false);
    now(stream.poll_close_notify(&mut cx())).unwrap();
    stream.transport.given = records(&[(22, &message(24, &[1])), (23, b"y"), CLOSE]);
    assert_eq!(read_all(&mut stream).unwrap(), b"y");
    let told = [Told::Record(21, vec![1, 0]), Told::Keys(Direction::Receive, 102)];
    assert_eq!(stream.transport.told, told);
}

#[test]
fn a_kernel_without_new_keys_ends_by_name() {
    let mut stream = given(Version::Tls13, true);
    // Known by then: the kernel is asked when it begins.
    let mut unable = stream_without_new_keys(None);
    unable.transport.given = records(&[(23, b"x"), (22, &message(24, &[0])), (23, b"y")]);
    assert_eq!(now(unable.poll_read(&mut cx(), &mut [0; 8])).unwrap(), 1);
    for _ in 0..2 {
        let e = now(unable.poll_read(&mut cx(), &mut [0; 8])).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Unsupported(Capability::KeyUpdate));
    }
    let alert = Told::Record(21, vec![2, Alert::INTERNAL_ERROR.0]);
    assert_eq!(unable.transport.told, [alert]);
    assert!(now(stream.poll_update_keys(&mut cx())).is_ok());
}

fn stream_without_new_keys(after: Option<u32>) -> Stream<Script> {
    let mut stream = stream(Version::Tls13, true, after);
    stream.transport.rekeys = false;
    now(stream.poll_kernel(&mut cx())).unwrap();
    stream.transport.told.clear();
    stream
}

#[test]
fn files_count_as_records_and_make_new_keys_due() {
    let file = file(&[7; 1_000_000]);
    let mut able = stream(Version::Tls13, true, Some(10));
    let mut sent = 0;
    while sent < 1_000_000 {
        sent += now(able.poll_sendfile(&mut cx(), &file, sent, 1_000_000 - sent)).unwrap();
    }
    let mut since = 0;
    let mut updates = 0;
    for told in &able.transport.told[2..] {
        match told {
            Told::File(_, len) => since += len.div_ceil(16_384),
            Told::Record(22, body) => assert_eq!(body[..], [24, 0, 0, 1, 0]),
            Told::Keys(Direction::Send, _) => (since, updates) = (0, updates + 1),
            other => panic!("{other:?}"),
        }
        assert!(since <= 10, "{since} records with one key");
    }
    assert_eq!(updates, 6);

    let mut unable = stream_without_new_keys(Some(3));
    let mut sent = 0;
    let e = loop {
        match now(unable.poll_sendfile(&mut cx(), &file, sent, 1_000_000 - sent)) {
            Ok(n) => sent += n,
            Err(e) => break e,
        }
    };
    assert_eq!(e.kind(), ErrorKind::Unsupported(Capability::KeyUpdate));
    assert_eq!(sent, 3 * 16_384);
    let e = now(unable.poll_write(&mut cx(), b"x")).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported(Capability::KeyUpdate));
    // The peer can still be told that this is the end.
    now(unable.poll_close_notify(&mut cx())).unwrap();
    assert_eq!(unable.transport.told.last(), Some(&Told::Record(21, vec![1, 0])));
}

#[test]
fn broken_records_are_answered_and_refused() {
    let update = message(24, &[0]);
    let ticket = message(4, TICKET);
    let together = [update.as_slice(), &ticket].concat();
    let too_long = [4, 3, 0, 0];
    let cases: &[(bool, &[Record<'_>], Alert)] = &[
        (false, &[(21, &[])], Alert::DECODE_ERROR),
        (false, &[(21, &[2])], Alert::DECODE_ERROR),
        (false, &[(21, &[1, 0, 0])], Alert::DECODE_ERROR),
        (false, &[(22, &[])], Alert::UNEXPECTED_MESSAGE),
        (false, &[(99, b"x")], Alert::UNEXPECTED_MESSAGE),
        (false, &[(20, &[1])], Alert::UNEXPECTED_MESSAGE),
        (false, &[(0, b"")], Alert::UNEXPECTED_MESSAGE),
        (false, &[(22, &ticket[..9]), (23, b"x")], Alert::UNEXPECTED_MESSAGE),
        (false, &[(22, &ticket[..9]), CLOSE], Alert::UNEXPECTED_MESSAGE),
        (false, &[(22, &together)], Alert::UNEXPECTED_MESSAGE),
        (false, &[(22, &message(24, &[2]))], Alert::ILLEGAL_PARAMETER),
        (false, &[(22, &message(24, &[]))], Alert::DECODE_ERROR),
        (false, &[(22, &message(24, &[0, 0]))], Alert::DECODE_ERROR),
        (false, &[(22, &too_long)], Alert::DECODE_ERROR),
        (false, &[(22, &message(13, b"certificate request"))], Alert::UNEXPECTED_MESSAGE),
        (false, &[(22, &message(0, b""))], Alert::UNEXPECTED_MESSAGE),
        (true, &[(22, &ticket)], Alert::UNEXPECTED_MESSAGE),
        (true, &[(22, &message(1, b"hello"))], Alert::UNEXPECTED_MESSAGE),
    ];
    for (is_server, list, alert) in cases {
        let mut stream = given(Version::Tls13, *is_server);
        stream.transport.given = records(&[(23, b"data")]);
        stream.transport.given.extend(records(list));
        stream.transport.given.extend(records(&[(23, b"never")]));
        let mut buf = [0; 64];
        assert_eq!(now(stream.poll_read(&mut cx(), &mut buf)).unwrap(), 4);
        for _ in 0..2 {
            let e = now(stream.poll_read(&mut cx(), &mut buf)).unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Protocol, "{list:?}");
        }
        assert_eq!(stream.transport.told, [Told::Record(21, vec![2, alert.0])], "{list:?}");
    }
}

#[test]
fn alerts_are_what_they_are_in_their_version() {
    let read = |version, list: &[Record<'_>]| {
        let mut stream = given(version, false);
        stream.transport.given = records(list);
        (read_all(&mut stream).map_err(|e| e.kind()), stream.transport.told)
    };
    let received = |alert| Err(ErrorKind::AlertReceived(alert));
    let (tls12, tls13) = (Version::Tls12, Version::Tls13);
    assert_eq!(read(tls13, &[(21, &[1, 40])]).0, received(Alert::HANDSHAKE_FAILURE));
    assert_eq!(read(tls12, &[(21, &[2, 40])]).0, received(Alert::HANDSHAKE_FAILURE));
    assert_eq!(read(tls12, &[(21, &[1, 40]), (23, b"on"), CLOSE]).0, Ok(b"on".to_vec()));
    assert_eq!(read(tls13, &[(21, &[1, 90]), (23, b"on"), CLOSE]).0, Ok(b"on".to_vec()));
    // Renegotiation is refused kindly, but not for ever.
    let hello = message(0, b"");
    let request: Record<'_> = (22, &hello);
    let (got, told) = read(tls12, &[request, request, (23, b"on"), CLOSE]);
    assert_eq!(got, Ok(b"on".to_vec()));
    let refusal = Told::Record(21, vec![1, Alert::NO_RENEGOTIATION.0]);
    assert_eq!(told, [refusal.clone(), refusal]);
    assert_eq!(read(tls12, &[request; 5]).0, Err(ErrorKind::Protocol));
}

#[test]
fn what_the_kernel_refuses_has_a_kind() {
    for (why, kind, alert) in [
        (ReceiveError::BadRecord, ErrorKind::BadRecord, None),
        (ReceiveError::TooLong, ErrorKind::Protocol, Some(Alert::RECORD_OVERFLOW)),
        (ReceiveError::OtherVersion, ErrorKind::Protocol, Some(Alert::PROTOCOL_VERSION)),
        (ReceiveError::NoKeys, ErrorKind::Protocol, Some(Alert::UNEXPECTED_MESSAGE)),
        (
            ReceiveError::Io(io::ErrorKind::ConnectionReset.into()),
            ErrorKind::Io(io::ErrorKind::ConnectionReset),
            None,
        ),
    ] {
        let mut stream = given(Version::Tls13, true);
        stream.transport.given = records(&[(23, b"x")]);
        stream.transport.given.push_back(Given::Refused(why));
        assert_eq!(now(stream.poll_read(&mut cx(), &mut [0; 8])).unwrap(), 1);
        for _ in 0..2 {
            let e = now(stream.poll_read(&mut cx(), &mut [0; 8])).unwrap_err();
            assert_eq!(e.kind(), kind);
        }
        let told: Vec<_> =
            alert.map(|alert| Told::Record(21, vec![2, alert.0])).into_iter().collect();
        assert_eq!(stream.transport.told, told);
    }
}

#[test]
fn a_deadline_while_receiving_is_no_end() {
    let mut stream = given(Version::Tls13, true);
    let late = ReceiveError::Io(io::ErrorKind::TimedOut.into());
    stream.transport.given = [Given::Refused(late)].into();
    stream.transport.given.extend(records(&[(23, b"x")]));
    let e = now(stream.poll_read(&mut cx(), &mut [0; 8])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Timeout);
    assert_eq!(now(stream.poll_read(&mut cx(), &mut [0; 8])).unwrap(), 1);
}

#[test]
fn an_end_without_a_close_is_unexpected() {
    let mut stream = given(Version::Tls13, true);
    stream.transport.given = records(&[(23, b"x")]);
    stream.transport.given.push_back(Given::End);
    assert_eq!(now(stream.poll_read(&mut cx(), &mut [0; 8])).unwrap(), 1);
    let e = now(stream.poll_read(&mut cx(), &mut [0; 8])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn keys_that_are_not_taken_let_nothing_out() {
    for bad in [0, 1] {
        let mut stream = stream(Version::Tls13, true, None);
        stream.transport.bad_keys = Some(bad);
        let kind = ErrorKind::Io(io::ErrorKind::ResourceBusy);
        assert_eq!(now(stream.poll_kernel(&mut cx())).unwrap_err().kind(), kind);
        let file = file(b"never");
        assert_eq!(now(stream.poll_write(&mut cx(), b"x")).unwrap_err().kind(), kind);
        assert_eq!(now(stream.poll_sendfile(&mut cx(), &file, 0, 5)).unwrap_err().kind(), kind);
        assert_eq!(now(stream.poll_read(&mut cx(), &mut [0; 8])).unwrap_err().kind(), kind);
        assert_eq!(now(stream.poll_close_notify(&mut cx())).unwrap_err().kind(), kind);
        assert!(stream.transport.plain.is_empty());
        assert_eq!(stream.transport.told.len(), bad, "{:?}", stream.transport.told);
    }
    // Later, too.
    let mut stream = given(Version::Tls13, true);
    stream.transport.bad_keys = Some(0);
    let kind = ErrorKind::Io(io::ErrorKind::ResourceBusy);
    let _ = stream.poll_update_keys(&mut cx());
    let _ = stream.poll_flush(&mut cx());
    assert_eq!(now(stream.poll_write(&mut cx(), b"x")).unwrap_err().kind(), kind);
    assert_eq!(stream.transport.told, [Told::Record(22, vec![24, 0, 0, 1, 1])]);
}

#[test]
fn what_has_come_before_is_kept_and_comes_first() {
    let mut stream = stream(Version::Tls13, true, None);
    now(stream.poll_handshake(&mut cx())).unwrap();
    // Two records and a half, of which the library is given all when it reads the first.
    stream.transport.arriving = [23, 3, 3, 0, 3].into();
    stream.transport.arriving.extend(b"one");
    stream.transport.arriving.extend([23, 3, 3, 0, 3]);
    stream.transport.arriving.extend(b"two");
    stream.transport.arriving.extend([23, 3, 3, 0]);
    let mut buf = [0; 64];
    assert_eq!(now(stream.poll_read(&mut cx(), &mut buf)).unwrap(), 3);
    let file = file(b"content");
    assert_eq!(now(stream.poll_sendfile(&mut cx(), &file, 0, 3)).unwrap(), 3);
    assert_eq!(stream.kernel_refusal(), Some(KernelRefusal::PartialRecord));
    assert_eq!(
        (stream.send_path(), stream.transport.plain.as_slice()),
        (SendPath::UserSpace, &b"con"[..])
    );
    assert_eq!(stream.buffered(), 3);
    // Another file goes the kernel's way, once the record is whole; in the meantime nothing is lost.
    assert_eq!(now(stream.poll_read(&mut cx(), &mut buf[..1])).unwrap(), 1);
    assert!(stream.poll_read(&mut cx(), &mut buf[..0]).is_ready());
    stream.transport.arriving.extend([5]);
    stream.transport.arriving.extend(b"three");
    assert_eq!(now(stream.poll_read(&mut cx(), &mut buf)).unwrap(), 2);
    assert_eq!(now(stream.poll_read(&mut cx(), &mut buf[..])).unwrap(), 5);
    assert_eq!(now(stream.poll_sendfile(&mut cx(), &file, 3, 4)).unwrap(), 4);
    assert_eq!((stream.send_path(), stream.kernel_refusal()), (SendPath::Kernel, None));
    assert_eq!(stream.transport.told.last(), Some(&Told::File(3, 4)));
    stream.transport.given = records(&[(23, b"four"), CLOSE]);
    assert_eq!(read_all(&mut stream).unwrap(), b"four");
}

#[test]
fn what_is_pending_goes_out_before_the_keys() {
    let mut stream = stream(Version::Tls13, true, None);
    stream.transport.room = [3, 0, 0].into();
    assert_eq!(now(stream.poll_write(&mut cx(), b"pending")).unwrap(), 7);
    let file = file(b"content");
    assert!(stream.poll_sendfile(&mut cx(), &file, 0, 7).is_pending());
    assert!(stream.transport.told.is_empty());
    assert_eq!(now(stream.poll_sendfile(&mut cx(), &file, 0, 7)).unwrap(), 7);
    assert_eq!(stream.transport.plain, b"pending");
    assert_eq!(stream.transport.told.last(), Some(&Told::File(0, 7)));
}

#[test]
fn a_file_that_lends_no_pages_is_read() {
    let mut stream = given(Version::Tls13, true);
    stream.transport.lends_pages = false;
    let file = file(b"content");
    assert_eq!(now(stream.poll_sendfile(&mut cx(), &file, 3, 4)).unwrap(), 4);
    assert_eq!(stream.transport.data(), b"tent");
    let e = now(stream.poll_sendfile(&mut cx(), &file, 7, 4)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::File);
    stream.transport.lends_pages = true;
    let e = now(stream.poll_sendfile(&mut cx(), &file, 7, 4)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::File);
    assert!(e.to_string().contains("offset 7"), "{e}");
    assert_eq!(now(stream.poll_sendfile(&mut cx(), &file, 0, 1)).unwrap(), 1);
}

#[test]
fn a_network_that_fails_under_a_file_fails_for_good() {
    let mut stream = given(Version::Tls13, true);
    let file = file(b"content");
    stream.transport.breaks = Some(io::ErrorKind::ConnectionReset);
    let kind = ErrorKind::Io(io::ErrorKind::ConnectionReset);
    assert_eq!(now(stream.poll_sendfile(&mut cx(), &file, 0, 7)).unwrap_err().kind(), kind);
    assert_eq!(now(stream.poll_sendfile(&mut cx(), &file, 0, 7)).unwrap_err().kind(), kind);
    assert_eq!(now(stream.poll_write(&mut cx(), b"x")).unwrap_err().kind(), kind);
    assert!(stream.transport.told.is_empty());
    stream.transport.given = records(&[(23, b"why"), CLOSE]);
    assert_eq!(read_all(&mut stream).unwrap(), b"why");
}

#[test]
fn nothing_that_a_peer_sends_panics() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as usize % below
    };
    for round in 0..3000 {
        let version = [Version::Tls12, Version::Tls13][random(2)];
        let mut stream = given(version, random(2) == 0);
        for _ in 0..random(12) {
            let kind = [20, 21, 22, 22, 22, 23, 23, 255][random(8)];
            let mut body: Vec<u8> = (0..random(14)).map(|_| random(256) as u8).collect();
            if kind == 22 && body.len() >= 5 && random(2) == 0 {
                body[..5].copy_from_slice(&[[0, 1, 4, 24][random(4)], 0, 0, 1, random(3) as u8]);
            }
            let given = match random(4) {
                0 => Given::Blocks,
                _ => Given::Record(kind, body),
            };
            stream.transport.given.push_back(given);
        }
        stream.transport.room = (0..random(8)).map(|_| random(4)).collect();
        let mut buf = [0; 9];
        for _ in 0..40 {
            let room = random(9);
            let _ = stream.poll_read(&mut cx(), &mut buf[..room]);
            let _ = stream.buffered();
            if random(3) == 0 {
                let _ = stream.poll_write(&mut cx(), b"data");
            }
            if random(9) == 0 {
                let _ = stream.poll_update_keys(&mut cx());
            }
        }
        assert!(stream.transport.told.len() < 200, "round {round}");
    }
}
