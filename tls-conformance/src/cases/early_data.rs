//! Early data that is taken.

pub(super) mod refused;
pub(super) mod replayed;

use std::sync::Arc;
use std::time::Duration;

use tls_core::danger::ReplayableEarlyData;
use tls_core::{
    Backend, Client, ClientAuth, ClientConfigBuilder, Connection, EarlyData, ErrorKind, Incoming,
    MemoryStore, Negotiated, Progress, Result, Resumption, Server, ServerConfig,
    ServerConfigBuilder, TicketKeys, Tickets, Version, Versions, danger,
};

use super::cases;
use crate::certs::Authority;
use crate::pair::{
    Ends, NAME, Pair, configs, kind, pattern, read_available, ready, transfer, write_all,
};
use crate::streams::{Streams, both};
use crate::told;

cases! { "early_data";
    Pair it_comes_before_the_handshake_is_done
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "What a client writes early a server reads early, before it has heard the client's Finished.";
    Pair both_sides_say_that_it_was_accepted
        [Tls13Client ResumeClient EarlyDataClient ReportResumed]
        [Tls13Server ResumeServer EarlyDataServer ReportResumed]
        "Both sides say that early data was accepted, and that the session was resumed.";
    Pair data_goes_on_both_ways_after_it
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "After early data as much goes both ways as on any connection.";
    Pair one_byte_at_a_time
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Early data comes whole when the bytes on the wire come one at a time.";
    Pair as_much_as_there_can_be
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A client writes early as much as fits, in small pieces and in large ones, is told where it ends, and all of it comes.";
    Pair a_client_keeps_its_own_limit
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A client that is to send ten bytes early takes ten and no more.";
    Pair a_client_stops_at_the_limit_of_the_server
        [Tls13Client ResumeClient EarlyDataClient]
        [Tls13Server ResumeServer EarlyDataServer EarlyDataLimit]
        "A client takes as many bytes early as the server has said it would take, and no more.";
    Pair a_first_connection_has_none
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Without a session nothing is taken early, and both sides say that nothing was offered.";
    Pair who_writes_none_offers_none
        [Tls13Client ResumeClient EarlyDataClient ReportResumed]
        [Tls13Server ResumeServer EarlyDataServer ReportResumed]
        "A client that may send early data and has none resumes without, and nothing was offered.";
    Pair it_never_comes_out_of_an_ordinary_read
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A server that has not read early data is told so when it reads, and has lost nothing.";
    Pair it_is_written_before_the_handshake_begins
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Early data after the first step of a handshake is misuse, as is reading it as a client, and the connection goes on.";
    Pair then_the_client_closes
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A client writes early and closes: the server reads what there is, and then the end.";
    Pair a_handshake_that_fails_after_it
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Where the client's Finished is damaged, the server has what came early, then the error, and no connection.";
    Pair a_server_knows_who_sends_it
        [Tls13Client ClientIdentity ResumeClient EarlyDataClient]
        [Tls13Server RequestClientCertificate ResumeServer EarlyDataServer]
        "A server that asked for a certificate still knows whose it was when early data is accepted.";
    Pair the_facts_beside_it
        [Tls13Client AlpnClient ResumeClient EarlyDataClient]
        [Tls13Server AlpnServer ResumeServer EarlyDataServer]
        "Version, suite, protocol and name are told as on the connection before.";
    Pair each_connection_has_its_own
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Two connections side by side, each with a session of its own, have their early data accepted.";
    Pair one_of_several_identities
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A server with several identities takes early data with each of them.";
    Pair a_server_that_is_chosen_takes_it
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A server that is chosen by the first message takes what came with it.";
    Pair a_session_from_a_store
        [Tls13Client ExportSessions EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "A client with a session of another from a store has early data accepted.";
    Pair its_secret_is_logged
        [Tls13Client ResumeClient EarlyDataClient KeyLog] [Tls13Server ResumeServer EarlyDataServer KeyLog]
        "The log of either side has the secret of early data.";
    Pair over_streams_that_wait
        [Tls13Client ResumeClient EarlyDataClient] [Tls13Server ResumeServer EarlyDataServer]
        "Over a transport with room for few bytes early data comes first, then the rest.";
}

const MAX: usize = ReplayableEarlyData::MAX;

/// A client and a server that want early data.
fn asked() -> (ClientConfigBuilder, ServerConfigBuilder) {
    let ((c, s), all) = (configs(), ReplayableEarlyData::up_to(MAX));
    let only = Versions::only(Version::Tls13);
    let c = c.resumption(Resumption::Memory(8)).versions(only).early_data(all);
    (c, s.tickets(own_keys()).versions(only).early_data(all))
}

fn own_keys() -> Tickets {
    Tickets::Keys(TicketKeys::automatic(Duration::from_secs(3600)).unwrap())
}

/// The two of [`asked`].
fn ends(client: &dyn Backend, server: &dyn Backend) -> Result<Ends> {
    let (c, s) = asked();
    Ends::new((client, c), (server, s))
}

/// One connection from begin to end, so that the client has sessions.
fn visit(client: &Client, server: &Server) -> Result<Pair> {
    let mut pair = begin(client, server)?;
    pair.handshake()?;
    bring_tickets(&mut pair)?;
    Ok(pair)
}

fn begin(client: &Client, server: &Server) -> Result<Pair> {
    let (client, server) = (client.connection(NAME)?, server.connection()?);
    Ok(Pair { client, server, chunk: usize::MAX })
}

fn bring_tickets(pair: &mut Pair) -> Result<()> {
    pair.carry_all();
    assert_eq!(transfer(&mut pair.server, &mut pair.client, b"come", usize::MAX)?, b"come");
    Ok(())
}

/// Writes all of `data` early, as far as it is taken.
fn write_early(client: &mut Connection, mut data: &[u8], piece: usize) -> Result<usize> {
    let mut written = 0;
    while !data.is_empty() {
        let asked = data.len().min(piece);
        let n = client.write_early(&data[..asked])?;
        assert!(n <= asked, "{n} of {asked} bytes taken");
        (written, data) = (written + n, &data[n..]);
        if n < asked {
            assert_eq!(client.write_early(data)?, 0, "there was room for more");
            break;
        }
    }
    Ok(written)
}

/// Reads what has come early. Whether there can be more is told too.
fn read_early(server: &mut Connection) -> Result<(Vec<u8>, bool)> {
    let (mut got, mut buf) = (Vec::new(), [0; 777]);
    loop {
        match server.read_early(&mut buf)? {
            Progress::Ready(0) => return Ok((got, false)),
            Progress::Ready(n) => got.extend_from_slice(&buf[..n]),
            Progress::WantRead => return Ok((got, true)),
            other => panic!("{other:?}"),
        }
    }
}

fn fact(side: &Connection) -> Option<EarlyData> {
    side.negotiated().unwrap().early_data
}

/// A connection on which `data` is accepted early, with the handshake done.
fn accepted(client: &Client, server: &Server, data: &[u8]) -> Result<Pair> {
    let mut pair = begin(client, server)?;
    assert_eq!(write_early(&mut pair.client, data, usize::MAX)?, data.len());
    pair.handshake()?;
    let (got, more) = read_early(&mut pair.server)?;
    assert!(got == data && !more, "{} of {} bytes came early", got.len(), data.len());
    assert_eq!(fact(&pair.client), Some(EarlyData::Accepted), "the client");
    assert_eq!(fact(&pair.server), Some(EarlyData::Accepted), "the server");
    bring_tickets(&mut pair)?;
    Ok(pair)
}

fn it_comes_before_the_handshake_is_done(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let mut pair = begin(&ends.client, &ends.server)?;
    assert_eq!(pair.client.write_early(b"first of all")?, 12);
    let _ = pair.client.handshake()?;
    let Pair { client, server, .. } = &mut pair;
    crate::pair::carry(client, server, usize::MAX);
    let (got, more) = read_early(server)?;
    assert_eq!(got, b"first of all");
    assert!(more && !server.is_established(), "the client has not heard the server yet");
    pair.handshake()?;
    assert_eq!(read_early(&mut pair.server)?, (Vec::new(), false));
    Ok(())
}

fn both_sides_say_that_it_was_accepted(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    for round in 0..3 {
        let pair = accepted(&ends.client, &ends.server, b"again and again")?;
        let (client, server) = pair.negotiated();
        assert!(told::resumed(&client)? && told::resumed(&server)?, "round {round}");
    }
    Ok(())
}

fn data_goes_on_both_ways_after_it(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let mut pair = accepted(&ends.client, &ends.server, b"early")?;
    let (client, server) = (&mut pair.client, &mut pair.server);
    let data = pattern(100_000);
    assert!(transfer(client, server, &data, usize::MAX)? == data);
    assert!(transfer(server, client, &data, usize::MAX)? == data);
    Ok(())
}

fn one_byte_at_a_time(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let mut pair = begin(&ends.client, &ends.server)?;
    pair.chunk = 1;
    let data = pattern(500);
    assert_eq!(write_early(&mut pair.client, &data, 100)?, 500);
    pair.handshake()?;
    assert!(read_early(&mut pair.server)?.0 == data);
    assert_eq!(fact(&pair.client), Some(EarlyData::Accepted));
    let (client, server) = (&mut pair.client, &mut pair.server);
    assert_eq!(transfer(client, server, b"and on", 1)?, b"and on");
    Ok(())
}

fn as_much_as_there_can_be(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let data = pattern(40_000);
    for (piece, least) in [(usize::MAX, MAX - 100), (5000, MAX - 100), (50, MAX * 6 / 10)] {
        let mut pair = begin(&ends.client, &ends.server)?;
        let written = write_early(&mut pair.client, &data, piece)?;
        assert!((least..=MAX).contains(&written), "{written} bytes in pieces of {piece}");
        pair.handshake()?;
        let (got, _) = read_early(&mut pair.server)?;
        assert!(got == data[..written], "{} of {written} bytes in pieces of {piece}", got.len());
        bring_tickets(&mut pair)?;
    }
    Ok(())
}

fn a_client_keeps_its_own_limit(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let c = c.early_data(ReplayableEarlyData::up_to(10));
    let ends = Ends::new((client, c), (server, s))?;
    visit(&ends.client, &ends.server)?;
    let mut pair = begin(&ends.client, &ends.server)?;
    assert_eq!(pair.client.write_early(b"seven b")?, 7);
    assert_eq!(pair.client.write_early(b"seven b")?, 3);
    assert_eq!(pair.client.write_early(b"seven b")?, 0);
    pair.handshake()?;
    assert_eq!(read_early(&mut pair.server)?.0, b"seven bsev");
    Ok(())
}

fn a_client_stops_at_the_limit_of_the_server(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    for limit in [1, 1000, MAX - 1000] {
        let (c, s) = asked();
        let s = s.early_data(ReplayableEarlyData::up_to(limit));
        let ends = Ends::new((client, c), (server, s))?;
        visit(&ends.client, &ends.server)?;
        let (mut pair, data) = (begin(&ends.client, &ends.server)?, pattern(20_000));
        assert_eq!(write_early(&mut pair.client, &data, 4000)?, limit);
        pair.handshake()?;
        assert!(read_early(&mut pair.server)?.0 == data[..limit]);
        assert_eq!(fact(&pair.client), Some(EarlyData::Accepted));
        // What had no room comes after it.
        let (client, server) = (&mut pair.client, &mut pair.server);
        assert!(transfer(client, server, &data[limit..], usize::MAX)? == data[limit..]);
    }
    Ok(())
}

fn a_first_connection_has_none(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    let mut pair = begin(&ends.client, &ends.server)?;
    assert_eq!(pair.client.write_early(b"too soon")?, 0);
    pair.handshake()?;
    assert_eq!(read_early(&mut pair.server)?, (Vec::new(), false));
    assert_eq!(fact(&pair.client), Some(EarlyData::NotOffered));
    assert_eq!(fact(&pair.server), Some(EarlyData::NotOffered));
    bring_tickets(&mut pair)?;
    accepted(&ends.client, &ends.server, b"now").map(drop)
}

fn who_writes_none_offers_none(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    for writes in [false, true] {
        let mut pair = begin(&ends.client, &ends.server)?;
        if writes {
            assert_eq!(pair.client.write_early(b"")?, 0);
        }
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert!(told::resumed(&client)? && told::resumed(&server)?);
        assert_eq!(client.early_data, Some(EarlyData::NotOffered));
        assert_eq!(server.early_data, Some(EarlyData::NotOffered));
        bring_tickets(&mut pair)?;
    }
    accepted(&ends.client, &ends.server, b"now").map(drop)
}

fn it_never_comes_out_of_an_ordinary_read(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let mut pair = begin(&ends.client, &ends.server)?;
    assert_eq!(pair.client.write_early(b"early")?, 5);
    pair.handshake()?;
    write_all(&mut pair.client, b"ordinary")?;
    pair.carry_all();
    let server = &mut pair.server;
    let mut buf = [0; 3];
    for _ in 0..2 {
        assert_eq!(kind(server.read(&mut buf)), ErrorKind::Misuse);
    }
    assert_eq!(ready(server.read_early(&mut buf))?, 3);
    assert_eq!(kind(server.read(&mut buf)), ErrorKind::Misuse, "two bytes are left");
    assert_eq!(read_early(server)?, (b"ly".to_vec(), false));
    assert_eq!(read_available(server)?, b"ordinary");
    Ok(())
}

fn it_is_written_before_the_handshake_begins(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let mut pair = begin(&ends.client, &ends.server)?;
    assert_eq!(pair.client.write_early(b"early")?, 5);
    let _ = pair.client.handshake()?;
    let mut buf = [0; 8];
    for _ in 0..2 {
        assert_eq!(kind(pair.client.write_early(b"late")), ErrorKind::Misuse);
        assert_eq!(kind(pair.client.read_early(&mut buf)), ErrorKind::Misuse);
        assert_eq!(kind(pair.server.write_early(b"backwards")), ErrorKind::Misuse);
    }
    pair.handshake()?;
    assert_eq!(kind(pair.client.write_early(b"later")), ErrorKind::Misuse);
    assert_eq!(read_early(&mut pair.server)?.0, b"early");
    Ok(())
}

fn then_the_client_closes(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let mut pair = begin(&ends.client, &ends.server)?;
    assert_eq!(pair.client.write_early(b"all I have to say")?, 17);
    pair.handshake()?;
    ready(pair.client.close())?;
    pair.carry_all();
    pair.server.wire().end();
    assert_eq!(read_early(&mut pair.server)?, (b"all I have to say".to_vec(), false));
    assert_eq!(ready(pair.server.read(&mut [0; 8]))?, 0);
    assert!(pair.server.close_received());
    Ok(())
}

fn a_handshake_that_fails_after_it(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let mut pair = begin(&ends.client, &ends.server)?;
    assert_eq!(pair.client.write_early(b"early")?, 5);
    let _ = pair.client.handshake()?;
    pair.carry();
    let _ = pair.server.handshake()?;
    pair.carry();
    ready(pair.client.handshake())?;
    let mut answer = crate::pair::take_pending(&mut pair.client);
    *answer.last_mut().unwrap() ^= 1;
    pair.server.wire().feed(&answer);
    let mut buf = [0; 8];
    assert_eq!(ready(pair.server.read_early(&mut buf))?, 5);
    assert_eq!(&buf[..5], b"early");
    for _ in 0..2 {
        assert_eq!(kind(pair.server.read_early(&mut buf)), ErrorKind::BadRecord);
        assert_eq!(kind(pair.server.handshake()), ErrorKind::BadRecord);
        assert_eq!(kind(pair.server.read(&mut buf)), ErrorKind::BadRecord);
    }
    Ok(())
}

fn a_server_knows_who_sends_it(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), root) = (asked(), Authority::root("clients"));
    let own = root.client("somebody");
    let s = s.client_auth(ClientAuth::Require(root.roots()));
    let ends = Ends::new((client, c.identity(own.clone())), (server, s))?;
    visit(&ends.client, &ends.server)?;
    let pair = accepted(&ends.client, &ends.server, b"it is me")?;
    let known = pair.server.negotiated().unwrap().peer_chain;
    assert_eq!(known.first(), Some(own.leaf()));
    Ok(())
}

