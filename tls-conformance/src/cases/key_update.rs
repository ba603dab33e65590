//! New keys in the middle of a TLS 1.3 connection.

use tls_core::{Backend, Capability, Connection, ErrorKind, Progress, Result, Version};

use super::cases;
use crate::pair::{
    Ends, Pair, Side, kind, pattern, read_available, read_exactly, ready, take_pending, transfer,
    write_all,
};

cases! { "key_update";
    Pair a_client_takes_new_keys_and_data_goes_on [Tls13Client KeyUpdate] [Tls13Server]
        "After a client's key update both sides still understand each other, both ways.";
    Pair a_server_takes_new_keys_and_data_goes_on [Tls13Client] [Tls13Server KeyUpdate]
        "After a server's key update both sides still understand each other, both ways.";
    Pair a_clients_update_goes_over_the_wire [Tls13Client KeyUpdate] [Tls13Server]
        "A client's key update is a record of its own, at the latest with the next write.";
    Pair a_servers_update_goes_over_the_wire [Tls13Client] [Tls13Server KeyUpdate]
        "A server's key update is a record of its own, at the latest with the next write.";
    Pair the_peer_of_a_client_takes_new_keys_too [Tls13Client KeyUpdate] [Tls13Server]
        "A server that is asked for new keys takes them before it sends more.";
    Pair the_peer_of_a_server_takes_new_keys_too [Tls13Client] [Tls13Server KeyUpdate]
        "A client that is asked for new keys takes them before it sends more.";
    Pair data_in_flight_survives_new_keys [Tls13Client KeyUpdate] [Tls13Server KeyUpdate]
        "What was sent before a key update, by either side, is read after it.";
    Pair new_keys_again_and_again [Tls13Client KeyUpdate] [Tls13Server KeyUpdate]
        "A hundred key updates, between small and large writes, lose nothing.";
    Pair tls12_has_no_new_keys [Tls12Client] [Tls12Server]
        "In TLS 1.2 a key update is refused, and does no harm.";
    Pair new_keys_at_the_wrong_time_are_misuse [Tls13Client] [Tls13Server KeyUpdate]
        "Before the handshake and after the own close a key update is misuse, and does no harm.";
    Pair no_new_keys_on_a_full_wire [Tls13Client KeyUpdate] [Tls13Server]
        "A wire that nobody empties has no room for a key update, and says WantWrite.";
}

fn established(client: &dyn Backend, server: &dyn Backend) -> Result<Pair> {
    let mut pair = Pair::established_in(Version::Tls13, client, server)?;
    pair.carry_all();
    Ok(pair)
}

fn goes_on(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let data = pattern(50_000);
    for round in 0..3 {
        let (ours, theirs) = pair.sides(side);
        ready(ours.update_keys())?;
        assert_eq!(transfer(ours, theirs, &data, 1000)?, data, "round {round}");
        assert_eq!(transfer(theirs, ours, &data, 1000)?, data, "round {round}");
    }
    Ok(())
}

fn a_client_takes_new_keys_and_data_goes_on(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    goes_on(Side::Client, client, server)
}

fn a_server_takes_new_keys_and_data_goes_on(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    goes_on(Side::Server, client, server)
}

/// The records that `side` sends for one byte of data.
fn records_for_one_byte(side: &mut Connection) -> Result<Vec<u8>> {
    write_all(side, b"x")?;
    Ok(take_pending(side))
}

fn count(mut records: &[u8]) -> usize {
    let mut count = 0;
    while let [_, _, _, a, b, rest @ ..] = records {
        records = &rest[usize::from(u16::from_be_bytes([*a, *b]))..];
        count += 1;
    }
    count
}

fn over_the_wire(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let (ours, _) = pair.sides(side);
    assert_eq!(count(&records_for_one_byte(ours)?), 1);
    ready(ours.update_keys())?;
    assert_eq!(count(&records_for_one_byte(ours)?), 2, "the update and the data");
    assert_eq!(count(&records_for_one_byte(ours)?), 1);
    Ok(())
}

fn a_clients_update_goes_over_the_wire(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    over_the_wire(Side::Client, client, server)
}

