//! Peers that have nothing in common, and peers that say no.

use tls_core::{
    Alert, Backend, CipherSuite, Connection, ErrorKind, Group, Progress, Result, Server, Version,
    Versions,
};

use super::super::{both_roles, both_versions, cases};
use super::large_configs;
use crate::pair::{Pair, Side, client_alone, configs, kind, server_alone, take_pending};
use crate::raw::{self, Hello};

cases! { "handshake";
    Pair a_client_of_newer_versions_only_shares_none [Tls13Client] [Tls12Server]
        "A TLS 1.3 client and a TLS 1.2 server: the server finds no shared version and says so.";
    Pair a_client_of_older_versions_only_shares_none [Tls12Client] [Tls13Server]
        "A TLS 1.2 client and a TLS 1.3 server: the server finds no shared version and says so.";
    Server a_hello_of_tls11_shares_no_version [] []
        "A server finds no shared version in a ClientHello for TLS 1.1, and sends protocol_version.";
    Server a_hello_of_unknown_versions_shares_none [] []
        "A server finds no shared version in a ClientHello that lists only unknown ones.";
    Client an_answer_in_tls11_shares_no_version [] []
        "A client finds no shared version in a ServerHello for TLS 1.1.";
    Pair tls12_suites_apart_share_none [Tls12Client CipherSuites] [Tls12Server CipherSuites]
        "TLS 1.2 sides with different cipher suites: the server finds none shared and says so.";
    Pair tls13_suites_apart_share_none [Tls13Client CipherSuites] [Tls13Server CipherSuites]
        "TLS 1.3 sides with different cipher suites: the server finds none shared and says so.";
    Server a_tls12_hello_of_unknown_suites_shares_none [] [Tls12Server]
        "A server finds no shared suite in a TLS 1.2 ClientHello that lists only unknown ones.";
    Server a_tls13_hello_of_unknown_suites_shares_none [] [Tls13Server]
        "A server finds no shared suite in a TLS 1.3 ClientHello that lists only unknown ones.";
    Pair tls12_groups_apart_share_none [Tls12Client Groups] [Tls12Server Groups]
        "TLS 1.2 sides with different groups: the server finds none shared and says so.";
    Pair tls13_groups_apart_share_none [Tls13Client Groups] [Tls13Server Groups]
        "TLS 1.3 sides with different groups: the server finds none shared and says so.";
    Server a_hello_of_unknown_groups_shares_none [] [Tls13Server]
        "A server finds no shared group in a TLS 1.3 ClientHello that lists only unknown ones.";
    Server a_tls12_hello_of_another_hash_is_served_or_shares_no_signature [] [Tls12Server]
        "A TLS 1.2 ClientHello that fits the key but not its usual hash is served, or refused in words.";
    Server a_tls13_hello_of_unfit_signatures_shares_none [] [Tls13Server]
        "A server finds none of its key's signature schemes in a TLS 1.3 ClientHello.";
    Client a_suite_nobody_offered_is_a_fault_of_the_server [] []
        "A client takes a ServerHello that chooses a suite it did not offer for a broken protocol.";
    Client an_alert_in_place_of_a_server_hello_is_told [] []
        "A client that is refused in clear tells which alert it was, whichever it was.";
    Server an_alert_in_place_of_a_client_hello_is_told [] []
        "A server whose client gives up at once tells which alert it was, whichever it was.";
    Server an_alert_behind_a_tls12_client_hello_is_told [] [Tls12Server]
        "A server whose client gives up after its TLS 1.2 ClientHello tells which alert it was.";
    Server an_alert_behind_a_tls13_client_hello_is_told [] [Tls13Server]
        "A server whose client gives up after its TLS 1.3 ClientHello tells which alert it was.";
    Client close_notify_in_the_clients_handshake_is_told [] []
        "close_notify during the handshake is an alert like any other to a client.";
    Server close_notify_in_the_servers_handshake_is_told [] []
        "close_notify during the handshake is an alert like any other to a server.";
    Pair tls12_too_long_a_chain_of_certificates_is_refused [Tls12Client] [Tls12Server]
        "A TLS 1.2 client refuses a certificate message that is absurdly long.";
    Pair tls13_too_long_a_chain_of_certificates_is_refused [Tls13Client] [Tls13Server]
        "A TLS 1.3 client refuses a certificate message that is absurdly long.";
}

