//! Data that arrives as it was sent.

pub(super) mod damage;
pub(super) mod streamed;

use tls_core::{Backend, Connection, Progress, Result, Version, Wire};

use super::{both_versions, cases};
use crate::pair::{
    Pair, Side, carry, pattern, read_available, read_exactly, ready, take_pending, transfer,
    write_all,
};
use crate::raw;

cases! { "transfer";
    Pair tls12_messages_of_every_small_size_arrive [Tls12Client] [Tls12Server]
        "Messages of 1 to 300 bytes arrive over TLS 1.2 as they were sent, both ways.";
    Pair tls13_messages_of_every_small_size_arrive [Tls13Client] [Tls13Server]
        "Messages of 1 to 300 bytes arrive over TLS 1.3 as they were sent, both ways.";
    Pair tls12_messages_around_a_records_size_arrive [Tls12Client] [Tls12Server]
        "Messages a little shorter and longer than a record arrive over TLS 1.2, both ways.";
    Pair tls13_messages_around_a_records_size_arrive [Tls13Client] [Tls13Server]
        "Messages a little shorter and longer than a record arrive over TLS 1.3, both ways.";
    Pair tls12_ten_mebibytes_cross_both_ways_at_once [Tls12Client] [Tls12Server]
        "10 MiB each way cross at the same time over TLS 1.2, with bounded memory.";
    Pair tls13_ten_mebibytes_cross_both_ways_at_once [Tls13Client] [Tls13Server]
        "10 MiB each way cross at the same time over TLS 1.3, with bounded memory.";
    Pair tls12_bytes_arriving_one_at_a_time_are_read [Tls12Client] [Tls12Server]
        "TLS 1.2 records are read whatever the pieces they arrive in.";
    Pair tls13_bytes_arriving_one_at_a_time_are_read [Tls13Client] [Tls13Server]
        "TLS 1.3 records are read whatever the pieces they arrive in.";
    Pair tls12_a_one_byte_buffer_reads_everything [Tls12Client] [Tls12Server]
        "A reader with a buffer of one byte gets all data of TLS 1.2, in order.";
    Pair tls13_a_one_byte_buffer_reads_everything [Tls13Client] [Tls13Server]
        "A reader with a buffer of one byte gets all data of TLS 1.3, in order.";
    Pair an_empty_write_sends_nothing [] []
        "Writing no bytes is ready, sends nothing, and disturbs nothing.";
    Pair an_empty_read_is_no_end [] []
        "Reading into an empty buffer gives no bytes, takes none, and ends nothing.";
    Pair a_full_record_is_filled [] []
        "A large write becomes records as full as they may be.";
    Pair a_full_wire_wants_write [] []
        "A wire that nobody empties takes no more than its high-water mark, then says WantWrite.";
    Pair tls12_a_retry_may_come_from_another_buffer [Tls12Client] [Tls12Server]
        "After WantWrite over TLS 1.2, the retry may pass other bytes from another place.";
    Pair tls13_a_retry_may_come_from_another_buffer [Tls13Client] [Tls13Server]
        "After WantWrite over TLS 1.3, the retry may pass other bytes from another place.";
    Pair what_is_buffered_is_told_exactly [] []
        "After reading 10 of 100 bytes, 90 are buffered; after the last there are none.";
    Pair a_second_record_counts_as_buffered [] []
        "A record that waits behind the one just read counts as buffered.";
    Pair half_a_record_is_not_buffered [] []
        "A record that is not all there counts as nothing, until it is.";
    Pair asking_what_is_buffered_loses_nothing [] []
        "Asking for what is buffered, at any moment, changes nothing that is read.";
    Pair reads_and_writes_do_not_wait_for_each_other [] []
        "A side whose wire is full still reads, and one with nothing to read still writes.";
}

both_versions! {
    tls12_messages_of_every_small_size_arrive
        tls13_messages_of_every_small_size_arrive = small_messages;
    tls12_messages_around_a_records_size_arrive
        tls13_messages_around_a_records_size_arrive = record_sized_messages;
    tls12_ten_mebibytes_cross_both_ways_at_once
        tls13_ten_mebibytes_cross_both_ways_at_once = ten_mebibytes;
    tls12_bytes_arriving_one_at_a_time_are_read
        tls13_bytes_arriving_one_at_a_time_are_read = in_pieces;
    tls12_a_one_byte_buffer_reads_everything
        tls13_a_one_byte_buffer_reads_everything = one_byte_buffer;
    tls12_a_retry_may_come_from_another_buffer
        tls13_a_retry_may_come_from_another_buffer = moved_buffer;
}

fn small_messages(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established_in(version, client, server)?;
    let data = pattern(400);
    for size in 1..=300 {
        for side in Side::BOTH {
            let (from, to) = pair.sides(side);
            let message = &data[size % 97..][..size];
            write_all(from, message)?;
            to.wire().feed(&take_pending(from));
            assert_eq!(read_exactly(to, size)?, message, "{side:?}");
            assert_eq!(to.read(&mut [0; 8])?, Progress::WantRead);
        }
    }
    Ok(())
}

