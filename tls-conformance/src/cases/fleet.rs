//! Servers that share their ticket keys, and what a server can be told about its sessions.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tls_core::{
    Backend, Capability, Client, ClientConfigBuilder, Connection, Error, ErrorKind, Result,
    Resumption, Server, ServerConfigBuilder, ServerName, TicketKeySet, TicketKeySource, TicketKeys,
    Tickets, Version, Versions,
};

use super::{both_versions, cases};
use crate::pair::{NAME, Pair, configs, transfer};
use crate::told;

cases! { "fleet";
    Pair servers_that_follow_one_source_resume_each_other_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 servers that have their keys from one source resume one another's sessions while the keys change.";
    Pair servers_that_follow_one_source_resume_each_other_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 servers that have their keys from one source resume one another's sessions while the keys change.";
    Pair a_server_that_is_behind_reads_the_tickets_of_one_that_is_ahead_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 a server that has not heard of the newest key resumes what one began that has, and the other way.";
    Pair a_server_that_is_behind_reads_the_tickets_of_one_that_is_ahead_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 a server that has not heard of the newest key resumes what one began that has, and the other way.";
    Pair a_key_that_was_taken_away_resumes_nothing_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 a session under a key that is in no slot any more begins anew, without an error.";
    Pair a_key_that_was_taken_away_resumes_nothing_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 a session under a key that is in no slot any more begins anew, without an error.";
    Pair another_key_of_the_same_revision_resumes_nothing [ResumeClient ReportResumed] [ResumeServer]
        "A ticket under a key of the same revision that is another key is passed over.";
    Pair a_source_that_fails_leaves_the_keys_in_place [ResumeClient ReportResumed] [ResumeServer]
        "Servers go on to resume sessions under the keys they have while the source of their keys is away.";
    Pair another_session_id_context_resumes_nothing_in_tls12
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer]
        "In TLS 1.2 a session under one context is none for a server with another, and is for one with the same.";
    Pair another_session_id_context_resumes_nothing_in_tls13
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer]
        "In TLS 1.3 a session under one context is none for a server with another, and is for one with the same.";
    Pair a_session_comes_to_its_end [ResumeClient ReportResumed] [ResumeServer]
        "A session is resumed within its lifetime, and not after it, although its key is still there.";
    Pair as_many_tickets_as_are_asked_for
        [Tls13Client ResumeClient ReportResumed] [Tls13Server ResumeServer TicketCount]
        "A client can resume as many connections side by side as the server was told to give tickets.";
    Pair a_server_without_tickets_keeps_sessions_itself
        [Tls12Client ResumeClient ReportResumed] [Tls12Server TicketsOff SessionCache]
        "A server that keeps sessions resumes its own without tickets, and one that is not to keeps none.";
    Pair a_server_keeps_as_many_sessions_as_it_is_told
        [Tls12Client ResumeClient ReportResumed] [Tls12Server TicketsOff SessionCache]
        "A server that keeps one session has forgotten the one before.";
    Pair sessions_are_kept_until_there_are_tickets
        [Tls12Client ResumeClient ReportResumed] [Tls12Server ResumeServer SessionCache]
        "A server that waits for its keys resumes the sessions it keeps, and gives tickets once it has them.";
}

both_versions! {
    servers_that_follow_one_source_resume_each_other_in_tls12
        servers_that_follow_one_source_resume_each_other_in_tls13 = follow_one_source;
    a_server_that_is_behind_reads_the_tickets_of_one_that_is_ahead_in_tls12
        a_server_that_is_behind_reads_the_tickets_of_one_that_is_ahead_in_tls13 = one_is_behind;
    a_key_that_was_taken_away_resumes_nothing_in_tls12
        a_key_that_was_taken_away_resumes_nothing_in_tls13 = key_taken_away;
    another_session_id_context_resumes_nothing_in_tls12
        another_session_id_context_resumes_nothing_in_tls13 = another_context;
}

/// Whether a connection, with data both ways so that tickets come, and a proper end, resumes.
fn resumes(client: &Client, server: &Server) -> Result<bool> {
    let mut pair = begin(client, server)?;
    end(&mut pair)
}

/// A client that has said hello.
fn begin(client: &Client, server: &Server) -> Result<Pair> {
    let name = ServerName::parse(NAME)?;
    let mut pair =
        Pair { client: client.connection(name)?, server: server.connection()?, chunk: usize::MAX };
    let _ = pair.client.handshake()?;
    Ok(pair)
}

fn end(pair: &mut Pair) -> Result<bool> {
    pair.handshake()?;
    let said = |side: &Connection| told::resumed(&side.negotiated().unwrap());
    let resumed = said(&pair.client)?;
    let (client, server) = (&mut pair.client, &mut pair.server);
    assert_eq!(transfer(server, client, b"tickets come along", usize::MAX)?, b"tickets come along");
    assert_eq!(transfer(client, server, b"and an answer", usize::MAX)?, b"and an answer");
    // A library may forget the session of a connection that was not closed.
    let _ = pair.client.close()?;
    let _ = pair.server.close()?;
    pair.carry_all();
    Ok(resumed)
}

