//! A server whose configuration is replaced while it serves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tls_core::{Backend, Client, ClientConfig, ErrorKind, Identity, Result, Server, ServerConfig};

use crate::cases::cases;
use crate::certs::{Authority, with_chain};
use crate::pair::{NAME, Pair, kind, transfer};

cases! { "reload";
    Pair new_connections_get_the_new_identity [] []
        "After a reload new connections get the new identity.";
    Pair connections_that_stand_go_on [] []
        "Connections that stand go on over a reload, in both directions.";
    Pair handshakes_that_have_begun_go_on_with_the_old_identity [] []
        "A handshake that began before a reload ends with the old identity, however far it was.";
    Pair all_clones_are_one_server [] []
        "A reload of one clone of a server is seen by all.";
    Pair a_bad_configuration_changes_nothing [] []
        "A reload that fails says so, and leaves in place what was there.";
    Pair the_whole_configuration_is_replaced [AlpnClient] [AlpnServer]
        "A reload replaces all of the configuration, not only the identity.";
    Pair the_number_of_identities_may_change [] []
        "A reload may go from one identity to several, and back.";
    Pair a_reload_between_any_two_handshakes_fails_none [] []
        "Clients that connect while a server is reloaded again and again all get one of the two identities.";
}

/// A root, and two identities for one name.
struct Host {
    root: Authority,
    old: Identity,
    new: Identity,
}

impl Host {
    fn new() -> Self {
        let root = Authority::root("Root of this case");
        let (old, new) = (root.server(NAME), root.server(NAME));
        Self { root, old, new }
    }

    fn client(&self, backend: &dyn Backend) -> Result<Client> {
        Client::new(&ClientConfig::builder().roots(self.root.roots()).build()?, backend)
    }

    fn server(&self, backend: &dyn Backend) -> Result<Server> {
        Server::new(&only(&self.old)?, backend)
    }
}

fn only(own: &Identity) -> Result<ServerConfig> {
    ServerConfig::builder(own.clone()).build()
}

fn pair(client: &Client, server: &Server) -> Result<Pair> {
    let (client, server) = (client.connection(NAME)?, server.connection()?);
    Ok(Pair { client, server, chunk: usize::MAX })
}

/// Whom a client meets at this server.
fn met(client: &Client, server: &Server) -> Result<Vec<u8>> {
    let mut pair = pair(client, server)?;
    pair.handshake()?;
    Ok(shown(&pair))
}

fn shown(pair: &Pair) -> Vec<u8> {
    pair.negotiated().0.peer_certificate().unwrap().to_vec()
}

fn new_connections_get_the_new_identity(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new();
    let (client, server) = (host.client(c)?, host.server(s)?);
    assert_eq!(met(&client, &server)?, host.old.leaf().to_vec());
    server.reload(&only(&host.new)?, s)?;
    assert_eq!(met(&client, &server)?, host.new.leaf().to_vec());
    server.reload(&only(&host.old)?, s)?;
    assert_eq!(met(&client, &server)?, host.old.leaf().to_vec());
    Ok(())
}

fn connections_that_stand_go_on(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new();
    let (client, server) = (host.client(c)?, host.server(s)?);
    let mut pair = pair(&client, &server)?;
    pair.handshake()?;
    let Pair { client: a, server: b, .. } = &mut pair;
    assert_eq!(transfer(a, b, b"before", usize::MAX)?, b"before");
    server.reload(&only(&host.new)?, s)?;
    drop(server);
    assert_eq!(transfer(a, b, b"after", usize::MAX)?, b"after");
    assert_eq!(transfer(b, a, b"and back", usize::MAX)?, b"and back");
    assert_eq!(shown(&pair), host.old.leaf().to_vec());
    Ok(())
}

