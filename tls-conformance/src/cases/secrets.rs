//! What a connection's secrets are good for: exporters, channel bindings, the key log.

pub(in crate::cases) mod resumed;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rcgen::KeyPair;
use tls_core::{
    Backend, ChannelBinding, ClientHello, Connection, ErrorKind, Identity, Result, Version,
    Versions, danger,
};

use super::{both_versions, cases};
use crate::certs::{Authority, Leaf};
use crate::pair::{NAME, Pair, configs, kind};
use crate::told;

cases! { "secrets";
    Pair exported_material_is_equal_on_both_sides_in_tls12 [Tls12Client Exporter] [Tls12Server Exporter]
        "In TLS 1.2 both sides export the same bytes, whatever the length and the context.";
    Pair exported_material_is_equal_on_both_sides_in_tls13 [Tls13Client Exporter] [Tls13Server Exporter]
        "In TLS 1.3 both sides export the same bytes, whatever the length and the context.";
    Pair no_context_differs_from_an_empty_one_in_tls12 [Tls12Client Exporter] [Tls12Server]
        "In TLS 1.2 an exporter tells no context from an empty one (RFC 5705 §4).";
    Pair no_context_is_an_empty_one_in_tls13 [Tls13Client Exporter] [Tls13Server]
        "In TLS 1.3 an exporter does not tell no context from an empty one (RFC 8446 §7.5).";
    Pair exported_material_depends_on_all_of_it_in_tls12 [Tls12Client Exporter] [Tls12Server]
        "In TLS 1.2 another label, context or connection gives other material.";
    Pair exported_material_depends_on_all_of_it_in_tls13 [Tls13Client Exporter] [Tls13Server]
        "In TLS 1.3 another label, context or connection gives other material.";
    Pair what_no_exporter_gives_is_misuse [Exporter] [Exporter]
        "Too much, nothing, reserved and unusual labels are refused alike, and do no harm.";
    Pair exporting_before_the_handshake_is_misuse [Exporter] [Exporter]
        "Before the handshake is done there is nothing to export and to bind to.";
    Pair the_exporter_binding_is_equal_on_both_sides_in_tls12 [Tls12Client Exporter] [Tls12Server Exporter]
        "In TLS 1.2 with the extended master secret both sides have the same tls-exporter binding.";
    Pair the_exporter_binding_is_equal_on_both_sides_in_tls13 [Tls13Client Exporter] [Tls13Server Exporter]
        "In TLS 1.3 both sides have the same tls-exporter binding, and it is the exporter's.";
    Pair the_end_point_binding_is_the_hash_of_the_certificate [] [ReportLocalCertificate]
        "tls-server-end-point is SHA-256 over a certificate signed with that, on both sides.";
    Pair the_end_point_binding_follows_the_signature [] [ReportLocalCertificate]
        "tls-server-end-point is SHA-384 over a certificate signed with that, on both sides.";
    Pair an_end_point_without_a_hash_has_no_binding [Ed25519] [Ed25519]
        "A certificate signed with Ed25519 has no tls-server-end-point.";
    Pair both_sides_log_the_same_secrets_in_tls12 [Tls12Client KeyLog] [Tls12Server KeyLog]
        "In TLS 1.2 both sides log the master secret, and call the connection by the client's random.";
    Pair both_sides_log_the_same_secrets_in_tls13 [Tls13Client KeyLog] [Tls13Server KeyLog]
        "In TLS 1.3 both sides log the secrets of the handshake, of the data, and of the exporter.";
    Pair one_side_alone_can_log [KeyLog] []
        "A client's log is its own: the server logs nothing.";
    Pair a_server_alone_can_log [] [KeyLog]
        "A server's log is its own: the client logs nothing.";
}

both_versions! {
    exported_material_is_equal_on_both_sides_in_tls12
        exported_material_is_equal_on_both_sides_in_tls13 = exported_material_is_equal;
    exported_material_depends_on_all_of_it_in_tls12
        exported_material_depends_on_all_of_it_in_tls13 = exported_material_depends;
    the_exporter_binding_is_equal_on_both_sides_in_tls12
        the_exporter_binding_is_equal_on_both_sides_in_tls13 = exporter_binding;
    both_sides_log_the_same_secrets_in_tls12
        both_sides_log_the_same_secrets_in_tls13 = both_sides_log;
}

const LABEL: &[u8] = b"EXPERIMENTAL polytls";

fn export(side: &Connection, len: usize, label: &[u8], context: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut out = vec![0; len];
    side.export_keying_material(&mut out, label, context)?;
    Ok(out)
}

