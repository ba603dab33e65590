//! What the secrets of a resumed connection are good for.

use std::time::Duration;

use tls_core::{
    Backend, ChannelBinding, Client, Connection, Result, Resumption, Server, TicketKeys, Tickets,
    Version, Versions,
};

use super::{log, secrets};
use crate::cases::{both_versions, cases};
use crate::pair::{NAME, Pair, configs, take_pending, transfer};
use crate::told;

cases! { "secrets";
    Pair the_exporter_binding_is_equal_after_a_resumption_in_tls12
        [Tls12Client Exporter ResumeClient ReportResumed] [Tls12Server Exporter ResumeServer]
        "On a resumed TLS 1.2 connection both sides have the same tls-exporter binding, another than before.";
    Pair the_exporter_binding_is_equal_after_a_resumption_in_tls13
        [Tls13Client Exporter ResumeClient ReportResumed] [Tls13Server Exporter ResumeServer]
        "On a resumed TLS 1.3 connection both sides have the same tls-exporter binding, another than before.";
    Pair the_end_point_binding_is_the_same_after_a_resumption_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer ReportLocalCertificate]
        "On a resumed TLS 1.2 connection both sides have the tls-server-end-point that they had before.";
    Pair the_end_point_binding_is_the_same_after_a_resumption_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer ReportLocalCertificate]
        "On a resumed TLS 1.3 connection both sides have the tls-server-end-point that they had before.";
    Pair exported_material_is_equal_after_a_resumption_in_tls12
        [Tls12Client Exporter ResumeClient ReportResumed] [Tls12Server Exporter ResumeServer]
        "On a resumed TLS 1.2 connection both sides export the same bytes, with a context and without.";
    Pair exported_material_is_equal_after_a_resumption_in_tls13
        [Tls13Client Exporter ResumeClient ReportResumed] [Tls13Server Exporter ResumeServer]
        "On a resumed TLS 1.3 connection both sides export the same bytes, with a context and without.";
    Pair both_sides_log_a_resumed_connection_in_tls12
        [Tls12Client KeyLog ResumeClient ReportResumed] [Tls12Server KeyLog ResumeServer]
        "A resumed TLS 1.2 connection is logged by both sides under its own random.";
    Pair both_sides_log_a_resumed_connection_in_tls13
        [Tls13Client KeyLog ResumeClient ReportResumed] [Tls13Server KeyLog ResumeServer]
        "A resumed TLS 1.3 connection is logged by both sides under its own random.";
}

both_versions! {
    the_exporter_binding_is_equal_after_a_resumption_in_tls12
        the_exporter_binding_is_equal_after_a_resumption_in_tls13 = exporter_binding;
    the_end_point_binding_is_the_same_after_a_resumption_in_tls12
        the_end_point_binding_is_the_same_after_a_resumption_in_tls13 = end_point_binding;
    exported_material_is_equal_after_a_resumption_in_tls12
        exported_material_is_equal_after_a_resumption_in_tls13 = exported_material;
    both_sides_log_a_resumed_connection_in_tls12
        both_sides_log_a_resumed_connection_in_tls13 = logged;
}

/// A client that has to resume, and a server that has to let it.
fn resuming(
    version: Version,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<(Client, Server)> {
    let ((c, s), only) = (configs(), Versions::only(version));
    let keys = TicketKeys::automatic(Duration::from_secs(3600))?;
    let c = c.versions(only).resumption(Resumption::Memory(8)).build()?;
    let s = s.versions(only).tickets(Tickets::Keys(keys)).build()?;
    Ok((Client::new(&c, client)?, Server::new(&s, server)?))
}

/// One connection, with data both ways, so that tickets come.
fn visit(client: &Client, server: &Server) -> Result<Pair> {
    let (client, server) = (client.connection(NAME)?, server.connection()?);
    let mut pair = Pair { client, server, chunk: usize::MAX };
    pair.handshake()?;
    talk(&mut pair)?;
    Ok(pair)
}

fn talk(pair: &mut Pair) -> Result<()> {
    let (client, server) = (&mut pair.client, &mut pair.server);
    assert_eq!(transfer(server, client, b"tickets", usize::MAX)?, b"tickets");
    assert_eq!(transfer(client, server, b"thanks", usize::MAX)?, b"thanks");
    Ok(())
}

/// A connection, and one that has resumed it.
fn twice(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<[Pair; 2]> {
    let (client, server) = resuming(version, client, server)?;
    let (first, second) = (visit(&client, &server)?, visit(&client, &server)?);
    assert!(!told::resumed(&first.negotiated().0)? && told::resumed(&second.negotiated().0)?);
    Ok([first, second])
}

/// What both sides say, which is to be the same.
fn both(pair: &Pair, say: impl Fn(&Connection) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let ours = say(&pair.client)?;
    assert_eq!(ours, say(&pair.server)?);
    Ok(ours)
}

fn exporter_binding(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let [first, second] = twice(version, client, server)?;
    let of = |pair: &Pair| both(pair, |side| side.channel_binding(ChannelBinding::TlsExporter));
    assert_ne!(of(&first)?, of(&second)?);
    Ok(())
}

fn end_point_binding(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let [first, second] = twice(version, client, server)?;
    let of =
        |pair: &Pair| both(pair, |side| side.channel_binding(ChannelBinding::TlsServerEndPoint));
    assert_eq!(of(&first)?, of(&second)?);
    Ok(())
}

fn exported_material(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let pairs = twice(version, client, server)?;
    let mut all = Vec::new();
    for pair in &pairs {
        for context in [None, Some(&b""[..]), Some(b"context")] {
            let exported = both(pair, |side| {
                let mut out = vec![0; 48];
                side.export_keying_material(&mut out, b"EXPERIMENTAL again", context)?;
                Ok(out)
            })?;
            all.push(exported);
        }
    }
    for context in 0..3 {
        assert_ne!(all[context], all[context + 3]);
    }
    // RFC 5705 §4, RFC 8446 §7.5.
    assert_eq!(all[3] == all[4], version == Version::Tls13);
    Ok(())
}

fn logged(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), only) = (configs(), Versions::only(version));
    let ((our_log, ours), (their_log, theirs)) = (log(), log());
    let keys = TicketKeys::automatic(Duration::from_secs(3600))?;
    let c = c.versions(only).resumption(Resumption::Memory(8)).key_log(our_log).build()?;
    let s = s.versions(only).tickets(Tickets::Keys(keys)).key_log(their_log).build()?;
    let (client, server) = (Client::new(&c, client)?, Server::new(&s, server)?);
    visit(&client, &server)?;
    for lines in [&ours, &theirs] {
        lines.lock().unwrap().clear();
    }
    let (client, server) = (client.connection(NAME)?, server.connection()?);
    let mut pair = Pair { client, server, chunk: usize::MAX };
    let _ = pair.client.handshake()?;
    let hello = take_pending(&mut pair.client);
    // The random follows the headers of record and message, and the version.
    let random = hello[11..43].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    pair.server.wire().feed(&hello);
    pair.handshake()?;
    talk(&mut pair)?;
    assert!(told::resumed(&pair.negotiated().0)?);
    let of = |lines| {
        let mut secrets = secrets(lines, &random);
        // Nobody has sent early data; that it could have been is all that this one says.
        secrets.remove("CLIENT_EARLY_TRAFFIC_SECRET");
        secrets
    };
    let (ours, theirs) = (of(&ours), of(&theirs));
    assert_eq!(ours.len(), if version == Version::Tls12 { 1 } else { 5 }, "{ours:?}");
    assert_eq!(ours, theirs);
    Ok(())
}
