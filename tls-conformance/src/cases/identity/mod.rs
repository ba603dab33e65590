//! Identities: which key, whose, and how long it is there.

pub(super) mod later;
pub(super) mod reload;
pub(super) mod signer;

use tls_core::{
    Backend, CipherSuite, Client, ClientAuth, ClientConfig, ClientConfigBuilder, ErrorKind,
    Identity, Result, Server, ServerConfig, ServerConfigBuilder, Version, Versions,
};

use super::cases;
use crate::certs::{Authority, Leaf, rsa};
use crate::pair::{Ends, NAME, Pair, configs, kind, take_pending};
use crate::raw::Hello;

cases! { "identity";
    Pair the_key_fits_the_clients_suites_in_tls12
        [CipherSuites Tls12Client] [Tls12Server]
        "Of an RSA and an ECDSA certificate for one name a TLS 1.2 client gets the one its suites are for.";
    Server the_key_fits_the_clients_signatures [] [Tls12Server]
        "Of an RSA and an ECDSA certificate a client gets the one whose signatures it can check.";
    Pair a_wildcard_that_can_be_used_beats_an_exact_name_that_cannot
        [CipherSuites Tls12Client] [Tls12Server]
        "An identity with a wildcard is presented where the client can check only that one's key.";
    Pair another_name_is_not_presented_for_its_key [CipherSuites Tls12Client] [Tls12Server]
        "An identity for another name is not presented because its key would fit.";
    Pair the_first_of_two_keys_is_presented_to_who_knows_both [] []
        "A client that can check both keys gets the first of two identities for one name.";
    Pair a_cleared_key_goes_on_in_a_server [] []
        "A server that is compiled goes on once the key of its identity has been cleared.";
    Pair a_cleared_key_goes_on_in_a_client [ClientIdentity] [RequestClientCertificate]
        "A client that is compiled goes on once the key of its identity has been cleared.";
    Server a_cleared_key_compiles_no_server [] []
        "An identity whose key has been cleared, in any clone, is no configuration of another server.";
    Client a_cleared_key_compiles_no_client [ClientIdentity] []
        "An identity whose key has been cleared is no configuration of another client.";
}

const ECDSA: CipherSuite = CipherSuite(0xc02b);
const RSA: CipherSuite = CipherSuite(0xc02f);

/// A server with these identities shows the one of this index to a TLS 1.2 client that reaches
/// [`NAME`] and has this suite only.
fn shows(
    (client, server): (&dyn Backend, &dyn Backend),
    (root, identities): (&Authority, &[Identity]),
    suite: CipherSuite,
    i: usize,
) -> Result<()> {
    let c = tls12().roots(root.roots()).cipher_suites([suite]);
    let s = identities[1..]
        .iter()
        .fold(tls12_server(&identities[0]), |s, own| s.add_identity(own.clone()));
    let mut pair = Pair::new((client, c), (server, s))?;
    pair.handshake()?;
    let shown = pair.negotiated().0;
    assert_eq!(shown.peer_certificate(), Some(identities[i].leaf()), "for {suite}");
    Ok(())
}

fn tls12() -> ClientConfigBuilder {
    ClientConfig::builder().versions(Versions::only(Version::Tls12))
}

fn tls12_server(own: &Identity) -> ServerConfigBuilder {
    ServerConfig::builder(own.clone()).versions(Versions::only(Version::Tls12))
}

fn the_key_fits_the_clients_suites_in_tls12(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("Root of this case");
    let other = root.server("other.test");
    let ecdsa = root.server(NAME);
    let by_rsa = root.issue(Leaf::server(&[NAME]).with_key(rsa()));
    for both in [[ecdsa.clone(), by_rsa.clone()], [by_rsa.clone(), ecdsa.clone()]] {
        let identities = [&[other.clone()][..], &both].concat();
        let at = |own: &Identity| identities.iter().position(|i| i.leaf() == own.leaf()).unwrap();
        let host = (&root, &identities[..]);
        shows((client, server), host, ECDSA, at(&ecdsa))?;
        shows((client, server), host, RSA, at(&by_rsa))?;
    }
    Ok(())
}

/// Which of these certificates a server shows to a TLS 1.2 client that accepts these signatures.
fn shown(server: &Server, signature_schemes: &[u16], of: &[&Identity]) -> Result<usize> {
    let suites = [ECDSA, RSA].map(|suite| suite.0).to_vec();
    let signature_schemes = signature_schemes.to_vec();
    let mut connection = server.connection()?;
    let hello = Hello { suites, signature_schemes, ..Hello::tls12() };
    connection.wire().feed(&hello.record());
    let _ = connection.handshake()?;
    // In TLS 1.2 the certificates are in clear.
    let flight = take_pending(&mut connection);
    let is_shown = |own: &&Identity| {
        let leaf: &[u8] = own.leaf();
        flight.windows(leaf.len()).any(|bytes| bytes == leaf)
    };
    Ok(of.iter().position(is_shown).unwrap())
}

