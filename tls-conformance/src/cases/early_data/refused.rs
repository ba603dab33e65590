//! Early data that is not taken: nobody loses it, and nobody sends it again.

use tls_core::danger::ReplayableEarlyData;
use tls_core::{
    Backend, Client, ClientConfigBuilder, Connection, EarlyData, ErrorKind, Group, Progress,
    Result, Resumption, Server, ServerConfigBuilder, Tickets, Version, Versions,
};

use super::super::cases;
use super::{MAX, accepted, asked, begin, bring_tickets, ends, fact, own_keys, read_early, visit};
use crate::pair::{Ends, NAME, Pair, kind, pattern, read_available, take_pending, transfer};
use crate::raw;

cases! { "early_data";
    Pair a_server_that_takes_none
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A server that does not want early data passes over it, the client says so, and sends it again when told to.";
    Pair a_server_with_other_keys
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A server that cannot read the ticket passes over early data, of whatever size and in whatever pieces.";
    Pair a_server_that_was_reloaded
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A server that has been reloaded, with new keys of its own, passes over early data for the old ones.";
    Pair a_server_with_other_protocols
        [Tls13Client AlpnClient ResumeClient EarlyDataClient]
        [Tls13Server AlpnServer ResumeServer EarlyDataServer]
        "A server that would choose another protocol passes over early data.";
    Pair a_server_that_wants_another_group
        [Tls13Client ResumeClient EarlyDataClient]
        [Tls13Server Groups ResumeServer EarlyDataServer]
        "A server that asks for another key share passes over early data.";
    Pair passed_over_one_byte_at_a_time
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Early data is passed over also when the bytes on the wire come one at a time.";
    Pair what_is_passed_over_ends
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Who sends junk in place of early data, more than there can be, is refused.";
    Pair a_limit_of_nothing
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A limit of 0 is no early data, on either side.";
    Pair a_side_that_wants_none_has_no_say
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Without the option nothing is written or read early, and nothing is said of it.";
    Pair nothing_early_in_tls12
        [Tls12Client Tls13Client ResumeClient EarlyDataClient]
        [Tls12Server Tls13Server ResumeServer EarlyDataServer]
        "With a server that speaks TLS 1.2 nothing is taken early, and nothing was offered.";
    Pair a_server_that_went_back_to_tls12
        [Tls12Client Tls13Client ResumeClient EarlyDataClient]
        [Tls12Server Tls13Server ResumeServer EarlyDataServer]
        "Where a server that gave a session of TLS 1.3 answers in TLS 1.2, early data ends the handshake, and nothing is lost in silence.";
    Pair early_data_that_was_changed
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Early data that is not what the client sent is given to nobody.";
}

/// A connection on which `data` is passed over, and then sent again because the program does so.
fn rejected(client: &Client, server: &Server, data: &[u8], chunk: usize) -> Result<Pair> {
    let mut pair = begin(client, server)?;
    pair.chunk = chunk;
    assert_eq!(super::write_early(&mut pair.client, data, data.len().div_ceil(3))?, data.len());
    pair.handshake()?;
    pair.carry_all();
    assert_eq!(fact(&pair.client), Some(EarlyData::Rejected));
    if fact(&pair.server).is_some() {
        assert_eq!(fact(&pair.server), Some(EarlyData::Rejected));
        assert_eq!(read_early(&mut pair.server)?, (Vec::new(), false));
    }
    assert_eq!(read_available(&mut pair.server)?, b"", "nobody has told the client to send it");
    assert!(transfer(&mut pair.client, &mut pair.server, data, chunk)? == data);
    assert_eq!(read_available(&mut pair.server)?, b"", "it was sent once");
    bring_tickets(&mut pair)?;
    Ok(pair)
}