fn a_servers_update_goes_over_the_wire(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    over_the_wire(Side::Server, client, server)
}

fn peer_follows(side: Side, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let (ours, theirs) = pair.sides(side);
    assert_eq!(transfer(ours, theirs, b"before", usize::MAX)?, b"before");
    ready(ours.update_keys())?;
    let bytes = records_for_one_byte(ours)?;
    theirs.wire().feed(&bytes);
    assert_eq!(read_available(theirs)?, b"x");
    // Its own update may be there already, or come with the data.
    let mut answer = take_pending(theirs);
    answer.extend(records_for_one_byte(theirs)?);
    assert_eq!(count(&answer), 2, "the update that was asked for, and the data");
    ours.wire().feed(&answer);
    assert_eq!(read_available(ours)?, b"x");
    Ok(())
}

fn the_peer_of_a_client_takes_new_keys_too(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    peer_follows(Side::Client, client, server)
}

fn the_peer_of_a_server_takes_new_keys_too(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    peer_follows(Side::Server, client, server)
}

fn data_in_flight_survives_new_keys(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    write_all(&mut pair.client, b"from the client, old")?;
    write_all(&mut pair.server, b"from the server, old")?;
    ready(pair.client.update_keys())?;
    ready(pair.server.update_keys())?;
    write_all(&mut pair.client, b"; new")?;
    write_all(&mut pair.server, b"; new")?;
    pair.carry_all();
    assert_eq!(read_exactly(&mut pair.server, 25)?, b"from the client, old; new");
    assert_eq!(read_exactly(&mut pair.client, 25)?, b"from the server, old; new");
    Ok(())
}

fn new_keys_again_and_again(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let data = pattern(20_000);
    for round in 0..100 {
        let side = Side::BOTH[round % 2];
        let (ours, theirs) = pair.sides(side);
        ready(ours.update_keys())?;
        let piece = &data[..if round % 10 == 0 { data.len() } else { 1 + round }];
        assert_eq!(transfer(ours, theirs, piece, usize::MAX)?, piece, "round {round}");
        assert_eq!(transfer(theirs, ours, piece, usize::MAX)?, piece, "round {round}");
    }
    Ok(())
}

fn tls12_has_no_new_keys(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established_in(Version::Tls12, client, server)?;
    for side in Side::BOTH {
        let (ours, theirs) = pair.sides(side);
        // A backend that cannot tell the version can only say that it has none at all.
        let refused = kind(ours.update_keys());
        let none = ErrorKind::Unsupported(Capability::KeyUpdate);
        assert!([ErrorKind::Misuse, none].contains(&refused), "{refused:?}");
        assert_eq!(transfer(ours, theirs, b"still here", usize::MAX)?, b"still here");
    }
    Ok(())
}

fn new_keys_at_the_wrong_time_are_misuse(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Ends::only(Version::Tls13, client, server)?.pair()?;
    assert_eq!(kind(pair.client.update_keys()), ErrorKind::Misuse);
    assert_eq!(kind(pair.server.update_keys()), ErrorKind::Misuse);
    pair.handshake()?;
    pair.carry_all();
    ready(pair.client.close())?;
    assert_eq!(kind(pair.client.update_keys()), ErrorKind::Misuse);
    pair.carry_all();
    assert_eq!(ready(pair.server.read(&mut [0; 8]))?, 0);
    // The other direction is still open, and may have new keys.
    ready(pair.server.update_keys())?;
    let (client, server) = (&mut pair.client, &mut pair.server);
    assert_eq!(transfer(server, client, b"the rest", usize::MAX)?, b"the rest");
    Ok(())
}

fn no_new_keys_on_a_full_wire(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = established(client, server)?;
    let data = pattern(100_000);
    let mut sent = 0;
    while let Progress::Ready(n) = pair.client.write(&data[sent..])? {
        sent += n;
    }
    assert_eq!(pair.client.update_keys()?, Progress::WantWrite);
    pair.carry_all();
    ready(pair.client.update_keys())?;
    pair.carry_all();
    assert_eq!(read_exactly(&mut pair.server, sent)?, &data[..sent]);
    Ok(())
}