fn exported_material_is_equal(
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let pair = Pair::established_in(version, client, server)?;
    let long = [7; 512];
    for context in [None, Some(&[][..]), Some(b"context"), Some(&long)] {
        for len in [1, 31, 32, 33, 48, 255, 4096, 8160] {
            let ours = export(&pair.client, len, LABEL, context)?;
            assert_eq!(ours, export(&pair.server, len, LABEL, context)?, "{len} bytes");
            assert!(len < 16 || ours.iter().any(|byte| *byte != ours[0]), "{ours:?}");
        }
    }
    let longest = [b'L'; 249];
    let ours = export(&pair.client, 16, &longest, None)?;
    assert_eq!(ours, export(&pair.server, 16, &longest, None)?);
    Ok(())
}

fn no_context_differs_from_an_empty_one_in_tls12(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let pair = Pair::established_in(Version::Tls12, client, server)?;
    let none = export(&pair.client, 32, LABEL, None)?;
    assert_ne!(none, export(&pair.client, 32, LABEL, Some(&[]))?);
    Ok(())
}

fn no_context_is_an_empty_one_in_tls13(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let pair = Pair::established_in(Version::Tls13, client, server)?;
    let none = export(&pair.client, 32, LABEL, None)?;
    assert_eq!(none, export(&pair.client, 32, LABEL, Some(&[]))?);
    Ok(())
}

fn exported_material_depends(
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (one, other) = (
        Pair::established_in(version, client, server)?,
        Pair::established_in(version, client, server)?,
    );
    let all = [
        export(&one.client, 32, LABEL, Some(b"a"))?,
        export(&one.client, 32, LABEL, Some(b"b"))?,
        export(&one.client, 32, b"EXPERIMENTAL other", Some(b"a"))?,
        export(&other.client, 32, LABEL, Some(b"a"))?,
    ];
    for (i, material) in all.iter().enumerate() {
        assert!(!all[..i].contains(material), "{i} is not its own");
    }
    // Asked again it is the same.
    assert_eq!(all[0], export(&one.client, 32, LABEL, Some(b"a"))?);
    Ok(())
}

fn what_no_exporter_gives_is_misuse(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let pair = Pair::established(client, server)?;
    for side in [&pair.client, &pair.server] {
        for (len, label) in [
            (0, LABEL),
            (8161, LABEL),
            (32, b""),
            (32, &[b'a'; 250]),
            (32, b"key expansion"),
            (32, b"client finished"),
            (32, "Ä".as_bytes()),
        ] {
            assert_eq!(kind(export(side, len, label, None)), ErrorKind::Misuse);
        }
        assert_eq!(kind(export(side, 1, LABEL, Some(&[0; 513]))), ErrorKind::Misuse);
        export(side, 32, LABEL, None)?;
    }
    Ok(())
}

fn exporting_before_the_handshake_is_misuse(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = configs();
    let mut pair = Pair::new((client, c), (server, s))?;
    for side in [&pair.client, &pair.server] {
        assert_eq!(kind(export(side, 32, LABEL, None)), ErrorKind::Misuse);
        assert_eq!(kind(side.channel_binding(ChannelBinding::TlsExporter)), ErrorKind::Misuse);
    }
    pair.handshake()?;
    export(&pair.client, 32, LABEL, None)?;
    export(&pair.server, 32, LABEL, None)?;
    Ok(())
}

fn exporter_binding(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let pair = Pair::established_in(version, client, server)?;
    let ours = pair.client.channel_binding(ChannelBinding::TlsExporter)?;
    assert_eq!(ours, pair.server.channel_binding(ChannelBinding::TlsExporter)?);
    // RFC 9266 §2: 32 bytes, with an empty context.
    assert_eq!(ours, export(&pair.client, 32, b"EXPORTER-Channel-Binding", Some(&[]))?);
    let other = Pair::established_in(version, client, server)?;
    assert_ne!(ours, other.client.channel_binding(ChannelBinding::TlsExporter)?);
    Ok(())
}

/// What the client and the server say.
type Both = (Result<Vec<u8>>, Result<Vec<u8>>);

/// The tls-server-end-point of both sides with a server that is `identity`.
fn end_points(
    client: &dyn Backend,
    server: &dyn Backend,
    root: &Authority,
    identity: Identity,
) -> Result<Both> {
    let (c, _) = configs();
    let s = tls_core::ServerConfig::builder(identity);
    let mut pair = Pair::new((client, c.roots(root.roots())), (server, s))?;
    told::ed25519(pair.handshakes())?;
    let of = |side: &Connection| side.channel_binding(ChannelBinding::TlsServerEndPoint);
    Ok((of(&pair.client), of(&pair.server)))
}