/// With a server that accepts early data, and another one that does not.
fn two_servers(
    client: (&dyn Backend, ClientConfigBuilder),
    server: &dyn Backend,
    one: ServerConfigBuilder,
    other: ServerConfigBuilder,
) -> Result<(Client, Server)> {
    let ends = Ends::new(client, (server, one))?;
    visit(&ends.client, &ends.server)?;
    accepted(&ends.client, &ends.server, b"this is taken")?;
    Ok((ends.client, Server::new(&other.build()?, server)?))
}

fn a_server_that_takes_none(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let other = s.clone().early_data(ReplayableEarlyData::none());
    let (client, other) = two_servers((client, c), server, s, other)?;
    rejected(&client, &other, b"nobody wants this", usize::MAX).map(drop)
}

fn a_server_with_other_keys(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let data = pattern(MAX - 100);
    for size in [1, 4, 1000, data.len()] {
        let (c, s) = asked();
        let other = s.clone().tickets(own_keys());
        let (client, other) = two_servers((client, c), server, s, other)?;
        rejected(&client, &other, &data[..size], usize::MAX)?;
    }
    Ok(())
}

fn a_server_that_was_reloaded(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let config = s.tickets(Tickets::Auto).build()?;
    let client = Client::new(&c.build()?, client)?;
    let reloaded = Server::new(&config, server)?;
    visit(&client, &reloaded)?;
    accepted(&client, &reloaded, b"before")?;
    reloaded.reload(&config, server)?;
    rejected(&client, &reloaded, b"after", usize::MAX).map(drop)
}

fn a_server_with_other_protocols(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let (one, other) = (s.clone().alpn(["one"]), s.alpn(["two"]));
    let (client, other) = two_servers((client, c.alpn(["one", "two"])), server, one, other)?;
    let pair = rejected(&client, &other, b"said in one", usize::MAX)?;
    assert_eq!(pair.client.negotiated().unwrap().alpn.as_deref(), Some(&b"two"[..]));
    Ok(())
}

fn a_server_that_wants_another_group(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let (one, other) = (s.clone().groups([Group::X25519]), s.groups([Group::SECP384R1]));
    let (client, other) = two_servers((client, c), server, one, other)?;
    rejected(&client, &other, b"another share", usize::MAX).map(drop)
}

fn passed_over_one_byte_at_a_time(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let other = s.clone().tickets(own_keys());
    let (client, other) = two_servers((client, c), server, s, other)?;
    rejected(&client, &other, &pattern(300), 1).map(drop)
}

fn what_is_passed_over_ends(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let other = s.clone().tickets(own_keys());
    let (client, other) = two_servers((client, c), server, s, other)?;
    let (mut client, mut server) = (client.connection(NAME)?, other.connection()?);
    assert_eq!(client.write_early(b"early")?, 5);
    server.wire().feed(&take_pending(&mut client));
    let junk = raw::record(23, &[7; 1000]);
    let refused = (0..30).find_map(|_| {
        server.wire().feed(&junk);
        server.handshake().err()
    });
    let why = refused.expect("thirty thousand bytes are passed over").kind();
    assert!(matches!(why, ErrorKind::BadRecord | ErrorKind::Protocol), "{why:?}");
    Ok(())
}

fn a_limit_of_nothing(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let nothing = ReplayableEarlyData::up_to(0);
    let (c, s) = asked();
    for (c, s) in [(c.clone().early_data(nothing), s.clone()), (c.clone(), s.early_data(nothing))] {
        let is_client = c.clone().build()?.early_data().is_on();
        let ends = Ends::new((client, c), (server, s))?;
        visit(&ends.client, &ends.server)?;
        let mut pair = begin(&ends.client, &ends.server)?;
        match is_client {
            true => assert_eq!(pair.client.write_early(b"early")?, 0),
            false => assert_eq!(kind(pair.client.write_early(b"early")), ErrorKind::Misuse),
        }
        pair.handshake()?;
        let facts = [fact(&pair.client), fact(&pair.server)];
        let expected = Some(EarlyData::NotOffered);
        assert_eq!(facts, if is_client { [expected, None] } else { [None, expected] });
    }
    let ends = self::ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    accepted(&ends.client, &ends.server, b"something").map(drop)
}

