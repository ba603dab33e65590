//! Files that arrive as they are.

pub(super) mod refused;
pub(super) mod sockets;
pub(super) mod streamed;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use tls_core::{Backend, Connection, ErrorKind, Progress, Result, Version, Wire};

use super::{both_versions, cases};
use crate::pair::{
    Pair, Side, carry, configs, kind, pattern, read_available, ready, take_pending, write_all,
};

cases! { "sendfile";
    Pair tls12_files_of_every_size_arrive [Tls12Client] [Tls12Server]
        "Files of 0 bytes, 1 byte, and around a record's size arrive over TLS 1.2, both ways.";
    Pair tls13_files_of_every_size_arrive [Tls13Client] [Tls13Server]
        "Files of 0 bytes, 1 byte, and around a record's size arrive over TLS 1.3, both ways.";
    Pair tls12_any_range_of_a_file_arrives [Tls12Client] [Tls12Server]
        "Over TLS 1.2 exactly the range that was asked for arrives, wherever it begins and ends.";
    Pair tls13_any_range_of_a_file_arrives [Tls13Client] [Tls13Server]
        "Over TLS 1.3 exactly the range that was asked for arrives, wherever it begins and ends.";
    Pair an_empty_range_sends_nothing [] []
        "Sending no bytes of a file is ready, sends nothing, and minds no end of the file.";
    Pair a_full_wire_wants_write_and_the_file_goes_on [] []
        "A wire that nobody empties takes no more of a file than its high-water mark, then says WantWrite.";
    Pair files_are_sent_in_full_records [] []
        "A large file puts at least 64 KiB at a time on an empty wire.";
    Pair a_file_may_be_another_at_each_call [] []
        "Nothing is remembered between calls: the next one may pass another file and another place.";
    Pair the_files_own_position_does_not_matter [] []
        "A file is sent from the offset that was given, wherever its own position stands.";
    Pair a_file_goes_on_after_the_peers_close [Tls13Client] [Tls13Server]
        "After the peer's close_notify a file is sent as before.";
    Pair both_sides_send_files_at_once [] []
        "Both sides send a file at the same time, and both arrive.";
    Pair files_keep_to_the_record_limit [LimitRecords] [LimitRecords]
        "With a limit to the size of records, a file is sent in records that keep to it.";
    Pair files_survive_new_keys [Tls13Client KeyUpdate] [Tls13Server KeyUpdate]
        "Key updates in the middle of a file, of both sides, lose nothing of it.";
    Pair tls12_no_file_before_the_handshake_or_after_the_close [Tls12Client] [Tls12Server]
        "Over TLS 1.2 a file before the handshake's end and after the own close is misuse, and does no harm.";
    Pair tls13_no_file_before_the_handshake_or_after_the_close [Tls13Client] [Tls13Server]
        "Over TLS 1.3 a file before the handshake's end and after the own close is misuse, and does no harm.";
    Pair no_file_after_a_failure [] []
        "On a connection that has failed, sending a file gives the first error again.";
}

both_versions! {
    tls12_files_of_every_size_arrive tls13_files_of_every_size_arrive = sizes;
    tls12_any_range_of_a_file_arrives tls13_any_range_of_a_file_arrives = ranges;
    tls12_no_file_before_the_handshake_or_after_the_close
        tls13_no_file_before_the_handshake_or_after_the_close = at_the_wrong_time;
}

/// A file that nobody else sees, with this content.
pub(super) fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file
}

/// Sends a part of a file from one connection to the other, by hand, and says what arrived.
fn send(
    from: &mut Connection,
    to: &mut Connection,
    file: &File,
    offset: u64,
    len: u64,
) -> Result<Vec<u8>> {
    let (mut taken, mut got) = (0, Vec::new());
    for _ in 0..10_000 {
        match from.sendfile(file, offset + taken, len - taken)? {
            Progress::Ready(n) => {
                assert!(
                    n > 0 || taken == len,
                    "nothing of the {} bytes left was taken",
                    len - taken
                );
                taken += n;
            }
            Progress::WantWrite => assert!(!from.wire().pending().is_empty()),
            other => panic!("a file asks for {other:?}"),
        }
        carry(from, to, usize::MAX);
        got.extend(read_available(to)?);
        if taken == len {
            return Ok(got);
        }
    }
    panic!("no end: {taken} of {len} bytes");
}

