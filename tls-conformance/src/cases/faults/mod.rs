//! Faults: every backend gives each the same name, and tells its peer by the same alert.
//!
//! What else there is to a fault (that the error stays, that nothing is lost) is asked where the
//! group that it belongs to is. Here only the two names count; reports show them side by side.

pub(super) mod certificates;

use tls_core::{
    Alert, Backend, CipherSuite, ClientAuth, Connection, ErrorKind, Group, Progress, Result,
    Server, Version, Versions,
};

use super::both_versions;
use crate::certs::Authority;
use crate::fault::Told;
use crate::pair::{
    Ends, Pair, Side, client_alone, configs, kind, server_alone, take_pending, write_all,
};
use crate::raw::{self, Hello};

/// Declares faults: `kind name [client's needs] [server's needs] "promise" => told, told …;`.
macro_rules! faults {
    ($($kind:ident $name:ident [$($client:ident)*] [$($server:ident)*] $promise:literal => $($told:expr),+;)*) => {
        pub(in $crate::cases) const CASES: &[$crate::case::Case] = &[$($crate::case::Case {
            name: concat!("faults::", stringify!($name)),
            promise: $promise,
            client: tls_core::Capabilities::of(&[$(tls_core::Capability::$client),*]),
            server: tls_core::Capabilities::of(&[$(tls_core::Capability::$server),*]),
            check: $crate::case::Check::Fault($crate::fault::Fault {
                provoke: $crate::fault::Provoke::$kind($name),
                allowed: &[$($told),+],
            }),
        }),*];
    };
}
use faults;

