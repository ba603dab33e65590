//! Handshakes that succeed, and handshakes that must not.

pub(super) mod broken;
pub(super) mod refused;

use rcgen::CustomExtension;
use tls_core::{
    Backend, CipherSuite, ClientAuth, ClientConfig, Group, Progress, Result, ServerConfig, Version,
    Versions,
};

use super::{both_versions, cases};
use crate::certs::{Authority, Leaf};
use crate::pair::{
    Ends, NAME, Pair, Side, configs, read_exactly, ready, take_pending, transfer, write_all,
};
use crate::raw;
use crate::told;

cases! { "handshake";
    Pair defaults_succeed [] []
        "A client and a server with default configurations finish a handshake.";
    Pair one_byte_at_a_time_succeeds [] []
        "A handshake succeeds when every byte arrives alone.";
    Pair tls12_alone_is_spoken [Tls12Client ReportVersion] [Tls12Server ReportVersion]
        "Two sides that accept only TLS 1.2 speak it.";
    Pair tls13_alone_is_spoken [Tls13Client ReportVersion] [Tls13Server ReportVersion]
        "Two sides that accept only TLS 1.3 speak it.";
    Pair the_newest_shared_version_is_spoken
        [Tls12Client Tls13Client ReportVersion] [Tls12Server Tls13Server ReportVersion]
        "A side that accepts both versions speaks the one that its peer insists on.";
    Pair tls12_one_byte_at_a_time_with_client_certificate_succeeds
        [Tls12Client ClientIdentity] [Tls12Server RequestClientCertificate]
        "A TLS 1.2 handshake with certificates on both sides succeeds when every byte arrives alone.";
    Pair tls13_one_byte_at_a_time_with_client_certificate_succeeds
        [Tls13Client ClientIdentity] [Tls13Server RequestClientCertificate]
        "A TLS 1.3 handshake with certificates on both sides succeeds when every byte arrives alone.";
    Pair tls12_pieces_of_any_size_succeed [Tls12Client] [Tls12Server]
        "A TLS 1.2 handshake does not depend on the sizes of the pieces that arrive.";
    Pair tls13_pieces_of_any_size_succeed [Tls13Client] [Tls13Server]
        "A TLS 1.3 handshake does not depend on the sizes of the pieces that arrive.";
    Pair hello_retry_request_succeeds [Tls13Client ReportGroup] [Tls13Server Groups ReportGroup]
        "A client whose first guess at a group is wrong is asked again, and the handshake succeeds.";
    Pair hello_retry_request_one_byte_at_a_time_succeeds
        [Tls13Client] [Tls13Server Groups ReportGroup]
        "A handshake with a second ClientHello succeeds when every byte arrives alone.";
    Pair tls12_hellos_in_small_records_succeed [Tls12Client] [Tls12Server]
        "Handshake messages of TLS 1.2 may be spread over records of any size, down to one byte.";
    Pair tls13_hellos_in_small_records_succeed [Tls13Client] [Tls13Server]
        "The hellos of TLS 1.3 may be spread over records of any size, down to one byte.";
    Pair tls12_data_behind_the_servers_finished_is_kept [Tls12Client] [Tls12Server]
        "Data that arrives together with the server's last TLS 1.2 handshake message is not lost.";
    Pair tls13_data_behind_the_clients_finished_is_kept [Tls13Client] [Tls13Server]
        "Data that arrives together with the client's last TLS 1.3 handshake message is not lost.";
    Pair tls12_certificates_of_several_records_succeed [Tls12Client] [Tls12Server]
        "A TLS 1.2 server's certificate chain may be longer than three records.";
    Pair tls13_certificates_of_several_records_succeed [Tls13Client] [Tls13Server]
        "A TLS 1.3 server's certificate chain may be longer than three records.";
    Pair a_second_handshake_is_ready [] []
        "Asking for the handshake again after it is done changes nothing and sends nothing.";
    Pair tls12_the_servers_suite_preference_wins
        [Tls12Client ReportCipherSuite] [Tls12Server CipherSuites ReportCipherSuite]
        "Of several shared TLS 1.2 cipher suites the one that the server lists first is used.";
    Pair tls13_the_servers_suite_preference_wins
        [Tls13Client ReportCipherSuite] [Tls13Server CipherSuites ReportCipherSuite]
        "Of several shared TLS 1.3 cipher suites the one that the server lists first is used.";
    Server a_hand_made_tls12_hello_is_answered [Tls12Server] [Tls12Server]
        "A server answers a minimal TLS 1.2 ClientHello with a ServerHello.";
    Server a_hand_made_tls13_hello_is_answered [Tls13Server] [Tls13Server]
        "A server answers a minimal TLS 1.3 ClientHello with a ServerHello.";
    Pair many_connections_of_one_handle_are_independent [] []
        "Connections made from one client and one server do not disturb each other.";
}