fn record_sized_messages(
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Pair::established_in(version, client, server)?;
    let data = pattern(100_000);
    for size in [16_383, 16_384, 16_385, 32_768, 65_536, 65_537, 100_000] {
        for side in Side::BOTH {
            let (from, to) = pair.sides(side);
            assert!(transfer(from, to, &data[..size], usize::MAX)? == data[..size], "{size}");
        }
    }
    Ok(())
}

fn ten_mebibytes(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const SIZE: usize = 10 << 20;
    let mut pair = Pair::established_in(version, client, server)?;
    let data = pattern(SIZE + 4096);
    // The server's data is not the client's.
    let sent = [&data[..SIZE], &data[4096..]];
    let (mut written, mut read) = ([0; 2], [0; 2]);
    let mut buf = vec![0; 60_000];
    for round in 0.. {
        assert!(round < 10_000, "written {written:?}, read {read:?}");
        if read == [SIZE; 2] {
            return Ok(());
        }
        for (i, side) in Side::BOTH.into_iter().enumerate() {
            let (from, to) = pair.sides(side);
            // As much as it takes.
            while written[i] < SIZE {
                let Progress::Ready(n) = from.write(&sent[i][written[i]..])? else { break };
                written[i] += n;
            }
            let pending = from.wire().pending().len();
            assert!(pending <= Wire::HIGH_WATER, "{pending} bytes wait to be sent");
            carry(from, to, 50_000); // never all of it
            let theirs = sent[i];
            while let Progress::Ready(n @ 1..) = to.read(&mut buf)? {
                assert!(theirs[read[i]..].starts_with(&buf[..n]), "{side:?} at {}", read[i]);
                read[i] += n;
            }
            let unread = to.wire().unread().len();
            assert!(unread < Wire::MAX_RECORD, "{unread} bytes are left unread");
        }
    }
    Ok(())
}

fn in_pieces(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established_in(version, client, server)?;
    let data = pattern(3000);
    for chunk in [1, 2, 3, 7, 100] {
        for side in Side::BOTH {
            let (from, to) = pair.sides(side);
            write_all(from, &data[..1000])?;
            write_all(from, &data[1000..])?;
            let (mut got, mut buf) = (Vec::new(), [0; 4000]);
            for piece in take_pending(from).chunks(chunk) {
                to.wire().feed(piece);
                if let Progress::Ready(n) = to.read(&mut buf)? {
                    assert!(n > 0);
                    got.extend_from_slice(&buf[..n]);
                }
            }
            assert!(got == data, "{side:?} by {chunk}: {} bytes", got.len());
        }
    }
    Ok(())
}

fn one_byte_buffer(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established_in(version, client, server)?;
    let data = pattern(20_000);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        write_all(from, &data)?;
        to.wire().feed(&take_pending(from));
        for (at, &byte) in data.iter().enumerate() {
            let mut buf = [0];
            assert_eq!(ready(to.read(&mut buf))?, 1);
            assert_eq!(buf[0], byte, "at {at}");
        }
        assert_eq!(to.read(&mut [0])?, Progress::WantRead);
    }
    Ok(())
}

fn an_empty_write_sends_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        for _ in 0..3 {
            assert_eq!(ready(from.write(&[]))?, 0);
        }
        assert!(from.wire().pending().is_empty());
        assert_eq!(transfer(from, to, b"not empty", usize::MAX)?, b"not empty");
    }
    Ok(())
}

fn an_empty_read_is_no_end(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        assert_eq!(ready(to.read(&mut []))?, 0, "nothing is here");
        write_all(from, b"something")?;
        to.wire().feed(&take_pending(from));
        assert_eq!(ready(to.read(&mut []))?, 0, "something is here");
        assert!(!to.close_received());
        assert_eq!(read_exactly(to, 4)?, b"some");
        assert_eq!(ready(to.read(&mut []))?, 0, "something is left");
        assert_eq!(read_exactly(to, 5)?, b"thing");
        assert_eq!(to.read(&mut [0; 8])?, Progress::WantRead);
        assert!(!to.close_received());
    }
    Ok(())
}

fn a_full_record_is_filled(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    let data = pattern(3 * 16_384);
    for side in Side::BOTH {
        let (from, _) = pair.sides(side);
        write_all(from, &data)?;
        let bytes = take_pending(from);
        let records = raw::records(&bytes);
        assert_eq!(records.len(), 3, "{side:?}");
        assert_eq!(records.iter().map(|record| record.len()).sum::<usize>(), bytes.len());
        assert!(records.iter().all(|record| (16_384..=Wire::MAX_RECORD).contains(&record.len())));
    }
    Ok(())
}

/// Writes until the wire is full, and says how many bytes it took.
fn fill(from: &mut Connection, data: &[u8]) -> Result<usize> {
    let mut taken = 0;
    while let Progress::Ready(n) = from.write(&data[taken..])? {
        assert!(n > 0);
        taken += n;
        assert!(taken < data.len(), "{taken} bytes taken, and still room");
    }
    Ok(taken)
}

