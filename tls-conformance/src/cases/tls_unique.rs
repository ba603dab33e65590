//! The channel binding of TLS 1.2 that old protocols ask for by its name.

use tls_core::{
    Backend, Capability, ChannelBinding, Client, Connection, ErrorKind, Result, Resumption, Server,
    TicketKeys, Tickets, Version, Versions,
};

use super::cases;
use crate::pair::{Ends, NAME, Pair, configs, kind, transfer};
use crate::told;

cases! { "tls_unique";
    Pair it_is_equal_on_both_sides [Tls12Client TlsUnique] [Tls12Server TlsUnique]
        "In TLS 1.2 both sides have the same tls-unique binding, and each connection its own.";
    Pair it_is_the_clients_finished [Tls12Client TlsUnique] [Tls12Server]
        "A client's tls-unique is a Finished message of TLS 1.2, and stays the same.";
    Pair it_is_the_servers_to_tell_too [Tls12Client] [Tls12Server TlsUnique]
        "A server's tls-unique is a Finished message of TLS 1.2, and stays the same.";
    Pair it_is_equal_after_a_resumption
        [Tls12Client TlsUnique ResumeClient ReportResumed] [Tls12Server TlsUnique ResumeServer]
        "On a resumed connection both sides have the same tls-unique binding, another than before.";
    Pair it_is_equal_after_a_resumption_that_was_declined
        [Tls12Client TlsUnique ResumeClient ReportResumed] [Tls12Server TlsUnique ResumeServer]
        "Where a server takes no offered session, both sides still have the same tls-unique binding.";
    Pair tls13_has_none [Tls13Client] [Tls13Server]
        "In TLS 1.3 tls-unique is not defined, and refused.";
    Pair there_is_none_before_the_handshake [] []
        "Before the handshake there is no tls-unique.";
}

fn unique(of: &Connection) -> Result<Vec<u8>> {
    of.channel_binding(ChannelBinding::TlsUnique)
}

/// What both sides have, which is to be the same.
fn both(pair: &Pair) -> Result<Vec<u8>> {
    let ours = unique(&pair.client)?;
    assert_eq!(ours, unique(&pair.server)?);
    assert_eq!(ours.len(), FINISHED);
    Ok(ours)
}

/// The length of verify_data (RFC 5246 §7.4.9).
const FINISHED: usize = 12;

fn it_is_equal_on_both_sides(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let ends = Ends::only(Version::Tls12, client, server)?;
    let all = [both(&ends.established()?)?, both(&ends.established()?)?];
    assert_ne!(all[0], all[1]);
    Ok(())
}

fn stays_the_same(pair: &mut Pair, side: fn(&Pair) -> &Connection) -> Result<()> {
    let before = unique(side(pair))?;
    assert_eq!(before.len(), FINISHED);
    assert_ne!(before, [0; FINISHED]);
    let (client, server) = (&mut pair.client, &mut pair.server);
    assert_eq!(transfer(client, server, b"data", usize::MAX)?, b"data");
    assert_eq!(transfer(server, client, b"data", usize::MAX)?, b"data");
    assert_eq!(unique(side(pair))?, before);
    Ok(())
}

fn it_is_the_clients_finished(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    stays_the_same(&mut Pair::established_in(Version::Tls12, client, server)?, |pair| &pair.client)
}

fn it_is_the_servers_to_tell_too(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    stays_the_same(&mut Pair::established_in(Version::Tls12, client, server)?, |pair| &pair.server)
}

/// A client that has to resume, and two servers that are the same but for the keys of their tickets.
fn resuming(client: &dyn Backend, server: &dyn Backend) -> Result<(Client, [Server; 2])> {
    let ((c, s), only) = (configs(), Versions::only(Version::Tls12));
    let serving = || {
        let keys = TicketKeys::automatic(std::time::Duration::from_secs(3600))?;
        Server::new(&s.clone().versions(only).tickets(Tickets::Keys(keys)).build()?, server)
    };
    let c = c.versions(only).resumption(Resumption::Memory(8)).build()?;
    Ok((Client::new(&c, client)?, [serving()?, serving()?]))
}

fn visit(client: &Client, server: &Server) -> Result<Pair> {
    let (client, server) = (client.connection(NAME)?, server.connection()?);
    let mut pair = Pair { client, server, chunk: usize::MAX };
    pair.handshake()?;
    pair.carry_all();
    Ok(pair)
}

fn it_is_equal_after_a_resumption(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let (client, [server, _]) = resuming(client, server)?;
    let first = both(&visit(&client, &server)?)?;
    let second = visit(&client, &server)?;
    assert!(told::resumed(&second.negotiated().0)?);
    assert_ne!(both(&second)?, first);
    Ok(())
}

fn it_is_equal_after_a_resumption_that_was_declined(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let (client, [one, other]) = resuming(client, server)?;
    both(&visit(&client, &one)?)?;
    let declined = visit(&client, &other)?;
    assert!(!told::resumed(&declined.negotiated().0)?);
    both(&declined)?;
    // And the session that came of it is resumed.
    let resumed = visit(&client, &other)?;
    assert!(told::resumed(&resumed.negotiated().0)?);
    both(&resumed)?;
    Ok(())
}

fn tls13_has_none(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let pair = Pair::established_in(Version::Tls13, client, server)?;
    for side in [&pair.client, &pair.server] {
        // A backend that cannot tell the version can only say that it has none at all.
        let refused = kind(unique(side));
        let none = ErrorKind::Unsupported(Capability::TlsUnique);
        assert!([ErrorKind::Misuse, none].contains(&refused), "{refused:?}");
    }
    Ok(())
}

fn there_is_none_before_the_handshake(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let mut pair = Ends::default(client, server)?.pair()?;
    for side in [&pair.client, &pair.server] {
        assert_eq!(kind(unique(side)), ErrorKind::Misuse);
    }
    pair.handshake()
}
