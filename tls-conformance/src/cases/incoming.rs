//! Which server a client gets, chosen by what it says first.

use tls_core::{
    Alert, Backend, CipherSuite, Client, ClientConfig, ClientHello, ErrorKind, Group, Incoming,
    IncomingStream, Progress, Result, Server, ServerConfig, Version, Versions, Wire, pipe,
};

use super::cases;
use crate::certs::Authority;
use crate::pair::{NAME, Pair, configs, kind, take_pending, transfer};
use crate::raw::{self, Hello};
use crate::streams::{both, pass};

cases! { "incoming";
    Client a_clients_offer_is_told [AlpnClient] []
        "What a client offers can be read before anybody serves it: name, protocols, versions, suites.";
    Pair a_server_may_be_chosen_by_name [] []
        "A client gets the server that is chosen by the name it asks for.";
    Pair a_server_may_be_chosen_by_protocol [AlpnClient] [AlpnServer]
        "A client gets the server that is chosen by the protocol it offers.";
    Pair a_server_may_be_chosen_by_version [Tls12Client Tls13Client] [Tls12Server Tls13Server]
        "A client gets the server that is chosen by the versions it offers.";
    Pair a_server_of_several_identities_may_be_chosen [] []
        "A server that is chosen by the client's offer chooses its identity by it again.";
    Pair an_offer_may_come_one_byte_at_a_time [] []
        "A server is chosen, and serves, when every byte arrives alone.";
    Pair an_offer_may_come_in_many_records [] []
        "A server is chosen, and serves, when the ClientHello comes in records of seven bytes.";
    Pair nobody_has_to_look [] []
        "A server may be chosen before anything has come, and in the middle of the offer.";
    Pair a_chosen_server_serves_over_a_transport [] []
        "Over a transport a server is chosen, serves, and passes data both ways.";
    Pair a_client_may_be_refused [] []
        "A client that nobody serves gets the alert that is chosen for it, and no server after that.";
    Server junk_is_not_tls [] []
        "What is no TLS is named, and stays so.";
    Server a_malformed_offer_is_named [] []
        "A ClientHello that is none is refused, and its sender told.";
    Server a_boundless_offer_is_refused [] []
        "A ClientHello without end is refused before it fills the memory.";
    Server an_alert_in_place_of_an_offer_is_told [] []
        "A client that gives up before it says anything else is heard.";
    Server the_end_of_the_transport_is_told [] []
        "Where the transport ends before the offer does, that is said.";
}

/// A client, and somebody who waits for one.
struct Gate {
    client: tls_core::Connection,
    incoming: Incoming,
}

impl Gate {
    fn new(client: &Client, name: &str) -> Result<Self> {
        Ok(Self { client: client.connection(name)?, incoming: Incoming::new() })
    }

    /// Carries what the client says first, so many bytes at a time, and reads it.
    fn hello(&mut self, chunk: usize) -> Result<ClientHello> {
        let _ = self.client.handshake()?;
        let said = take_pending(&mut self.client);
        self.hear(&said, chunk)
    }

    fn hear(&mut self, said: &[u8], chunk: usize) -> Result<ClientHello> {
        let parts = said.chunks(chunk.min(said.len()));
        let last = parts.len() - 1;
        for (i, part) in parts.enumerate() {
            self.incoming.wire().feed(part);
            match self.incoming.hello()? {
                Progress::Ready(hello) => {
                    assert_eq!(i, last, "it was not all there");
                    // It can be asked again.
                    assert_eq!(self.incoming.hello()?, Progress::Ready(hello.clone()));
                    return Ok(hello);
                }
                progress => assert_eq!(progress, Progress::WantRead),
            }
        }
        panic!("it was all there");
    }

    /// Goes on with this server.
    fn pass(self, server: &Server, chunk: usize) -> Result<Pair> {
        let server = self.incoming.accept(server)?;
        let mut pair = Pair { client: self.client, server, chunk };
        pair.handshake()?;
        let Pair { client, server, .. } = &mut pair;
        assert_eq!(transfer(client, server, b"there", chunk)?, b"there");
        assert_eq!(transfer(server, client, b"and back", chunk)?, b"and back");
        Ok(pair)
    }
}

/// A root, and a server for each of these names.
fn servers<const N: usize>(
    backend: &dyn Backend,
    names: [&str; N],
) -> Result<(Authority, [Server; N])> {
    let root = Authority::root("Root of this case");
    let mut servers = Vec::new();
    for name in names {
        servers.push(Server::new(&ServerConfig::builder(root.server(name)).build()?, backend)?);
    }
    Ok((root, servers.try_into().unwrap()))
}

fn client_of(root: &Authority, backend: &dyn Backend) -> Result<Client> {
    Client::new(&ClientConfig::builder().roots(root.roots()).build()?, backend)
}

