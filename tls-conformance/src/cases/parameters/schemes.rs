//! Signature schemes: which, in whose order, to sign with and to accept.

use tls_core::{
    Backend, ClientAuth, ClientConfig, ErrorKind, Identity, Result, ServerConfig, SignatureScheme,
    Version, Versions,
};

use super::{only, seen, unusable};
use crate::cases::cases;
use crate::certs::{Authority, Leaf, rsa};
use crate::pair::{NAME, Pair, configs, kind, take_pending};
use crate::raw::Hello;
use crate::told;

cases! { "schemes";
    Pair a_client_offers_its_schemes_in_its_order [SignatureSchemes] []
        "A client offers the schemes of its list, in its order, and no others.";
    Pair each_scheme_can_be_the_clients_only_in_tls12 [SignatureSchemes Tls12Client] [Tls12Server]
        "A client can accept each scheme alone in TLS 1.2, and the server signs by it.";
    Pair each_scheme_can_be_the_servers_only_in_tls12 [Tls12Client] [SignatureSchemes Tls12Server]
        "A server can have each scheme alone in TLS 1.2, and signs by it.";
    Pair the_servers_order_of_schemes_decides_in_tls12
        [Tls12Client] [SignatureSchemes Tls12Server]
        "Of several schemes a server signs by the one that it likes best.";
    Pair the_servers_order_of_schemes_decides_in_tls13
        [ReportSignatureScheme Tls13Client] [SignatureSchemes Tls13Server]
        "In TLS 1.3 too a server signs by the scheme that it likes best.";
    Pair sides_without_a_scheme_in_common_do_not_come_together
        [SignatureSchemes Tls13Client] [SignatureSchemes Tls13Server]
        "A server that would sign by other schemes than the client accepts refuses it.";
    Server a_server_asks_for_its_schemes_in_its_order_in_tls12
        [] [RequestClientCertificate SignatureSchemes Tls12Server]
        "A server that asks for a certificate accepts the schemes of its list, in its order.";
    Pair a_client_signs_in_its_own_order_in_tls12
        [ClientIdentity SignatureSchemes Tls12Client] [RequestClientCertificate Tls12Server]
        "Of several schemes a client signs by the one that it likes best.";
    Client a_scheme_that_is_not_on_offer_is_no_configuration [] []
        "A scheme that is not on offer, or is in the list twice, is refused on either side, and named.";
    Client a_version_without_schemes_is_no_configuration [] []
        "A list without a scheme that a version signs by is refused, on either side.";
    Client schemes_that_do_not_fit_the_own_key_are_no_configuration [] []
        "A list with nothing that the own key can sign by is refused, on either side.";
}

const RSA: &[SignatureScheme] = &[
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
];

/// A root, and a server with an RSA key, which fits many schemes.
fn rsa_server() -> (Authority, Identity) {
    let root = Authority::root("Root of this case");
    let identity = root.issue(Leaf::server(&[NAME]).with_key(rsa()));
    (root, identity)
}

/// The list, beginning with each of its members in turn.
fn turns(schemes: &[SignatureScheme]) -> impl Iterator<Item = Vec<SignatureScheme>> {
    (0..schemes.len()).map(|n| {
        let mut turned = schemes.to_vec();
        turned.rotate_left(n);
        turned
    })
}

fn a_client_offers_its_schemes_in_its_order(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for mut schemes in turns(SignatureScheme::DEFAULT) {
        let (client, server) = configs();
        let mut pair = Pair::new((c, client.signature_schemes(schemes.clone())), (s, server))?;
        let hello = seen::hello(&mut pair)?;
        let numbers = schemes.drain(..).map(|scheme| scheme.0).collect::<Vec<_>>();
        assert_eq!(hello.signature_schemes, numbers);
        pair.handshake()?;
    }
    Ok(())
}

/// What an RSA server signs by in TLS 1.2, with these schemes on one side.
fn signed(
    c: &dyn Backend,
    s: &dyn Backend,
    schemes: &[SignatureScheme],
    at_client: bool,
) -> Result<SignatureScheme> {
    let (root, identity) = rsa_server();
    let mut client = ClientConfig::builder().roots(root.roots()).versions(only(Version::Tls12));
    let mut server = ServerConfig::builder(identity).versions(only(Version::Tls12));
    match at_client {
        true => client = client.signature_schemes(schemes.to_vec()),
        false => server = server.signature_schemes(schemes.to_vec()),
    }
    let mut pair = Pair::new((c, client), (s, server))?;
    Ok(seen::signed_by_server(&seen::handshake(&mut pair)?))
}

fn each_scheme_can_be_the_clients_only_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for &scheme in RSA {
        assert_eq!(signed(c, s, &[scheme], true)?, scheme);
    }
    Ok(())
}

fn each_scheme_can_be_the_servers_only_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for &scheme in RSA {
        assert_eq!(signed(c, s, &[scheme], false)?, scheme);
    }
    Ok(())
}

fn the_servers_order_of_schemes_decides_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    for schemes in turns(RSA) {
        assert_eq!(signed(c, s, &schemes, false)?, schemes[0]);
    }
    Ok(())
}