both_versions! {
    tls12_suites_apart_share_none tls13_suites_apart_share_none = suites_apart;
    tls12_groups_apart_share_none tls13_groups_apart_share_none = groups_apart;
    tls12_too_long_a_chain_of_certificates_is_refused
        tls13_too_long_a_chain_of_certificates_is_refused = endless_chain;
}

both_roles! {
    close_notify_in_the_clients_handshake_is_told
        close_notify_in_the_servers_handshake_is_told = close_notify;
}

/// Runs a handshake in which the server must find `why`, and the client be told by `alert`.
#[track_caller]
fn refused(mut pair: Pair, why: ErrorKind, alert: Alert) {
    let (client, server) = pair.handshakes();
    assert_eq!(kind(server), why);
    assert_eq!(kind(client), ErrorKind::AlertReceived(alert));
}

fn versions_apart(
    (client, clients): (&dyn Backend, Version),
    (server, servers): (&dyn Backend, Version),
) -> Result<()> {
    let (c, s) = configs();
    let c = c.versions(Versions::only(clients));
    let s = s.versions(Versions::only(servers));
    let pair = Pair::new((client, c), (server, s))?;
    refused(pair, ErrorKind::NoSharedVersion, Alert::PROTOCOL_VERSION);
    Ok(())
}

fn a_client_of_newer_versions_only_shares_none(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    versions_apart((client, Version::Tls13), (server, Version::Tls12))
}

fn a_client_of_older_versions_only_shares_none(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    versions_apart((client, Version::Tls12), (server, Version::Tls13))
}

/// Gives `server` this ClientHello, which it must refuse for `why` without waiting for more, and
/// with an alert in clear.
#[track_caller]
fn hello_refused(mut server: Connection, hello: &Hello, why: ErrorKind, alert: Alert) {
    server.wire().feed(&hello.record());
    assert_eq!(kind(server.handshake()), why);
    assert_eq!(kind(server.handshake()), why, "the first failure is final");
    let sent = take_pending(&mut server);
    let [21, 3, _, 0, 2, 2, description] = sent[..] else { panic!("no alert: {sent:02x?}") };
    assert_eq!(Alert(description), alert);
}

fn a_hello_of_tls11_shares_no_version(server: &dyn Backend) -> Result<()> {
    for version in [0x0302, 0x0301] {
        let hello = Hello { legacy_version: version, ..Hello::tls12() };
        let (why, alert) = (ErrorKind::NoSharedVersion, Alert::PROTOCOL_VERSION);
        hello_refused(server_alone(server)?, &hello, why, alert);
    }
    Ok(())
}

fn a_hello_of_unknown_versions_shares_none(server: &dyn Backend) -> Result<()> {
    for versions in [vec![0x0302], vec![0x0301, 0x0302], vec![0x7a7a], vec![0x0305, 0x0400]] {
        let hello = Hello { versions, ..Hello::tls13() };
        let (why, alert) = (ErrorKind::NoSharedVersion, Alert::PROTOCOL_VERSION);
        hello_refused(server_alone(server)?, &hello, why, alert);
    }
    Ok(())
}

fn an_answer_in_tls11_shares_no_version(client: &dyn Backend) -> Result<()> {
    let mut client = client_alone(client)?;
    assert_eq!(client.handshake()?, Progress::WantRead);
    client.wire().feed(&raw::server_hello(0x0302, 0xc02b, &[]));
    assert_eq!(kind(client.handshake()), ErrorKind::NoSharedVersion);
    Ok(())
}

fn suites_apart(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (clients, servers) = match version {
        Version::Tls12 => (
            CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256,
            CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384,
        ),
        _ => (CipherSuite::TLS13_AES_128_GCM_SHA256, CipherSuite::TLS13_AES_256_GCM_SHA384),
    };
    let ((c, s), only) = (configs(), Versions::only(version));
    let c = c.versions(only).cipher_suites([clients]);
    let s = s.versions(only).cipher_suites([servers]);
    let pair = Pair::new((client, c), (server, s))?;
    refused(pair, ErrorKind::NoSharedCipher, Alert::HANDSHAKE_FAILURE);
    Ok(())
}