fn a_clients_offer_is_told(c: &dyn Backend) -> Result<()> {
    let client = Client::new(&configs().0.alpn(["one", "two"]).build()?, c)?;
    let hello = Gate::new(&client, NAME)?.hello(usize::MAX)?;
    assert_eq!(hello.server_name.as_deref(), Some(NAME));
    assert_eq!(hello.alpn, [b"one", b"two"]);
    let newest = hello.versions.iter().filter_map(|number| Version::from_number(*number)).max();
    let suite = match newest {
        Some(Version::Tls13) => 0x1301,
        _ => 0xc02b,
    };
    assert!(hello.cipher_suites.contains(&CipherSuite(suite)), "{hello:?}");
    assert!(hello.groups.contains(&Group::SECP256R1), "{hello:?}");
    assert!(hello.signature_schemes.contains(&0x0403), "{hello:?}");
    Ok(())
}

fn a_server_may_be_chosen_by_name(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, servers) = servers(s, ["one.test", "two.test"])?;
    let client = client_of(&root, c)?;
    for (name, server) in ["one.test", "two.test"].iter().zip(&servers) {
        let mut gate = Gate::new(&client, name)?;
        let asked = gate.hello(usize::MAX)?.server_name;
        assert_eq!(asked.as_deref(), Some(*name));
        // Had it another name, the client would refuse it.
        gate.pass(server, usize::MAX)?;
    }
    Ok(())
}

fn a_server_may_be_chosen_by_protocol(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    for name in ["one", "two"] {
        let client = ClientConfig::builder().roots(root.roots()).alpn([name]).build()?;
        let server = ServerConfig::builder(root.server(NAME)).alpn([name]).build()?;
        let mut gate = Gate::new(&Client::new(&client, c)?, NAME)?;
        assert_eq!(gate.hello(usize::MAX)?.alpn, [name.as_bytes()]);
        let pair = gate.pass(&Server::new(&server, s)?, usize::MAX)?;
        assert_eq!(pair.negotiated().1.alpn.as_deref(), Some(name.as_bytes()));
    }
    Ok(())
}

fn a_server_may_be_chosen_by_version(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let server = |version| {
        let config = ServerConfig::builder(root.server(NAME)).versions(Versions::only(version));
        Server::new(&config.build()?, s)
    };
    let (old, new) = (server(Version::Tls12)?, server(Version::Tls13)?);
    for version in [Version::Tls12, Version::Tls13] {
        let only = Versions::only(version);
        let client = ClientConfig::builder().roots(root.roots()).versions(only).build()?;
        let mut gate = Gate::new(&Client::new(&client, c)?, NAME)?;
        let offered = gate.hello(usize::MAX)?.versions;
        let is_new = offered.contains(&Version::Tls13.number());
        assert_eq!(is_new, version == Version::Tls13, "{offered:x?}");
        gate.pass(if is_new { &new } else { &old }, usize::MAX)?;
    }
    Ok(())
}

fn a_server_of_several_identities_may_be_chosen(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let own = ["one.test", "two.test"].map(|name| root.server(name));
    let config = ServerConfig::builder(own[0].clone()).add_identity(own[1].clone()).build()?;
    let (client, server) = (client_of(&root, c)?, Server::new(&config, s)?);
    for (name, own) in ["one.test", "two.test"].iter().zip(&own) {
        let mut gate = Gate::new(&client, name)?;
        gate.hello(usize::MAX)?;
        let pair = gate.pass(&server, usize::MAX)?;
        assert_eq!(pair.negotiated().0.peer_certificate(), Some(own.leaf()));
    }
    Ok(())
}

fn an_offer_may_come_one_byte_at_a_time(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, [server]) = servers(s, [NAME])?;
    let mut gate = Gate::new(&client_of(&root, c)?, NAME)?;
    assert_eq!(gate.hello(1)?.server_name.as_deref(), Some(NAME));
    gate.pass(&server, 1).map(drop)
}

fn an_offer_may_come_in_many_records(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, [server]) = servers(s, [NAME])?;
    for chunk in [usize::MAX, 1, 12] {
        let mut gate = Gate::new(&client_of(&root, c)?, NAME)?;
        let _ = gate.client.handshake()?;
        let said = raw::fragmented(&take_pending(&mut gate.client), 7);
        assert_eq!(gate.hear(&said, chunk)?.server_name.as_deref(), Some(NAME));
        gate.pass(&server, usize::MAX)?;
    }
    Ok(())
}

fn nobody_has_to_look(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, [server]) = servers(s, [NAME])?;
    for heard in [0, 1, 60] {
        let mut gate = Gate::new(&client_of(&root, c)?, NAME)?;
        let _ = gate.client.handshake()?;
        let said = gate.client.wire().pending()[..heard].to_vec();
        gate.client.wire().sent(heard);
        gate.incoming.wire().feed(&said);
        if heard > 0 {
            assert_eq!(gate.incoming.hello()?, Progress::WantRead);
        }
        gate.pass(&server, usize::MAX)?;
    }
    Ok(())
}

