//! Sessions that are resumed, and those that are not.

pub(super) mod kept;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tls_core::{
    Backend, Client, ClientAuth, ClientConfigBuilder, Connection, ErrorKind, Identity, MemoryStore,
    Negotiated, Result, Resumption, Roots, Server, ServerConfig, ServerConfigBuilder, ServerName,
    SessionKey, SessionStore, TicketKeys, Tickets, Version, Versions, danger,
};

use super::{both_versions, cases};
use crate::certs::{Authority, Leaf};
use crate::pair::{NAME, Pair, configs, kind, take_pending, transfer};
use crate::raw::Hello;
use crate::told;

cases! { "resumption";
    Pair a_second_connection_resumes_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer ReportResumed]
        "In TLS 1.2 the second connection and the third resume the first, and both sides say so.";
    Pair a_second_connection_resumes_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer ReportResumed]
        "In TLS 1.3 the second connection and the third resume the one before, and both sides say so.";
    Pair a_client_that_resumes_nothing_in_tls12 [Tls12Client ReportResumed] [Tls12Server]
        "In TLS 1.2 a client whose resumption is off resumes nothing.";
    Pair a_client_that_resumes_nothing_in_tls13 [Tls13Client ReportResumed] [Tls13Server]
        "In TLS 1.3 a client whose resumption is off resumes nothing.";
    Pair a_server_without_tickets_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer TicketsOff]
        "In TLS 1.2 a client that resumes with one server does not with one whose tickets are off.";
    Pair a_server_without_tickets_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer TicketsOff]
        "In TLS 1.3 a client that resumes with one server does not with one whose tickets are off.";
    Server a_server_without_tickets_promises_none [] [Tls12Server TicketsOff]
        "A server whose tickets are off promises none to a client that asks for one.";
    Pair a_resumed_connection_carries_everything_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 a resumed connection carries data both ways, one byte at a time.";
    Pair a_resumed_connection_carries_everything_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 a resumed connection carries data both ways, one byte at a time.";
    Pair a_resumed_connection_has_the_same_facts_in_tls12
        [Tls12Client AlpnClient ResumeClient ReportResumed] [Tls12Server AlpnServer ResumeServer]
        "In TLS 1.2 version, suite, protocol, name and peer of a resumed connection are told as before.";
    Pair a_resumed_connection_has_the_same_facts_in_tls13
        [Tls13Client AlpnClient ResumeClient ReportResumed] [Tls13Server AlpnServer ResumeServer]
        "In TLS 1.3 version, suite, protocol, name and peer of a resumed connection are told as before.";
    Pair a_server_still_knows_a_resumed_client_in_tls12
        [Tls12Client ClientIdentity ResumeClient ReportResumed]
        [Tls12Server RequestClientCertificate ResumeServer]
        "In TLS 1.2 a server that asked for a certificate knows it on a resumed connection too.";
    Pair a_server_still_knows_a_resumed_client_in_tls13
        [Tls13Client ClientIdentity ResumeClient ReportResumed]
        [Tls13Server RequestClientCertificate ResumeServer]
        "In TLS 1.3 a server that asked for a certificate knows it on a resumed connection too.";
    Pair another_name_resumes_nothing_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 a connection to another name resumes nothing, although the server is the same.";
    Pair another_name_resumes_nothing_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 a connection to another name resumes nothing, although the server is the same.";
    Pair another_port_resumes_nothing_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 a connection to another port resumes nothing; one to the same port does.";
    Pair another_port_resumes_nothing_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 a connection to another port resumes nothing; one to the same port does.";
    Pair clients_share_no_sessions [ResumeClient ReportResumed] [ResumeServer]
        "Two clients of the same configuration keep their sessions apart.";
    Pair a_session_of_tls13_is_used_once
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "Connections side by side never resume the same session of TLS 1.3.";
    Pair as_many_servers_as_are_asked_for [ResumeClient ReportResumed] [ResumeServer]
        "A client that keeps the sessions of one server forgets those of another.";
    Pair servers_with_the_same_keys_resume_each_other_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 a server resumes the session of another with the same keys and configuration.";
    Pair servers_with_the_same_keys_resume_each_other_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 a server resumes the session of another with the same keys and configuration.";
    Pair servers_with_other_keys_do_not [ResumeClient ReportResumed] [ResumeServer]
        "A ticket under a key that a server does not have is passed over: the handshake is a full one.";
    Pair keys_that_are_added_serve_at_once_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 a ticket under an older key is resumed and renewed, and one under none is not.";
    Pair keys_that_are_added_serve_at_once_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 a ticket under an older key is resumed and renewed, and one under none is not.";
    Pair without_any_key_there_are_no_tickets [ResumeClient ReportResumed] [ResumeServer]
        "A server that waits for its keys serves, and lets nothing be resumed.";
    Pair a_server_that_is_somebody_else_resumes_nothing
        [ResumeClient ReportResumed] [ResumeServer]
        "The same keys do not make a session with one certificate one with another.";
    Pair a_server_that_asks_for_more_resumes_nothing
        [ClientIdentity ResumeClient ReportResumed] [RequestClientCertificate ResumeServer]
        "A session without a client's certificate is none for a server that requires one.";
    Pair a_server_with_other_protocols_resumes_nothing
        [AlpnClient ResumeClient ReportResumed] [AlpnServer ResumeServer]
        "A session with one list of protocols is none for a server with another.";
    Pair each_identity_of_a_server_resumes_its_own [ResumeClient ReportResumed] [ResumeServer]
        "A server with several identities resumes with each of them, by name.";
    Pair an_exporter_tells_a_resumed_connection_apart
        [ResumeClient ReportResumed Exporter] [ResumeServer Exporter]
        "Exported material of a resumed connection is equal on both sides, and not that of the first.";
    Pair sessions_in_a_store_outlive_the_client_in_tls12
        [Tls12Client ExportSessions ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 another client of the same configuration resumes what is in the store.";
    Pair sessions_in_a_store_outlive_the_client_in_tls13
        [Tls13Client ExportSessions ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 another client of the same configuration resumes what is in the store.";
    Pair a_client_that_trusts_others_resumes_nothing_from_a_store
        [ExportSessions ReportResumed] [ResumeServer]
        "A session made without verification, or under other roots, is none for a client that verifies.";
    Pair junk_in_a_store_is_passed_over [ExportSessions ReportResumed] [ResumeServer]
        "What a store gives back that is no session is passed over: the handshake is a full one.";
}

both_versions! {
    a_second_connection_resumes_in_tls12 a_second_connection_resumes_in_tls13 = second_resumes;
    a_client_that_resumes_nothing_in_tls12 a_client_that_resumes_nothing_in_tls13 = client_off;
    a_server_without_tickets_in_tls12 a_server_without_tickets_in_tls13 = server_off;
    a_resumed_connection_carries_everything_in_tls12
        a_resumed_connection_carries_everything_in_tls13 = carries_everything;
    a_resumed_connection_has_the_same_facts_in_tls12
        a_resumed_connection_has_the_same_facts_in_tls13 = same_facts;
    a_server_still_knows_a_resumed_client_in_tls12
        a_server_still_knows_a_resumed_client_in_tls13 = client_is_known;
    another_name_resumes_nothing_in_tls12 another_name_resumes_nothing_in_tls13 = another_name;
    another_port_resumes_nothing_in_tls12 another_port_resumes_nothing_in_tls13 = another_port;
    servers_with_the_same_keys_resume_each_other_in_tls12
        servers_with_the_same_keys_resume_each_other_in_tls13 = same_keys;
    keys_that_are_added_serve_at_once_in_tls12
        keys_that_are_added_serve_at_once_in_tls13 = added_keys;
    sessions_in_a_store_outlive_the_client_in_tls12
        sessions_in_a_store_outlive_the_client_in_tls13 = store_outlives;
}

/// Somebody to visit.
trait Serves {
    fn connection(&self) -> Result<Connection>;
}

impl Serves for Server {
    fn connection(&self) -> Result<Connection> {
        self.connection()
    }
}

/// Servers of one configuration, another for each connection: they resume each other's sessions by the
/// keys that they are given, or not at all.
struct Fleet<'a> {
    config: ServerConfig,
    backend: &'a dyn Backend,
}

