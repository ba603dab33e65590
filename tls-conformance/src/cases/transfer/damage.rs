//! Data that was changed on its way.

use tls_core::{Backend, Connection, ErrorKind, Progress, Result, Version};

use super::super::{both_versions, cases};
use crate::pair::{Ends, Pair, Side, kind, pattern, read_exactly, ready, take_pending, write_all};
use crate::told;

cases! { "transfer";
    Pair tls12_a_changed_body_is_a_bad_record [Tls12Client] [Tls12Server]
        "A bit flipped anywhere in the body or tag of a TLS 1.2 record is found, for good.";
    Pair tls13_a_changed_body_is_a_bad_record [Tls13Client] [Tls13Server]
        "A bit flipped anywhere in the body or tag of a TLS 1.3 record is found, for good.";
    Pair tls12_a_changed_header_is_found [Tls12Client] [Tls12Server]
        "A bit flipped in the header of a TLS 1.2 record is found, for good, and is never an end.";
    Pair tls13_a_changed_header_is_found [Tls13Client] [Tls13Server]
        "A bit flipped in the header of a TLS 1.3 record is found, for good, and is never an end.";
    Pair tls12_a_dropped_record_is_found [Tls12Client] [Tls12Server]
        "A TLS 1.2 record that was left out on the way is found.";
    Pair tls13_a_dropped_record_is_found [Tls13Client] [Tls13Server]
        "A TLS 1.3 record that was left out on the way is found.";
    Pair tls12_a_repeated_record_is_found [Tls12Client] [Tls12Server]
        "A TLS 1.2 record that arrives twice is found.";
    Pair tls13_a_repeated_record_is_found [Tls13Client] [Tls13Server]
        "A TLS 1.3 record that arrives twice is found.";
    Pair tls12_a_record_in_clear_is_found [Tls12Client] [Tls12Server]
        "Data in clear is no TLS 1.2 record once keys are agreed.";
    Pair tls13_a_record_in_clear_is_found [Tls13Client] [Tls13Server]
        "Data in clear is no TLS 1.3 record once keys are agreed.";
    Pair too_long_a_record_breaks_the_protocol [] []
        "After the handshake too, a record longer than any may be is refused from its header.";
    Pair data_before_damage_is_given_first [] []
        "Whole records that arrive together with a damaged one are read before the error.";
    Pair data_before_damage_counts_as_buffered [] []
        "Data that came before damage counts as buffered, whichever call met the damage.";
    Pair damage_is_answered_by_an_alert [EncryptedAlerts] [EncryptedAlerts]
        "The peer is told of a damaged record by an alert.";
}

both_versions! {
    tls12_a_changed_body_is_a_bad_record tls13_a_changed_body_is_a_bad_record = changed_body;
    tls12_a_changed_header_is_found tls13_a_changed_header_is_found = changed_header;
    tls12_a_dropped_record_is_found tls13_a_dropped_record_is_found = dropped_record;
    tls12_a_repeated_record_is_found tls13_a_repeated_record_is_found = repeated_record;
    tls12_a_record_in_clear_is_found tls13_a_record_in_clear_is_found = clear_record;
}

/// Feeds what must fail at once, and must go on failing in the same way.
#[track_caller]
fn fails(to: &mut Connection, bytes: &[u8]) -> ErrorKind {
    to.wire().feed(bytes);
    let mut buf = [0; 20_000];
    let first = kind(to.read(&mut buf));
    assert_eq!(kind(to.read(&mut buf)), first, "reading again");
    assert_eq!(kind(to.write(b"x")), first, "writing");
    assert_eq!(kind(to.close()), first, "closing");
    to.wire().end();
    assert_eq!(kind(to.read(&mut buf)), first, "reading at the end");
    assert_eq!(to.buffered(), 0);
    assert!(!to.close_received());
    first
}

fn changed_body(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for side in Side::BOTH {
        for at in [5, 6, 13, 60, 105, usize::MAX] {
            let mut pair = ends.established()?;
            let (from, to) = pair.sides(side);
            write_all(from, &pattern(100))?;
            let mut record = take_pending(from);
            let at = at.min(record.len() - 1);
            record[at] ^= 0x10;
            assert_eq!(fails(to, &record), ErrorKind::BadRecord, "{side:?}, byte {at}");
        }
    }
    Ok(())
}