both_versions! {
    tls12_alone_is_spoken tls13_alone_is_spoken = version_alone;
    tls12_one_byte_at_a_time_with_client_certificate_succeeds
        tls13_one_byte_at_a_time_with_client_certificate_succeeds = one_byte_with_client_certificate;
    tls12_pieces_of_any_size_succeed tls13_pieces_of_any_size_succeed = pieces_of_any_size;
    tls12_hellos_in_small_records_succeed tls13_hellos_in_small_records_succeed = small_records;
    tls12_certificates_of_several_records_succeed
        tls13_certificates_of_several_records_succeed = large_chain;
    tls12_the_servers_suite_preference_wins
        tls13_the_servers_suite_preference_wins = suite_preference;
}

fn defaults_succeed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    Pair::established(client, server).map(drop)
}

fn one_byte_at_a_time_succeeds(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = configs();
    let mut pair = Pair::new((client, c), (server, s))?;
    pair.chunk = 1;
    pair.handshake()
}

fn version_alone(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let pair = Pair::established_in(version, client, server)?;
    let (client, server) = pair.negotiated();
    assert_eq!(told::version(&client)?, version);
    assert_eq!(told::version(&server)?, version);
    Ok(())
}

fn the_newest_shared_version_is_spoken(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (all, both) = (Versions::default(), [Version::Tls12, Version::Tls13]);
    // Both sides have both: a version that is lacking is not a peer's to insist on.
    both.into_iter().try_for_each(|version| version_alone(version, client, server))?;
    for (c, s, expected) in [
        (all, Versions::only(both[0]), both[0]),
        (Versions::only(both[0]), all, both[0]),
        (all, Versions::only(both[1]), both[1]),
        (Versions::only(both[1]), all, both[1]),
        (all, all, both[1]),
    ] {
        let configs = configs();
        let (c, s) = (configs.0.versions(c), configs.1.versions(s));
        let mut pair = Pair::new((client, c), (server, s))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!((told::version(&client)?, told::version(&server)?), (expected, expected));
    }
    Ok(())
}

fn one_byte_with_client_certificate(
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), only) = (configs(), Versions::only(version));
    let clients = Authority::root("Root of the clients");
    let root = clients.roots();
    let identity = clients.intermediate("Issuer of the clients").client("One Byte");
    let c = c.versions(only).identity(identity.clone());
    let s = s.versions(only).client_auth(ClientAuth::Require(root));
    let mut pair = Pair::new((client, c), (server, s))?;
    pair.chunk = 1;
    pair.handshake()?;
    assert_eq!(pair.negotiated().1.peer_certificate(), Some(identity.leaf()));
    let Pair { client, server, .. } = &mut pair;
    assert_eq!(transfer(client, server, b"from the client", 1)?, b"from the client");
    assert_eq!(transfer(server, client, b"from the server", 1)?, b"from the server");
    Ok(())
}

fn pieces_of_any_size(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for chunk in [2, 3, 4, 5, 6, 7, 8, 13, 64, 255, 256, 257, 1000, 4096, 16_384] {
        let mut pair = ends.pair()?;
        pair.chunk = chunk;
        pair.handshake()?;
        let Pair { client, server, .. } = &mut pair;
        assert_eq!(transfer(client, server, b"ping", chunk)?, b"ping", "by {chunk}");
        assert_eq!(transfer(server, client, b"pong", chunk)?, b"pong", "by {chunk}");
    }
    Ok(())
}

