//! Client certificates.

use tls_core::{
    Alert, Backend, CertificateError, ClientAuth, ClientConfig, ErrorKind, Identity, Result, Roots,
    Server, ServerConfig, Version, Versions,
};

use super::{cases, verification};
use crate::certs::{Authority, Leaf, set_days, with_bad_signature, with_chain};
use crate::pair::{NAME, Pair, configs, take_pending};
use crate::raw::Hello;
use crate::told;

cases! { "client_auth";
    Pair a_client_that_is_not_asked_keeps_its_certificate
        [ClientIdentity] [RequestClientCertificate]
        "A client that could present a certificate does not when it is not asked.";
    Pair a_requested_certificate_is_presented [ClientIdentity] [RequestClientCertificate]
        "A client presents its certificate to a server that asks.";
    Pair a_requested_certificate_is_presented_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate]
        "A client presents its certificate to a server that asks in TLS 1.2.";
    Pair a_client_without_a_certificate_is_served_if_it_was_only_requested
        [ClientIdentity] [RequestClientCertificate]
        "A server that only asks serves a client without a certificate.";
    Pair a_client_without_a_certificate_is_served_if_it_was_only_requested_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate]
        "A server that only asks serves a client without a certificate in TLS 1.2.";
    Pair a_required_certificate_is_presented [ClientIdentity] [RequestClientCertificate]
        "A client presents its certificate to a server that insists.";
    Pair a_required_certificate_is_presented_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate]
        "A client presents its certificate to a server that insists in TLS 1.2.";
    Pair a_required_certificate_is_presented_one_byte_at_a_time
        [ClientIdentity] [RequestClientCertificate]
        "A client presents its certificate when every byte arrives alone.";
    Pair a_client_without_a_required_certificate_is_refused
        [Tls13Client] [EncryptedAlerts RequestClientCertificate]
        "A server that insists refuses a client without a certificate, and says why.";
    Pair a_client_without_a_required_certificate_is_refused_in_tls12
        [Tls12Client] [RequestClientCertificate]
        "A server that insists refuses a client without a certificate in TLS 1.2.";
    Pair a_client_of_an_unknown_issuer_is_refused
        [ClientIdentity Tls13Client] [RequestClientCertificate CertificateReasons]
        "A client's certificate of a root that is not trusted is refused, and the client told.";
    Pair a_client_of_an_unknown_issuer_is_refused_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate CertificateReasons]
        "A client's certificate of a root that is not trusted is refused in TLS 1.2.";
    Server welcome_authorities_are_named [] [RequestClientCertificate Tls12Server]
        "A server that asks for a certificate names every authority that it trusts.";
    Pair what_is_only_requested_is_verified
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A server that only asks still refuses a certificate that it does not trust.";
    Pair a_self_signed_client_is_refused
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A client's self-signed certificate is refused as such.";
    Pair a_given_self_signed_client_is_accepted [ClientIdentity] [RequestClientCertificate]
        "A client's self-signed certificate that was given as a root is accepted.";
    Pair a_server_certificate_is_not_for_clients
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A certificate meant only for servers is refused from a client.";
    Pair a_client_certificate_that_may_not_sign_is_refused
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A client's certificate whose key usage lacks digitalSignature is refused.";
    Pair an_expired_client_is_refused
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A client's certificate that has expired is refused.";
    Pair an_expired_client_is_refused_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate CertificateReasons]
        "A client's certificate that has expired is refused in TLS 1.2.";
    Pair a_client_that_is_not_yet_valid_is_refused
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A client's certificate that is not yet valid is refused.";
    Pair a_client_with_a_wrong_signature_is_refused
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A client's certificate with a wrong signature is refused.";
    Pair a_client_below_an_intermediate_is_accepted
        [ClientIdentity] [RequestClientCertificate ReportPeerChain]
        "A client's chain through an intermediate is accepted, and told in full.";
    Pair a_client_below_an_intermediate_is_accepted_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate ReportPeerChain]
        "A client's chain through an intermediate is accepted in TLS 1.2.";
    Pair a_client_with_a_missing_intermediate_is_refused
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "A client's chain with a gap is refused.";
    Pair a_clients_names_do_not_matter [ClientIdentity] [RequestClientCertificate]
        "A client's certificate needs no particular name.";
    Pair a_client_of_any_root_is_accepted [ClientIdentity] [RequestClientCertificate]
        "Each of a server's several roots may vouch for a client.";
    Pair the_servers_root_does_not_vouch_for_clients
        [ClientIdentity] [RequestClientCertificate CertificateReasons]
        "The root of a server's own certificate does not vouch for its clients.";
    Pair a_p384_client_is_accepted [ClientIdentity] [RequestClientCertificate]
        "A client's certificate with a P-384 key is accepted.";
    Pair an_ed25519_client_is_accepted
        [ClientIdentity Ed25519] [Ed25519 RequestClientCertificate]
        "A client's certificate with an Ed25519 key is accepted.";
    Pair an_rsa_client_is_accepted [ClientIdentity] [RequestClientCertificate]
        "A client's certificate with an RSA key is accepted.";
    Pair an_rsa_client_is_accepted_in_tls12
        [ClientIdentity Tls12Client] [RequestClientCertificate]
        "A client's certificate with an RSA key is accepted in TLS 1.2.";
    Server asking_without_roots_is_no_configuration [] []
        "A server cannot ask for certificates that nobody could issue.";
}

