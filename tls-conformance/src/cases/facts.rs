//! What each side says was settled.

pub(super) mod signed;

use tls_core::{
    Backend, CipherSuite, ClientAuth, ClientConfig, Group, Negotiated, Result, ServerConfig,
    Version, Versions,
};

use super::cases;
use crate::certs::Authority;
use crate::pair::{NAME, Pair, configs};
use crate::told;

cases! { "facts";
    Pair before_the_end_nothing_is_settled [] []
        "Until the handshake is done nothing is told.";
    Pair both_sides_tell_the_same_version [ReportVersion] [ReportVersion]
        "Both sides tell the same version.";
    Pair both_sides_tell_the_same_suite [ReportCipherSuite] [ReportCipherSuite]
        "Both sides tell the same cipher suite, by the name IANA gave it.";
    Pair both_sides_tell_the_same_suite_in_tls12
        [ReportCipherSuite Tls12Client] [ReportCipherSuite]
        "Both sides tell the same cipher suite in TLS 1.2.";
    Pair both_sides_tell_the_same_group [ReportGroup] [ReportGroup]
        "Both sides tell the same key-exchange group.";
    Pair both_sides_tell_the_same_group_in_tls12 [ReportGroup Tls12Client] [ReportGroup]
        "Both sides tell the same key-exchange group in TLS 1.2.";
    Pair a_first_handshake_resumes_nothing [ReportResumed] [ReportResumed]
        "Neither side says that a first session was resumed.";
    Pair the_client_tells_the_servers_whole_chain [ReportPeerChain] []
        "A client tells the server's chain as it was sent, the server's own certificate first.";
    Pair the_client_tells_the_servers_whole_chain_in_tls12 [ReportPeerChain Tls12Client] []
        "A client tells the server's chain in TLS 1.2.";
    Pair the_server_tells_the_clients_whole_chain
        [ClientIdentity] [ReportPeerChain RequestClientCertificate]
        "A server tells the client's chain as it was sent, the client's own certificate first.";
    Pair the_chain_is_told_as_it_was_sent [ReportPeerChain] []
        "A chain in another order, and with a certificate too many, is told as it was sent.";
    Pair the_servers_own_certificate_is_told [] [ReportLocalCertificate]
        "A server tells its own certificate.";
    Pair the_clients_own_certificate_is_told
        [ClientIdentity ReportLocalCertificate] [RequestClientCertificate]
        "A client tells the certificate that it presented.";
    Pair the_clients_own_certificate_is_told_in_tls12
        [ClientIdentity ReportLocalCertificate Tls12Client] [RequestClientCertificate]
        "A client tells the certificate that it presented in TLS 1.2.";
    Pair a_client_without_a_certificate_tells_none [] []
        "A client that presented no certificate tells none, and the server knows none.";
    Pair the_facts_stay_the_same [] []
        "What was settled is the same after data and after the end.";
}

fn before_the_end_nothing_is_settled(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client), (s, server))?;
    assert_eq!((pair.client.negotiated(), pair.server.negotiated()), (None, None));
    let _ = pair.client.handshake()?;
    pair.carry_all();
    let _ = pair.server.handshake()?;
    assert_eq!((pair.client.negotiated(), pair.server.negotiated()), (None, None));
    pair.handshake()?;
    assert!(pair.client.negotiated().is_some() && pair.server.negotiated().is_some());
    Ok(())
}

fn facts(c: &dyn Backend, s: &dyn Backend, versions: Versions) -> Result<(Negotiated, Negotiated)> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client.versions(versions)), (s, server))?;
    pair.handshake()?;
    Ok(pair.negotiated())
}

fn both_sides_tell_the_same_version(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = facts(c, s, Versions::default())?;
    assert_eq!(told::version(&client)?, told::version(&server)?);
    Ok(())
}

fn both_sides_tell_the_same_suite(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = facts(c, s, Versions::default())?;
    let suite = told::cipher_suite(&client)?;
    assert_eq!(suite, told::cipher_suite(&server)?);
    assert!(CipherSuite::DEFAULT.contains(&suite), "{suite}");
    assert_eq!(suite.to_string().parse::<CipherSuite>()?, suite);
    Ok(())
}

fn both_sides_tell_the_same_suite_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = facts(c, s, Versions::only(Version::Tls12))?;
    let suite = told::cipher_suite(&client)?;
    assert_eq!(suite, told::cipher_suite(&server)?);
    assert!(suite.name().unwrap().starts_with("TLS_ECDHE_ECDSA_WITH_"), "{suite}");
    Ok(())
}

fn both_sides_tell_the_same_group(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = facts(c, s, Versions::default())?;
    let group = told::group(&client)?;
    assert_eq!(group, told::group(&server)?);
    assert!(Group::DEFAULT.contains(&group), "{group}");
    Ok(())
}