fn the_key_fits_the_clients_signatures(server: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let ecdsa = root.server(NAME);
    let by_rsa = root.issue(Leaf::server(&[NAME]).with_key(rsa()));
    for [first, second] in [[&ecdsa, &by_rsa], [&by_rsa, &ecdsa]] {
        let config = ServerConfig::builder(first.clone()).add_identity(second.clone());
        let server =
            Server::new(&config.versions(Versions::only(Version::Tls12)).build()?, server)?;
        let of = [&ecdsa, &by_rsa];
        assert_eq!(shown(&server, &[0x0403], &of)?, 0);
        assert_eq!(shown(&server, &[0x0804, 0x0401], &of)?, 1);
        let both = shown(&server, &[0x0403, 0x0804, 0x0401], &of)?;
        assert_eq!(of[both].leaf(), first.leaf());
    }
    Ok(())
}

fn a_wildcard_that_can_be_used_beats_an_exact_name_that_cannot(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("Root of this case");
    // The name that is asked for lies under this wildcard.
    let host = [
        root.server("other.test"),
        root.server("a.zone.test"),
        root.issue(Leaf::server(&["*.zone.test"]).with_key(rsa())),
    ];
    for (suite, i) in [(ECDSA, 1), (RSA, 2)] {
        let c = tls12().roots(root.roots()).cipher_suites([suite]);
        let s = tls12_server(&host[0]);
        let s = s.add_identity(host[1].clone()).add_identity(host[2].clone());
        let mut pair = Pair::to("a.zone.test", (client, c), (server, s))?;
        pair.handshake()?;
        assert_eq!(pair.negotiated().0.peer_certificate(), Some(host[i].leaf()), "for {suite}");
    }
    Ok(())
}

fn another_name_is_not_presented_for_its_key(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("Root of this case");
    let host = [root.issue(Leaf::server(&["other.test"]).with_key(rsa())), root.server(NAME)];
    shows((client, server), (&root, &host), ECDSA, 1)?;
    let c = tls12().roots(root.roots()).cipher_suites([RSA]);
    let s = tls12_server(&host[0]).add_identity(host[1].clone());
    let (_, server) = Pair::new((client, c), (server, s))?.handshakes();
    let why = kind(server);
    assert!([ErrorKind::NoSharedCipher, ErrorKind::NoSharedSignature].contains(&why), "{why:?}");
    Ok(())
}

fn the_first_of_two_keys_is_presented_to_who_knows_both(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = Authority::root("Root of this case");
    let ecdsa = root.server(NAME);
    let by_rsa = root.issue(Leaf::server(&[NAME]).with_key(rsa()));
    for [first, second] in [[&ecdsa, &by_rsa], [&by_rsa, &ecdsa]] {
        let c = ClientConfig::builder().roots(root.roots());
        let s = ServerConfig::builder(first.clone()).add_identity(second.clone());
        let mut pair = Pair::new((client, c), (server, s))?;
        pair.handshake()?;
        assert_eq!(pair.negotiated().0.peer_certificate(), Some(first.leaf()));
    }
    Ok(())
}

fn a_cleared_key_goes_on_in_a_server(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let own = [root.server(NAME), root.server("other.test")];
    let c = ClientConfig::builder().roots(root.roots());
    let s = ServerConfig::builder(own[0].clone()).add_identity(own[1].clone());
    let ends = Ends::new((client, c), (server, s))?;
    let mut begun = ends.pair()?;
    own.iter().for_each(Identity::clear_key);
    begun.handshake()?;
    ends.established()?;
    let client = ends.client.connection("other.test")?;
    Pair { client, server: ends.server.connection()?, chunk: usize::MAX }.handshake()
}

fn a_cleared_key_goes_on_in_a_client(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let own = root.client("somebody");
    let c = ClientConfig::builder().roots(root.roots()).identity(own.clone());
    let s = ServerConfig::builder(root.server(NAME)).client_auth(ClientAuth::Require(root.roots()));
    let ends = Ends::new((client, c), (server, s))?;
    own.clear_key();
    let mut pair = ends.pair()?;
    pair.handshake()?;
    assert_eq!(pair.negotiated().1.peer_certificate(), Some(own.leaf()));
    Ok(())
}

fn a_cleared_key_compiles_no_server(server: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let (own, other) = (root.server(NAME), root.server("other.test"));
    let alone = ServerConfig::builder(own.clone()).build()?;
    let beside = ServerConfig::builder(other).add_identity(own.clone()).build()?;
    Server::new(&alone, server)?;
    Server::new(&beside, server)?;
    own.clone().clear_key();
    for config in [&alone, &beside] {
        assert_eq!(kind(Server::new(config, server)), ErrorKind::Config);
    }
    assert_eq!(own.key().unwrap_err().kind(), ErrorKind::Config);
    Ok(())
}

fn a_cleared_key_compiles_no_client(client: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let own = root.client("somebody");
    let config = configs().0.identity(own.clone()).build()?;
    Client::new(&config, client)?;
    own.clear_key();
    assert_eq!(kind(Client::new(&config, client)), ErrorKind::Config);
    Ok(())
}
