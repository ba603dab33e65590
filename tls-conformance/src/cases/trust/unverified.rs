//! Clients whose certificate is handed over as it is.

use tls_core::{
    Backend, CertificateError, ClientAuth, ClientConfig, Identity, Result, ServerConfig, Version,
    Versions,
};

use super::{below, carry_spoilt, root, stranger};
use crate::cases::{both_versions, cases};
use crate::certs::{Leaf, set_days};
use crate::pair::{NAME, Pair};
use crate::{raw, told};

cases! { "unverified";
    Pair an_unknown_client_is_handed_over_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate Tls12Server UnverifiedClients]
        "A client of an issuer that nobody knows is served, and its certificate handed over.";
    Pair an_unknown_client_is_handed_over_in_tls13
        [ClientIdentity Tls13Client] [RequestClientCertificate Tls13Server UnverifiedClients]
        "A client of an issuer that nobody knows is served in TLS 1.3, and its certificate handed over.";
    Pair a_self_signed_client_is_handed_over
        [ClientIdentity] [RequestClientCertificate UnverifiedClients]
        "A client's self-signed certificate is handed over.";
    Pair an_expired_client_is_handed_over
        [ClientIdentity] [RequestClientCertificate UnverifiedClients]
        "A client's expired certificate is handed over.";
    Pair a_certificate_for_servers_is_handed_over
        [ClientIdentity] [RequestClientCertificate UnverifiedClients]
        "A certificate for another purpose is handed over.";
    Pair the_whole_chain_is_handed_over
        [ClientIdentity] [ReportPeerChain RequestClientCertificate UnverifiedClients]
        "What the client sends along is handed over too.";
    Pair a_client_without_a_certificate_is_served_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate Tls12Server UnverifiedClients]
        "A client without a certificate is served, and none is handed over.";
    Pair a_client_without_a_certificate_is_served_in_tls13
        [ClientIdentity Tls13Client] [RequestClientCertificate Tls13Server UnverifiedClients]
        "A client without a certificate is served in TLS 1.3, and none is handed over.";
    Pair a_client_that_does_not_hold_the_key_is_refused
        [ClientIdentity Tls12Client] [RequestClientCertificate Tls12Server UnverifiedClients]
        "A client that does not hold its certificate's key is refused all the same.";
    Pair it_is_not_the_default
        [ClientIdentity] [CertificateReasons RequestClientCertificate UnverifiedClients]
        "A server that does not ask for it refuses a client that it does not know.";
}

/// A server that asks in this way, and a client that is `identity`.
fn pair(
    (client, server): (&dyn Backend, &dyn Backend),
    auth: ClientAuth,
    identity: Option<&Identity>,
    versions: Versions,
) -> Result<Pair> {
    let own = root();
    let c = ClientConfig::builder().roots(own.roots()).versions(versions);
    let c = identity.iter().fold(c, |c, identity| c.identity((*identity).clone()));
    let s = ServerConfig::builder(own.server(NAME)).client_auth(auth).versions(versions);
    Pair::new((client, c), (server, s))
}

/// A client that is `identity` is served, and the server knows it.
fn handed_over(
    client: &dyn Backend,
    server: &dyn Backend,
    identity: &Identity,
    versions: Versions,
) -> Result<()> {
    let mut pair = pair((client, server), ClientAuth::Unverified, Some(identity), versions)?;
    pair.handshake()?;
    assert_eq!(pair.negotiated().1.peer_certificate(), Some(identity.leaf()));
    Ok(())
}

both_versions! {
    an_unknown_client_is_handed_over_in_tls12 an_unknown_client_is_handed_over_in_tls13 = unknown;
    a_client_without_a_certificate_is_served_in_tls12
        a_client_without_a_certificate_is_served_in_tls13 = nobody;
}

fn unknown(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    handed_over(client, server, &stranger().client("somebody"), Versions::only(version))
}

fn nobody(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let only = Versions::only(version);
    unknown(version, client, server)?;
    let mut pair = pair((client, server), ClientAuth::Unverified, None, only)?;
    pair.handshake()?;
    assert_eq!(pair.negotiated().1.peer_chain, []);
    Ok(())
}

fn a_self_signed_client_is_handed_over(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let identity = Leaf::client("somebody").self_signed();
    handed_over(client, server, &identity, Versions::default())
}

fn an_expired_client_is_handed_over(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let leaf = Leaf::client("somebody").with(|params| set_days(params, -20, -10));
    handed_over(client, server, &stranger().issue(leaf), Versions::default())
}

fn a_certificate_for_servers_is_handed_over(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let identity = stranger().server("client.test");
    handed_over(client, server, &identity, Versions::default())
}

fn the_whole_chain_is_handed_over(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let identity = below(&stranger(), 2).client("somebody");
    let auth = ClientAuth::Unverified;
    let mut pair = pair((client, server), auth, Some(&identity), Versions::default())?;
    pair.handshake()?;
    assert_eq!(told::peer_chain(&pair.negotiated().1)?, identity.chain());
    Ok(())
}

fn a_client_that_does_not_hold_the_key_is_refused(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let only = Versions::only(Version::Tls12);
    let identity = stranger().client("somebody");
    handed_over(client, server, &identity, only)?;
    let mut pair = pair((client, server), ClientAuth::Unverified, Some(&identity), only)?;
    let _ = pair.client.handshake()?;
    pair.carry_all();
    let _ = pair.server.handshake()?;
    pair.carry_all();
    let _ = pair.client.handshake()?;
    carry_spoilt(&mut pair.client, &mut pair.server, raw::CERTIFICATE_VERIFY);
    let (_, server) = pair.handshakes();
    assert_eq!(server.unwrap_err().kind(), tls_core::ErrorKind::Protocol);
    Ok(())
}

fn it_is_not_the_default(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let identity = stranger().client("somebody");
    handed_over(client, server, &identity, Versions::default())?;
    for auth in [ClientAuth::Request(root().roots()), ClientAuth::Require(root().roots())] {
        let mut pair = pair((client, server), auth, Some(&identity), Versions::default())?;
        told::refusal(pair.handshakes().1, CertificateError::UnknownIssuer)?;
    }
    Ok(())
}