faults! {
    Server tls11 [] []
        "A ClientHello for TLS 1.1 shares no version."
        => Told::with(ErrorKind::NoSharedVersion, Alert::PROTOCOL_VERSION);
    Client tls11_in_answer [] []
        "A ServerHello for TLS 1.1 shares no version."
        => Told::with(ErrorKind::NoSharedVersion, Alert::PROTOCOL_VERSION);
    Pair a_newer_client [Tls13Client] [Tls12Server]
        "A TLS 1.3 client shares no version with a TLS 1.2 server."
        => Told::with(ErrorKind::NoSharedVersion, Alert::PROTOCOL_VERSION);
    Pair an_older_client [Tls12Client] [Tls13Server]
        "A TLS 1.2 client shares no version with a TLS 1.3 server."
        => Told::with(ErrorKind::NoSharedVersion, Alert::PROTOCOL_VERSION);
    Pair suites_apart_in_tls12 [Tls12Client CipherSuites] [Tls12Server CipherSuites]
        "TLS 1.2 sides without a common cipher suite share none."
        => Told::with(ErrorKind::NoSharedCipher, Alert::HANDSHAKE_FAILURE);
    Pair suites_apart_in_tls13 [Tls13Client CipherSuites] [Tls13Server CipherSuites]
        "TLS 1.3 sides without a common cipher suite share none."
        => Told::with(ErrorKind::NoSharedCipher, Alert::HANDSHAKE_FAILURE);
    Pair groups_apart_in_tls12 [Tls12Client Groups] [Tls12Server Groups]
        "TLS 1.2 sides without a common group share none."
        => Told::with(ErrorKind::NoSharedGroup, Alert::HANDSHAKE_FAILURE);
    Pair groups_apart_in_tls13 [Tls13Client Groups] [Tls13Server Groups]
        "TLS 1.3 sides without a common group share none."
        => Told::with(ErrorKind::NoSharedGroup, Alert::HANDSHAKE_FAILURE);
    Server unfit_signatures [] [Tls12Server]
        "A TLS 1.2 ClientHello without a signature scheme for the server's key shares none."
        // A suite that nobody can sign for is none to some.
        => Told::with(ErrorKind::NoSharedSignature, Alert::HANDSHAKE_FAILURE),
        Told::with(ErrorKind::NoSharedCipher, Alert::HANDSHAKE_FAILURE);
    Pair protocols_apart [AlpnClient] [AlpnServer]
        "A client that offers only unknown application protocols shares none."
        => Told::with(ErrorKind::NoSharedAlpn, Alert::NO_APPLICATION_PROTOCOL);
    Client a_suite_nobody_offered [] []
        "A ServerHello with a cipher suite that was not offered breaks the protocol."
        => Told::with(ErrorKind::Protocol, Alert::ILLEGAL_PARAMETER),
        Told::with(ErrorKind::Protocol, Alert::HANDSHAKE_FAILURE);
    Pair no_client_certificate_in_tls12 [Tls12Client] [Tls12Server RequestClientCertificate]
        "A TLS 1.2 client without the certificate that is required of it presented none."
        // RFC 5246 §7.4.6 wants the first; there are libraries that send what TLS 1.3 does.
        => Told::with(ErrorKind::NoPeerCertificate, Alert::HANDSHAKE_FAILURE),
        Told::with(ErrorKind::NoPeerCertificate, Alert::CERTIFICATE_REQUIRED);
    Pair no_client_certificate_in_tls13 [Tls13Client] [EncryptedAlerts RequestClientCertificate Tls13Server]
        "A TLS 1.3 client without the certificate that is required of it presented none."
        => Told::with(ErrorKind::NoPeerCertificate, Alert::CERTIFICATE_REQUIRED);
    Client handshake_failure_received [] []
        "A client that is sent handshake_failure tells it, and answers nothing."
        => Told::silently(ErrorKind::AlertReceived(Alert::HANDSHAKE_FAILURE));
    Client protocol_version_received [] []
        "A client that is sent protocol_version tells it, and answers nothing."
        => Told::silently(ErrorKind::AlertReceived(Alert::PROTOCOL_VERSION));
    Client unrecognized_name_received [] []
        "A client that is sent a fatal unrecognized_name tells it, and answers nothing."
        => Told::silently(ErrorKind::AlertReceived(Alert::UNRECOGNIZED_NAME));
    Client close_notify_received_too_early [] []
        "A client that is sent close_notify in place of a ServerHello tells it."
        => Told::silently(ErrorKind::AlertReceived(Alert::CLOSE_NOTIFY));
    Server unknown_ca_received [] []
        "A server that is sent unknown_ca behind a ClientHello tells it, and answers nothing."
        => Told::silently(ErrorKind::AlertReceived(Alert::UNKNOWN_CA));
    Server internal_error_received [] []
        "A server that is sent internal_error behind a ClientHello tells it, and answers nothing."
        => Told::silently(ErrorKind::AlertReceived(Alert::INTERNAL_ERROR));
    Server an_unnamed_alert_received [] []
        "A server that is sent an alert nobody has named tells its number, and answers nothing."
        => Told::silently(ErrorKind::AlertReceived(Alert(200)));
    Server plain_http_request [] []
        "A server that is sent plain HTTP is not spoken to in TLS."
        => Told::silently(ErrorKind::NotTls);
    Client plain_http_answer [] []
        "A client that is answered in plain HTTP is not spoken to in TLS."
        => Told::silently(ErrorKind::NotTls);
    Client an_end_in_the_clients_handshake [] []
        "A transport that ends in a client's handshake is an unexpected end."
        => Told::silently(ErrorKind::UnexpectedEof);
    Server an_end_in_the_servers_handshake [] []
        "A transport that ends in a server's handshake is an unexpected end."
        => Told::silently(ErrorKind::UnexpectedEof);
    Pair truncation_in_tls12 [Tls12Client] [Tls12Server]
        "A TLS 1.2 connection that ends without close_notify is an unexpected end."
        => Told::silently(ErrorKind::UnexpectedEof);
    Pair truncation_in_tls13 [Tls13Client] [Tls13Server]
        "A TLS 1.3 connection that ends without close_notify is an unexpected end."
        => Told::silently(ErrorKind::UnexpectedEof);
    Pair a_changed_record_at_a_tls12_client [EncryptedAlerts Tls12Client] [Tls12Server]
        "A changed TLS 1.2 record is a bad record to a client."
        => Told::with(ErrorKind::BadRecord, Alert::BAD_RECORD_MAC);
    Pair a_changed_record_at_a_tls13_client [EncryptedAlerts Tls13Client] [Tls13Server]
        "A changed TLS 1.3 record is a bad record to a client."
        => Told::with(ErrorKind::BadRecord, Alert::BAD_RECORD_MAC);
    Pair a_changed_record_at_a_tls12_server [Tls12Client] [EncryptedAlerts Tls12Server]
        "A changed TLS 1.2 record is a bad record to a server."
        => Told::with(ErrorKind::BadRecord, Alert::BAD_RECORD_MAC);
    Pair a_changed_record_at_a_tls13_server [Tls13Client] [EncryptedAlerts Tls13Server]
        "A changed TLS 1.3 record is a bad record to a server."
        => Told::with(ErrorKind::BadRecord, Alert::BAD_RECORD_MAC);
    Client too_long_a_record_at_a_client [] []
        "A record longer than any may be breaks the protocol to a client."
        => Told::with(ErrorKind::Protocol, Alert::RECORD_OVERFLOW),
        Told::with(ErrorKind::Protocol, Alert::DECODE_ERROR);
    Server too_long_a_record_at_a_server [] []
        "A record longer than any may be breaks the protocol to a server."
        => Told::with(ErrorKind::Protocol, Alert::RECORD_OVERFLOW),
        Told::with(ErrorKind::Protocol, Alert::DECODE_ERROR);
    Client a_hello_to_a_client [] []
        "A ClientHello sent to a client is an unexpected message."
        => Told::with(ErrorKind::Protocol, Alert::UNEXPECTED_MESSAGE);
    Server a_finished_to_a_server [] []
        "A Finished sent to a server in place of a ClientHello is an unexpected message."
        => Told::with(ErrorKind::Protocol, Alert::UNEXPECTED_MESSAGE);
    Server data_in_the_servers_handshake [] []
        "Application data behind a ClientHello is an unexpected message."
        // There are libraries that decrypt first.
        => Told::with(ErrorKind::Protocol, Alert::UNEXPECTED_MESSAGE),
        Told::with(ErrorKind::BadRecord, Alert::BAD_RECORD_MAC);
    Client a_malformed_server_hello [] []
        "A ServerHello that ends too early does not decode."
        => Told::with(ErrorKind::Protocol, Alert::DECODE_ERROR);
    Server a_malformed_client_hello [] []
        "A ClientHello that ends too early does not decode."
        => Told::with(ErrorKind::Protocol, Alert::DECODE_ERROR);
}