impl<'a> Fleet<'a> {
    fn new(config: &ServerConfig, backend: &'a dyn Backend) -> Self {
        Self { config: config.clone(), backend }
    }
}

impl Serves for Fleet<'_> {
    fn connection(&self) -> Result<Connection> {
        Server::new(&self.config, self.backend)?.connection()
    }
}

/// One connection from begin to end, with data both ways, so that tickets come.
fn visit(client: &Client, name: impl Into<ServerName>, server: &dyn Serves) -> Result<Pair> {
    let (client, server) = (client.connection(name.into())?, server.connection()?);
    let mut pair = Pair { client, server, chunk: usize::MAX };
    pair.handshake()?;
    talk(&mut pair)?;
    Ok(pair)
}

fn talk(pair: &mut Pair) -> Result<()> {
    let (client, server) = (&mut pair.client, &mut pair.server);
    assert_eq!(transfer(server, client, b"tickets come along", usize::MAX)?, b"tickets come along");
    assert_eq!(transfer(client, server, b"and an answer", usize::MAX)?, b"and an answer");
    Ok(())
}

fn resumed(side: &Connection) -> Result<bool> {
    told::resumed(&side.negotiated().unwrap())
}

/// Whether a visit resumes, by what the client says.
fn resumes(client: &Client, server: &dyn Serves) -> Result<bool> {
    resumed(&visit(client, name(), server)?.client)
}

