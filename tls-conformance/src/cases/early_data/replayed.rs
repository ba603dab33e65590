//! Early data that comes again is taken once.

use tls_core::{
    Backend, Client, Connection, EarlyData, ErrorKind, Progress, Result, Server, TicketKeys,
    Tickets,
};

use super::super::cases;
use super::{accepted, asked, begin, ends, fact, own_keys, read_early, visit};
use crate::pair::{Ends, NAME, kind, take_pending};
use crate::raw;

cases! { "early_data";
    Pair a_first_flight_that_comes_again
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "What was recorded of a client and is sent again brings no early data: not before the first has been answered, nor after.";
    Pair again_to_another_server_with_the_same_keys
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A first flight that one server has taken another with the same tickets' keys does not.";
    Pair again_in_other_records
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A first flight is the same in whatever records it comes.";
    Pair the_client_itself_goes_on_without
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A client whose first flight somebody else was faster with is served, and told that its early data was rejected.";
    Pair junk_in_its_place_takes_nothing_away
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A first flight that somebody has spoiled and sent first does not keep the true one out.";
    Pair keys_that_others_may_have
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A server whose tickets' keys were given to it is refused early data when it is configured.";
}

/// The whole first flight of a client that has `data` to say, as it would be recorded.
fn first_flight(client: &Client, data: &[u8]) -> Result<(Connection, Vec<u8>)> {
    let mut client = client.connection(NAME)?;
    assert_eq!(client.write_early(data)?, data.len());
    let _ = client.handshake()?;
    let flight = take_pending(&mut client);
    Ok((client, flight))
}

/// What a server reads early of this flight. It does not finish a handshake.
fn hear(server: &Server, flight: &[u8]) -> Result<(Connection, Vec<u8>)> {
    let mut server = server.connection()?;
    server.wire().feed(flight);
    let (got, more) = read_early(&mut server)?;
    assert!(more && !server.is_established(), "a handshake without the client");
    Ok((server, got))
}

fn a_first_flight_that_comes_again(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let (client, flight) = first_flight(&ends.client, b"transfer 1000")?;
    let mut first = ends.server.connection()?;
    first.wire().feed(&flight);
    assert_eq!(read_early(&mut first)?.0, b"transfer 1000");
    for round in 0..5 {
        assert_eq!(hear(&ends.server, &flight)?.1, b"", "round {round}");
    }
    let mut pair = crate::pair::Pair { client, server: first, chunk: usize::MAX };
    pair.handshake()?;
    assert_eq!(fact(&pair.client), Some(EarlyData::Accepted));
    assert_eq!(hear(&ends.server, &flight)?.1, b"", "after the end of the first");
    Ok(())
}

fn again_to_another_server_with_the_same_keys(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = asked();
    let other = Server::new(&s.clone().build()?, server)?;
    let ends = Ends::new((client, c), (server, s))?;
    visit(&ends.client, &ends.server)?;
    // Either takes it, and then neither.
    for (one, other) in [(&ends.server, &other), (&other, &ends.server)] {
        visit(&ends.client, one)?;
        let (_, flight) = first_flight(&ends.client, b"transfer 1000")?;
        assert_eq!(hear(one, &flight)?.1, b"transfer 1000");
        assert_eq!(hear(other, &flight)?.1, b"");
        assert_eq!(hear(one, &flight)?.1, b"");
    }
    Ok(())
}

fn again_in_other_records(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let (_, flight) = first_flight(&ends.client, b"transfer 1000")?;
    assert_eq!(hear(&ends.server, &raw::fragmented(&flight, 100))?.1, b"transfer 1000");
    for size in [1000, 50, usize::MAX] {
        assert_eq!(hear(&ends.server, &raw::fragmented(&flight, size))?.1, b"");
    }
    Ok(())
}

fn the_client_itself_goes_on_without(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let (mut client, flight) = first_flight(&ends.client, b"transfer 1000")?;
    assert_eq!(hear(&ends.server, &flight)?.1, b"transfer 1000");
    let mut server = ends.server.connection()?;
    server.wire().feed(&flight);
    let mut pair = crate::pair::Pair { client, server, chunk: usize::MAX };
    pair.handshake()?;
    assert_eq!(fact(&pair.client), Some(EarlyData::Rejected));
    assert_eq!(fact(&pair.server), Some(EarlyData::Rejected));
    assert_eq!(read_early(&mut pair.server)?, (Vec::new(), false));
    (client, server) = (pair.client, pair.server);
    let again = crate::pair::transfer(&mut client, &mut server, b"transfer 1000", usize::MAX)?;
    assert_eq!(again, b"transfer 1000");
    Ok(())
}

fn junk_in_its_place_takes_nothing_away(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let (client, flight) = first_flight(&ends.client, b"transfer 1000")?;
    let mut spoiled = flight.clone();
    // The binder is the last of the ClientHello (RFC 8446 §4.2.11).
    raw::spoil(&mut spoiled, 1);
    let mut server = ends.server.connection()?;
    server.wire().feed(&spoiled);
    let mut buf = [0; 32];
    let early = server.read_early(&mut buf);
    assert!(!matches!(early, Ok(Progress::Ready(1..))), "{early:?}");
    let mut pair = begin(&ends.client, &ends.server)?;
    pair.client = client;
    pair.server.wire().feed(&flight);
    pair.handshake()?;
    // A library may have forgotten the session; what must not be is a connection that fails.
    let fact = fact(&pair.client);
    let got = read_early(&mut pair.server)?.0;
    match fact {
        Some(EarlyData::Accepted) => assert_eq!(got, b"transfer 1000"),
        other => assert_eq!((other, got), (Some(EarlyData::Rejected), Vec::new())),
    }
    visit(&ends.client, &ends.server)?;
    accepted(&ends.client, &ends.server, b"and the next").map(drop)
}

fn keys_that_others_may_have(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let given = TicketKeys::given(std::time::Duration::from_secs(3600))?;
    given.add(1, [1; 48])?;
    for tickets in [Tickets::Keys(given), Tickets::Off] {
        assert_eq!(kind(s.clone().tickets(tickets).build()), ErrorKind::Config);
    }
    let ends = Ends::new((client, c), (server, s.tickets(own_keys())))?;
    visit(&ends.client, &ends.server)?;
    accepted(&ends.client, &ends.server, b"under its own").map(drop)
}