/// A client that has to resume, and a server that is told nothing yet.
fn asked(version: Option<Version>) -> (ClientConfigBuilder, ServerConfigBuilder) {
    let (c, s) = configs();
    let c = c.resumption(Resumption::Memory(8));
    match version {
        None => (c, s),
        Some(version) => {
            let only = Versions::only(version);
            (c.versions(only), s.versions(only))
        }
    }
}

/// Servers of one configuration, each with keys of its own.
fn servers<const N: usize>(
    config: &ServerConfigBuilder,
    backend: &dyn Backend,
) -> Result<([TicketKeys; N], [Server; N])> {
    let mut keys = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..N {
        let own = TicketKeys::given(Duration::from_secs(3600))?;
        let config = config.clone().tickets(Tickets::Keys(own.clone())).build()?;
        servers.push(Server::new(&config, backend)?);
        keys.push(own);
    }
    Ok((keys.try_into().unwrap(), servers.try_into().unwrap()))
}

/// Gives one set, then fails.
#[derive(Debug)]
struct Once(Option<TicketKeySet>);

impl TicketKeySource for Once {
    fn keys(&mut self) -> Result<Option<TicketKeySet>> {
        let away = || Error::new(ErrorKind::Backend).because("the source is away");
        self.0.take().map(Some).ok_or_else(away)
    }

    fn pause(&self) -> Duration {
        Duration::from_millis(5)
    }
}

fn follow_one_source(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let (keys, servers) = servers::<3>(&s, server)?;
    let client = Client::new(&c.build()?, client)?;
    let mut set = TicketKeySet::new()?;
    for round in 0..8 {
        for own in &keys {
            let _following = own.follow(Once(Some(set.clone())), |_| ())?;
        }
        for (i, server) in servers.iter().enumerate() {
            let first = (round, i) == (0, 0);
            assert_eq!(resumes(&client, server)?, !first, "server {i} in round {round}");
        }
        set = set.rotated()?;
    }
    Ok(())
}

fn one_is_behind(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let ([ahead, behind], [one, other]) = servers(&s, server)?;
    let client = Client::new(&c.build()?, client)?;
    let mut set = TicketKeySet::new()?;
    ahead.replace(&set)?;
    behind.replace(&set)?;
    assert!(!resumes(&client, &one)?);
    for round in 0..6 {
        set = set.rotated()?;
        ahead.replace(&set)?;
        assert!(resumes(&client, &other)?, "round {round}");
        assert!(resumes(&client, &one)?, "round {round}");
        assert!(resumes(&client, &other)?, "round {round}");
        behind.replace(&set)?;
        assert!(resumes(&client, &one)?, "round {round}");
    }
    Ok(())
}

fn key_taken_away(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let ([keys], [server]) = servers(&s, server)?;
    let client = Client::new(&c.build()?, client)?;
    for round in 0..3 {
        keys.replace(&TicketKeySet::new()?)?;
        assert!(!resumes(&client, &server)?, "round {round}");
        assert!(resumes(&client, &server)?, "round {round}");
    }
    Ok(())
}

fn another_key_of_the_same_revision_resumes_nothing(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = asked(None);
    let (keys, [one, same, other]) = servers(&s, server)?;
    let client = Client::new(&c.build()?, client)?;
    keys[0].add(1, [1; 48])?;
    keys[1].add(1, [1; 48])?;
    keys[2].add(1, [2; 48])?;
    assert_eq!(keys[0].add(1, [2; 48]).unwrap_err().kind(), ErrorKind::Config);
    assert!(!resumes(&client, &one)? && resumes(&client, &same)?);
    assert!(!resumes(&client, &other)? && resumes(&client, &other)?);
    Ok(())
}

fn a_source_that_fails_leaves_the_keys_in_place(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = asked(None);
    let ([keys, others], [one, other]) = servers(&s, server)?;
    let client = Client::new(&c.build()?, client)?;
    let set = TicketKeySet::new()?;
    others.replace(&set)?;
    let (report, reported) = mpsc::channel();
    let report = move |news| drop(report.send(news));
    let _following = keys.follow(Once(Some(set)), report)?;
    assert!(!resumes(&client, &one)?);
    for said in ["Replaced", "Failed"] {
        let news = reported.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(format!("{news:?}").starts_with(said), "{news:?}");
    }
    assert!(resumes(&client, &other)? && resumes(&client, &one)?);
    Ok(())
}

fn another_context(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (c, s) = asked(Some(version));
    let keys = TicketKeys::given(Duration::from_secs(3600))?;
    keys.add(1, [1; 48])?;
    let s = s.tickets(Tickets::Keys(keys));
    let bound = |to: &[u8]| Server::new(&s.clone().session_id_context(to).build()?, server);
    let (one, same, other, none) = (bound(b"one")?, bound(b"one")?, bound(b"other")?, bound(b"")?);
    let client = Client::new(&c.build()?, client)?;
    assert!(!resumes(&client, &one)? && resumes(&client, &same)?);
    assert!(!resumes(&client, &other)?);
    assert!(!resumes(&client, &none)?);
    assert!(resumes(&client, &none)?);
    assert!(!resumes(&client, &one)?);
    let long = s.clone().session_id_context([1; 33]).build().unwrap_err();
    assert_eq!(long.kind(), ErrorKind::Config);
    bound(&[1; 32]).map(drop)
}

