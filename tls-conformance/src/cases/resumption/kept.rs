//! Sessions that are kept as bytes, and what they are bound to.

use std::sync::Arc;

use tls_core::danger::Skip;
use tls_core::{
    Backend, Checks, Client, ClientAuth, ClientConfigBuilder, FileStore, Identity, MemoryStore,
    Negotiated, Progress, Result, Resumption, Server, ServerConfig, ServerName, Staple,
    StaplePolicy, Version, Versions,
};

use super::{Fleet, Serves as _, asked, compiled, name, own_keys, resumed, resumes, visit};
use crate::cases::{both_versions, cases};
use crate::certs::{Authority, Leaf};
use crate::ocsp::Answer;
use crate::pair::{NAME, Pair, ready, take_pending};
use crate::told;

cases! { "resumption";
    Pair sessions_in_a_file_outlive_the_client_in_tls12
        [Tls12Client ExportSessions ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 another client, with a store of its own on the same file, resumes what is in it.";
    Pair sessions_in_a_file_outlive_the_client_in_tls13
        [Tls13Client ExportSessions ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 another client, with a store of its own on the same file, resumes what is in it.";
    Pair a_session_in_a_file_is_used_once_in_tls13
        [Tls13Client ExportSessions] [Tls13Server ResumeServer]
        "Clients with the same file, side by side, never resume the same session of TLS 1.3.";
    Pair a_client_that_asks_for_something_else_resumes_nothing_from_a_store
        [ExportSessions ReportResumed AlpnClient ClientIdentity LimitChain OmitServerName
            RequestStaple SkipNameVerification]
        [ResumeServer]
        "Other protocols, another identity and other checks each resume nothing.";
    Pair a_client_with_another_certificate_resumes_nothing_from_a_store
        [ExportSessions ResumeClient ReportResumed ClientIdentity] [RequestClientCertificate ResumeServer]
        "A session with one certificate of the client's is none for a client with another.";
    Pair another_name_or_port_resumes_nothing_from_a_store
        [ExportSessions ReportResumed] [ResumeServer]
        "A session in a store is for one name and one port.";
    Pair other_versions_resume_nothing_from_a_store
        [Tls12Client Tls13Client ExportSessions ResumeClient ReportResumed]
        [Tls12Server Tls13Server ResumeServer]
        "A session of a client that speaks TLS 1.2 is none for one that does not.";
    Pair a_client_that_closes_at_once_keeps_its_session
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "A ticket of TLS 1.3 that comes after the client's own close_notify can be used like any other.";
    Pair a_required_staple_and_resumption_go_together_in_tls12
        [Tls12Client RequestStaple ResumeClient ReportResumed]
        [Tls12Server SendStaple ResumeServer]
        "In TLS 1.2 a client that requires a staple resumes, also once the server has none any more.";
    Pair a_required_staple_and_resumption_go_together_in_tls13
        [Tls13Client RequestStaple ResumeClient ReportResumed]
        [Tls13Server SendStaple ResumeServer]
        "In TLS 1.3 a client that requires a staple resumes, also once the server has none any more.";
    Pair both_sides_tell_the_same_of_a_resumed_connection_in_tls12
        [Tls12Client AlpnClient ReportCipherSuite ReportResumed ReportVersion ResumeClient]
        [Tls12Server AlpnServer ReportCipherSuite ReportResumed ReportServerName ReportVersion
            ResumeServer]
        "In TLS 1.2 both sides of a resumed connection tell the same version, suite, protocol and name.";
    Pair both_sides_tell_the_same_of_a_resumed_connection_in_tls13
        [Tls13Client AlpnClient ReportCipherSuite ReportResumed ReportVersion ResumeClient]
        [Tls13Server AlpnServer ReportCipherSuite ReportResumed ReportServerName ReportVersion
            ResumeServer]
        "In TLS 1.3 both sides of a resumed connection tell the same version, suite, protocol and name.";
}

both_versions! {
    sessions_in_a_file_outlive_the_client_in_tls12
        sessions_in_a_file_outlive_the_client_in_tls13 = file_outlives;
    a_required_staple_and_resumption_go_together_in_tls12
        a_required_staple_and_resumption_go_together_in_tls13 = staple;
    both_sides_tell_the_same_of_a_resumed_connection_in_tls12
        both_sides_tell_the_same_of_a_resumed_connection_in_tls13 = same_on_both;
}

fn stored(config: &ClientConfigBuilder, store: &Arc<MemoryStore>) -> ClientConfigBuilder {
    config.clone().resumption(Resumption::Store(store.clone()))
}

fn file_outlives(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), folder) = (asked(Some(version)), tempfile::tempdir().unwrap());
    let path = folder.path().join("sessions");
    // As another process would: nothing is shared but the file.
    let another = || -> Result<(Client, Arc<FileStore>)> {
        let store = Arc::new(FileStore::open(&path)?);
        let config = c.clone().resumption(Resumption::Store(store.clone())).build()?;
        Ok((Client::new(&config, client)?, store))
    };
    let server = Fleet::new(&s.build()?, server);
    for round in 0..4 {
        let (client, store) = another()?;
        assert_eq!(resumes(&client, &server)?, round > 0, "round {round}");
        assert!(store.trouble().is_none());
    }
    Ok(())
}