/// A server that speaks only `version`.
fn server_of(version: Version, server: &dyn Backend) -> Result<Connection> {
    let config = configs().1.versions(Versions::only(version)).build()?;
    Server::new(&config, server)?.connection()
}

fn a_tls12_hello_of_unknown_suites_shares_none(server: &dyn Backend) -> Result<()> {
    let hello = Hello { suites: vec![0xfefe, 0x0a0a], ..Hello::tls12() };
    let (why, alert) = (ErrorKind::NoSharedCipher, Alert::HANDSHAKE_FAILURE);
    hello_refused(server_of(Version::Tls12, server)?, &hello, why, alert);
    Ok(())
}

fn a_tls12_hello_of_another_hash_is_served_or_shares_no_signature(
    server: &dyn Backend,
) -> Result<()> {
    // In TLS 1.2 a P-256 key may sign with SHA-512; not every library does.
    let hello = Hello { signature_schemes: vec![0x0603], ..Hello::tls12() };
    let mut trial = server_of(Version::Tls12, server)?;
    trial.wire().feed(&hello.record());
    if !matches!(trial.handshake(), Ok(Progress::WantRead)) {
        let (why, alert) = (ErrorKind::NoSharedSignature, Alert::HANDSHAKE_FAILURE);
        hello_refused(server_of(Version::Tls12, server)?, &hello, why, alert);
    }
    Ok(())
}

fn a_tls13_hello_of_unfit_signatures_shares_none(server: &dyn Backend) -> Result<()> {
    let hello = Hello { signature_schemes: vec![0x0603, 0x0804], ..Hello::tls13() };
    let mut server = server_of(Version::Tls13, server)?;
    server.wire().feed(&hello.record());
    assert_eq!(kind(server.handshake()), ErrorKind::NoSharedSignature);
    assert!(!server.wire().pending().is_empty(), "no alert");
    Ok(())
}

fn a_tls13_hello_of_unknown_suites_shares_none(server: &dyn Backend) -> Result<()> {
    let hello = Hello { suites: vec![0x13fe, 0x0a0a], ..Hello::tls13() };
    let (why, alert) = (ErrorKind::NoSharedCipher, Alert::HANDSHAKE_FAILURE);
    hello_refused(server_of(Version::Tls13, server)?, &hello, why, alert);
    Ok(())
}

fn groups_apart(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), only) = (configs(), Versions::only(version));
    let c = c.versions(only).groups([Group::X25519]);
    let s = s.versions(only).groups([Group::SECP384R1]);
    let pair = Pair::new((client, c), (server, s))?;
    refused(pair, ErrorKind::NoSharedGroup, Alert::HANDSHAKE_FAILURE);
    Ok(())
}

fn a_hello_of_unknown_groups_shares_none(server: &dyn Backend) -> Result<()> {
    let unknown = (0x7a7a, vec![9; 32]);
    let hello = Hello { groups: vec![0x7a7a], key_shares: vec![unknown], ..Hello::tls13() };
    let (why, alert) = (ErrorKind::NoSharedGroup, Alert::HANDSHAKE_FAILURE);
    hello_refused(server_of(Version::Tls13, server)?, &hello, why, alert);
    Ok(())
}

fn a_suite_nobody_offered_is_a_fault_of_the_server(client: &dyn Backend) -> Result<()> {
    let extended_master_secret = raw::extension(23, &[]);
    let tls13 = [
        raw::extension(43, &[3, 4]),
        raw::extension(51, &[&[0, 29, 0, 32][..], &[9; 32]].concat()),
    ];
    for answer in [
        raw::server_hello(0x0303, 0x000a, &extended_master_secret),
        raw::server_hello(0x0303, 0xfefe, &extended_master_secret),
        raw::server_hello(0x0303, 0x13fe, &tls13.concat()),
    ] {
        let mut client = client_alone(client)?;
        assert_eq!(client.handshake()?, Progress::WantRead);
        client.wire().feed(&answer);
        assert_eq!(kind(client.handshake()), ErrorKind::Protocol);
    }
    Ok(())
}