/// A server that asks, and a client that may have something to say.
struct Checkpoint<'a> {
    client: &'a dyn Backend,
    server: &'a dyn Backend,
    identity: Option<Identity>,
    auth: ClientAuth,
    versions: Versions,
}

impl<'a> Checkpoint<'a> {
    /// A server that insists.
    fn new(
        client: &'a dyn Backend,
        server: &'a dyn Backend,
        identity: &Identity,
        roots: Roots,
    ) -> Self {
        let auth = ClientAuth::Require(roots);
        let versions = Versions::default();
        Self { client, server, identity: Some(identity.clone()), auth, versions }
    }

    fn speaking(self, version: Version) -> Self {
        Self { versions: Versions::only(version), ..self }
    }

    fn pair(self) -> Result<Pair> {
        let root = Authority::root("Root of the server");
        let client = ClientConfig::builder().roots(root.roots()).versions(self.versions);
        let client = match self.identity {
            None => client,
            Some(identity) => client.identity(identity),
        };
        let server = ServerConfig::builder(root.server(NAME)).client_auth(self.auth);
        Pair::new((self.client, client), (self.server, server))
    }

    /// The client is served, and the server knows its certificate.
    fn lets_pass(self) -> Result<()> {
        let identity = self.identity.clone().unwrap();
        let mut pair = self.pair()?;
        pair.handshake()?;
        let (_, server) = pair.negotiated();
        assert_eq!(server.peer_certificate(), Some(identity.leaf()));
        Ok(())
    }

    /// The client is served, and the server knows nothing about it.
    fn lets_pass_unknown(self) -> Result<()> {
        let mut pair = self.pair()?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        assert_eq!(client.local_certificate, None);
        assert_eq!(server.peer_chain, []);
        Ok(())
    }

    /// The server refuses the client's certificate for exactly this reason, and tells it so with
    /// the alert that fits.
    fn refuses(self, why: CertificateError) -> Result<()> {
        let mut pair = self.pair()?;
        let (client, server) = pair.handshakes();
        told::refusal(server, why)?;
        assert_eq!(alert(&mut pair, client)?, verification::alert(why), "{}", why.name());
        Ok(())
    }
}