fn name() -> ServerName {
    ServerName::parse(NAME).unwrap()
}

/// A client that has to resume, and a server that has to let it.
fn asked(version: Option<Version>) -> (ClientConfigBuilder, ServerConfigBuilder) {
    let (c, s) = configs();
    let (c, s) = (c.resumption(Resumption::Memory(8)), s.tickets(own_keys()));
    match version {
        None => (c, s),
        Some(version) => {
            let only = Versions::only(version);
            (c.versions(only), s.versions(only))
        }
    }
}

const LIFETIME: Duration = Duration::from_secs(3600);

fn own_keys() -> Tickets {
    Tickets::Keys(TicketKeys::automatic(LIFETIME).unwrap())
}

fn given(revision: u32) -> TicketKeys {
    let keys = TicketKeys::given(LIFETIME).unwrap();
    keys.add(revision, [revision as u8; 48]).unwrap();
    keys
}

fn compiled<'a>(
    client: (&dyn Backend, ClientConfigBuilder),
    server: (&'a dyn Backend, ServerConfigBuilder),
) -> Result<(Client, Fleet<'a>)> {
    let server = Fleet::new(&server.1.build()?, server.0);
    Ok((Client::new(&client.1.build()?, client.0)?, server))
}

/// With a server that stays the same.
fn compiled_once(
    client: (&dyn Backend, ClientConfigBuilder),
    server: (&dyn Backend, ServerConfigBuilder),
) -> Result<(Client, Server)> {
    let server = Server::new(&server.1.build()?, server.0)?;
    Ok((Client::new(&client.1.build()?, client.0)?, server))
}

fn second_resumes(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let (client, server) = compiled((client, c), (server, s))?;
    for round in 0..4 {
        let pair = visit(&client, name(), &server)?;
        assert_eq!(resumed(&pair.client)?, round > 0, "the client in round {round}");
        assert_eq!(resumed(&pair.server)?, round > 0, "the server in round {round}");
    }
    Ok(())
}

fn client_off(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), only) = (configs(), Versions::only(version));
    let c = c.resumption(Resumption::Off).versions(only);
    let (client, server) = compiled_once((client, c), (server, s.versions(only)))?;
    for _ in 0..3 {
        assert!(!resumes(&client, &server)?);
    }
    Ok(())
}

fn server_off(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    // Whoever resumes nothing anyway would not show that the option has an effect.
    let (ours, lets) = compiled((client, c.clone()), (server, s.clone()))?;
    assert!(!resumes(&ours, &lets)? && resumes(&ours, &lets)?);
    let (client, server) = compiled_once((client, c), (server, s.tickets(Tickets::Off)))?;
    for _ in 0..3 {
        assert!(!resumes(&client, &server)?);
    }
    Ok(())
}

fn a_server_without_tickets_promises_none(server: &dyn Backend) -> Result<()> {
    let config = configs().1.versions(Versions::only(Version::Tls12)).tickets(Tickets::Off);
    let mut server = Server::new(&config.build()?, server)?.connection()?;
    server.wire().feed(&Hello { asks_for_ticket: true, ..Hello::tls12() }.record());
    let _ = server.handshake()?;
    let flight = take_pending(&mut server);
    assert!(!extensions_of_server(&flight).contains(&SESSION_TICKET));
    Ok(())
}

const SESSION_TICKET: u16 = 35;

