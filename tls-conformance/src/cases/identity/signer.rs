//! Keys that stay elsewhere, with somebody who signs at once.

use std::sync::{Arc, Mutex};

use rcgen::{KeyPair, SigningKey};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PSS_SHA256, RsaKeyPair};
use tls_core::{
    Alert, Backend, ClientAuth, ClientConfig, Error, ErrorKind, Identity, Result, Resumption,
    ServerConfig, SignatureScheme, Signer, Version, Versions,
};

use crate::cases::verification::{ed25519, p384};
use crate::cases::{both_versions, cases};
use crate::certs::{Authority, Leaf, rsa};
use crate::pair::{Ends, NAME, Pair, kind};
use crate::told;

cases! { "signer";
    Pair an_ecdsa_key_of_a_server_may_stay_elsewhere_in_tls12
        [Tls12Client] [ExternalSigner Tls12Server]
        "In TLS 1.2 a server's ECDSA key can stay with a signer, which is asked once for each client.";
    Pair an_ecdsa_key_of_a_server_may_stay_elsewhere_in_tls13
        [Tls13Client] [ExternalSigner Tls13Server]
        "In TLS 1.3 a server's ECDSA key can stay with a signer, which is asked once for each client.";
    Pair an_rsa_key_of_a_server_may_stay_elsewhere_in_tls12
        [Tls12Client] [ExternalSigner Tls12Server]
        "In TLS 1.2 a server's RSA key can stay with a signer.";
    Pair an_rsa_key_of_a_server_may_stay_elsewhere_in_tls13
        [Tls13Client] [ExternalSigner Tls13Server]
        "In TLS 1.3 a server's RSA key can stay with a signer.";
    Pair a_p384_key_of_a_server_may_stay_elsewhere [] [ExternalSigner]
        "A server's P-384 key can stay with a signer.";
    Pair an_ed25519_key_of_a_server_may_stay_elsewhere [Ed25519] [Ed25519 ExternalSigner]
        "A server's Ed25519 key can stay with a signer.";
    Pair an_ecdsa_key_of_a_client_may_stay_elsewhere_in_tls12
        [ClientIdentity ExternalSigner Tls12Client] [RequestClientCertificate Tls12Server]
        "In TLS 1.2 a client's ECDSA key can stay with a signer.";
    Pair an_ecdsa_key_of_a_client_may_stay_elsewhere_in_tls13
        [ClientIdentity ExternalSigner Tls13Client] [RequestClientCertificate Tls13Server]
        "In TLS 1.3 a client's ECDSA key can stay with a signer.";
    Pair an_rsa_key_of_a_client_may_stay_elsewhere_in_tls12
        [ClientIdentity ExternalSigner Tls12Client] [RequestClientCertificate Tls12Server]
        "In TLS 1.2 a client's RSA key can stay with a signer.";
    Pair an_rsa_key_of_a_client_may_stay_elsewhere_in_tls13
        [ClientIdentity ExternalSigner Tls13Client] [RequestClientCertificate Tls13Server]
        "In TLS 1.3 a client's RSA key can stay with a signer.";
    Pair the_whole_message_is_to_be_signed [Tls13Client] [ExternalSigner Tls13Server]
        "A signer gets the message itself and not its hash, as RFC 8446 §4.4.3 makes it up.";
    Pair a_client_that_is_not_asked_asks_no_signer
        [ClientIdentity ExternalSigner] [RequestClientCertificate]
        "A client's signer is asked where the server asks for a certificate, and not else.";
    Pair a_signer_and_a_key_may_stand_side_by_side [] [ExternalSigner]
        "Of a server's identities one may have a key, one a signer, and one another signer.";
    Pair a_signers_error_is_that_of_the_handshake_in_tls12
        [Tls12Client] [ExternalSigner Tls12Server]
        "In TLS 1.2 a signer's error ends the server's handshake with its kind, and the client is told.";
    Pair a_signers_error_is_that_of_the_handshake_in_tls13
        [Tls13Client] [ExternalSigner Tls13Server]
        "In TLS 1.3 a signer's error ends the server's handshake with its kind, and the client's too.";
    Pair a_clients_signers_error_is_that_of_the_handshake_in_tls12
        [ClientIdentity ExternalSigner Tls12Client] [RequestClientCertificate Tls12Server]
        "In TLS 1.2 a signer's error ends the client's handshake with its kind, and the server's too.";
    Pair a_clients_signers_error_is_that_of_the_handshake_in_tls13
        [ClientIdentity ExternalSigner Tls13Client] [RequestClientCertificate Tls13Server]
        "In TLS 1.3 a signer's error ends the client's handshake with its kind, and the server's too.";
    Pair a_wrong_signature_is_refused_in_tls12 [Tls12Client] [ExternalSigner Tls12Server]
        "In TLS 1.2 a signer that signs wrongly is refused by the client, and the server told.";
    Pair a_wrong_signature_is_refused_in_tls13 [Tls13Client] [ExternalSigner Tls13Server]
        "In TLS 1.3 a signer that signs wrongly is refused by the client, and the server told.";
    Pair a_clients_wrong_signature_is_refused_in_tls12
        [ClientIdentity ExternalSigner Tls12Client] [RequestClientCertificate Tls12Server]
        "In TLS 1.2 a client's signer that signs wrongly is refused by the server.";
    Pair a_clients_wrong_signature_is_refused_in_tls13
        [ClientIdentity ExternalSigner Tls13Client] [RequestClientCertificate Tls13Server]
        "In TLS 1.3 a client's signer that signs wrongly is refused by the server.";
}