both_versions! { => Told;
    suites_apart_in_tls12 suites_apart_in_tls13 = suites_apart;
    groups_apart_in_tls12 groups_apart_in_tls13 = groups_apart;
    no_client_certificate_in_tls12 no_client_certificate_in_tls13 = no_client_certificate;
    truncation_in_tls12 truncation_in_tls13 = truncation;
    a_changed_record_at_a_tls12_client a_changed_record_at_a_tls13_client = changed_at_client;
    a_changed_record_at_a_tls12_server a_changed_record_at_a_tls13_server = changed_at_server;
}

/// What the side that failed with `kind` has told a peer that reads clear text only.
fn told_in_clear(kind: ErrorKind, side: &mut Connection) -> Told {
    match take_pending(side)[..] {
        [] => Told::silently(kind),
        [21, 3, _, 0, 2, 2, alert] => Told::with(kind, Alert(alert)),
        ref other => panic!("{kind:?}, and no alert is sent but {other:02x?}"),
    }
}

/// What one side has told the other, which got this.
pub(super) fn told_to<T: std::fmt::Debug>(kind: ErrorKind, peer: Result<T>) -> Told {
    match crate::pair::kind(peer) {
        ErrorKind::AlertReceived(alert) => Told::with(kind, alert),
        ErrorKind::UnexpectedEof => Told::silently(kind),
        other => panic!("{kind:?}, and the peer does not say which alert it saw but {other:?}"),
    }
}

/// Feeds a side that has not begun what it must fail on.
fn fed(mut side: Connection, bytes: &[u8]) -> Result<Told> {
    let _ = side.handshake()?;
    let _ = take_pending(&mut side);
    side.wire().feed(bytes);
    let kind = kind(side.handshake());
    Ok(told_in_clear(kind, &mut side))
}