fn sizes(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established_in(version, client, server)?;
    for size in [0, 1, 2, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 300_000] {
        let data = pattern(size);
        let file = file(&data);
        for side in Side::BOTH {
            let (from, to) = pair.sides(side);
            assert!(send(from, to, &file, 0, size as u64)? == data, "{size} of the {side:?}");
        }
    }
    Ok(())
}

fn ranges(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established_in(version, client, server)?;
    let data = pattern(200_000);
    let file = file(&data);
    for (offset, len) in [
        (0, 1),
        (1, 1),
        (199_999, 1),
        (1, 199_999),
        (16_383, 2),
        (4095, 70_001),
        (100_000, 100_000),
    ] {
        for side in Side::BOTH {
            let (from, to) = pair.sides(side);
            let got = send(from, to, &file, offset as u64, len as u64)?;
            assert!(got == data[offset..offset + len], "{len} bytes at {offset} of the {side:?}");
        }
    }
    Ok(())
}

fn an_empty_range_sends_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    let file = file(b"abc");
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        for offset in [0, 3, 4, u64::MAX] {
            assert_eq!(ready(from.sendfile(&file, offset, 0))?, 0);
        }
        assert!(from.wire().pending().is_empty());
        assert_eq!(send(from, to, &file, 1, 2)?, b"bc");
    }
    Ok(())
}

fn a_full_wire_wants_write_and_the_file_goes_on(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    let data = pattern(400_000);
    let file = file(&data);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let mut taken = 0;
        for _ in 0..100 {
            match from.sendfile(&file, taken, 400_000 - taken)? {
                Progress::Ready(n) => taken += n,
                Progress::WantWrite => break,
                other => panic!("{other:?}"),
            }
            assert!(from.wire().pending().len() <= Wire::HIGH_WATER);
        }
        assert!(taken > 0 && taken < 400_000, "{taken}");
        assert_eq!(from.sendfile(&file, taken, 400_000 - taken)?, Progress::WantWrite);
        carry(from, to, usize::MAX);
        let mut got = read_available(to)?;
        assert!(got == data[..taken as usize]);
        got.extend(send(from, to, &file, taken, 400_000 - taken)?);
        assert!(got == data);
    }
    Ok(())
}

fn files_are_sent_in_full_records(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    let file = file(&pattern(1 << 20));
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        for round in 0..4 {
            assert_eq!(ready(from.sendfile(&file, 0, 1 << 20))?, 65_536, "round {round}");
            let pending = from.wire().pending().len();
            assert!(pending > 65_536 && pending <= Wire::HIGH_WATER, "{pending}");
            carry(from, to, usize::MAX);
            assert_eq!(read_available(to)?.len(), 65_536);
        }
    }
    Ok(())
}

fn a_file_may_be_another_at_each_call(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    let files: Vec<_> = (1..=5_u8).map(|i| file(&[i; 1000])).collect();
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let mut expected = Vec::new();
        for (i, file) in files.iter().enumerate() {
            let name = format!("{i}:");
            write_all(from, name.as_bytes())?;
            let n = ready(from.sendfile(file, 7 * i as u64, 100 + i as u64))?;
            assert_eq!(n, 100 + i as u64);
            expected.extend(name.as_bytes());
            expected.extend(vec![i as u8 + 1; n as usize]);
        }
        write_all(from, b"end")?;
        expected.extend(b"end");
        to.wire().feed(&take_pending(from));
        assert!(read_available(to)? == expected, "{side:?}");
    }
    Ok(())
}

fn the_files_own_position_does_not_matter(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    let mut file = file(b"0123456789");
    for position in [0, 5, 10, 1000] {
        file.seek(SeekFrom::Start(position))?;
        let (from, to) = pair.sides(Side::Server);
        assert_eq!(send(from, to, &file, 2, 5)?, b"23456");
        #[cfg(unix)]
        assert_eq!(file.stream_position()?, position);
    }
    Ok(())
}

fn a_file_goes_on_after_the_peers_close(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(100_000);
    let file = file(&data);
    for side in Side::BOTH {
        let mut pair = Pair::established_in(Version::Tls13, client, server)?;
        let (from, to) = pair.sides(side);
        ready(to.close())?;
        carry(to, from, usize::MAX);
        assert_eq!(from.read(&mut [0; 8])?, Progress::Ready(0));
        assert!(send(from, to, &file, 0, 100_000)? == data);
    }
    Ok(())
}