/// The extensions in a ServerHello, which is what `flight` begins with (RFC 5246 §7.4.1.3).
fn extensions_of_server(flight: &[u8]) -> Vec<u16> {
    let hello = &flight[5..]; // after the record's header
    assert_eq!((flight[0], hello[0]), (22, 2), "a ServerHello");
    let end = 4 + usize::from(u16::from_be_bytes([hello[2], hello[3]]));
    let after_session = 4 + 2 + 32 + 1 + usize::from(hello[38]);
    // Suite, compression, and the length of all.
    let mut rest = hello.get(after_session + 5..end).unwrap_or_default();
    let mut kinds = Vec::new();
    while let [a, b, long, short, ..] = *rest {
        kinds.push(u16::from_be_bytes([a, b]));
        rest = &rest[4 + usize::from(u16::from_be_bytes([long, short]))..];
    }
    kinds
}

fn carries_everything(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let (client, server) = compiled((client, c), (server, s))?;
    visit(&client, name(), &server)?;
    let (client, server) = (client.connection(NAME)?, server.connection()?);
    let mut pair = Pair { client, server, chunk: 1 };
    pair.handshake()?;
    assert!(resumed(&pair.client)?);
    talk(&mut pair)
}

fn same_facts(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let (c, s) = (c.alpn(["one", "two"]), s.alpn(["two"]));
    let (client, server) = compiled((client, c), (server, s))?;
    let first = visit(&client, name(), &server)?.negotiated();
    let again = visit(&client, name(), &server)?.negotiated();
    assert!(told::resumed(&again.0)?);
    let facts = |of: &Negotiated| {
        let Negotiated { version, cipher_suite, alpn, server_name, peer_chain, .. } = of.clone();
        (version, cipher_suite, alpn, server_name, peer_chain)
    };
    assert_eq!(facts(&first.0), facts(&again.0), "the client");
    assert_eq!(facts(&first.1), facts(&again.1), "the server");
    assert_eq!(again.0.alpn.as_deref(), Some(&b"two"[..]));
    Ok(())
}

fn client_is_known(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), root) = (asked(Some(version)), Authority::root("clients"));
    let own = root.client("somebody");
    let s = s.client_auth(ClientAuth::Require(root.roots()));
    let (client, server) = compiled((client, c.identity(own.clone())), (server, s))?;
    visit(&client, name(), &server)?;
    let again = visit(&client, name(), &server)?;
    assert!(resumed(&again.client)?);
    let known = again.server.negotiated().unwrap().peer_chain;
    assert_eq!(known.first(), Some(own.leaf()));
    Ok(())
}

fn another_name(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (root, only) = (Authority::root("two names"), Versions::only(version));
    let own = root.issue(Leaf::server(&["one.test", "two.test"]));
    let (c, _) = asked(Some(version));
    let s = ServerConfig::builder(own).versions(only).tickets(own_keys());
    let (client, server) = compiled((client, c.roots(root.roots())), (server, s))?;
    let resumes =
        |name: &str| resumed(&visit(&client, ServerName::parse(name).unwrap(), &server)?.client);
    assert!(!resumes("one.test")?);
    assert!(!resumes("two.test")?, "another name");
    assert!(resumes("one.test")? && resumes("two.test")?);
    Ok(())
}

fn another_port(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let (client, server) = compiled((client, c), (server, s))?;
    let resumes = |port: u16| resumed(&visit(&client, name().at_port(port), &server)?.client);
    assert!(!resumes(443)?);
    assert!(!resumes(8443)?, "another port");
    assert!(resumes(443)? && resumes(8443)?);
    assert!(!resumed(&visit(&client, name(), &server)?.client)?, "no port");
    Ok(())
}

fn clients_share_no_sessions(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(None);
    let (one, server) = compiled((client, c.clone()), (server, s))?;
    let other = Client::new(&c.build()?, client)?;
    assert!(!resumes(&one, &server)? && resumes(&one, &server)?);
    assert!(!resumes(&other, &server)?);
    Ok(())
}

fn a_session_of_tls13_is_used_once(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(Version::Tls13));
    let (client, server) = compiled((client, c), (server, s))?;
    visit(&client, name(), &server)?;
    // All of them say hello before any is answered.
    let begin = || -> Result<Pair> {
        let mut pair = Pair {
            client: client.connection(NAME)?,
            server: server.connection()?,
            chunk: usize::MAX,
        };
        let _ = pair.client.handshake()?;
        Ok(pair)
    };
    let mut pairs = (0..12).map(|_| begin()).collect::<Result<Vec<_>>>()?;
    let mut count = 0;
    for pair in &mut pairs {
        pair.handshake()?;
        count += usize::from(resumed(&pair.client)?);
    }
    assert!((1..12).contains(&count), "{count} of 12 resumed one visit");
    Ok(())
}