fn handshakes_that_have_begun_go_on_with_the_old_identity(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let host = Host::new();
    let other = host.root.server("other.test");
    let several = ServerConfig::builder(host.old.clone()).add_identity(other).build()?;
    let client = host.client(c)?;
    // Not a byte; half a hello; the server's answer given; the answer on its way.
    for far in 0..4 {
        for config in [&only(&host.old)?, &several] {
            let server = Server::new(config, s)?;
            let mut pair = pair(&client, &server)?;
            if far > 0 {
                let _ = pair.client.handshake()?;
                pair.chunk = if far == 1 { 50 } else { usize::MAX };
                pair.carry();
                let _ = pair.server.handshake()?;
            }
            if far > 2 {
                pair.carry();
                let _ = pair.client.handshake()?;
            }
            server.reload(&only(&host.new)?, s)?;
            pair.chunk = usize::MAX;
            pair.handshake()?;
            assert_eq!(shown(&pair), host.old.leaf().to_vec(), "at step {far}");
            assert_eq!(met(&client, &server)?, host.new.leaf().to_vec());
        }
    }
    Ok(())
}

fn all_clones_are_one_server(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new();
    let (client, server) = (host.client(c)?, host.server(s)?);
    let clones = [server.clone(), server.clone()];
    clones[0].reload(&only(&host.new)?, s)?;
    for server in clones.iter().chain([&server]) {
        assert_eq!(met(&client, server)?, host.new.leaf().to_vec());
    }
    Ok(())
}

fn a_bad_configuration_changes_nothing(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new();
    let (client, server) = (host.client(c)?, host.server(s)?);
    // Another's certificate.
    let mixed = with_chain(&host.new, [host.old.leaf().clone()]);
    let cleared = host.root.server(NAME);
    cleared.clear_key();
    for bad in [mixed, cleared] {
        let beside = ServerConfig::builder(host.new.clone()).add_identity(bad.clone()).build()?;
        for config in [&only(&bad)?, &beside] {
            assert_eq!(kind(server.reload(config, s)), ErrorKind::Config);
            assert_eq!(met(&client, &server)?, host.old.leaf().to_vec());
        }
    }
    server.reload(&only(&host.new)?, s)?;
    assert_eq!(met(&client, &server)?, host.new.leaf().to_vec());
    Ok(())
}

fn the_whole_configuration_is_replaced(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new();
    let client = ClientConfig::builder().roots(host.root.roots()).alpn(["one", "two"]);
    let client = Client::new(&client.build()?, c)?;
    let knows = |name| ServerConfig::builder(host.old.clone()).alpn([name]).build();
    let server = Server::new(&knows("one")?, s)?;
    for (config, agreed) in [
        (knows("two")?, Some(b"two".to_vec())),
        (only(&host.new)?, None),
        (knows("one")?, Some(b"one".to_vec())),
    ] {
        server.reload(&config, s)?;
        let mut pair = pair(&client, &server)?;
        pair.handshake()?;
        assert_eq!(pair.negotiated().0.alpn, agreed);
    }
    Ok(())
}

fn the_number_of_identities_may_change(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new();
    let (client, server) = (host.client(c)?, host.server(s)?);
    let other = host.root.server("other.test");
    let several = ServerConfig::builder(other).add_identity(host.new.clone()).build()?;
    for _ in 0..2 {
        server.reload(&several, s)?;
        assert_eq!(met(&client, &server)?, host.new.leaf().to_vec());
        server.reload(&only(&host.old)?, s)?;
        assert_eq!(met(&client, &server)?, host.old.leaf().to_vec());
    }
    Ok(())
}

fn a_reload_between_any_two_handshakes_fails_none(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let host = Host::new();
    let (client, server) = (host.client(c)?, host.server(s)?);
    let configs = [only(&host.new)?, only(&host.old)?];
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reloading = scope.spawn(|| -> Result<usize> {
            let mut times = 0;
            while !is_over.load(Ordering::SeqCst) {
                server.reload(&configs[times % 2], s)?;
                times += 1;
            }
            Ok(times)
        });
        let mut met_all = || -> Result<()> {
            for _ in 0..50 {
                let met = met(&client, &server)?;
                assert!([host.old.leaf(), host.new.leaf()].iter().any(|own| ***own == *met));
            }
            Ok(())
        };
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut met_all));
        is_over.store(true, Ordering::SeqCst);
        assert!(reloading.join().unwrap()? > 0);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