fn a_session_comes_to_its_end(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let lifetime = Duration::from_secs(2);
    let keys = TicketKeys::given(lifetime)?;
    keys.add(1, [1; 48])?;
    // All versions wait together, as there is no other clock than the library's own.
    let can = |version: Version| {
        let (of_client, of_server) = version_capabilities(version);
        client.capabilities().contains(of_client) && server.capabilities().contains(of_server)
    };
    let versions = [Version::Tls12, Version::Tls13].into_iter().filter(|version| can(*version));
    let make = |version: Version| -> Result<(Client, Server)> {
        let (c, s) = asked(Some(version));
        let s = s.tickets(Tickets::Keys(keys.clone()));
        Ok((Client::new(&c.build()?, client)?, Server::new(&s.build()?, server)?))
    };
    let pairs = versions.map(make).collect::<Result<Vec<_>>>()?;
    for (client, server) in &pairs {
        assert!(!resumes(client, server)? && resumes(client, server)?);
    }
    assert!(!pairs.is_empty());
    let begin = Instant::now();
    // Libraries count whole seconds, and some let the last one pass.
    while begin.elapsed() < lifetime + Duration::from_millis(1050) {
        thread::sleep(Duration::from_millis(50));
    }
    for (client, server) in &pairs {
        assert!(!resumes(client, server)?, "its time is over");
        assert!(resumes(client, server)?);
    }
    Ok(())
}

fn version_capabilities(version: Version) -> (Capability, Capability) {
    match version {
        Version::Tls12 => (Capability::Tls12Client, Capability::Tls12Server),
        _ => (Capability::Tls13Client, Capability::Tls13Server),
    }
}

fn as_many_tickets_as_are_asked_for(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    for count in [1, 3, 5] {
        let (c, s) = asked(Some(Version::Tls13));
        let keys = TicketKeys::automatic(Duration::from_secs(3600))?;
        let s = s.tickets(Tickets::Keys(keys)).ticket_count(count);
        let client = Client::new(&c.build()?, client)?;
        let server = Server::new(&s.build()?, server)?;
        assert!(!resumes(&client, &server)?);
        // All of them say hello before any is answered.
        let pairs = (0..8).map(|_| begin(&client, &server)).collect::<Result<Vec<_>>>()?;
        let mut resumed = 0;
        for mut pair in pairs {
            resumed += u8::from(end(&mut pair)?);
        }
        assert_eq!(resumed, count);
    }
    for count in [0, 17] {
        let refused = asked(None).1.ticket_count(count).build().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Config);
    }
    Ok(())
}

/// Clients, and servers of TLS 1.2 without tickets that keep so many sessions.
fn kept(
    sessions: usize,
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<(impl Fn() -> Result<Client>, impl Fn() -> Result<Server>)> {
    let (c, s) = asked(Some(Version::Tls12));
    let s = s.tickets(Tickets::Off).session_cache(sessions).build()?;
    let c = c.build()?;
    Ok((move || Client::new(&c, client), move || Server::new(&s, server)))
}

fn a_server_without_tickets_keeps_sessions_itself(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (new_client, new_server) = kept(8, client, server)?;
    let (ours, keeps) = (new_client()?, new_server()?);
    for round in 0..4 {
        assert_eq!(resumes(&ours, &keeps)?, round > 0, "round {round}");
    }
    assert!(!resumes(&ours, &new_server()?)?, "what another has kept");
    let (new_client, new_server) = kept(0, client, server)?;
    let (ours, forgets) = (new_client()?, new_server()?);
    assert!(!resumes(&ours, &forgets)? && !resumes(&ours, &forgets)?);
    Ok(())
}

fn a_server_keeps_as_many_sessions_as_it_is_told(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (new_client, new_server) = kept(1, client, server)?;
    let (one, other, keeps) = (new_client()?, new_client()?, new_server()?);
    assert!(!resumes(&one, &keeps)? && resumes(&one, &keeps)?);
    assert!(!resumes(&other, &keeps)? && resumes(&other, &keeps)?);
    assert!(!resumes(&one, &keeps)?, "there was room for one");
    Ok(())
}

fn sessions_are_kept_until_there_are_tickets(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (c, s) = asked(Some(Version::Tls12));
    let (keys, [one, other]) = servers(&s.session_cache(8), server)?;
    let client = Client::new(&c.build()?, client)?;
    assert!(!resumes(&client, &one)? && resumes(&client, &one)?);
    keys.iter().try_for_each(|own| own.add(1, [1; 48]))?;
    assert!(!resumes(&client, &other)?, "what the first has kept");
    for round in 0..3 {
        assert!(resumes(&client, &one)? && resumes(&client, &other)?, "round {round}");
    }
    Ok(())
}
