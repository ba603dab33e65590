//! How the server has signed, how strong the cipher is, and which library says so.

use tls_core::{
    Backend, Capability, ClientAuth, ClientConfig, Error, ErrorKind, Identity, Negotiated, Result,
    Resumption, ServerConfig, SignatureScheme, TicketKeys, Tickets, Version, Versions,
};

use crate::cases::verification::ed25519;
use crate::cases::{both_versions, cases};
use crate::certs::{Authority, Leaf, rsa};
use crate::pair::{Ends, NAME, Pair, configs, transfer};
use crate::told;

cases! { "facts";
    Pair both_sides_tell_how_the_server_signed_in_tls12
        [ReportSignatureScheme Tls12Client] [ReportSignatureScheme Tls12Server]
        "In TLS 1.2 both sides tell the same signature scheme, which fits the server's key.";
    Pair both_sides_tell_how_the_server_signed_in_tls13
        [ReportSignatureScheme Tls13Client] [ReportSignatureScheme Tls13Server]
        "In TLS 1.3 both sides tell the same signature scheme, which fits the server's key.";
    Pair an_ed25519_signature_is_told
        [Ed25519 ReportSignatureScheme] [Ed25519 ReportSignatureScheme]
        "Both sides tell that the server signed with an Ed25519 key.";
    Pair a_clients_signature_is_another_matter_in_tls12
        [ClientIdentity ReportSignatureScheme Tls12Client]
        [ReportSignatureScheme RequestClientCertificate Tls12Server]
        "In TLS 1.2 what is told is how the server signed, also where a client with another key did.";
    Pair a_clients_signature_is_another_matter_in_tls13
        [ClientIdentity ReportSignatureScheme Tls13Client]
        [ReportSignatureScheme RequestClientCertificate Tls13Server]
        "In TLS 1.3 what is told is how the server signed, also where a client with another key did.";
    Pair nobody_signs_a_resumed_connection_in_tls12
        [ReportResumed ReportSignatureScheme ResumeClient Tls12Client]
        [ReportSignatureScheme ResumeServer Tls12Server]
        "In TLS 1.2 no signature scheme is told of a resumed connection, for nobody has signed.";
    Pair nobody_signs_a_resumed_connection_in_tls13
        [ReportResumed ReportSignatureScheme ResumeClient Tls13Client]
        [ReportSignatureScheme ResumeServer Tls13Server]
        "In TLS 1.3 no signature scheme is told of a resumed connection, for nobody has signed.";
    Pair both_sides_tell_the_same_strength [ReportCipherSuite] [ReportCipherSuite]
        "Both sides tell how many bits the key of the cipher has.";
    Pair each_side_tells_its_library [] []
        "Each side tells its backend, its library, and whether that is in its FIPS mode.";
}

both_versions! {
    both_sides_tell_how_the_server_signed_in_tls12
        both_sides_tell_how_the_server_signed_in_tls13 = signed;
    a_clients_signature_is_another_matter_in_tls12
        a_clients_signature_is_another_matter_in_tls13 = clients_signature;
    nobody_signs_a_resumed_connection_in_tls12
        nobody_signs_a_resumed_connection_in_tls13 = resumed;
}

/// A handshake with a server that is `identity`.
fn facts_of(
    version: Version,
    (c, s): (&dyn Backend, &dyn Backend),
    root: &Authority,
    identity: Identity,
) -> Result<(Negotiated, Negotiated)> {
    let only = Versions::only(version);
    let client = ClientConfig::builder().roots(root.roots()).versions(only);
    let server = ServerConfig::builder(identity).versions(only);
    let mut pair = Pair::new((c, client), (s, server))?;
    pair.handshake()?;
    Ok(pair.negotiated())
}

fn schemes((client, server): &(Negotiated, Negotiated)) -> Result<SignatureScheme> {
    let scheme = told::signature_scheme(client)?;
    assert_eq!(scheme, told::signature_scheme(server)?);
    Ok(scheme)
}