/// Feeds a server a ClientHello, and then what it must fail on.
fn fed_behind_hello(server: &dyn Backend, bytes: &[u8]) -> Result<Told> {
    let mut side = server_alone(server)?;
    side.wire().feed(&Hello::tls12().record());
    fed(side, bytes)
}

/// Runs a handshake that the server must refuse.
fn server_refuses(mut pair: Pair) -> Told {
    let (client, server) = pair.handshakes();
    let why = kind(server);
    // In TLS 1.3 a client is done before the server has seen its certificate.
    pair.client.wire().end();
    let client = client.and_then(|()| pair.client.read(&mut [0; 8]).map(drop));
    told_to(why, client)
}

fn tls11(server: &dyn Backend) -> Result<Told> {
    let hello = Hello { legacy_version: 0x0302, ..Hello::tls12() };
    fed(server_alone(server)?, &hello.record())
}

fn tls11_in_answer(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, &raw::server_hello(0x0302, 0xc02b, &[]))
}

fn versions_apart(
    (client, clients): (&dyn Backend, Version),
    (server, servers): (&dyn Backend, Version),
) -> Result<Told> {
    let (c, s) = configs();
    let (c, s) = (c.versions(Versions::only(clients)), s.versions(Versions::only(servers)));
    Ok(server_refuses(Pair::new((client, c), (server, s))?))
}

fn a_newer_client(client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
    versions_apart((client, Version::Tls13), (server, Version::Tls12))
}

fn an_older_client(client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
    versions_apart((client, Version::Tls12), (server, Version::Tls13))
}

fn suites_apart(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
    let (clients, servers) = match version {
        Version::Tls12 => (
            CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256,
            CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384,
        ),
        _ => (CipherSuite::TLS13_AES_256_GCM_SHA384, CipherSuite::TLS13_AES_128_GCM_SHA256),
    };
    let ((c, s), only) = (configs(), Versions::only(version));
    let c = c.versions(only).cipher_suites([clients]);
    let s = s.versions(only).cipher_suites([servers]);
    Ok(server_refuses(Pair::new((client, c), (server, s))?))
}

fn groups_apart(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
    let ((c, s), only) = (configs(), Versions::only(version));
    let c = c.versions(only).groups([Group::X25519]);
    let s = s.versions(only).groups([Group::SECP384R1]);
    Ok(server_refuses(Pair::new((client, c), (server, s))?))
}

fn unfit_signatures(server: &dyn Backend) -> Result<Told> {
    let config = configs().1.versions(Versions::only(Version::Tls12)).build()?;
    let server = Server::new(&config, server)?.connection()?;
    let hello = Hello { signature_schemes: vec![0x0804, 0x0401], ..Hello::tls12() };
    fed(server, &hello.record())
}

fn protocols_apart(client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
    let (c, s) = configs();
    let (c, s) = (c.alpn(["one", "two"]), s.alpn(["three"]));
    Ok(server_refuses(Pair::new((client, c), (server, s))?))
}

fn a_suite_nobody_offered(client: &dyn Backend) -> Result<Told> {
    let answer = raw::server_hello(0x0303, 0xfefe, &raw::extension(23, &[]));
    fed(client_alone(client)?, &answer)
}

fn no_client_certificate(
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<Told> {
    let ((c, s), only) = (configs(), Versions::only(version));
    let s = s.client_auth(ClientAuth::Require(Authority::root("Root of the clients").roots()));
    let pair = Pair::new((client, c.versions(only)), (server, s.versions(only)))?;
    Ok(server_refuses(pair))
}

fn handshake_failure_received(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, &raw::alert(Alert::HANDSHAKE_FAILURE.0))
}

fn protocol_version_received(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, &raw::alert(Alert::PROTOCOL_VERSION.0))
}

fn unrecognized_name_received(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, &raw::alert(Alert::UNRECOGNIZED_NAME.0))
}

fn close_notify_received_too_early(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, &raw::warning(Alert::CLOSE_NOTIFY.0))
}