fn a_side_that_wants_none_has_no_say(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), none) = (asked(), ReplayableEarlyData::none());
    let plain = Ends::new((client, c.early_data(none)), (server, s.early_data(none)))?;
    let check = |side: &mut Connection| {
        assert_eq!(kind(side.write_early(b"early")), ErrorKind::Misuse);
        assert_eq!(kind(side.read_early(&mut [0; 8])), ErrorKind::Misuse);
    };
    visit(&plain.client, &plain.server)?;
    let mut pair = begin(&plain.client, &plain.server)?;
    check(&mut pair.client);
    check(&mut pair.server);
    pair.handshake()?;
    check(&mut pair.client);
    check(&mut pair.server);
    assert_eq!([fact(&pair.client), fact(&pair.server)], [None, None]);
    let ends = self::ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    accepted(&ends.client, &ends.server, b"with it").map(drop)
}

fn nothing_early_in_tls12(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    Pair::established_in(Version::Tls12, client, server)?;
    let ((c, s), none) = (asked(), ReplayableEarlyData::none());
    let tls12 = Versions::only(Version::Tls12);
    assert_eq!(kind(c.clone().versions(tls12).build()), ErrorKind::Config);
    assert_eq!(kind(s.clone().versions(tls12).build()), ErrorKind::Config);
    assert_eq!(kind(c.clone().resumption(Resumption::Off).build()), ErrorKind::Config);
    let c = c.versions(Versions::default());
    let old = s.clone().versions(tls12).early_data(none);
    let ends = Ends::new((client, c.clone()), (server, old))?;
    for _ in 0..2 {
        let mut pair = begin(&ends.client, &ends.server)?;
        assert_eq!(pair.client.write_early(b"early")?, 0);
        pair.handshake()?;
        assert_eq!(fact(&pair.client), Some(EarlyData::NotOffered));
        bring_tickets(&mut pair)?;
    }
    let ends = Ends::new((client, c), (server, s))?;
    visit(&ends.client, &ends.server)?;
    accepted(&ends.client, &ends.server, b"in another version").map(drop)
}

fn a_server_that_went_back_to_tls12(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    Pair::established_in(Version::Tls12, client, server)?;
    let ((c, s), none) = (asked(), ReplayableEarlyData::none());
    let c = c.versions(Versions::default());
    let old = s.clone().versions(Versions::only(Version::Tls12)).early_data(none);
    let (client, old) = two_servers((client, c), server, s, old)?;
    let mut pair = begin(&client, &old)?;
    assert_eq!(pair.client.write_early(b"early")?, 5);
    let (client, server) = pair.handshakes();
    // RFC 8446 §D.3: the client has to give up.
    assert!(client.is_err() && server.is_err(), "client {client:?}, server {server:?}");
    assert!(pair.client.negotiated().is_none());
    Ok(())
}

fn early_data_that_was_changed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    accepted(&ends.client, &ends.server, b"as it was")?;
    let mut pair = begin(&ends.client, &ends.server)?;
    write_all_early(&mut pair.client, b"as it was not")?;
    let mut flight = take_pending(&mut pair.client);
    *flight.last_mut().unwrap() ^= 1;
    pair.server.wire().feed(&flight);
    let mut buf = [0; 32];
    for _ in 0..2 {
        match pair.server.read_early(&mut buf) {
            Err(e) => assert_eq!(e.kind(), ErrorKind::BadRecord),
            Ok(Progress::WantRead) => panic!("a record that does not decrypt is passed over"),
            Ok(other) => panic!("{other:?}"),
        }
    }
    Ok(())
}

fn write_all_early(client: &mut Connection, data: &[u8]) -> Result<()> {
    assert_eq!(client.write_early(data)?, data.len());
    // Whatever the library holds back goes out with the first step.
    let _ = client.handshake()?;
    Ok(())
}