/// A pair whose client guesses a group that its server does not take.
fn guessing_wrong(client: &dyn Backend, server: &dyn Backend) -> Result<Pair> {
    let ((c, s), only) = (configs(), Versions::only(Version::Tls13));
    // The last of the groups that a client offers by default.
    let (c, s) = (c.versions(only), s.versions(only).groups([Group::SECP384R1]));
    Pair::new((client, c), (server, s))
}

fn hello_retry_request_succeeds(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = guessing_wrong(client, server)?;
    pair.handshake()?;
    let (c, s) = pair.negotiated();
    assert_eq!((told::group(&c)?, told::group(&s)?), (Group::SECP384R1, Group::SECP384R1));
    let Pair { client, server, .. } = &mut pair;
    assert_eq!(transfer(client, server, b"again", usize::MAX)?, b"again");
    Ok(())
}

fn hello_retry_request_one_byte_at_a_time_succeeds(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = guessing_wrong(client, server)?;
    pair.chunk = 1;
    pair.handshake()?;
    assert_eq!(told::group(&pair.negotiated().1)?, Group::SECP384R1);
    Ok(())
}

fn small_records(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(version, client, server)?;
    for size in [1, 2, 3, 4, 5, 50, 1000] {
        let mut pair = ends.pair()?;
        assert_eq!(pair.client.handshake()?, Progress::WantRead);
        let hello = take_pending(&mut pair.client);
        let split = raw::fragmented(&hello, size);
        assert!(raw::records(&split).len() >= (hello.len() - 5) / size);
        pair.server.wire().feed(&split);
        assert_eq!(pair.server.handshake()?, Progress::WantRead);
        // Everything up to the first ChangeCipherSpec is in clear (TLS 1.3: the ServerHello).
        let flight = take_pending(&mut pair.server);
        let clear = raw::records(&flight).iter().take_while(|r| r[0] == 22).map(|r| r.len()).sum();
        pair.client.wire().feed(&raw::fragmented(&flight[..clear], size));
        pair.client.wire().feed(&flight[clear..]);
        pair.handshake()?;
    }
    Ok(())
}

fn tls12_data_behind_the_servers_finished_is_kept(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    data_behind_finished(Version::Tls12, Side::Server, client, server)
}

fn tls13_data_behind_the_clients_finished_is_kept(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    data_behind_finished(Version::Tls13, Side::Client, client, server)
}

fn data_behind_finished(
    version: Version,
    last: Side,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let mut pair = Ends::only(version, client, server)?.pair()?;
    let (last, first) = pair.sides(last);
    for _ in 0..10 {
        if last.handshake()? == Progress::Ready(()) {
            break;
        }
        first.wire().feed(&take_pending(last));
        assert_eq!(first.handshake()?, Progress::WantRead);
        last.wire().feed(&take_pending(first));
    }
    assert!(last.is_established());
    write_all(last, b"no time to lose")?;
    write_all(last, b", none at all")?;
    first.wire().feed(&take_pending(last));
    ready(first.handshake())?;
    assert_eq!(read_exactly(first, 28)?, b"no time to lose, none at all");
    Ok(())
}

fn large_chain(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), only) = (large_configs(9_000), Versions::only(version));
    let mut pair = Pair::new((client, c.versions(only)), (server, s.versions(only)))?;
    pair.chunk = 1000;
    pair.handshake()?;
    let Pair { client, server, .. } = &mut pair;
    assert_eq!(transfer(client, server, b"phew", usize::MAX)?, b"phew");
    Ok(())
}

