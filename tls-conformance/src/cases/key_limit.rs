//! New keys that nobody asked for: no key of TLS 1.3 protects more records than it may, and no peer can make
//! a connection do nothing else.

use tls_core::{Backend, Connection, ErrorKind, Progress, Result, Version, Versions};

use super::cases;
use crate::pair::{
    Ends, Pair, Side, carry, configs, kind, pattern, read_available, take_pending, transfer,
    write_all,
};

cases! { "key_limit";
    Pair a_client_takes_new_keys_by_itself [Tls13Client KeyUpdate] [Tls13Server]
        "A client that is told to takes new keys after so many records, and data goes on.";
    Pair a_server_takes_new_keys_by_itself [Tls13Client] [Tls13Server KeyUpdate]
        "A server that is told to takes new keys after so many records, and data goes on.";
    Pair both_take_new_keys_all_the_time [Tls13Client KeyUpdate] [Tls13Server KeyUpdate]
        "Both sides take new keys with each record, at the same time, and nothing is lost.";
    Pair much_data_under_many_keys [Tls13Client KeyUpdate] [Tls13Server KeyUpdate]
        "Four million bytes each way, with new keys every few records, arrive as they were sent.";
    Pair much_data_one_way_under_many_keys [Tls13Client KeyUpdate] [Tls13Server]
        "Where the peer sends no data, new keys every few records end in data or in a refusal.";
    Pair keys_that_were_just_renewed_last_as_long [Tls13Client KeyUpdate] [Tls13Server]
        "A key update that the program asks for begins the count anew.";
    Pair in_tls12_the_limit_changes_nothing [Tls12Client Tls13Client KeyUpdate] [Tls12Server Tls13Server]
        "The same client takes new keys in TLS 1.3, and sends no key update where a server has TLS 1.2.";
    Pair thirty_updates_without_data_are_fine [Tls13Client KeyUpdate] [Tls13Server KeyUpdate]
        "Thirty key updates in a row, by either side and without data, do no harm.";
    Pair a_flood_of_updates_by_a_client_is_bounded [Tls13Client KeyUpdate] [Tls13Server]
        "A thousand key updates in a row are answered within bounds, or refused as no protocol.";
    Pair a_flood_of_updates_by_a_server_is_bounded [Tls13Client] [Tls13Server KeyUpdate]
        "A thousand key updates in a row are answered within bounds, or refused as no protocol.";
}

/// A pair in TLS 1.3 of which these sides take new keys after so many records.
fn limited(
    client: (&dyn Backend, Option<u32>),
    server: (&dyn Backend, Option<u32>),
) -> Result<Pair> {
    let ((mut c, mut s), only) = (configs(), Versions::only(Version::Tls13));
    if let Some(after) = client.1 {
        c = c.key_update_after(after);
    }
    if let Some(after) = server.1 {
        s = s.key_update_after(after);
    }
    Ends::new((client.0, c.versions(only)), (server.0, s.versions(only)))?.established()
}

fn records(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let [_, _, _, a, b, rest @ ..] = bytes {
        bytes = &rest[usize::from(u16::from_be_bytes([*a, *b]))..];
        count += 1;
    }
    count
}

/// How many records `from` sends for so many writes of one byte each, which `to` reads.
fn records_for(writes: usize, from: &mut Connection, to: &mut Connection) -> Result<usize> {
    let mut count = 0;
    for _ in 0..writes {
        write_all(from, b"x")?;
        let bytes = take_pending(from);
        count += records(&bytes);
        to.wire().feed(&bytes);
        assert_eq!(read_available(to)?, b"x");
        carry(to, from, usize::MAX);
        assert_eq!(read_available(from)?, b"");
    }
    Ok(count)
}

fn by_itself(side: Side, mut pair: Pair) -> Result<()> {
    let (ours, theirs) = pair.sides(side);
    // An update each ten records, itself not counted.
    let extra = records_for(100, ours, theirs)? - 100;
    assert!((8..=10).contains(&extra), "{extra} key updates");
    assert_eq!(transfer(theirs, ours, b"and back", usize::MAX)?, b"and back");
    Ok(())
}

fn a_client_takes_new_keys_by_itself(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    by_itself(Side::Client, limited((client, Some(10)), (server, None))?)
}

fn a_server_takes_new_keys_by_itself(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    by_itself(Side::Server, limited((client, None), (server, Some(10)))?)
}

fn both_take_new_keys_all_the_time(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = limited((client, Some(1)), (server, Some(1)))?;
    for round in 0..100_u8 {
        // Both have sent before either reads.
        write_all(&mut pair.client, &[round])?;
        write_all(&mut pair.server, &[round, 1])?;
        pair.carry_all();
        assert_eq!(read_available(&mut pair.server)?, [round]);
        assert_eq!(read_available(&mut pair.client)?, [round, 1]);
        pair.carry_all();
    }
    Ok(())
}