fn both_sides_send_files_at_once(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const SIZE: usize = 3 << 20;
    let mut pair = Pair::established(client, server)?;
    let data = pattern(SIZE + 4096);
    let whole = file(&data);
    let starts = [0, 4096];
    let (mut taken, mut got) = ([0; 2], [Vec::new(), Vec::new()]);
    for _ in 0..10_000 {
        for (i, side) in Side::BOTH.into_iter().enumerate() {
            let (from, to) = pair.sides(side);
            let left = SIZE as u64 - taken[i];
            if let Progress::Ready(n) = from.sendfile(&whole, starts[i] + taken[i], left)? {
                taken[i] += n;
            }
            carry(from, to, 30_000);
            got[i].extend(read_available(to)?);
        }
        if got.iter().all(|got| got.len() == SIZE) {
            assert!(got[0] == data[..SIZE] && got[1] == data[4096..]);
            return Ok(());
        }
    }
    panic!("no end: {taken:?}");
}

fn files_keep_to_the_record_limit(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = configs();
    let mut pair = Pair::new((client, c.record_limit(1000)), (server, s.record_limit(1000)))?;
    pair.handshake()?;
    pair.carry_all();
    let data = pattern(100_000);
    let file = file(&data);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let (mut taken, mut got) = (0, Vec::new());
        while taken < 100_000 {
            taken += ready(from.sendfile(&file, taken, 100_000 - taken))?;
            let sent = take_pending(from);
            let mut records = sent.as_slice();
            while let [_, _, _, high, low, rest @ ..] = records {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                assert!(len <= 1000 + 256, "a record of {len} bytes");
                records = &rest[len..];
            }
            to.wire().feed(&sent);
            got.extend(read_available(to)?);
        }
        assert!(got == data, "{side:?}");
    }
    Ok(())
}

fn files_survive_new_keys(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established_in(Version::Tls13, client, server)?;
    pair.carry_all();
    let data = pattern(1 << 20);
    let file = file(&data);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let (mut taken, mut got) = (0, Vec::new());
        for round in 0.. {
            if taken == 1 << 20 {
                break;
            }
            if let Progress::Ready(n) =
                from.sendfile(&file, taken, ((1 << 20) - taken).min(90_000))?
            {
                taken += n;
            }
            carry(from, to, usize::MAX);
            got.extend(read_available(to)?);
            if round % 3 == 0 {
                ready(from.update_keys())?;
            }
            if round % 5 == 0 {
                ready(to.update_keys())?;
                write_all(to, b"x")?;
            }
            carry(to, from, usize::MAX);
            read_available(from)?;
        }
        carry(from, to, usize::MAX);
        got.extend(read_available(to)?);
        assert!(got == data, "{side:?}");
    }
    Ok(())
}

fn at_the_wrong_time(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let file = file(b"abc");
    for side in Side::BOTH {
        let ends = crate::pair::Ends::only(version, client, server)?;
        let mut pair = ends.pair()?;
        for len in [0, 3] {
            assert_eq!(kind(pair.sides(side).0.sendfile(&file, 0, len)), ErrorKind::Misuse);
        }
        pair.handshake()?;
        pair.carry_all();
        let (from, to) = pair.sides(side);
        assert_eq!(send(from, to, &file, 0, 3)?, b"abc");
        ready(from.close())?;
        for len in [0, 3] {
            assert_eq!(kind(from.sendfile(&file, 0, len)), ErrorKind::Misuse);
        }
        carry(from, to, usize::MAX);
        assert_eq!(to.read(&mut [0; 8])?, Progress::Ready(0));
    }
    Ok(())
}

fn no_file_after_a_failure(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let file = file(b"abc");
    for side in Side::BOTH {
        let mut pair = Pair::established(client, server)?;
        pair.carry_all();
        let (from, _) = pair.sides(side);
        from.wire().end();
        assert_eq!(kind(from.read(&mut [0; 8])), ErrorKind::UnexpectedEof);
        for len in [0, 3] {
            assert_eq!(kind(from.sendfile(&file, 0, len)), ErrorKind::UnexpectedEof);
        }
    }
    Ok(())
}