fn as_many_servers_as_are_asked_for(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let root = Authority::root("two names");
    let own = root.issue(Leaf::server(&["one.test", "two.test"]));
    let (c, _) = asked(None);
    let c = c.roots(root.roots()).resumption(Resumption::Memory(1));
    let s = ServerConfig::builder(own).tickets(own_keys());
    let (client, server) = compiled((client, c), (server, s))?;
    let resumes =
        |name: &str| resumed(&visit(&client, ServerName::parse(name).unwrap(), &server)?.client);
    assert!(!resumes("one.test")? && resumes("one.test")?);
    assert!(!resumes("two.test")? && resumes("two.test")?);
    assert!(!resumes("one.test")?, "there was room for one");
    Ok(())
}

fn same_keys(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let s = |revision| s.clone().tickets(Tickets::Keys(given(revision))).build();
    let one = Server::new(&s(7)?, server)?;
    let other = Server::new(&s(7)?, server)?;
    let client = Client::new(&c.build()?, client)?;
    assert!(!resumes(&client, &one)?);
    for round in 0..2 {
        assert!(resumes(&client, &other)?, "round {round}");
        assert!(resumes(&client, &one)?, "round {round}");
    }
    Ok(())
}

fn servers_with_other_keys_do_not(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(None);
    let s = |revision| s.clone().tickets(Tickets::Keys(given(revision))).build();
    let (one, other) = (Fleet::new(&s(1)?, server), Fleet::new(&s(2)?, server));
    let client = Client::new(&c.build()?, client)?;
    assert!(!resumes(&client, &one)?);
    assert!(!resumes(&client, &other)?);
    assert!(resumes(&client, &other)?, "its own");
    Ok(())
}

fn added_keys(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), keys) = (asked(Some(version)), given(1));
    let (client, server) =
        compiled_once((client, c), (server, s.tickets(Tickets::Keys(keys.clone()))))?;
    let add = |revision: u32| keys.add(revision, [revision as u8; 48]).unwrap();
    assert!(!resumes(&client, &server)?);
    // The ticket is renewed under each new key, so that it outlives its first.
    for revision in 2..8 {
        add(revision);
        assert!(resumes(&client, &server)?, "revision {revision}");
    }
    (10..14).for_each(add);
    assert!(!resumes(&client, &server)?, "its key has no slot any more");
    assert!(resumes(&client, &server)?);
    Ok(())
}

fn without_any_key_there_are_no_tickets(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), keys) = (asked(None), TicketKeys::given(LIFETIME)?);
    let (client, server) =
        compiled_once((client, c), (server, s.tickets(Tickets::Keys(keys.clone()))))?;
    assert!(!resumes(&client, &server)? && !resumes(&client, &server)?);
    keys.add(1, [1; 48])?;
    assert!(!resumes(&client, &server)? && resumes(&client, &server)?);
    Ok(())
}

/// The visit to a server that is `other`, after some to one that is `one` and has the same keys.
fn crosses(
    client: (&dyn Backend, ClientConfigBuilder),
    server: &dyn Backend,
    one: ServerConfigBuilder,
    other: ServerConfigBuilder,
) -> Result<Pair> {
    let tickets = Tickets::Keys(given(3));
    let one = Fleet::new(&one.tickets(tickets.clone()).build()?, server);
    let other = Fleet::new(&other.tickets(tickets).build()?, server);
    let client = Client::new(&client.1.build()?, client.0)?;
    assert!(!resumes(&client, &one)? && resumes(&client, &one)?);
    visit(&client, name(), &other)
}

fn a_server_that_is_somebody_else_resumes_nothing(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("both");
    let is = |identity: Identity| ServerConfig::builder(identity);
    let c = || asked(None).0.roots(root.roots());
    let (one, other) = (root.server(NAME), root.server(NAME));
    let same = crosses((client, c()), server, is(one.clone()), is(one.clone()))?;
    assert!(resumed(&same.client)?);
    assert!(!resumed(&crosses((client, c()), server, is(one), is(other))?.client)?);
    Ok(())
}

fn a_server_that_asks_for_more_resumes_nothing(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), clients) = (asked(None), Authority::root("clients"));
    let c = c.identity(clients.client("somebody"));
    let strict = s.clone().client_auth(ClientAuth::Require(clients.roots()));
    let pair = crosses((client, c), server, s, strict)?;
    assert!(!resumed(&pair.client)?);
    assert!(pair.server.negotiated().unwrap().peer_certificate().is_some());
    Ok(())
}