both_versions! {
    an_ecdsa_key_of_a_server_may_stay_elsewhere_in_tls12
        an_ecdsa_key_of_a_server_may_stay_elsewhere_in_tls13 = server_ecdsa;
    an_rsa_key_of_a_server_may_stay_elsewhere_in_tls12
        an_rsa_key_of_a_server_may_stay_elsewhere_in_tls13 = server_rsa;
    an_ecdsa_key_of_a_client_may_stay_elsewhere_in_tls12
        an_ecdsa_key_of_a_client_may_stay_elsewhere_in_tls13 = client_ecdsa;
    an_rsa_key_of_a_client_may_stay_elsewhere_in_tls12
        an_rsa_key_of_a_client_may_stay_elsewhere_in_tls13 = client_rsa;
    a_signers_error_is_that_of_the_handshake_in_tls12
        a_signers_error_is_that_of_the_handshake_in_tls13 = server_error;
    a_clients_signers_error_is_that_of_the_handshake_in_tls12
        a_clients_signers_error_is_that_of_the_handshake_in_tls13 = client_error;
    a_wrong_signature_is_refused_in_tls12 a_wrong_signature_is_refused_in_tls13 = server_wrong;
    a_clients_wrong_signature_is_refused_in_tls12
        a_clients_wrong_signature_is_refused_in_tls13 = client_wrong;
}

/// Signs with a key of its own, and remembers what.
pub(super) struct Hand {
    key: KeyPair,
    schemes: Vec<SignatureScheme>,
    signed: Mutex<Vec<(SignatureScheme, Vec<u8>)>>,
    fault: Option<Fault>,
}

/// What a signer does wrong.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    /// It has no signature to give.
    Error(ErrorKind),
    /// It signs something else.
    Wrong,
}

impl Hand {
    pub(super) fn of(key: KeyPair) -> Self {
        let algorithm = key.algorithm();
        let schemes = if algorithm == &rcgen::PKCS_ECDSA_P256_SHA256 {
            vec![SignatureScheme::ECDSA_P256_SHA256]
        } else if algorithm == &rcgen::PKCS_ECDSA_P384_SHA384 {
            vec![SignatureScheme::ECDSA_P384_SHA384]
        } else if algorithm == &rcgen::PKCS_ED25519 {
            vec![SignatureScheme::ED25519]
        } else {
            vec![SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256]
        };
        Self { key, schemes, signed: Mutex::default(), fault: None }
    }