/// Configurations of a client and of a server with five certificates of more than `size` bytes.
fn large_configs(size: usize) -> (tls_core::ClientConfigBuilder, tls_core::ServerConfigBuilder) {
    let ballast = |number: u64| {
        let oid = [1, 3, 6, 1, 4, 1, 99_999, number];
        CustomExtension::from_oid_content(&oid, vec![number as u8; size])
    };
    let root = Authority::root("Root of many words");
    let mut issuer = root.intermediate_with("Wordy issuer 1", |params| {
        params.custom_extensions.push(ballast(1));
    });
    for i in 2..=4 {
        issuer = issuer.intermediate_with(&format!("Wordy issuer {i}"), |params| {
            params.custom_extensions.push(ballast(i));
        });
    }
    let leaf = Leaf::server(&[NAME]).with(|params| params.custom_extensions.push(ballast(9)));
    let identity = issuer.issue(leaf);
    assert!(identity.chain().iter().map(|der| der.len()).sum::<usize>() > 5 * size);
    (ClientConfig::builder().roots(root.roots()), ServerConfig::builder(identity))
}

fn a_second_handshake_is_ready(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(client, server)?;
    pair.carry_all();
    for _ in 0..3 {
        for side in Side::BOTH {
            let (side, _) = pair.sides(side);
            ready(side.handshake())?;
            assert!(side.wire().pending().is_empty());
        }
    }
    let Pair { client, server, .. } = &mut pair;
    assert_eq!(transfer(client, server, b"still", usize::MAX)?, b"still");
    ready(server.handshake())
}

fn suite_preference(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let suites = match version {
        Version::Tls12 => [
            CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256,
            CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384,
        ],
        _ => [CipherSuite::TLS13_AES_128_GCM_SHA256, CipherSuite::TLS13_AES_256_GCM_SHA384],
    };
    for (first, second) in [(suites[0], suites[1]), (suites[1], suites[0])] {
        let ((c, s), only) = (configs(), Versions::only(version));
        // The client's list holds both, whatever their order in it.
        let c = c.versions(only);
        let s = s.versions(only).cipher_suites([first, second]);
        let mut pair = Pair::new((client, c), (server, s))?;
        pair.handshake()?;
        let (c, s) = pair.negotiated();
        assert_eq!((told::cipher_suite(&c)?, told::cipher_suite(&s)?), (first, first));
    }
    Ok(())
}

fn a_hand_made_tls12_hello_is_answered(server: &dyn Backend) -> Result<()> {
    answered(server, Version::Tls12, &raw::Hello::tls12())
}

fn a_hand_made_tls13_hello_is_answered(server: &dyn Backend) -> Result<()> {
    answered(server, Version::Tls13, &raw::Hello::tls13())
}

fn answered(server: &dyn Backend, version: Version, hello: &raw::Hello) -> Result<()> {
    let config = configs().1.versions(Versions::only(version)).build()?;
    let mut server = tls_core::Server::new(&config, server)?.connection()?;
    server.wire().feed(&hello.record());
    assert_eq!(server.handshake()?, Progress::WantRead);
    let flight = take_pending(&mut server);
    assert!(matches!(flight[..], [22, 3, _, _, _, 2, ..]), "not a ServerHello: {flight:02x?}");
    Ok(())
}

fn many_connections_of_one_handle_are_independent(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ends = Ends::default(client, server)?;
    let mut pairs = (0..8).map(|_| ends.pair()).collect::<Result<Vec<_>>>()?;
    // Interleaved, each at another point of its handshake, and one of them breaks.
    pairs[3].server.wire().feed(b"GET / HTTP/1.0\r\n\r\n");
    for (i, pair) in pairs.iter_mut().enumerate() {
        pair.chunk = 100 + i * 50;
    }
    for _ in 0..200 {
        for pair in &mut pairs {
            let _ = (pair.client.handshake(), pair.server.handshake());
            pair.carry();
        }
    }
    for (i, pair) in pairs.iter_mut().enumerate() {
        let established = pair.client.is_established() && pair.server.is_established();
        assert_eq!(established, i != 3, "connection {i}");
        if established {
            let text = format!("number {i}").into_bytes();
            assert_eq!(transfer(&mut pair.client, &mut pair.server, &text, 7)?, text);
        }
    }
    Ok(())
}