/// The alert that ended the client's connection. In TLS 1.3 the client has done its part of the
/// handshake before the server looks at the certificate, and learns of it when it reads.
fn alert(pair: &mut Pair, handshake: Result<()>) -> Result<Alert> {
    match handshake.map_err(|e| e.kind()) {
        Ok(()) => told::encrypted_alert(pair.client.read(&mut [0; 9])),
        Err(ErrorKind::AlertReceived(alert)) => Ok(alert),
        other => panic!("the client should have got an alert, but: {other:?}"),
    }
}

fn clients() -> Authority {
    Authority::root("Root of the clients")
}

fn a_client_that_is_not_asked_keeps_its_certificate(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let clients = clients();
    let identity = clients.client("somebody");
    for versions in [Versions::default(), Versions::only(Version::Tls12)] {
        let asking = Checkpoint::new(c, s, &identity, clients.roots());
        Checkpoint { auth: ClientAuth::None, versions, ..asking }.lets_pass_unknown()?;
    }
    // It would, though.
    Checkpoint::new(c, s, &identity, clients.roots()).lets_pass()
}

fn requested(c: &dyn Backend, s: &dyn Backend, versions: Versions) -> Result<()> {
    let clients = clients();
    let asking = Checkpoint::new(c, s, &clients.client("somebody"), clients.roots());
    Checkpoint { auth: ClientAuth::Request(clients.roots()), versions, ..asking }.lets_pass()
}

fn a_requested_certificate_is_presented(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    requested(c, s, Versions::default())
}

fn a_requested_certificate_is_presented_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    requested(c, s, Versions::only(Version::Tls12))
}

fn nobody<'a>(
    client: &'a dyn Backend,
    server: &'a dyn Backend,
    auth: ClientAuth,
    versions: Versions,
) -> Checkpoint<'a> {
    Checkpoint { client, server, identity: None, auth, versions }
}

fn a_client_without_a_certificate_is_served_if_it_was_only_requested(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let auth = ClientAuth::Request(clients().roots());
    requested(c, s, Versions::default())?;
    nobody(c, s, auth, Versions::default()).lets_pass_unknown()
}

fn a_client_without_a_certificate_is_served_if_it_was_only_requested_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let auth = ClientAuth::Request(clients().roots());
    requested(c, s, Versions::only(Version::Tls12))?;
    nobody(c, s, auth, Versions::only(Version::Tls12)).lets_pass_unknown()
}

fn a_required_certificate_is_presented(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let clients = clients();
    Checkpoint::new(c, s, &clients.client("somebody"), clients.roots()).lets_pass()
}

fn a_required_certificate_is_presented_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let clients = clients();
    let asking = Checkpoint::new(c, s, &clients.client("somebody"), clients.roots());
    asking.speaking(Version::Tls12).lets_pass()
}

fn a_required_certificate_is_presented_one_byte_at_a_time(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let clients = clients();
    let identity = clients.client("somebody");
    let mut pair = Checkpoint::new(c, s, &identity, clients.roots()).pair()?;
    pair.chunk = 1;
    pair.handshake()?;
    assert_eq!(pair.negotiated().1.peer_certificate(), Some(identity.leaf()));
    Ok(())
}

fn without_a_required_one(c: &dyn Backend, s: &dyn Backend, version: Version) -> Result<Alert> {
    let auth = ClientAuth::Require(clients().roots());
    let mut pair = nobody(c, s, auth, Versions::only(version)).pair()?;
    let (client, server) = pair.handshakes();
    assert_eq!(server.map_err(|e| e.kind()), Err(ErrorKind::NoPeerCertificate));
    alert(&mut pair, client)
}

fn a_client_without_a_required_certificate_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let alert = without_a_required_one(c, s, Version::Tls13)?;
    assert_eq!(alert, Alert::CERTIFICATE_REQUIRED);
    Ok(())
}

fn a_client_without_a_required_certificate_is_refused_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    // RFC 5246 §7.4.6 wants handshake_failure, but there are libraries that send what TLS 1.3 does.
    let alert = without_a_required_one(c, s, Version::Tls12)?;
    assert!([Alert::HANDSHAKE_FAILURE, Alert::CERTIFICATE_REQUIRED].contains(&alert), "{alert}");
    Ok(())
}