fn the_end_point_binding_is_the_hash_of_the_certificate(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("binding");
    let identity = root.server(NAME);
    let expected = tls_core::x509::server_end_point(identity.leaf())?.unwrap();
    assert_eq!(expected.len(), 32);
    let (ours, theirs) = end_points(client, server, &root, identity)?;
    assert_eq!((ours?, theirs?), (expected.clone(), expected));
    Ok(())
}

fn the_end_point_binding_follows_the_signature(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let root = Authority::root_with_key("binding by SHA-384", key);
    let (ours, theirs) = end_points(client, server, &root, root.server(NAME))?;
    let (ours, theirs) = (ours?, theirs?);
    assert_eq!(ours.len(), 48);
    assert_eq!(ours, theirs);
    Ok(())
}

fn an_end_point_without_a_hash_has_no_binding(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let key = || KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let root = Authority::root_with_key("binding by Ed25519", key());
    let identity = root.issue(Leaf::server(&[NAME]).with_key(key()));
    let (ours, _) = end_points(client, server, &root, identity)?;
    assert_eq!(kind(ours), ErrorKind::Misuse);
    Ok(())
}

/// A log in memory, and its lines.
fn log() -> (danger::KeyLog, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let to = lines.clone();
    (danger::KeyLog::to(move |line| to.lock().unwrap().push(line.to_owned())), lines)
}

/// The secrets by their labels, all of the connection with this random.
fn secrets(lines: &Mutex<Vec<String>>, client_random: &str) -> BTreeMap<String, String> {
    let lines = lines.lock().unwrap();
    let parsed = lines.iter().map(|line| {
        let parts = line.split(' ').collect::<Vec<_>>();
        let [label, random, secret] = parts[..] else { panic!("not a line of a log: {line}") };
        assert_eq!(random, client_random, "{line}");
        (label.to_owned(), secret.to_owned())
    });
    parsed.collect()
}

fn both_sides_log(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), only) = (configs(), Versions::only(version));
    let ((our_log, ours), (their_log, theirs)) = (log(), log());
    let mut pair = Pair::new(
        (client, c.versions(only).key_log(our_log)),
        (server, s.versions(only).key_log(their_log)),
    )?;
    let _ = pair.client.handshake()?;
    let hello = pair.client.wire().pending().to_vec();
    assert!(ClientHello::read(&hello)?.is_some());
    // The random follows the headers of record and message, and the version.
    let random = hello[11..43].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    pair.handshake()?;
    pair.carry_all();
    let (ours, theirs) = (secrets(&ours, &random), secrets(&theirs, &random));
    let labels: &[&str] = match version {
        Version::Tls12 => &["CLIENT_RANDOM"],
        _ => &[
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "CLIENT_TRAFFIC_SECRET_0",
            "EXPORTER_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_TRAFFIC_SECRET_0",
        ],
    };
    assert_eq!(ours.keys().collect::<Vec<_>>(), labels, "the client's");
    assert_eq!(theirs.keys().collect::<Vec<_>>(), labels, "the server's");
    for label in labels {
        let secret = ours.get(*label).unwrap_or_else(|| panic!("{label} is not in {ours:?}"));
        assert!([64, 96].contains(&secret.len()), "{secret}");
        assert_eq!(Some(secret), theirs.get(*label), "{label}");
    }
    Ok(())
}

fn one_side_alone_can_log(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = configs();
    let (our_log, lines) = log();
    let mut pair = Pair::new((client, c.key_log(our_log)), (server, s))?;
    pair.handshake()?;
    let logged = lines.lock().unwrap().len();
    assert!(logged > 0);
    // Another client's secrets do not come into this log.
    Pair::established(client, server)?;
    assert_eq!(lines.lock().unwrap().len(), logged);
    Ok(())
}

fn a_server_alone_can_log(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = configs();
    let (log, lines) = log();
    let mut pair = Pair::new((client, c), (server, s.key_log(log)))?;
    pair.handshake()?;
    let logged = lines.lock().unwrap().len();
    assert!(logged > 0);
    // Another server's secrets do not come into this log.
    Pair::established(client, server)?;
    assert_eq!(lines.lock().unwrap().len(), logged);
    Ok(())
}