fn unknown_ca_received(server: &dyn Backend) -> Result<Told> {
    fed_behind_hello(server, &raw::alert(Alert::UNKNOWN_CA.0))
}

fn internal_error_received(server: &dyn Backend) -> Result<Told> {
    fed_behind_hello(server, &raw::alert(Alert::INTERNAL_ERROR.0))
}

fn an_unnamed_alert_received(server: &dyn Backend) -> Result<Told> {
    fed_behind_hello(server, &raw::alert(200))
}

fn plain_http_request(server: &dyn Backend) -> Result<Told> {
    fed(server_alone(server)?, b"GET / HTTP/1.1\r\nHost: server.test\r\n\r\n")
}

fn plain_http_answer(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, b"HTTP/1.1 400 Bad Request\r\n\r\n")
}

/// The transport ends although more has to come.
fn cut_off(mut side: Connection) -> Result<Told> {
    let _ = side.handshake()?;
    let _ = take_pending(&mut side);
    side.wire().end();
    let kind = kind(side.handshake());
    Ok(told_in_clear(kind, &mut side))
}

fn an_end_in_the_clients_handshake(client: &dyn Backend) -> Result<Told> {
    cut_off(client_alone(client)?)
}

fn an_end_in_the_servers_handshake(server: &dyn Backend) -> Result<Told> {
    let mut side = server_alone(server)?;
    side.wire().feed(&Hello::tls12().record());
    cut_off(side)
}

fn truncation(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
    let mut pair = Ends::only(version, client, server)?.established()?;
    write_all(&mut pair.server, b"and the rest is")?;
    pair.client.wire().feed(&take_pending(&mut pair.server));
    assert_eq!(pair.client.read(&mut [0; 20])?, Progress::Ready(15));
    pair.client.wire().end();
    let kind = kind(pair.client.read(&mut [0; 20]));
    pair.server.wire().feed(&take_pending(&mut pair.client));
    pair.server.wire().end();
    Ok(told_to(kind, pair.server.read(&mut [0; 20])))
}

fn changed(mut pair: Pair, sender: Side) -> Result<Told> {
    let (from, to) = pair.sides(sender);
    write_all(from, b"to be changed")?;
    let mut record = take_pending(from);
    *record.last_mut().unwrap() ^= 0x01;
    to.wire().feed(&record);
    let kind = kind(to.read(&mut [0; 20]));
    from.wire().feed(&take_pending(to));
    from.wire().end();
    Ok(told_to(kind, from.read(&mut [0; 20])))
}

fn changed_at_client(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
    changed(Ends::only(version, client, server)?.established()?, Side::Server)
}

fn changed_at_server(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<Told> {
    changed(Ends::only(version, client, server)?.established()?, Side::Client)
}

/// The header of a handshake record that is longer than any may be (RFC 8446 §5.2).
fn too_long() -> [u8; 5] {
    let [high, low] = (16_384_u16 + 2048 + 1).to_be_bytes();
    [22, 3, 3, high, low]
}

fn too_long_a_record_at_a_client(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, &too_long())
}

fn too_long_a_record_at_a_server(server: &dyn Backend) -> Result<Told> {
    fed(server_alone(server)?, &too_long())
}

fn a_hello_to_a_client(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, &Hello::tls12().record())
}

fn a_finished_to_a_server(server: &dyn Backend) -> Result<Told> {
    fed(server_alone(server)?, &raw::record(22, &raw::message(20, &[1; 12])))
}

fn data_in_the_servers_handshake(server: &dyn Backend) -> Result<Told> {
    fed_behind_hello(server, &raw::record(23, b"good morning"))
}

fn a_malformed_server_hello(client: &dyn Backend) -> Result<Told> {
    fed(client_alone(client)?, &raw::record(22, &raw::message(2, &[3, 3, 9, 9, 9])))
}

fn a_malformed_client_hello(server: &dyn Backend) -> Result<Told> {
    fed(server_alone(server)?, &raw::record(22, &raw::message(1, &[3, 3, 9, 9, 9])))
}