fn a_server_with_other_protocols_resumes_nothing(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = asked(None);
    let c = c.alpn(["one", "two"]);
    let (one, other) = (s.clone().alpn(["one"]), s.alpn(["two"]));
    let pair = crosses((client, c), server, one, other)?;
    assert!(!resumed(&pair.client)?);
    assert_eq!(pair.client.negotiated().unwrap().alpn.as_deref(), Some(&b"two"[..]));
    Ok(())
}

fn each_identity_of_a_server_resumes_its_own(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("several");
    let s = ServerConfig::builder(root.server("one.test")).add_identity(root.server("two.test"));
    let c = asked(None).0.roots(root.roots());
    let (client, server) = compiled((client, c), (server, s.tickets(own_keys())))?;
    for round in 0..3 {
        for name in ["one.test", "two.test"] {
            let pair = visit(&client, ServerName::parse(name).unwrap(), &server)?;
            assert_eq!(resumed(&pair.client)?, round > 0, "{name} in round {round}");
        }
    }
    Ok(())
}

fn an_exporter_tells_a_resumed_connection_apart(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = asked(None);
    let (client, server) = compiled((client, c), (server, s))?;
    let exported = |again: bool| -> Result<Vec<u8>> {
        let pair = visit(&client, name(), &server)?;
        assert_eq!(resumed(&pair.client)?, again);
        let of = |side: &Connection| {
            let mut out = vec![0; 32];
            side.export_keying_material(&mut out, b"EXPERIMENTAL resumed", None).map(|()| out)
        };
        let ours = of(&pair.client)?;
        assert_eq!(ours, of(&pair.server)?);
        Ok(ours)
    };
    assert_ne!(exported(false)?, exported(true)?);
    Ok(())
}

fn store_outlives(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ((c, s), store) = (asked(Some(version)), Arc::new(MemoryStore::new(8)));
    let c = c.resumption(Resumption::Store(store));
    let (one, server) = compiled((client, c.clone()), (server, s))?;
    assert!(!resumes(&one, &server)?);
    drop(one);
    let other = Client::new(&c.build()?, client)?;
    assert!(resumes(&other, &server)? && resumes(&other, &server)?);
    Ok(())
}

fn a_client_that_trusts_others_resumes_nothing_from_a_store(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let ((c, s), store) = (asked(None), Arc::new(MemoryStore::new(8)));
    let c = c.resumption(Resumption::Store(store));
    let careless = c.clone().danger(danger::Skip::everything()).roots(Roots::empty());
    let server = Fleet::new(&s.build()?, server);
    let careless = careless.build()?;
    assert!(!resumes(&Client::new(&careless, client)?, &server)?);
    assert!(resumes(&Client::new(&careless, client)?, &server)?, "the store has nothing");
    let stranger = c.clone().roots(Authority::root("stranger").roots()).build()?;
    let refused = resumes(&Client::new(&stranger, client)?, &server);
    assert!(matches!(kind(refused), ErrorKind::Certificate(_)), "it would have been resumed");
    assert!(!resumes(&Client::new(&c.build()?, client)?, &server)?);
    Ok(())
}

/// Gives junk, whatever is asked for, and counts how often.
#[derive(Debug)]
struct Junk(Vec<u8>, AtomicUsize);

impl SessionStore for Junk {
    fn put(&self, _: &SessionKey, _: Vec<u8>) {}

    fn take(&self, _: &SessionKey) -> Option<Vec<u8>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Some(self.0.clone())
    }
}

fn junk_in_a_store_is_passed_over(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(None);
    let server = Fleet::new(&s.build()?, server);
    let good = c.clone().resumption(Resumption::Store(Arc::new(MemoryStore::new(8)))).build()?;
    let good = Client::new(&good, client)?;
    assert!(!resumes(&good, &server)? && resumes(&good, &server)?);
    let form = b"polytls session 1\n\x03\x04".to_vec();
    for junk in [
        Vec::new(),
        b"junk".to_vec(),
        form.clone(),
        [&form[..], b"\x30\x03\x02\x01\x01"].concat(),
        [&form[..], &[0x30; 500]].concat(),
        vec![0xff; 100_000],
    ] {
        let store = Arc::new(Junk(junk, AtomicUsize::new(0)));
        let c = c.clone().resumption(Resumption::Store(store.clone()));
        assert!(!resumes(&Client::new(&c.build()?, client)?, &server)?);
        assert!(store.1.load(Ordering::Relaxed) > 0, "nobody has asked the store");
    }
    Ok(())
}