fn a_session_in_a_file_is_used_once_in_tls13(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), folder) = (asked(Some(Version::Tls13)), tempfile::tempdir().unwrap());
    let path = folder.path().join("sessions");
    let server = Fleet::new(&s.build()?, server);
    let another = || -> Result<Client> {
        let store = Arc::new(FileStore::open(&path)?);
        Client::new(&c.clone().resumption(Resumption::Store(store)).build()?, client)
    };
    visit(&another()?, name(), &server)?;
    let mut tickets = Vec::new();
    for _ in 0..6 {
        let mut connection = another()?.connection(name())?;
        let _ = connection.handshake()?;
        tickets.extend(offered(&take_pending(&mut connection)));
    }
    assert!(!tickets.is_empty(), "none has offered anything");
    let all = tickets.len();
    tickets.sort_unstable();
    tickets.dedup();
    assert_eq!(tickets.len(), all, "one was offered twice");
    Ok(())
}

/// What the ClientHello in `flight` offers to resume (`pre_shared_key`, RFC 8446 §4.2.11): the extension
/// comes last, and ends in the binders, so its first identity is found from its beginning.
fn offered(flight: &[u8]) -> Option<Vec<u8>> {
    const PRE_SHARED_KEY: u16 = 41;
    let number = |bytes: &[u8], at: usize| {
        Some(usize::from(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])))
    };
    // Headers, version, random; then session id, suites and compression methods.
    let mut at = 5 + 4 + 2 + 32;
    at += 1 + usize::from(*flight.get(at)?);
    at += 2 + number(flight, at)?;
    at += 1 + usize::from(*flight.get(at)?);
    at += 2;
    loop {
        let (kind, len) = (number(flight, at)?, number(flight, at + 2)?);
        if kind == PRE_SHARED_KEY.into() {
            let identity = at + 4 + 2;
            let len = number(flight, identity)?;
            return flight.get(identity + 2..identity + 2 + len).map(<[u8]>::to_vec);
        }
        at += 4 + len;
    }
}

fn a_client_that_closes_at_once_keeps_its_session(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = asked(Some(Version::Tls13));
    let (client, server) = compiled((client, c), (server, s))?;
    for round in 0..3 {
        let (client, server) = (client.connection(name())?, server.connection()?);
        let mut pair = Pair { client, server, chunk: usize::MAX };
        while pair.client.handshake()? != Progress::Ready(()) {
            pair.carry();
            let _ = pair.server.handshake()?;
            pair.carry();
        }
        // No ticket has come: the server has not heard the end of the handshake.
        ready(pair.client.close())?;
        pair.handshake()?;
        ready(pair.server.close())?;
        pair.carry_all();
        assert_eq!(ready(pair.client.read(&mut [0]))?, 0);
        assert_eq!(resumed(&pair.client)?, round > 0, "round {round}");
    }
    Ok(())
}

/// Leaves a session of `first` in a store, and says whether `other` would resume it there.
fn crosses(
    client: &dyn Backend,
    server: &Fleet<'_>,
    first: &ClientConfigBuilder,
    other: &ClientConfigBuilder,
) -> Result<bool> {
    let store = Arc::new(MemoryStore::new(8));
    let first = Client::new(&stored(first, &store).build()?, client)?;
    assert!(!resumes(&first, server)?);
    let crossed = resumes(&Client::new(&stored(other, &store).build()?, client)?, server)?;
    assert!(resumes(&first, server)?, "its own is lost");
    Ok(crossed)
}