fn changed_header(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let expected = [ErrorKind::BadRecord, ErrorKind::Protocol];
    let ends = Ends::only(version, client, server)?;
    for side in Side::BOTH {
        // The type, to another that there is and to one that there is not.
        for bits in [0x01, 0x02, 0x40] {
            let mut pair = ends.established()?;
            let (from, to) = pair.sides(side);
            write_all(from, &pattern(0x60))?;
            let mut record = take_pending(from);
            record[0] ^= bits;
            // TLS 1.3 always has the same type here, so a library may not look at it: then the data
            // is still what was sent.
            let copied = record.clone();
            let mut buf = [0; 200];
            to.wire().feed(&record);
            match to.read(&mut buf) {
                Ok(Progress::Ready(n)) if version == Version::Tls13 => {
                    assert_eq!(buf[..n], pattern(0x60), "{side:?} by {bits}");
                    assert_eq!(fails(to, &copied), ErrorKind::BadRecord, "repeated");
                }
                result => {
                    let first = kind(result);
                    assert!(expected.contains(&first), "{side:?} by {bits}: {first:?}");
                    assert_eq!(fails(to, &[]), first);
                }
            }
        }
        // The length, to less than there is and to more than a record may have.
        for (at, bits) in [(4, 0x40), (3, 0x80)] {
            let mut pair = ends.established()?;
            let (from, to) = pair.sides(side);
            write_all(from, &pattern(0x60))?;
            let mut record = take_pending(from);
            assert!(record[4] & 0x40 != 0, "the length shrinks");
            record[at] ^= bits;
            let kind = fails(to, &record);
            assert!(expected.contains(&kind), "{side:?}, byte {at} by {bits}: {kind:?}");
        }
        // Longer than what comes: cut off.
        let mut pair = ends.established()?;
        let (from, to) = pair.sides(side);
        write_all(from, &pattern(100))?;
        let mut record = take_pending(from);
        record[3] ^= 0x01;
        to.wire().feed(&record);
        assert_eq!(to.read(&mut [0; 200])?, Progress::WantRead);
        to.wire().end();
        assert_eq!(kind(to.read(&mut [0; 200])), ErrorKind::UnexpectedEof);
    }
    Ok(())
}

fn dropped_record(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (from, to) = pair.sides(side);
        write_all(from, b"left out")?;
        let _ = take_pending(from);
        write_all(from, b"what follows")?;
        assert_eq!(fails(to, &take_pending(from)), ErrorKind::BadRecord, "{side:?}");
    }
    Ok(())
}

fn repeated_record(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for side in Side::BOTH {
        let mut pair = ends.established()?;
        let (from, to) = pair.sides(side);
        write_all(from, b"pay once")?;
        let record = take_pending(from);
        to.wire().feed(&record);
        assert_eq!(read_exactly(to, 8)?, b"pay once");
        assert_eq!(fails(to, &record), ErrorKind::BadRecord, "{side:?}");
    }
    Ok(())
}

fn clear_record(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for side in Side::BOTH {
        for text in [&b"x"[..], b"HTTP/1.1 200 OK, and a body that is long enough for a tag"] {
            let mut pair = ends.established()?;
            let (_, to) = pair.sides(side);
            let kind = fails(to, &crate::raw::record(23, text));
            let expected = [ErrorKind::BadRecord, ErrorKind::Protocol];
            assert!(expected.contains(&kind), "{side:?}: {kind:?}");
        }
        for bytes in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"\0\0\0\0\0\0\0\0"] {
            let mut pair = ends.established()?;
            let (_, to) = pair.sides(side);
            assert_eq!(fails(to, bytes), ErrorKind::Protocol, "{side:?}: no record at all");
        }
    }
    Ok(())
}

fn too_long_a_record_breaks_the_protocol(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    for side in Side::BOTH {
        for header in [[23, 3, 3, 0xff, 0xff], [23, 3, 3, 0x48, 0x01]] {
            let mut pair = ends.established()?;
            let (_, to) = pair.sides(side);
            assert_eq!(fails(to, &header), ErrorKind::Protocol, "{side:?}");
        }
    }
    Ok(())
}

fn data_before_damage_is_given_first(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::default(client, server)?;
    for side in Side::BOTH {
        for step in [1, 3, 100] {
            let mut pair = ends.established()?;
            let (from, to) = pair.sides(side);
            write_all(from, b"whole")?;
            write_all(from, b"sound")?;
            write_all(from, b"broken")?;
            let mut bytes = take_pending(from);
            *bytes.last_mut().unwrap() ^= 1;
            to.wire().feed(&bytes);
            let mut got = Vec::new();
            while got.len() < 10 {
                let mut buf = vec![0; step];
                let n = ready(to.read(&mut buf))?;
                got.extend_from_slice(&buf[..n]);
                assert!(to.buffered() <= 10, "nothing of the broken record counts");
            }
            assert_eq!(got, b"wholesound");
            assert_eq!(fails(to, &[]), ErrorKind::BadRecord, "{side:?} by {step}");
        }
    }
    Ok(())
}

fn data_before_damage_counts_as_buffered(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for side in Side::BOTH {
        let mut pair = Pair::established(client, server)?;
        pair.carry_all();
        let (from, to) = pair.sides(side);
        write_all(from, b"sound")?;
        write_all(from, b"broken")?;
        let mut bytes = take_pending(from);
        *bytes.last_mut().unwrap() ^= 1;
        to.wire().feed(&bytes);
        // Not every library looks at incoming records when it writes.
        let _ = to.write(b"x");
        assert_eq!(to.buffered(), 5, "{side:?}");
        assert_eq!(read_exactly(to, 5)?, b"sound");
        assert_eq!(fails(to, &[]), ErrorKind::BadRecord);
    }
    Ok(())
}

fn damage_is_answered_by_an_alert(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for side in Side::BOTH {
        let mut pair = Pair::established(client, server)?;
        pair.carry_all();
        let (from, to) = pair.sides(side);
        write_all(from, b"broken")?;
        let mut record = take_pending(from);
        *record.last_mut().unwrap() ^= 1;
        assert_eq!(fails(to, &record), ErrorKind::BadRecord);
        from.wire().feed(&take_pending(to));
        let alert = told::encrypted_alert(from.read(&mut [0; 8]))?;
        assert_eq!(alert, tls_core::Alert::BAD_RECORD_MAC, "{side:?}");
    }
    Ok(())
}