fn the_facts_beside_it(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let ends = Ends::new((client, c.alpn(["one", "two"])), (server, s.alpn(["two"])))?;
    let first = visit(&ends.client, &ends.server)?.negotiated();
    let again = accepted(&ends.client, &ends.server, b"early")?.negotiated();
    let facts = |of: &Negotiated| {
        let Negotiated { version, cipher_suite, alpn, server_name, peer_chain, .. } = of.clone();
        (version, cipher_suite, alpn, server_name, peer_chain)
    };
    assert_eq!(facts(&first.0), facts(&again.0), "the client");
    assert_eq!(facts(&first.1), facts(&again.1), "the server");
    assert_eq!(again.1.alpn.as_deref(), Some(&b"two"[..]));
    Ok(())
}

fn each_connection_has_its_own(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?; // which brings two tickets
    let mut pairs = [begin(&ends.client, &ends.server)?, begin(&ends.client, &ends.server)?];
    for (i, pair) in pairs.iter_mut().enumerate() {
        assert_eq!(pair.client.write_early(format!("of {i}").as_bytes())?, 4);
    }
    for (i, pair) in pairs.iter_mut().enumerate() {
        pair.handshake()?;
        assert_eq!(read_early(&mut pair.server)?.0, format!("of {i}").as_bytes());
    }
    Ok(())
}

