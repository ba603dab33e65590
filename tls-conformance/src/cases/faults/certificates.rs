//! Certificates that are refused.

use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use tls_core::{
    Alert, Backend, Capability, CertificateError, ClientAuth, ClientConfig, Error, ErrorKind,
    Identity, Result, Roots, ServerConfig,
};

use super::{faults, server_refuses, told_to};
use crate::certs::{Authority, Leaf, set_days, with_bad_signature, with_chain};
use crate::fault::Told;
use crate::pair::{NAME, Pair, kind};

/// A refusal for this reason, told to the peer by this alert.
const fn refused(why: CertificateError, alert: Alert) -> Told {
    Told::with(ErrorKind::Certificate(why), alert)
}

faults! {
    Pair an_expired_certificate [CertificateReasons] []
        "A server's expired certificate is refused as expired."
        => refused(CertificateError::Expired, Alert::CERTIFICATE_EXPIRED);
    Pair a_certificate_of_tomorrow [CertificateReasons] []
        "A server's certificate that is not yet valid is refused as such."
        => refused(CertificateError::NotYetValid, Alert::CERTIFICATE_EXPIRED);
    Pair an_expired_intermediate [CertificateReasons] []
        "A certificate under an expired intermediate is refused as expired."
        => refused(CertificateError::Expired, Alert::CERTIFICATE_EXPIRED);
    Pair a_self_signed_certificate [CertificateReasons] []
        "A self-signed certificate that nobody trusts is refused as self-signed."
        => refused(CertificateError::SelfSigned, Alert::UNKNOWN_CA);
    Pair an_unknown_issuer [CertificateReasons] []
        "A certificate of an unknown root is refused for its issuer."
        => refused(CertificateError::UnknownIssuer, Alert::UNKNOWN_CA);
    Pair a_missing_intermediate [CertificateReasons] []
        "A certificate without the intermediate above it is refused for its issuer."
        => refused(CertificateError::UnknownIssuer, Alert::UNKNOWN_CA);
    Pair another_name [CertificateReasons] []
        "A certificate for another name is refused for its name."
        => refused(CertificateError::NameMismatch, Alert::BAD_CERTIFICATE);
    Pair another_address [CertificateReasons] []
        "A certificate for another address is refused for its name."
        => refused(CertificateError::NameMismatch, Alert::BAD_CERTIFICATE);
    Pair a_name_in_the_subject_only [CertificateReasons] []
        "A certificate that has the name in its subject only is refused for its name."
        => refused(CertificateError::NameMismatch, Alert::BAD_CERTIFICATE);
    Pair a_wrong_signature [CertificateReasons] []
        "A certificate with a wrong signature is refused for it."
        => refused(CertificateError::BadSignature, Alert::DECRYPT_ERROR);
    Pair a_clients_certificate_on_a_server [CertificateReasons] []
        "A certificate for clients is refused on a server, for its purpose."
        => refused(CertificateError::Purpose, Alert::UNSUPPORTED_CERTIFICATE);
    Pair an_authority_as_a_server [CertificateReasons] []
        "A certificate authority's own certificate is refused on a server, for its purpose."
        => refused(CertificateError::Purpose, Alert::UNSUPPORTED_CERTIFICATE);
    Pair an_authority_that_is_none [CertificateReasons] []
        "A certificate under one that is no authority is refused for that one's purpose."
        => refused(CertificateError::Purpose, Alert::UNSUPPORTED_CERTIFICATE);
    Pair an_unknown_critical_extension [CertificateReasons] []
        "A certificate with an unknown critical extension is refused for it."
        => refused(CertificateError::UnhandledCriticalExtension, Alert::BAD_CERTIFICATE);
    Pair too_long_a_chain [CertificateReasons LimitChain] []
        "A certificate under seven intermediates is refused for the length of its chain."
        => refused(CertificateError::ChainTooLong, Alert::UNKNOWN_CA);
    Pair an_expired_client [ClientIdentity] [CertificateReasons EncryptedAlerts RequestClientCertificate]
        "A client's expired certificate is refused as expired."
        => refused(CertificateError::Expired, Alert::CERTIFICATE_EXPIRED);
    Pair a_client_of_an_unknown_issuer [ClientIdentity] [CertificateReasons EncryptedAlerts RequestClientCertificate]
        "A client's certificate of an unknown root is refused for its issuer."
        => refused(CertificateError::UnknownIssuer, Alert::UNKNOWN_CA);
    Pair a_servers_certificate_on_a_client [ClientIdentity] [CertificateReasons EncryptedAlerts RequestClientCertificate]
        "A certificate for servers is refused on a client, for its purpose."
        => refused(CertificateError::Purpose, Alert::UNSUPPORTED_CERTIFICATE);
}