/// Sends all of `data` from one side to the other, which says a word each so many pieces.
fn bulk(
    (ours, theirs): (&mut Connection, &mut Connection),
    data: &[u8],
    word_each: usize,
) -> Result<Vec<u8>> {
    let (mut sent, mut got) = (0, Vec::with_capacity(data.len()));
    for piece in 1.. {
        if got.len() >= data.len() {
            break;
        }
        if let (true, Progress::Ready(n)) = (sent < data.len(), ours.write(&data[sent..])?) {
            sent += n;
        }
        carry(ours, theirs, usize::MAX);
        got.extend(read_available(theirs)?);
        if piece % word_each == 0 {
            write_all(theirs, b"go on")?;
        }
        // With what the peer answers to requests for new keys.
        carry(theirs, ours, usize::MAX);
        assert!([&b""[..], b"go on"].contains(&&*read_available(ours)?));
    }
    Ok(got)
}

fn much_data_under_many_keys(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = limited((client, Some(3)), (server, Some(5)))?;
    let data = pattern(4_000_000);
    for side in Side::BOTH {
        assert!(bulk(pair.sides(side), &data, 10)? == data, "what arrived is not what was sent");
    }
    Ok(())
}

fn much_data_one_way_under_many_keys(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = limited((client, Some(3)), (server, None))?;
    let data = pattern(4_000_000);
    match bulk(pair.sides(Side::Client), &data, usize::MAX) {
        Ok(got) => assert!(got == data, "what arrived is not what was sent"),
        // A library that always asks for answers, and bears few.
        Err(e) if e.kind() == ErrorKind::Protocol => {}
        Err(e) => return Err(e),
    }
    Ok(())
}

fn keys_that_were_just_renewed_last_as_long(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = limited((client, Some(10)), (server, None))?;
    let (ours, theirs) = (&mut pair.client, &mut pair.server);
    for _ in 0..5 {
        // The update of the program's, and no other.
        crate::pair::ready(ours.update_keys())?;
        assert_eq!(records_for(8, ours, theirs)?, 9);
    }
    Ok(())
}

fn in_tls12_the_limit_changes_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for (version, expected) in [(Version::Tls13, 39), (Version::Tls12, 20)] {
        // A client that has both would not say which one it lacks.
        Pair::established_in(version, client, server)?;
        let (c, s) = configs();
        let s = s.versions(Versions::only(version));
        let mut pair = Ends::new((client, c.key_update_after(1)), (server, s))?.established()?;
        assert_eq!(records_for(20, &mut pair.client, &mut pair.server)?, expected);
    }
    Ok(())
}

/// So many key updates without data, as bytes; a library that waits for the next write sends one.
fn updates(count: usize, by: &mut Connection) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for _ in 0..count {
        crate::pair::ready(by.update_keys())?;
        bytes.extend(take_pending(by));
    }
    Ok(bytes)
}

fn thirty_updates_without_data_are_fine(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = limited((client, None), (server, None))?;
    for side in Side::BOTH {
        let (ours, theirs) = pair.sides(side);
        let bytes = updates(30, ours)?;
        theirs.wire().feed(&bytes);
        assert_eq!(read_available(theirs)?, b"");
        assert_eq!(transfer(ours, theirs, b"goes on", usize::MAX)?, b"goes on");
        assert_eq!(transfer(theirs, ours, b"and back", usize::MAX)?, b"and back");
    }
    Ok(())
}

fn flood(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    const MANY: usize = 1000;
    /// What one answer takes, header and tag included, and more.
    const ANSWER: usize = 64;
    let mut pair = limited((client, None), (server, None))?;
    let (ours, theirs) = pair.sides(side);
    let bytes = updates(MANY, ours)?;
    theirs.wire().feed(&bytes);
    let outcome = read_available(theirs);
    let answers = theirs.wire().pending().len();
    assert!(answers <= MANY * ANSWER, "{answers} bytes for {} bytes", bytes.len());
    if outcome.is_ok() {
        // The answers may be more than whoever asked for them bears.
        assert_eq!(transfer(ours, theirs, b"goes on", usize::MAX)?, b"goes on");
    } else {
        assert_eq!(kind(outcome), ErrorKind::Protocol);
    }
    Ok(())
}

fn a_flood_of_updates_by_a_client_is_bounded(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    flood(Side::Client, client, server)
}

fn a_flood_of_updates_by_a_server_is_bounded(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    flood(Side::Server, client, server)
}