/// Alerts that one side or the other may send in clear; the last has no name.
const ALERTS: [Alert; 9] = [
    Alert::UNEXPECTED_MESSAGE,
    Alert::HANDSHAKE_FAILURE,
    Alert::BAD_CERTIFICATE,
    Alert::UNKNOWN_CA,
    Alert::PROTOCOL_VERSION,
    Alert::INTERNAL_ERROR,
    Alert::UNRECOGNIZED_NAME,
    Alert::NO_APPLICATION_PROTOCOL,
    Alert(200),
];

/// Feeds what must end the handshake at once with the alert in it.
#[track_caller]
fn told(side: &mut Connection, bytes: &[u8], alert: Alert) {
    let _ = take_pending(side);
    side.wire().feed(bytes);
    assert_eq!(kind(side.handshake()), ErrorKind::AlertReceived(alert));
    assert_eq!(kind(side.handshake()), ErrorKind::AlertReceived(alert), "the first is final");
    let answer = take_pending(side);
    assert!(answer.is_empty(), "an alert is not answered (RFC 8446 §6.2): {answer:02x?}");
}

fn an_alert_in_place_of_a_server_hello_is_told(client: &dyn Backend) -> Result<()> {
    for alert in ALERTS {
        let mut client = client_alone(client)?;
        assert_eq!(client.handshake()?, Progress::WantRead);
        told(&mut client, &raw::alert(alert.0), alert);
    }
    Ok(())
}

fn an_alert_in_place_of_a_client_hello_is_told(server: &dyn Backend) -> Result<()> {
    for alert in ALERTS {
        told(&mut server_alone(server)?, &raw::alert(alert.0), alert);
    }
    Ok(())
}

fn an_alert_behind_a_tls12_client_hello_is_told(server: &dyn Backend) -> Result<()> {
    an_alert_behind(&Hello::tls12(), Version::Tls12, server)
}

fn an_alert_behind_a_tls13_client_hello_is_told(server: &dyn Backend) -> Result<()> {
    an_alert_behind(&Hello::tls13(), Version::Tls13, server)
}

fn an_alert_behind(hello: &Hello, version: Version, server: &dyn Backend) -> Result<()> {
    let only = configs().1.versions(Versions::only(version)).build()?;
    tls_core::Server::new(&only, server)?; // the version can be spoken
    for alert in ALERTS {
        let mut server = server_alone(server)?;
        server.wire().feed(&hello.record());
        assert_eq!(server.handshake()?, Progress::WantRead);
        told(&mut server, &raw::alert(alert.0), alert);
    }
    Ok(())
}

fn close_notify(side: Side, make: &dyn Fn() -> Result<Connection>) -> Result<()> {
    for bytes in [raw::warning(0), raw::alert(0)] {
        let mut connection = make()?;
        assert_eq!(connection.handshake()?, Progress::WantRead);
        let _ = take_pending(&mut connection);
        connection.wire().feed(&bytes);
        let expected = ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY);
        assert_eq!(kind(connection.handshake()), expected, "{side:?}");
        connection.wire().end();
        assert_eq!(kind(connection.handshake()), expected, "{side:?}, again");
    }
    Ok(())
}

fn endless_chain(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    // Five of them: more than 65,535 bytes, or, as TLS 1.3 hides what a library does not limit so
    // far down, more than any library takes.
    let size = if version == Version::Tls12 { 14_000 } else { 25_000 };
    let ((c, s), only) = (large_configs(size), Versions::only(version));
    let mut pair = Pair::new((client, c.versions(only)), (server, s.versions(only)))?;
    let (client, server) = pair.handshakes();
    assert_eq!(kind(client), ErrorKind::Protocol);
    // Not every library has an alert for it.
    assert!(matches!(kind(server), ErrorKind::AlertReceived(_) | ErrorKind::UnexpectedEof));
    Ok(())
}
