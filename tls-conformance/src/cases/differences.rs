//! What a library decides where nobody else can: each answer that is allowed, and no other.
//!
//! `crate::DIFFERENCES` says in words which backend gives which answer.

use tls_core::danger::Skip;
use tls_core::{Backend, Connection, ErrorKind, Progress, Result, Server, Version, Versions};

use super::cases;
use crate::certs::Authority;
use crate::pair::{NAME, Pair, configs, kind};
use crate::raw::Hello;

cases! { "differences";
    Pair a_refusal_in_tls13_is_an_alert_in_clear_or_encrypted [Tls13Client] [Tls13Server]
        "A TLS 1.3 client that refuses a certificate says so in one record, in clear or encrypted.";
    Pair a_certificate_that_nobody_verified_is_told_or_nothing_is [SkipAllVerification] []
        "A client that verifies nothing tells the server's own certificate, or none.";
    Server a_group_may_be_asked_of_the_certificate_too [] [Tls12Server]
        "A TLS 1.2 ClientHello without the curve of the server's key is served, or shares no cipher.";
    Server a_preferred_suite_that_is_not_ours_is_passed_over_or_refused [] [Tls12Server]
        "A TLS 1.2 ClientHello that prefers a CBC suite is served with another, or shares no cipher.";
}

fn a_refusal_in_tls13_is_an_alert_in_clear_or_encrypted(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), only) = (configs(), Versions::only(Version::Tls13));
    let stranger = Authority::root("Root that nobody here knows");
    let c = c.roots(stranger.roots()).versions(only);
    let mut pair = Pair::new((client, c), (server, s.versions(only)))?;
    let mut refusal = pair.client.handshake();
    // A server may ask for another key share first (RFC 8446 §4.1.4).
    for _ in 0..2 {
        let Ok(progress) = refusal else { break };
        assert_eq!(progress, Progress::WantRead);
        pair.carry_all();
        assert_eq!(pair.server.handshake()?, Progress::WantRead);
        pair.carry_all();
        refusal = pair.client.handshake();
    }
    assert!(matches!(kind(refusal), ErrorKind::Certificate(_)));
    // A change of keys for show may come before it (RFC 8446 §D.4).
    let sent = pair.client.wire().pending().to_vec();
    let alert = sent.strip_prefix(&[20, 3, 3, 0, 1, 1]).unwrap_or(&sent);
    assert!(matches!(alert, [21, 3, _, 0, 2, 2, _] | [23, 3, 3, 0, ..]), "{sent:02x?}");
    Ok(())
}

fn a_certificate_that_nobody_verified_is_told_or_nothing_is(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let identity = Authority::root("Root that nobody asked").server(NAME);
    let (c, _) = configs();
    let c = c.danger(Skip::nothing().chain().name().time());
    let s = tls_core::ServerConfig::builder(identity.clone());
    let mut pair = Pair::new((client, c), (server, s))?;
    pair.handshake()?;
    let told = pair.negotiated().0;
    assert!([None, Some(identity.leaf())].contains(&told.peer_certificate()));
    Ok(())
}

/// A TLS 1.2 server that is shown `hello`: it answers, or shares no cipher.
fn served_or_none_shared(server: &dyn Backend, hello: &Hello) -> Result<()> {
    let config = configs().1.versions(Versions::only(Version::Tls12)).build()?;
    let mut server: Connection = Server::new(&config, server)?.connection()?;
    server.wire().feed(&hello.record());
    match server.handshake() {
        Ok(progress) => assert_eq!(progress, Progress::WantRead),
        Err(e) => assert_eq!(e.kind(), ErrorKind::NoSharedCipher),
    }
    assert!(!server.wire().pending().is_empty(), "neither an answer nor an alert");
    Ok(())
}

fn a_group_may_be_asked_of_the_certificate_too(server: &dyn Backend) -> Result<()> {
    served_or_none_shared(server, &Hello { groups: vec![29], ..Hello::tls12() })
}

fn a_preferred_suite_that_is_not_ours_is_passed_over_or_refused(
    server: &dyn Backend,
) -> Result<()> {
    let suites = vec![0xc023, 0xc009, 0xc02b, 0xc02c, 0xcca9];
    served_or_none_shared(server, &Hello { suites, ..Hello::tls12() })
}