fn both_sides_tell_the_same_group_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = facts(c, s, Versions::only(Version::Tls12))?;
    let group = told::group(&client)?;
    assert_eq!(group, told::group(&server)?);
    assert!(!group.is_post_quantum(), "{group}");
    Ok(())
}

fn a_first_handshake_resumes_nothing(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for versions in [Versions::default(), Versions::only(Version::Tls12)] {
        let (client, server) = facts(c, s, versions)?;
        assert!(!told::resumed(&client)? && !told::resumed(&server)?);
    }
    Ok(())
}

fn servers_chain(c: &dyn Backend, s: &dyn Backend, versions: Versions) -> Result<()> {
    let root = Authority::root("Root of this case");
    let identity =
        root.intermediate("Upper authority").intermediate("Lower authority").server(NAME);
    let client = ClientConfig::builder().roots(root.roots()).versions(versions);
    let mut pair = Pair::new((c, client), (s, ServerConfig::builder(identity.clone())))?;
    pair.handshake()?;
    let (client, server) = pair.negotiated();
    assert_eq!(told::peer_chain(&client)?, identity.chain());
    assert_eq!(client.peer_certificate(), Some(identity.leaf()));
    assert_eq!(server.peer_chain, []);
    Ok(())
}

fn the_client_tells_the_servers_whole_chain(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    servers_chain(c, s, Versions::default())
}

fn the_client_tells_the_servers_whole_chain_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    servers_chain(c, s, Versions::only(Version::Tls12))
}

fn the_server_tells_the_clients_whole_chain(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let clients = Authority::root("Root of the clients");
    let identity = clients.intermediate("Authority of the clients").client("somebody");
    let (client, server) = configs();
    let server = server.client_auth(ClientAuth::Require(clients.roots()));
    let mut pair = Pair::new((c, client.identity(identity.clone())), (s, server))?;
    pair.handshake()?;
    let (_, server) = pair.negotiated();
    assert_eq!(told::peer_chain(&server)?, identity.chain());
    Ok(())
}

fn the_chain_is_told_as_it_was_sent(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let identity =
        root.intermediate("Upper authority").intermediate("Lower authority").server(NAME);
    let [leaf, lower, upper] = identity.chain() else { unreachable!() };
    let chain = [leaf, upper, lower, &root.certificate()].map(Clone::clone);
    let identity = crate::certs::with_chain(&identity, chain.clone());
    let client = ClientConfig::builder().roots(root.roots());
    let mut pair = Pair::new((c, client), (s, ServerConfig::builder(identity)))?;
    pair.handshake()?;
    assert_eq!(told::peer_chain(&pair.negotiated().0)?, chain);
    Ok(())
}

fn the_servers_own_certificate_is_told(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for versions in [Versions::default(), Versions::only(Version::Tls12)] {
        let (client, server) = facts(c, s, versions)?;
        assert_eq!(Some(told::local_certificate(&server)?), client.peer_certificate());
    }
    Ok(())
}

fn clients_own(c: &dyn Backend, s: &dyn Backend, versions: Versions) -> Result<()> {
    let clients = Authority::root("Root of the clients");
    let identity = clients.client("somebody");
    for auth in [ClientAuth::Request(clients.roots()), ClientAuth::Require(clients.roots())] {
        let (client, server) = configs();
        let client = client.identity(identity.clone()).versions(versions);
        let mut pair = Pair::new((c, client), (s, server.client_auth(auth)))?;
        pair.handshake()?;
        assert_eq!(told::local_certificate(&pair.negotiated().0)?, identity.leaf());
    }
    Ok(())
}

fn the_clients_own_certificate_is_told(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    clients_own(c, s, Versions::default())
}

fn the_clients_own_certificate_is_told_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    clients_own(c, s, Versions::only(Version::Tls12))
}

fn a_client_without_a_certificate_tells_none(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = facts(c, s, Versions::default())?;
    assert_eq!(client.local_certificate, None);
    assert_eq!(server.peer_chain, []);
    assert_eq!(server.peer_certificate(), None);
    Ok(())
}

fn the_facts_stay_the_same(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let mut pair = Pair::established(c, s)?;
    let first = pair.negotiated();
    crate::pair::transfer(&mut pair.client, &mut pair.server, b"ping", usize::MAX)?;
    crate::pair::transfer(&mut pair.server, &mut pair.client, b"pong", usize::MAX)?;
    assert_eq!(pair.negotiated(), first);
    let _ = pair.client.close()?;
    pair.carry_all();
    let _ = pair.server.read(&mut [0; 9])?;
    assert_eq!(pair.negotiated(), first);
    Ok(())
}