fn the_servers_order_of_schemes_decides_in_tls13(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, identity) = rsa_server();
    let pss = [SignatureScheme::RSA_PSS_SHA512, SignatureScheme::RSA_PSS_SHA256];
    for schemes in turns(&pss) {
        let client = ClientConfig::builder().roots(root.roots()).versions(only(Version::Tls13));
        let server = ServerConfig::builder(identity.clone()).versions(only(Version::Tls13));
        let server = server.signature_schemes(schemes.clone());
        let mut pair = Pair::new((c, client), (s, server))?;
        pair.handshake()?;
        assert_eq!(told::signature_scheme(&pair.negotiated().0)?, schemes[0]);
    }
    Ok(())
}

fn sides_without_a_scheme_in_common_do_not_come_together(
    c: &dyn Backend,
    s: &dyn Backend,
) -> Result<()> {
    let (root, identity) = rsa_server();
    let (one, other) = (SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PSS_SHA384);
    for (at_client, at_server) in [(one, one), (other, other), (one, other), (other, one)] {
        let client = ClientConfig::builder().roots(root.roots()).versions(only(Version::Tls13));
        let server = ServerConfig::builder(identity.clone()).versions(only(Version::Tls13));
        let client = client.signature_schemes([at_client]);
        let server = server.signature_schemes([at_server]);
        let (client, server) = Pair::new((c, client), (s, server))?.handshakes();
        if at_client == at_server {
            client.and(server)?;
        } else {
            assert_eq!(kind(server), ErrorKind::NoSharedSignature);
            assert!(client.is_err());
        }
    }
    Ok(())
}

fn a_server_asks_for_its_schemes_in_its_order_in_tls12(s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of clients");
    for schemes in turns(SignatureScheme::DEFAULT) {
        let server = configs().1.versions(only(Version::Tls12));
        let server = server.signature_schemes(schemes.clone());
        let server = server.client_auth(ClientAuth::Request(root.roots())).build()?;
        let mut server = tls_core::Server::new(&server, s)?.connection()?;
        server.wire().feed(&Hello::tls12().record());
        server.handshake().map(drop)?;
        assert_eq!(seen::asked_of_clients(&take_pending(&mut server)), schemes);
    }
    Ok(())
}

fn a_client_signs_in_its_own_order_in_tls12(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (root, identity) = rsa_server();
    let own = root.issue(Leaf::client("client with an RSA key").with_key(rsa()));
    for schemes in turns(RSA) {
        let client = ClientConfig::builder().roots(root.roots()).identity(own.clone());
        let client = client.versions(only(Version::Tls12)).signature_schemes(schemes.clone());
        let server = ServerConfig::builder(identity.clone()).versions(only(Version::Tls12));
        let server = server.client_auth(ClientAuth::Require(root.roots()));
        let mut pair = Pair::new((c, client), (s, server))?;
        assert_eq!(seen::signed_by_client(&seen::handshake(&mut pair)?), schemes[0]);
    }
    Ok(())
}

fn unusable_schemes(named: &str, versions: Versions, schemes: &[SignatureScheme]) -> Result<()> {
    unusable(
        named,
        |client| client.versions(versions).signature_schemes(schemes.to_vec()),
        |server| server.versions(versions).signature_schemes(schemes.to_vec()),
    )
}

fn a_scheme_that_is_not_on_offer_is_no_configuration(_: &dyn Backend) -> Result<()> {
    let (both, good) = (Versions::default(), SignatureScheme::ECDSA_P256_SHA256);
    unusable_schemes("rsa_pkcs1_sha1", both, &[good, SignatureScheme(0x0201)])?;
    unusable_schemes("0xfefe", both, &[SignatureScheme(0xfefe)])?;
    unusable_schemes("twice", both, &[good, good])
}

fn a_version_without_schemes_is_no_configuration(_: &dyn Backend) -> Result<()> {
    // Certificates may be signed so, handshakes of TLS 1.3 may not (RFC 8446 §4.2.3).
    let pkcs1 = [SignatureScheme::RSA_PKCS1_SHA256];
    unusable_schemes("TLSv1.3 is on", Versions::default(), &pkcs1)?;
    unusable_schemes("TLSv1.3 is on", only(Version::Tls13), &pkcs1)
}

fn schemes_that_do_not_fit_the_own_key_are_no_configuration(_: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let (own, server) = (root.client("client"), root.server(NAME)); // on P-256
    for versions in [Versions::default(), only(Version::Tls12), only(Version::Tls13)] {
        let schemes = [SignatureScheme::ECDSA_P384_SHA384, SignatureScheme::RSA_PSS_SHA256];
        let client = ClientConfig::builder().roots(root.roots()).versions(versions);
        client.clone().signature_schemes(schemes).build()?;
        let client = client.identity(own.clone()).signature_schemes(schemes).build();
        let builder = ServerConfig::builder(server.clone()).versions(versions);
        let server = builder.signature_schemes(schemes).build();
        for e in [client.map(drop).unwrap_err(), server.map(drop).unwrap_err()] {
            assert_eq!(e.kind(), ErrorKind::Config);
            assert!(e.to_string().contains("P-256"), "{e}");
        }
    }
    Ok(())
}