fn a_full_wire_wants_write(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    let data = pattern(10 * Wire::HIGH_WATER);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let taken = fill(from, &data)?;
        let pending = from.wire().pending().len();
        assert!(pending <= Wire::HIGH_WATER, "{pending} bytes wait");
        assert!(pending > Wire::HIGH_WATER / 2, "full with only {pending} bytes");
        for _ in 0..3 {
            assert_eq!(from.write(&data)?, Progress::WantWrite);
            assert_eq!(from.wire().pending().len(), pending, "WantWrite adds nothing");
        }
        // Small writes do not slip past the mark either.
        while let Progress::Ready(_) = from.write(b"x")? {
            assert!(from.wire().pending().len() <= Wire::HIGH_WATER);
        }
        to.wire().feed(&take_pending(from));
        assert!(read_exactly(to, taken)? == data[..taken]);
        assert!(matches!(from.write(b"again")?, Progress::Ready(5)));
        to.wire().feed(&take_pending(from));
        assert!(read_available(to)?.ends_with(b"again"));
    }
    Ok(())
}

fn moved_buffer(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established_in(version, client, server)?;
    let data = pattern(10 * Wire::HIGH_WATER);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        let taken = fill(from, &data)?;
        let refused = data[taken..].to_vec();
        assert_eq!(from.write(&refused)?, Progress::WantWrite);
        drop(refused);
        to.wire().feed(&take_pending(from));
        // Shorter, elsewhere, and other bytes.
        let other = vec![0xee; 777];
        assert_eq!(ready(from.write(&other))?, 777);
        to.wire().feed(&take_pending(from));
        assert!(read_exactly(to, taken)? == data[..taken]);
        assert!(read_exactly(to, 777)? == other);
        assert_eq!(to.read(&mut [0])?, Progress::WantRead);
    }
    Ok(())
}

fn what_is_buffered_is_told_exactly(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        assert_eq!(to.buffered(), 0);
        write_all(from, &pattern(100))?;
        to.wire().feed(&take_pending(from));
        assert!(to.buffered() > 0, "a whole record is here");
        let mut got = Vec::new();
        for left in (0..100).rev().step_by(10) {
            got.extend(read_exactly(to, 10)?);
            assert_eq!(to.buffered(), left - left % 10, "after {} bytes", got.len());
        }
        assert_eq!(got, pattern(100));
        assert_eq!(to.read(&mut [0])?, Progress::WantRead);
    }
    Ok(())
}

fn a_second_record_counts_as_buffered(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        write_all(from, b"first")?;
        write_all(from, b"second")?;
        to.wire().feed(&take_pending(from));
        assert_eq!(read_exactly(to, 5)?, b"first");
        assert!(to.buffered() > 0, "the second record is here");
        assert_eq!(read_exactly(to, 6)?, b"second");
        assert_eq!(to.buffered(), 0);
    }
    Ok(())
}

fn half_a_record_is_not_buffered(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        write_all(from, b"in two halves")?;
        let record = take_pending(from);
        for piece in record[..record.len() - 1].chunks(9) {
            to.wire().feed(piece);
            assert_eq!(to.buffered(), 0);
        }
        assert_eq!(to.read(&mut [0; 8])?, Progress::WantRead);
        to.wire().feed(&record[record.len() - 1..]);
        assert_eq!(to.buffered(), 13);
        assert_eq!(read_exactly(to, 13)?, b"in two halves");
    }
    Ok(())
}

fn asking_what_is_buffered_loses_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    let data = pattern(40_000);
    for side in Side::BOTH {
        let (from, to) = pair.sides(side);
        for part in data.chunks(9_000) {
            write_all(from, part)?;
        }
        ready(from.close())?;
        let (mut got, mut buf) = (Vec::new(), [0; 1500]);
        for piece in take_pending(from).chunks(4_000) {
            to.wire().feed(piece);
            let before = to.buffered();
            assert_eq!(to.buffered(), before, "asked twice");
            if let Progress::Ready(n) = to.read(&mut buf)? {
                assert!(n > 0, "the end after {} bytes", got.len());
                assert!(before > 0, "{n} bytes came, but none were buffered");
                got.extend_from_slice(&buf[..n]);
            }
        }
        while to.buffered() > 0 {
            let n = ready(to.read(&mut buf))?;
            got.extend_from_slice(&buf[..n]);
        }
        assert!(got == data, "{} bytes", got.len());
        assert_eq!(ready(to.read(&mut buf))?, 0);
        assert_eq!(to.buffered(), 0);
    }
    Ok(())
}

fn reads_and_writes_do_not_wait_for_each_other(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    let data = pattern(10 * Wire::HIGH_WATER);
    for side in Side::BOTH {
        let (side, peer) = pair.sides(side);
        let taken = fill(side, &data)?;
        write_all(peer, b"read this first")?;
        side.wire().feed(&take_pending(peer));
        assert_eq!(read_exactly(side, 15)?, b"read this first");
        assert_eq!(side.read(&mut [0])?, Progress::WantRead);
        peer.wire().feed(&take_pending(side));
        assert!(read_exactly(peer, taken)? == data[..taken]);
    }
    Ok(())
}