fn strange<'a>(c: &'a dyn Backend, s: &'a dyn Backend) -> Checkpoint<'a> {
    let stranger = Authority::root("Root that nobody here knows");
    Checkpoint::new(c, s, &stranger.client("stranger"), clients().roots())
}

fn a_client_of_an_unknown_issuer_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    strange(c, s).speaking(Version::Tls13).refuses(CertificateError::UnknownIssuer)
}

fn a_client_of_an_unknown_issuer_is_refused_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    strange(c, s).speaking(Version::Tls12).refuses(CertificateError::UnknownIssuer)
}

fn welcome_authorities_are_named(server: &dyn Backend) -> Result<()> {
    let given = clients().certificate();
    let auth = ClientAuth::Request(Roots::mozilla().with_der(given)?);
    let only = Versions::only(Version::Tls12);
    let config = configs().1.versions(only).client_auth(auth).build()?;
    let mut server = Server::new(&config, server)?.connection()?;
    server.wire().feed(&Hello::tls12().record());
    let _ = server.handshake()?;
    // In TLS 1.2 the request is in clear.
    let flight = take_pending(&mut server);
    for name in ["ISRG Root X1", "Root of the clients"] {
        assert!(flight.windows(name.len()).any(|text| text == name.as_bytes()), "{name}");
    }
    Ok(())
}

fn what_is_only_requested_is_verified(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let auth = ClientAuth::Request(clients().roots());
    Checkpoint { auth, ..strange(c, s) }.refuses(CertificateError::UnknownIssuer)
}

fn a_self_signed_client_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let identity = Leaf::client("nobody's client").self_signed();
    Checkpoint::new(c, s, &identity, clients().roots()).refuses(CertificateError::SelfSigned)
}

fn a_given_self_signed_client_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let identity = Leaf::client("an old friend").self_signed();
    let roots = clients().roots().with_der(identity.leaf().clone())?;
    Checkpoint::new(c, s, &identity, roots).lets_pass()
}

/// The server refuses a client of its own root whose certificate is like this.
fn refused(c: &dyn Backend, s: &dyn Backend, leaf: Leaf, why: CertificateError) -> Result<()> {
    let clients = clients();
    Checkpoint::new(c, s, &clients.issue(leaf), clients.roots()).refuses(why)
}

fn a_server_certificate_is_not_for_clients(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused(c, s, Leaf::server(&["client.test"]), CertificateError::Purpose)
}

fn a_client_certificate_that_may_not_sign_is_refused(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let clients = clients();
    let leaf = || Leaf::client("somebody");
    let mut pair = verification::with_a_key_that_may_not_sign(&leaf, &|leaf| {
        Checkpoint::new(c, s, &clients.issue(leaf), clients.roots()).pair()
    })?;
    let (client, server) = pair.handshakes();
    told::refusal(server, CertificateError::Purpose)?;
    let told = alert(&mut pair, client)?;
    assert!(verification::may_not_sign(told), "{told}");
    Ok(())
}

fn expired() -> Leaf {
    Leaf::client("somebody").with(|params| set_days(params, -20, -10))
}

fn an_expired_client_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    refused(c, s, expired(), CertificateError::Expired)
}

fn an_expired_client_is_refused_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let clients = clients();
    let asking = Checkpoint::new(c, s, &clients.issue(expired()), clients.roots());
    asking.speaking(Version::Tls12).refuses(CertificateError::Expired)
}

fn a_client_that_is_not_yet_valid_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let leaf = Leaf::client("somebody").with(|params| set_days(params, 10, 20));
    refused(c, s, leaf, CertificateError::NotYetValid)
}

