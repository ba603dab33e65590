//! External signers that do not keep to what they promise.

#![allow(clippy::unwrap_used)] // tests

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use boring::hash::MessageDigest;
use boring::pkey::{PKey, Private};
use tls_boring::Boring;
use tls_conformance::Leaf;
use tls_core::{
    Alert, AsyncSigner, Client, ClientConfig, Completion, Connection, ErrorKind, Identity,
    Progress, Result, Roots, Server, ServerConfig, SignatureScheme, Signer, Version, Versions,
};

type Answer = fn(&PKey<Private>, &[u8]) -> Result<Vec<u8>>;

struct Custom(PKey<Private>, Answer);

impl Signer for Custom {
    fn schemes(&self) -> &[SignatureScheme] {
        &[SignatureScheme(0x1234), SignatureScheme::ECDSA_P256_SHA256]
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>> {
        assert_eq!(scheme, SignatureScheme::ECDSA_P256_SHA256);
        self.1(&self.0, message)
    }
}

impl AsyncSigner for Custom {
    fn schemes(&self) -> &[SignatureScheme] {
        Signer::schemes(self)
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], done: Completion) {
        done.complete(Signer::sign(self, scheme, message));
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Custom")
    }
}

fn sign(key: &PKey<Private>, message: &[u8]) -> Result<Vec<u8>> {
    let mut signer = boring::sign::Signer::new(MessageDigest::sha256(), key).unwrap();
    Ok(signer.sign_oneshot_to_vec(message).unwrap())
}

fn too_long(_: &PKey<Private>, _: &[u8]) -> Result<Vec<u8>> {
    Ok(vec![7; 1000])
}

fn panics(_: &PKey<Private>, _: &[u8]) -> Result<Vec<u8>> {
    panic!("lost the key")
}

const VERSIONS: [Version; 2] = [Version::Tls12, Version::Tls13];

#[test]
fn a_signature_that_is_too_long_is_no_signature() {
    for (version, later) in VERSIONS.into_iter().flat_map(|v| [(v, false), (v, true)]) {
        let (client, server) = handshake(version, later, sign);
        assert_eq!((client, server), (None, None), "{version:?}, {later}");
        let (client, server) = handshake(version, later, too_long);
        assert_eq!(server, Some(ErrorKind::Backend));
        assert_eq!(client, Some(ErrorKind::AlertReceived(Alert::INTERNAL_ERROR)));
    }
}

#[test]
fn a_panic_of_the_signer_goes_on_where_it_was_called_from() {
    for (version, later) in VERSIONS.into_iter().flat_map(|v| [(v, false), (v, true)]) {
        let caught = catch_unwind(AssertUnwindSafe(|| handshake(version, later, panics)));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"lost the key"));
    }
}

#[test]
fn a_signer_without_a_known_scheme_is_no_identity() {
    #[derive(Debug)]
    struct Strange;

    impl Signer for Strange {
        fn schemes(&self) -> &[SignatureScheme] {
            &[SignatureScheme(0x1234)]
        }

        fn sign(&self, _: SignatureScheme, _: &[u8]) -> Result<Vec<u8>> {
            panic!("nobody asks")
        }
    }

    let leaf = Leaf::server(&["localhost"]).self_signed().leaf().clone();
    let identity = Identity::with_signer([leaf], Arc::new(Strange)).unwrap();
    let config = ServerConfig::builder(identity).build().unwrap();
    assert_eq!(Server::new(&config, &Boring::new()).unwrap_err().kind(), ErrorKind::Config);
}

/// How the two sides of a handshake with a server of this signer end.
fn handshake(
    version: Version,
    later: bool,
    answer: Answer,
) -> (Option<ErrorKind>, Option<ErrorKind>) {
    let own = Leaf::server(&["localhost"]).self_signed();
    let key = PKey::private_key_from_der(own.key().unwrap().secret_der()).unwrap();
    let signer = Arc::new(Custom(key, answer));
    let chain = own.chain().to_vec();
    let identity = match later {
        true => Identity::with_async_signer(chain, signer).unwrap(),
        false => Identity::with_signer(chain, signer).unwrap(),
    };
    let config = ServerConfig::builder(identity).versions(Versions::only(version));
    let server = Server::new(&config.build().unwrap(), &Boring::new()).unwrap();
    let roots = Roots::empty().with_der(own.leaf().clone()).unwrap();
    let config = ClientConfig::builder().roots(roots).build().unwrap();
    let client = Client::new(&config, &Boring::new()).unwrap();
    let (mut client, mut server) =
        (client.connection("localhost").unwrap(), server.connection().unwrap());
    for _ in 0..10 {
        let asked = client.handshake();
        carry(&mut client, &mut server);
        let answered = server.handshake();
        carry(&mut server, &mut client);
        if let Err(e) = answered {
            return (client.handshake().err().map(|e| e.kind()), Some(e.kind()));
        }
        if (asked.unwrap(), answered.unwrap()) == (Progress::Ready(()), Progress::Ready(())) {
            return (None, None);
        }
    }
    panic!("the handshake does not end");
}

fn carry(from: &mut Connection, to: &mut Connection) {
    let bytes = from.wire().pending().to_vec();
    from.wire().sent(bytes.len());
    to.wire().feed(&bytes);
}