fn a_chosen_server_serves_over_a_transport(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, servers) = servers(s, ["other.test", NAME])?;
    let (a, b) = pipe(100);
    let mut client = client_of(&root, c)?.connect(NAME, a)?;
    let mut incoming = Some(IncomingStream::new(b));
    let mut server = None;
    let (client_done, server_done) = both(
        |cx| client.poll_handshake(cx),
        |cx| {
            if let Some(waiting) = &mut incoming {
                let hello = std::task::ready!(waiting.poll_hello(cx))?;
                let chosen = usize::from(hello.server_name.as_deref() == Some(NAME));
                server = Some(incoming.take().unwrap().accept(&servers[chosen])?);
            }
            server.as_mut().unwrap().poll_handshake(cx)
        },
    );
    client_done.and(server_done)?;
    let mut server = server.unwrap();
    assert_eq!(pass(&mut client, &mut server, &[7; 5000], 999)?, [7; 5000]);
    assert_eq!(pass(&mut server, &mut client, &[8; 5000], 999)?, [8; 5000]);
    Ok(())
}

fn a_client_may_be_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, [server]) = servers(s, [NAME])?;
    let mut gate = Gate::new(&client_of(&root, c)?, NAME)?;
    gate.hello(usize::MAX)?;
    gate.incoming.refuse(Alert::UNRECOGNIZED_NAME);
    let said = gate.incoming.wire().pending().to_vec();
    assert_eq!(said, [21, 3, 3, 0, 2, 2, 112]);
    gate.client.wire().feed(&said);
    let why = kind(gate.client.handshake());
    assert_eq!(why, ErrorKind::AlertReceived(Alert::UNRECOGNIZED_NAME));
    assert_eq!(kind(gate.incoming.accept(&server)), ErrorKind::Misuse);
    Ok(())
}

/// What is said of these bytes, of which so many are fed at a time; and what is sent for them.
fn said_of(bytes: &[u8], chunk: usize, server: &dyn Backend) -> Result<(ErrorKind, Vec<u8>)> {
    let mut incoming = Incoming::new();
    for part in bytes.chunks(chunk) {
        incoming.wire().feed(part);
        match incoming.hello() {
            Ok(progress) => assert_eq!(progress, Progress::WantRead),
            Err(e) => {
                assert_eq!(kind(incoming.hello()), e.kind(), "the first failure is final");
                let sent = incoming.wire().pending().to_vec();
                let server = Server::new(&configs().1.build()?, server)?;
                assert_eq!(kind(incoming.accept(&server)), e.kind());
                return Ok((e.kind(), sent));
            }
        }
    }
    panic!("nobody minds");
}

fn junk_is_not_tls(server: &dyn Backend) -> Result<()> {
    for junk in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 9], b"\x16\x02\x00\x00\x05hello"] {
        for chunk in [1, 100] {
            assert_eq!(said_of(junk, chunk, server)?.0, ErrorKind::NotTls);
        }
    }
    Ok(())
}

fn a_malformed_offer_is_named(server: &dyn Backend) -> Result<()> {
    let mut cut = Hello::tls13().message();
    let length = cut.len() - 4 - 9;
    cut.truncate(4 + length);
    cut[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    for message in [cut, raw::message(1, &[3, 3, 9, 9, 9]), raw::message(20, &[1; 12])] {
        for chunk in [1, 1000] {
            let (kind, sent) = said_of(&raw::record(22, &message), chunk, server)?;
            assert_eq!(kind, ErrorKind::Protocol);
            assert_eq!(sent, [21, 3, 3, 0, 2, 2, Alert::DECODE_ERROR.0]);
        }
    }
    Ok(())
}

fn a_boundless_offer_is_refused(server: &dyn Backend) -> Result<()> {
    // A message of sixteen megabytes, and one that comes in records of a byte each.
    let long = raw::record(22, &[1, 0xff, 0xff, 0xff]);
    assert_eq!(said_of(&long, 1, server)?.0, ErrorKind::Protocol);
    let record = raw::record(22, &[7]);
    let many = [raw::record(22, &[1, 0, 0xff, 0xff]), record.repeat(ClientHello::MAX_LEN)].concat();
    assert!(many.len() > Wire::HIGH_WATER);
    assert_eq!(said_of(&many, 4096, server)?.0, ErrorKind::Protocol);
    Ok(())
}

fn an_alert_in_place_of_an_offer_is_told(server: &dyn Backend) -> Result<()> {
    for chunk in [1, 100] {
        let (kind, _) = said_of(&raw::alert(80), chunk, server)?;
        assert_eq!(kind, ErrorKind::AlertReceived(Alert::INTERNAL_ERROR));
    }
    Ok(())
}

fn the_end_of_the_transport_is_told(server: &dyn Backend) -> Result<()> {
    let hello = Hello::tls13().record();
    for heard in [0, 1, 5, hello.len() - 1] {
        let mut incoming = Incoming::new();
        incoming.wire().feed(&hello[..heard]);
        assert_eq!(incoming.hello()?, Progress::WantRead);
        incoming.wire().end();
        assert_eq!(kind(incoming.hello()), ErrorKind::UnexpectedEof);
        let server = Server::new(&configs().1.build()?, server)?;
        assert_eq!(kind(incoming.accept(&server)), ErrorKind::UnexpectedEof);
    }
    Ok(())
}