/// A client that trusts `roots` and means to reach `name` meets `identity`.
fn meets(
    (client, server): (&dyn Backend, &dyn Backend),
    name: &str,
    roots: Roots,
    identity: Identity,
) -> Result<Told> {
    let identity_is_deep = identity.chain().len() > 7;
    let config = ClientConfig::builder().roots(roots);
    let mut pair = Pair::to(name, (client, config), (server, ServerConfig::builder(identity)))?;
    let (client, server) = pair.handshakes();
    if identity_is_deep && client.is_ok() {
        return Err(Error::new(ErrorKind::Unsupported(Capability::LimitChain)));
    }
    let why = kind(client);
    // In TLS 1.2 and 1.3 alike a server is not done before its client is.
    Ok(told_to(why, server))
}

/// The same with a leaf of a root that is trusted.
fn known(c: &dyn Backend, s: &dyn Backend, leaf: Leaf) -> Result<Told> {
    let root = root();
    meets((c, s), NAME, root.roots(), root.issue(leaf))
}

fn root() -> Authority {
    Authority::root("Root of this fault")
}

fn good() -> Leaf {
    Leaf::server(&[NAME])
}

fn an_expired_certificate(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    known(c, s, good().with(|params| set_days(params, -20, -10)))
}

fn a_certificate_of_tomorrow(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    known(c, s, good().with(|params| set_days(params, 1, 20)))
}

fn an_expired_intermediate(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let root = root();
    let expired = |params: &mut rcgen::CertificateParams| set_days(params, -20, -10);
    let between = root.intermediate_with("Authority of yesterday", expired);
    meets((c, s), NAME, root.roots(), between.server(NAME))
}

fn a_self_signed_certificate(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    meets((c, s), NAME, root().roots(), good().self_signed())
}

fn an_unknown_issuer(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let stranger = Authority::root("Root that nobody here knows");
    meets((c, s), NAME, root().roots(), stranger.server(NAME))
}

fn a_missing_intermediate(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let root = root();
    let identity = root.intermediate("Authority that is left out").server(NAME);
    let leaf = [identity.leaf().clone()];
    meets((c, s), NAME, root.roots(), with_chain(&identity, leaf))
}

fn another_name(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    known(c, s, Leaf::server(&["other.test"]))
}

fn another_address(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let root = root();
    meets((c, s), "192.0.2.7", root.roots(), root.server("192.0.2.8"))
}

fn a_name_in_the_subject_only(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    known(c, s, good().with(|params| params.subject_alt_names.clear()))
}

fn a_wrong_signature(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let root = root();
    let identity = root.server(NAME);
    let tampered = [with_bad_signature(identity.leaf())];
    meets((c, s), NAME, root.roots(), with_chain(&identity, tampered))
}

fn a_clients_certificate_on_a_server(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let clients = vec![ExtendedKeyUsagePurpose::ClientAuth];
    known(c, s, good().with(|params| params.extended_key_usages = clients))
}

fn an_authority_as_a_server(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let root = root();
    let authority = root.intermediate_with("Authority that serves", |params| {
        params.subject_alt_names = good().params.subject_alt_names;
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    });
    meets((c, s), NAME, root.roots(), authority.as_identity())
}

fn an_authority_that_is_none(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let root = root();
    let none = |params: &mut rcgen::CertificateParams| params.is_ca = IsCa::ExplicitNoCa;
    let between = root.intermediate_with("Authority that is none", none);
    meets((c, s), NAME, root.roots(), between.server(NAME))
}

fn an_unknown_critical_extension(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    // An arc under which nothing is registered; the content is an ASN.1 NULL.
    let mut extension =
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 9], vec![5, 0]);
    extension.set_criticality(true);
    known(c, s, good().with(|params| params.custom_extensions = vec![extension]))
}

fn too_long_a_chain(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let root = root();
    let mut last = root.intermediate("Authority 1 of 7");
    for i in 2..=7 {
        last = last.intermediate(&format!("Authority {i} of 7"));
    }
    meets((c, s), NAME, root.roots(), last.server(NAME))
}

/// A server that trusts `roots` meets a client that is `identity`.
fn met_by(c: &dyn Backend, s: &dyn Backend, roots: Roots, identity: Identity) -> Result<Told> {
    let servers = root();
    let client = ClientConfig::builder().roots(servers.roots()).identity(identity);
    let server =
        ServerConfig::builder(servers.server(NAME)).client_auth(ClientAuth::Require(roots));
    Ok(server_refuses(Pair::new((c, client), (s, server))?))
}

fn an_expired_client(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let clients = Authority::root("Root of the clients");
    let expired = Leaf::client("late").with(|params| set_days(params, -20, -10));
    met_by(c, s, clients.roots(), clients.issue(expired))
}

fn a_client_of_an_unknown_issuer(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let stranger = Authority::root("Root that nobody here knows");
    met_by(c, s, Authority::root("Root of the clients").roots(), stranger.client("stranger"))
}

fn a_servers_certificate_on_a_client(c: &dyn Backend, s: &dyn Backend) -> Result<Told> {
    let clients = Authority::root("Root of the clients");
    let servers = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let leaf = Leaf::client("server").with(|params| params.extended_key_usages = servers);
    met_by(c, s, clients.roots(), clients.issue(leaf))
}
