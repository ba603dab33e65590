//! Keys and signatures with less than 112 bits of strength, which BoringSSL itself lets pass.

#![allow(clippy::unwrap_used)] // tests

use boring::asn1::Asn1Time;
use boring::bn::BigNum;
use boring::hash::MessageDigest;
use boring::pkey::{PKey, Private};
use boring::rsa::Rsa;
use boring::ssl::SslSignatureAlgorithm;
use boring::x509::extension::{BasicConstraints, SubjectAlternativeName};
use boring::x509::{X509, X509Builder, X509NameBuilder};
use tls_boring::Boring;
use tls_conformance::Leaf;
use tls_core::{
    CertificateError, Client, ClientConfig, Connection, ErrorKind, Identity, Progress, Roots,
    Server, ServerConfig, Version, Versions,
};

const NAME: &str = "server.test";

#[test]
fn a_short_key_is_no_identity() {
    let weak = issued(key(1024), None, MessageDigest::sha256());
    let config = ServerConfig::builder(identity(&weak)).build().unwrap();
    assert_eq!(Server::new(&config, &Boring::new()).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn a_peer_with_a_short_key_is_refused() {
    let root = issued(key(2048), None, MessageDigest::sha256());
    for (bits, outcome) in [(2048, Ok(())), (1024, Err(weak()))] {
        let leaf = issued(key(bits), Some(&root), MessageDigest::sha256());
        assert_eq!(meet(&root.0, &leaf), outcome, "{bits} bits");
    }
}

#[test]
fn a_signature_with_sha1_is_refused_unless_nobody_has_to_believe_it() {
    let root = issued(key(2048), None, MessageDigest::sha1());
    let leaf = issued(key(2048), Some(&root), MessageDigest::sha256());
    assert_eq!(meet(&root.0, &leaf), Ok(()));
    let leaf = issued(key(2048), Some(&root), MessageDigest::sha1());
    assert_eq!(meet(&root.0, &leaf), Err(weak()));
    assert_eq!(meet(&leaf.0, &leaf), Ok(()), "given, and so trusted as it is");
}

#[test]
fn nobody_signs_a_handshake_with_sha1() {
    let identity = Leaf::server(&[NAME]).self_signed();
    let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
    let config = ClientConfig::builder().roots(roots).versions(Versions::only(Version::Tls12));
    let config = config.build().unwrap();
    let server = ServerConfig::builder(identity).build().unwrap();
    let server = Server::new(&server, &Boring::new()).unwrap();
    let accepts = |algorithm| {
        let old =
            Boring::new().modify(move |context| context.set_verify_algorithm_prefs(&[algorithm]));
        let mut client = Client::new(&config, &old).unwrap().connection(NAME).unwrap();
        let mut server = server.connection().unwrap();
        assert_eq!(client.handshake().unwrap(), Progress::WantRead);
        carry(&mut client, &mut server);
        server.handshake().map_err(|e| e.kind())
    };
    let sha256 = accepts(SslSignatureAlgorithm::ECDSA_SECP256R1_SHA256);
    assert_eq!(sha256, Ok(Progress::WantRead));
    assert_eq!(accepts(SslSignatureAlgorithm::ECDSA_SHA1), Err(ErrorKind::NoSharedSignature));
}

fn weak() -> ErrorKind {
    ErrorKind::Certificate(CertificateError::WeakAlgorithm)
}

type Issued = (X509, PKey<Private>);

fn key(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// A server's certificate below `issuer`, or else a root's.
fn issued(key: PKey<Private>, issuer: Option<&Issued>, digest: MessageDigest) -> Issued {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", if issuer.is_some() { "Server" } else { "Root" }).unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(issuer.map_or(&name, |(issuer, _)| issuer.subject_name())).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    let extension = match issuer {
        Some(_) => {
            let context = builder.x509v3_context(None, None);
            SubjectAlternativeName::new().dns(NAME).build(&context).unwrap()
        }
        None => BasicConstraints::new().critical().ca().build().unwrap(),
    };
    builder.append_extension(&extension).unwrap();
    builder.sign(issuer.map_or(&key, |(_, key)| key), digest).unwrap();
    (builder.build(), key)
}

fn identity((leaf, key): &Issued) -> Identity {
    let leaf = leaf.to_der().unwrap().into();
    Identity::from_der([leaf], &key.private_key_to_der_pkcs8().unwrap()).unwrap()
}

/// How a client that trusts `root` takes a server with this certificate.
fn meet(root: &X509, (leaf, key): &Issued) -> Result<(), ErrorKind> {
    let roots = Roots::empty().with_der(root.to_der().unwrap().into()).unwrap();
    let config = ClientConfig::builder().roots(roots).build().unwrap();
    let mut client = Client::new(&config, &Boring::new()).unwrap().connection(NAME).unwrap();
    // By the escape hatch, since the backend itself would not load a short key.
    let (leaf, key) = (leaf.clone(), key.clone());
    let careless = Boring::new().modify(move |context| {
        context.set_certificate(&leaf)?;
        context.set_private_key(&key)
    });
    let config = ServerConfig::builder(Leaf::server(&[NAME]).self_signed()).build().unwrap();
    let mut server = Server::new(&config, &careless).unwrap().connection().unwrap();
    for _ in 0..10 {
        match client.handshake().map_err(|e| e.kind())? {
            Progress::Ready(()) => return Ok(()),
            Progress::WantRead | Progress::WantWrite | Progress::WantSignature => {}
        }
        carry(&mut client, &mut server);
        let _ = server.handshake().unwrap();
        carry(&mut server, &mut client);
    }
    panic!("the handshake does not end");
}

fn carry(from: &mut Connection, to: &mut Connection) {
    let bytes = from.wire().pending().to_vec();
    from.wire().sent(bytes.len());
    to.wire().feed(&bytes);
}