fn signed(version: Version, c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let ecdsa = facts_of(version, (c, s), &root, root.server(NAME))?;
    assert_eq!(schemes(&ecdsa)?, SignatureScheme::ECDSA_P256_SHA256);
    let key = root.issue(Leaf::server(&[NAME]).with_key(rsa()));
    let scheme = schemes(&facts_of(version, (c, s), &root, key)?)?;
    let pss = [0x0804, 0x0805, 0x0806];
    // In TLS 1.3 RSA signs by PSS alone (RFC 8446 §4.2.3).
    let fits = match version {
        Version::Tls13 => pss.contains(&scheme.0),
        _ => pss.contains(&scheme.0) || [0x0401, 0x0501, 0x0601].contains(&scheme.0),
    };
    assert!(fits, "{scheme}");
    assert!(scheme.to_string().starts_with("rsa_p"), "{scheme}");
    Ok(())
}

fn an_ed25519_signature_is_told(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    let identity = root.issue(Leaf::server(&[NAME]).with_key(ed25519()));
    let client = ClientConfig::builder().roots(root.roots());
    let mut pair = Pair::new((c, client), (s, ServerConfig::builder(identity)))?;
    told::ed25519(pair.handshakes())?;
    assert_eq!(schemes(&pair.negotiated())?, SignatureScheme::ED25519);
    Ok(())
}

fn clients_signature(version: Version, c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let ((client, server), clients) = (configs(), Authority::root("Root of the clients"));
    let only = Versions::only(version);
    let identity = clients.issue(Leaf::client("somebody").with_key(rsa()));
    let client = client.identity(identity).versions(only);
    let server = server.client_auth(ClientAuth::Require(clients.roots())).versions(only);
    let mut pair = Pair::new((c, client), (s, server))?;
    pair.handshake()?;
    assert!(pair.negotiated().1.peer_certificate().is_some());
    assert_eq!(schemes(&pair.negotiated())?, SignatureScheme::ECDSA_P256_SHA256);
    Ok(())
}

fn resumed(version: Version, c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let ((client, server), only) = (configs(), Versions::only(version));
    let keys = TicketKeys::automatic(Tickets::LIFETIME)?;
    let client = client.resumption(Resumption::Memory(8)).versions(only);
    let server = server.tickets(Tickets::Keys(keys)).versions(only);
    let ends = Ends::new((c, client), (s, server))?;
    let visit = || -> Result<(Negotiated, Negotiated)> {
        let mut pair = ends.pair()?;
        pair.handshake()?;
        let (client, server) = (&mut pair.client, &mut pair.server);
        assert_eq!(transfer(server, client, b"tickets come along", usize::MAX)?.len(), 18);
        Ok(pair.negotiated())
    };
    schemes(&visit()?)?;
    let (client, server) = visit()?;
    if !told::resumed(&client)? {
        return Err(Error::new(ErrorKind::Unsupported(Capability::ResumeClient)));
    }
    assert_eq!((client.signature_scheme, server.signature_scheme), (None, None));
    Ok(())
}

fn both_sides_tell_the_same_strength(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let (client, server) = configs();
    let mut pair = Pair::new((c, client), (s, server))?;
    pair.handshake()?;
    let (client, server) = pair.negotiated();
    let suite = told::cipher_suite(&client)?;
    told::cipher_suite(&server)?;
    let bits = if suite.to_string().contains("AES_128") { 128 } else { 256 };
    assert_eq!((client.strength_bits(), server.strength_bits()), (Some(bits), Some(bits)));
    Ok(())
}

fn each_side_tells_its_library(c: &dyn Backend, s: &dyn Backend) -> Result<()> {
    let root = Authority::root("Root of this case");
    // With several identities a session begins late.
    let server = ServerConfig::builder(root.server(NAME));
    let several = server.clone().add_identity(root.server("other.test"));
    for server in [server, several] {
        let client = ClientConfig::builder().roots(root.roots());
        let mut pair = Pair::new((c, client), (s, server))?;
        pair.handshake()?;
        let (client, server) = pair.negotiated();
        for (side, backend) in [(client, c), (server, s)] {
            assert_eq!(side.backend, backend.name());
            assert_eq!(*side.library, *backend.library());
            assert_eq!(side.fips, backend.fips());
        }
    }
    Ok(())
}