    pub(super) fn failing(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    pub(super) fn known(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    pub(super) fn make(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>> {
        self.signed.lock().unwrap().push((scheme, message.to_vec()));
        match self.fault {
            Some(Fault::Error(kind)) => Err(Error::new(kind).because("the module is closed")),
            Some(Fault::Wrong) => Ok(self.sign_right(scheme, b"something else")),
            None => Ok(self.sign_right(scheme, message)),
        }
    }

    fn sign_right(&self, scheme: SignatureScheme, message: &[u8]) -> Vec<u8> {
        assert!(self.schemes.contains(&scheme), "asked for {scheme:?}");
        if scheme != SignatureScheme::RSA_PSS_SHA256 {
            return self.key.sign(message).unwrap();
        }
        let key = RsaKeyPair::from_pkcs8(&self.key.serialize_der()).unwrap();
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }

    /// What it has been asked to sign.
    pub(super) fn asked(&self) -> Vec<(SignatureScheme, Vec<u8>)> {
        self.signed.lock().unwrap().clone()
    }
}

impl std::fmt::Debug for Hand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hand").finish_non_exhaustive()
    }
}

impl Signer for Hand {
    fn schemes(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>> {
        self.make(scheme, message)
    }
}

/// An identity whose key stays with a signer.
fn elsewhere(root: &Authority, leaf: Leaf, fault: Option<Fault>) -> (Identity, Arc<Hand>) {
    let (chain, key) = root.issue_apart(leaf);
    let hand = Hand::of(key);
    let hand = Arc::new(match fault {
        Some(fault) => hand.failing(fault),
        None => hand,
    });
    (Identity::with_signer(chain, hand.clone()).unwrap(), hand)
}

/// A server that is `own`, and a client that trusts `root`, for whom it has to sign each time.
pub(super) fn serving(
    (client, server): (&dyn Backend, &dyn Backend),
    root: &Authority,
    own: Identity,
    versions: Versions,
) -> Result<Ends> {
    let c = ClientConfig::builder().roots(root.roots()).versions(versions);
    let c = c.resumption(Resumption::Off);
    let s = ServerConfig::builder(own).versions(versions);
    Ends::new((client, c), (server, s))
}

/// A client that is `own`, and a server that asks it.
pub(super) fn visiting(
    (client, server): (&dyn Backend, &dyn Backend),
    root: &Authority,
    own: Identity,
    versions: Versions,
) -> Result<Ends> {
    let c = ClientConfig::builder().roots(root.roots()).identity(own).versions(versions);
    let c = c.resumption(Resumption::Off);
    let s = ServerConfig::builder(root.server(NAME))
        .client_auth(ClientAuth::Require(root.roots()))
        .versions(versions);
    Ends::new((client, c), (server, s))
}

fn root() -> Authority {
    Authority::root("Root of this case")
}

/// A server whose key stays elsewhere is accepted, twice.
fn serves(both: (&dyn Backend, &dyn Backend), leaf: Leaf, versions: Versions) -> Result<()> {
    let root = root();
    let (own, hand) = elsewhere(&root, leaf, None);
    assert_eq!(own.key().unwrap_err().kind(), ErrorKind::Config);
    let ends = serving(both, &root, own.clone(), versions)?;
    for times in 1..=2 {
        let mut pair = ends.pair()?;
        told::ed25519(pair.handshakes())?;
        assert_eq!(pair.negotiated().0.peer_certificate(), Some(own.leaf()));
        assert_eq!(hand.asked().len(), times);
    }
    Ok(())
}

/// A client whose key stays elsewhere is accepted.
fn visits(both: (&dyn Backend, &dyn Backend), leaf: Leaf, version: Version) -> Result<()> {
    let root = root();
    let (own, hand) = elsewhere(&root, leaf, None);
    let mut pair = visiting(both, &root, own.clone(), Versions::only(version))?.pair()?;
    pair.handshake()?;
    assert_eq!(pair.negotiated().1.peer_certificate(), Some(own.leaf()));
    assert_eq!(hand.asked().len(), 1);
    Ok(())
}

fn server_ecdsa(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    serves((client, server), Leaf::server(&[NAME]), Versions::only(version))
}

fn server_rsa(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let leaf = Leaf::server(&[NAME]).with_key(rsa());
    serves((client, server), leaf, Versions::only(version))
}

fn client_ecdsa(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    visits((client, server), Leaf::client("somebody"), version)
}

fn client_rsa(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    visits((client, server), Leaf::client("somebody").with_key(rsa()), version)
}

fn a_p384_key_of_a_server_may_stay_elsewhere(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let leaf = Leaf::server(&[NAME]).with_key(p384());
    serves((client, server), leaf, Versions::default())
}

fn an_ed25519_key_of_a_server_may_stay_elsewhere(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let leaf = Leaf::server(&[NAME]).with_key(ed25519());
    serves((client, server), leaf, Versions::default())
}

fn the_whole_message_is_to_be_signed(client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    let root = root();
    let (own, hand) = elsewhere(&root, Leaf::server(&[NAME]), None);
    let only = Versions::only(Version::Tls13);
    serving((client, server), &root, own, only)?.established()?;
    let (scheme, message) = hand.asked().remove(0);
    assert_eq!(scheme, SignatureScheme::ECDSA_P256_SHA256);
    let begins = [&[b' '; 64][..], b"TLS 1.3, server CertificateVerify\0"].concat();
    assert_eq!(message[..begins.len()], begins);
    assert!([32, 48].contains(&(message.len() - begins.len())), "the hash of the handshake");
    Ok(())
}

fn a_client_that_is_not_asked_asks_no_signer(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = root();
    let (own, hand) = elsewhere(&root, Leaf::client("somebody"), None);
    let c = ClientConfig::builder().roots(root.roots()).identity(own.clone());
    let s = ServerConfig::builder(root.server(NAME));
    Ends::new((client, c), (server, s))?.established()?;
    assert_eq!(hand.asked().len(), 0);
    visiting((client, server), &root, own, Versions::default())?.established()?;
    assert_eq!(hand.asked().len(), 1);
    Ok(())
}

fn a_signer_and_a_key_may_stand_side_by_side(
    client: &dyn Backend,
    server: &dyn Backend,
) -> Result<()> {
    let root = root();
    let (one, first) = elsewhere(&root, Leaf::server(&["one.test"]), None);
    let (two, second) = elsewhere(&root, Leaf::server(&["two.test"]), None);
    let c = ClientConfig::builder().roots(root.roots());
    let s = ServerConfig::builder(root.server(NAME)).add_identity(one).add_identity(two);
    let ends = Ends::new((client, c), (server, s))?;
    for (name, asked) in [(NAME, (0, 0)), ("one.test", (1, 0)), ("two.test", (1, 1))] {
        let client = ends.client.connection(name)?;
        Pair { client, server: ends.server.connection()?, chunk: usize::MAX }.handshake()?;
        assert_eq!((first.asked().len(), second.asked().len()), asked);
    }
    Ok(())
}

fn server_error(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    server_ecdsa(version, client, server)?;
    for error in [ErrorKind::Backend, ErrorKind::Timeout] {
        let root = root();
        let fault = Some(Fault::Error(error));
        let (own, hand) = elsewhere(&root, Leaf::server(&[NAME]), fault);
        let ends = serving((client, server), &root, own, Versions::only(version))?;
        let (client, server) = ends.pair()?.handshakes();
        assert_eq!(kind(server), error);
        peer_of_silence(version, kind(client));
        assert_eq!(hand.asked().len(), 1);
    }
    Ok(())
}

/// What the client sees of a server that has no signature: in TLS 1.2 an alert; in TLS 1.3, where a
/// library may be unable to say it in the middle of its own flight, that or the end.
fn peer_of_silence(version: Version, kind: ErrorKind) {
    match (version, kind) {
        (_, ErrorKind::AlertReceived(alert)) => {
            assert!([Alert::INTERNAL_ERROR, Alert::HANDSHAKE_FAILURE].contains(&alert), "{alert}");
        }
        (Version::Tls13, ErrorKind::UnexpectedEof) => {}
        _ => panic!("the client should have been told, but: {kind:?}"),
    }
}

fn client_error(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    client_ecdsa(version, client, server)?;
    for error in [ErrorKind::Backend, ErrorKind::Timeout] {
        let root = root();
        let fault = Some(Fault::Error(error));
        let (own, hand) = elsewhere(&root, Leaf::client("somebody"), fault);
        let ends = visiting((client, server), &root, own, Versions::only(version))?;
        let (client, server) = ends.pair()?.handshakes();
        assert_eq!(kind(client), error);
        let told = kind(server);
        let is_told = matches!(told, ErrorKind::AlertReceived(_) | ErrorKind::UnexpectedEof);
        assert!(is_told, "{told:?}");
        assert_eq!(hand.asked().len(), 1);
    }
    Ok(())
}

fn server_wrong(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    server_ecdsa(version, client, server)?;
    let root = root();
    let (own, _) = elsewhere(&root, Leaf::server(&[NAME]), Some(Fault::Wrong));
    let ends = serving((client, server), &root, own, Versions::only(version))?;
    let (client, server) = ends.pair()?.handshakes();
    assert_eq!(kind(client), ErrorKind::Protocol);
    assert_eq!(kind(server), ErrorKind::AlertReceived(Alert::DECRYPT_ERROR));
    Ok(())
}

fn client_wrong(version: Version, client: &dyn Backend, server: &dyn Backend) -> Result<()> {
    client_ecdsa(version, client, server)?;
    let root = root();
    let (own, _) = elsewhere(&root, Leaf::client("somebody"), Some(Fault::Wrong));
    let ends = visiting((client, server), &root, own, Versions::only(version))?;
    let (client, server) = ends.pair()?.handshakes();
    assert_eq!(kind(server), ErrorKind::Protocol);
    // In TLS 1.3 the client is done before the server looks at its signature.
    if version == Version::Tls12 {
        assert_eq!(kind(client), ErrorKind::AlertReceived(Alert::DECRYPT_ERROR));
    }
    Ok(())
}