fn a_client_that_asks_for_something_else_resumes_nothing_from_a_store(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), strangers) = (asked(None), Authority::root("strangers"));
    let server = Fleet::new(&s.build()?, server);
    assert!(crosses(client, &server, &c, &c.clone())?, "the same resumes");
    for (what, other) in [
        ("protocols", c.clone().alpn(["one"])),
        ("identity", c.clone().identity(strangers.client("somebody"))),
        ("depth", c.clone().checks(Checks::new().depth(3))),
        ("name", c.clone().danger(Skip::nothing().name())),
        ("staple", c.clone().staple(StaplePolicy::Request)),
        ("SNI", c.clone().send_server_name(false)),
    ] {
        assert!(!crosses(client, &server, &c, &other)?, "another {what}");
        assert!(!crosses(client, &server, &other, &c)?, "another {what} first");
    }
    Ok(())
}

fn a_client_with_another_certificate_resumes_nothing_from_a_store(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), clients) = (asked(None), Authority::root("clients"));
    let s = s.client_auth(ClientAuth::Require(clients.roots()));
    let server = Fleet::new(&s.build()?, server);
    let is = |own: Identity| c.clone().identity(own);
    let (one, other) = (is(clients.client("one")), is(clients.client("other")));
    let first = visit(&Client::new(&one.clone().build()?, client)?, name(), &server)?;
    assert!(first.server.negotiated().unwrap().peer_certificate().is_some());
    assert!(crosses(client, &server, &one, &one)?);
    assert!(!crosses(client, &server, &one, &other)?);
    Ok(())
}

fn another_name_or_port_resumes_nothing_from_a_store(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("two names");
    let s = ServerConfig::builder(root.issue(Leaf::server(&["one.test", "two.test"])));
    let server = Fleet::new(&s.tickets(own_keys()).build()?, server);
    let store = Arc::new(MemoryStore::new(8));
    let config = stored(&asked(None).0.roots(root.roots()), &store).build()?;
    let resumes = |name: &str, port: u16| {
        let client = Client::new(&config, client)?;
        resumed(&visit(&client, ServerName::parse(name)?.at_port(port), &server)?.client)
    };
    assert!(!resumes("one.test", 1)?);
    assert!(!resumes("one.test", 2)? && !resumes("two.test", 1)?);
    assert!(resumes("one.test", 1)? && resumes("one.test", 2)? && resumes("two.test", 1)?);
    Ok(())
}

fn other_versions_resume_nothing_from_a_store(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = asked(None);
    let versions = [Version::Tls12, Version::Tls13].map(Versions::only);
    // Both sides have to know each of them.
    for only in versions {
        Client::new(&c.clone().versions(only).build()?, client)?;
        Server::new(&s.clone().versions(only).build()?, server)?;
    }
    let server = Fleet::new(&s.build()?, server);
    for version in versions {
        let only = c.clone().versions(version);
        assert!(crosses(client, &server, &only, &only)?);
        assert!(!crosses(client, &server, &c, &only)?, "{version:?} only");
        assert!(!crosses(client, &server, &only, &c)?, "{version:?} only, first");
    }
    Ok(())
}

fn staple(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let issuer = root.intermediate("Authority that responds");
    let own = issuer.issue(Leaf::server(&[NAME]));
    let staple = Staple::new(Answer::good(&issuer, own.leaf()).der());
    let own = own.with_staple(staple.clone());
    let only = Versions::only(version);
    let c = asked(Some(version)).0.roots(root.roots()).staple(StaplePolicy::Require);
    let s = ServerConfig::builder(own).versions(only).tickets(own_keys());
    let (client, server) = compiled((client, c), (server, s))?;
    let first = visit(&client, name(), &server)?;
    assert!(!resumed(&first.client)? && first.client.negotiated().unwrap().staple.is_some());
    assert!(resumes(&client, &server)?);
    staple.replace(None);
    // What was good when the session was made is not asked again.
    assert!(resumes(&client, &server)?);
    Ok(())
}

fn same_on_both(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let (c, s) = (c.alpn(["one", "two"]), s.alpn(["two"]));
    let (client, server) = compiled((client, c), (server, s))?;
    visit(&client, name(), &server)?;
    let pair = visit(&client, name(), &server)?;
    assert!(resumed(&pair.client)? && resumed(&pair.server)?);
    let facts = |of: &Negotiated| -> Result<_> {
        let name = told::server_name(of)?.to_owned();
        Ok((told::version(of)?, told::cipher_suite(of)?, of.strength_bits(), of.alpn.clone(), name))
    };
    let (client, server) = pair.negotiated();
    assert_eq!(facts(&client)?, facts(&server)?);
    assert_eq!(client.server_name.as_deref(), Some(NAME));
    assert_eq!(client.alpn.as_deref(), Some(&b"two"[..]));
    Ok(())
}