fn one_of_several_identities(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (root, (c, _)) = (Authority::root("several"), asked());
    let s = ServerConfig::builder(root.server("one.test")).add_identity(root.server("two.test"));
    let s = s.tickets(own_keys()).early_data(ReplayableEarlyData::up_to(MAX));
    let ends = Ends::new((client, c.roots(root.roots())), (server, s))?;
    for (round, early) in [(0, 0), (1, 5), (2, 5)] {
        for name in ["one.test", "two.test"] {
            let (client, server) = (ends.client.connection(name)?, ends.server.connection()?);
            let mut pair = Pair { client, server, chunk: usize::MAX };
            assert_eq!(pair.client.write_early(b"early")?, early, "{name} in round {round}");
            pair.handshake()?;
            assert_eq!(read_early(&mut pair.server)?.0, b"early"[..early]);
            bring_tickets(&mut pair)?;
        }
    }
    Ok(())
}

fn a_server_that_is_chosen_takes_it(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = ends(client, server)?;
    visit(&ends.client, &ends.server)?;
    let mut client = ends.client.connection(NAME)?;
    assert_eq!(client.write_early(b"early")?, 5);
    let mut incoming = Incoming::new();
    incoming.wire().feed(&crate::pair::take_pending(&mut client));
    let hello = ready(incoming.hello())?;
    assert!(hello.early_data && hello.ticket().is_some());
    let server = incoming.accept(&ends.server)?;
    let mut pair = Pair { client, server, chunk: usize::MAX };
    pair.handshake()?;
    assert_eq!(read_early(&mut pair.server)?.0, b"early");
    Ok(())
}