fn a_client_with_a_wrong_signature_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let clients = clients();
    let identity = clients.client("somebody");
    let identity = with_chain(&identity, [with_bad_signature(identity.leaf())]);
    Checkpoint::new(c, s, &identity, clients.roots()).refuses(CertificateError::BadSignature)
}

fn below_an_intermediate(c: &dyn Backend, s: &dyn Backend, versions: Versions) -> Result<()> {
    let clients = clients();
    let identity = clients.intermediate("Authority of the clients").client("somebody");
    let asking = Checkpoint::new(c, s, &identity, clients.roots());
    let mut pair = Checkpoint { versions, ..asking }.pair()?;
    pair.handshake()?;
    assert_eq!(told::peer_chain(&pair.negotiated().1)?, identity.chain());
    Ok(())
}

fn a_client_below_an_intermediate_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    below_an_intermediate(c, s, Versions::default())
}

fn a_client_below_an_intermediate_is_accepted_in_tls12(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    below_an_intermediate(c, s, Versions::only(Version::Tls12))
}

fn a_client_with_a_missing_intermediate_is_refused(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let clients = clients();
    let identity = clients.intermediate("Authority of the clients").client("somebody");
    let identity = with_chain(&identity, [identity.leaf().clone()]);
    Checkpoint::new(c, s, &identity, clients.roots()).refuses(CertificateError::UnknownIssuer)
}

fn a_clients_names_do_not_matter(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let clients = clients();
    let nameless = Leaf::client("somebody").with(|params| params.subject_alt_names.clear());
    Checkpoint::new(c, s, &clients.issue(nameless), clients.roots()).lets_pass()
}

fn a_client_of_any_root_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let all = ["First root of clients", "Second root of clients"].map(Authority::root);
    let roots = all[0].roots().with_der(all[1].certificate())?;
    all.iter().try_for_each(|root| {
        Checkpoint::new(c, s, &root.client("somebody"), roots.clone()).lets_pass()
    })
}

fn the_servers_root_does_not_vouch_for_clients(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of the server");
    let client = ClientConfig::builder().roots(root.roots()).identity(root.client("somebody"));
    let auth = ClientAuth::Require(clients().roots());
    let server = ServerConfig::builder(root.server(NAME)).client_auth(auth);
    let mut pair = Pair::new((c, client), (s, server))?;
    told::refusal(pair.handshakes().1, CertificateError::UnknownIssuer)
}

fn with_key(c: &dyn Backend, s: &dyn Backend, key: rcgen::KeyPair, vs: Versions) -> Result<()> {
    let clients = clients();
    let identity = clients.issue(Leaf::client("somebody").with_key(key));
    let asking = Checkpoint::new(c, s, &identity, clients.roots());
    Checkpoint { versions: vs, ..asking }.lets_pass()
}

fn a_p384_client_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    with_key(c, s, verification::p384(), Versions::default())
}

fn an_ed25519_client_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let clients = clients();
    let identity = clients.issue(Leaf::client("somebody").with_key(verification::ed25519()));
    let mut pair = Checkpoint::new(c, s, &identity, clients.roots()).pair()?;
    told::ed25519(pair.handshakes())?;
    assert_eq!(pair.negotiated().1.peer_certificate(), Some(identity.leaf()));
    Ok(())
}

fn an_rsa_client_is_accepted(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    with_key(c, s, crate::certs::rsa(), Versions::default())
}

fn an_rsa_client_is_accepted_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    with_key(c, s, crate::certs::rsa(), Versions::only(Version::Tls12))
}

fn asking_without_roots_is_no_configuration(_: &dyn Backend) -> Result<()> {
    for auth in [ClientAuth::Request(Roots::empty()), ClientAuth::Require(Roots::empty())] {
        let identity = Leaf::server(&[NAME]).self_signed();
        let config = ServerConfig::builder(identity).client_auth(auth).build();
        assert_eq!(config.unwrap_err().kind(), ErrorKind::Config);
    }
    Ok(())
}