fn a_session_from_a_store(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), store) = (asked(), Arc::new(MemoryStore::new(8)));
    let c = c.resumption(Resumption::Store(store));
    let ends = Ends::new((client, c.clone()), (server, s))?;
    visit(&ends.client, &ends.server)?;
    let other = Client::new(&c.build()?, client)?;
    accepted(&other, &ends.server, b"from a store").map(drop)
}

fn its_secret_is_logged(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked();
    let lines = Arc::new(std::sync::Mutex::new([Vec::new(), Vec::new()]));
    let log = |side: usize| {
        let lines = lines.clone();
        danger::KeyLog::to(move |line| lines.lock().unwrap()[side].push(line.to_owned()))
    };
    let ends = Ends::new((client, c.key_log(log(0))), (server, s.key_log(log(1))))?;
    visit(&ends.client, &ends.server)?;
    accepted(&ends.client, &ends.server, b"no secret")?;
    for (side, lines) in lines.lock().unwrap().iter().enumerate() {
        let mut lines = lines.iter().filter(|line| line.starts_with("CLIENT_EARLY_TRAFFIC_SECRET"));
        assert!(lines.next().is_some(), "side {side}");
    }
    Ok(())
}

fn over_streams_that_wait(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (ends, data) = (ends(client, server)?, pattern(5000));
    visit(&ends.client, &ends.server)?;
    let Streams { mut client, mut server } = Streams::of(&ends, 100)?;
    assert_eq!(client.write_early(&data)?, data.len());
    let (mut early, mut buf) = (Vec::new(), [0; 600]);
    let (sent, read) = both(
        |cx| client.poll_handshake(cx),
        |cx| {
            loop {
                match std::task::ready!(server.poll_read_early(cx, &mut buf))? {
                    0 => return std::task::Poll::Ready(Ok(())),
                    n => early.extend_from_slice(&buf[..n]),
                }
            }
        },
    );
    sent.and(read)?;
    assert!(early == data, "{} of {} bytes came early", early.len(), data.len());
    assert_eq!(client.negotiated().unwrap().early_data, Some(EarlyData::Accepted));
    Ok(())
}
