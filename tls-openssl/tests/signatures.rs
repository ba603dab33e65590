//! The signatures that are lent to the core: made by another library, and checked here.

#![allow(clippy::unwrap_used)] // tests

use openssl::hash::{MessageDigest, hash};
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use openssl::sign::{RsaPssSaltlen, Signer};
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use tls_core::Backend;
use tls_core::pki_types::{AlgorithmIdentifier, alg_id};
use tls_core::x509::common_algorithms;
use tls_openssl::Openssl;

const MESSAGE: &[u8] = b"what is signed";

/// Whether a signature of openssl's `algorithm` by a key of this kind is good.
fn verify(
    key_id: AlgorithmIdentifier,
    algorithm: AlgorithmIdentifier,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let all = Openssl::new().signature_algorithms();
    let known = all
        .iter()
        .find(|known| known.public_key_alg_id() == key_id && known.signature_alg_id() == algorithm);
    let good = known.unwrap().verify_signature(key, message, signature).is_ok();
    assert!(
        openssl::error::ErrorStack::get().errors().is_empty(),
        "something is left in the queue"
    );
    good
}

#[test]
fn all_is_lent_that_every_backend_has() {
    let all = Openssl::new().signature_algorithms();
    assert_eq!(common_algorithms(all).len(), all.len());
    assert_eq!(all.len(), 11);
}

#[test]
fn a_signature_counts_for_its_key_and_message_alone() {
    let rsa = rsa(2048);
    let rsa = rsa.private_key_to_pkcs8().unwrap();
    let rsa = |kind| KeyPair::from_pkcs8_der_and_sign_algo(&rsa.as_slice().into(), kind).unwrap();
    let new = |kind| KeyPair::generate_for(kind).unwrap();
    for (key, other, key_id, algorithm) in [
        (
            new(&rcgen::PKCS_ECDSA_P256_SHA256),
            new(&rcgen::PKCS_ECDSA_P256_SHA256),
            alg_id::ECDSA_P256,
            alg_id::ECDSA_SHA256,
        ),
        (
            new(&rcgen::PKCS_ECDSA_P384_SHA384),
            new(&rcgen::PKCS_ECDSA_P384_SHA384),
            alg_id::ECDSA_P384,
            alg_id::ECDSA_SHA384,
        ),
        (new(&rcgen::PKCS_ED25519), new(&rcgen::PKCS_ED25519), alg_id::ED25519, alg_id::ED25519),
        (
            rsa(&rcgen::PKCS_RSA_SHA256),
            rsa(&rcgen::PKCS_RSA_SHA512),
            alg_id::RSA_ENCRYPTION,
            alg_id::RSA_PKCS1_SHA256,
        ),
        (
            rsa(&rcgen::PKCS_RSA_SHA384),
            rsa(&rcgen::PKCS_RSA_SHA256),
            alg_id::RSA_ENCRYPTION,
            alg_id::RSA_PKCS1_SHA384,
        ),
        (
            rsa(&rcgen::PKCS_RSA_SHA512),
            rsa(&rcgen::PKCS_RSA_SHA256),
            alg_id::RSA_ENCRYPTION,
            alg_id::RSA_PKCS1_SHA512,
        ),
    ] {
        let good = key.sign(MESSAGE).unwrap();
        let with = |message: &[u8], signature: &[u8]| {
            verify(key_id, algorithm, key.der_bytes(), message, signature)
        };
        assert!(with(MESSAGE, &good));
        assert!(!with(b"something else", &good));
        assert!(!with(MESSAGE, &other.sign(MESSAGE).unwrap()));
        assert!(!with(MESSAGE, b""));
        assert!(!with(MESSAGE, &good[1..]));
        assert!(!with(MESSAGE, &[&good[..], b"\0"].concat()));
        for junk in [&b""[..], b"junk", &key.der_bytes()[1..], &[0; 65]] {
            assert!(!verify(key_id, algorithm, junk, MESSAGE, &good));
        }
    }
}

#[test]
fn an_ecdsa_signature_has_one_encoding() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let good = key.sign(MESSAGE).unwrap();
    let with = |signature: &[u8]| {
        let (key_id, algorithm) = (alg_id::ECDSA_P256, alg_id::ECDSA_SHA256);
        verify(key_id, algorithm, key.der_bytes(), MESSAGE, signature)
    };
    assert!(with(&good));
    // The length in more bytes than it needs, and the first number too.
    assert!(!with(&[&[0x30, 0x81], &good[1..]].concat()));
    let padded = [&[0x30, good[1] + 1, 2, good[3] + 1, 0], &good[4..]].concat();
    assert!(!with(&padded));
}

#[test]
fn the_hash_does_not_depend_on_the_curve() {
    for (kind, key_id, algorithm, digest) in [
        (
            &rcgen::PKCS_ECDSA_P256_SHA256,
            alg_id::ECDSA_P256,
            alg_id::ECDSA_SHA384,
            MessageDigest::sha384(),
        ),
        (
            &rcgen::PKCS_ECDSA_P384_SHA384,
            alg_id::ECDSA_P384,
            alg_id::ECDSA_SHA256,
            MessageDigest::sha256(),
        ),
    ] {
        let key = KeyPair::generate_for(kind).unwrap();
        let own = PKey::private_key_from_der(&key.serialize_der()).unwrap();
        let signature = Signer::new(digest, &own).unwrap().sign_oneshot_to_vec(MESSAGE).unwrap();
        assert!(verify(key_id, algorithm, key.der_bytes(), MESSAGE, &signature));
        let others = key.sign(MESSAGE).unwrap();
        assert!(!verify(key_id, algorithm, key.der_bytes(), MESSAGE, &others));
    }
}

#[test]
fn a_compressed_point_is_no_key() {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let (point, good) = (key.der_bytes(), key.sign(MESSAGE).unwrap());
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let with =
        |point: &[u8]| verify(alg_id::ECDSA_P256, alg_id::ECDSA_SHA256, point, MESSAGE, &good);
    assert!(with(point));
    assert!(!with(&compressed));
}

#[test]
fn the_salt_of_pss_is_as_long_as_the_hash() {
    let key = rsa(2048);
    let public = key.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
    for (algorithm, digest) in [
        (alg_id::RSA_PSS_SHA256, MessageDigest::sha256()),
        (alg_id::RSA_PSS_SHA384, MessageDigest::sha384()),
        (alg_id::RSA_PSS_SHA512, MessageDigest::sha512()),
    ] {
        let with = |salt| {
            let mut signer = Signer::new(digest, &key).unwrap();
            signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            signer.set_rsa_pss_saltlen(salt).unwrap();
            let signature = signer.sign_oneshot_to_vec(MESSAGE).unwrap();
            verify(alg_id::RSA_ENCRYPTION, algorithm, &public, MESSAGE, &signature)
        };
        assert!(with(RsaPssSaltlen::DIGEST_LENGTH));
        assert!(!with(RsaPssSaltlen::custom(20)));
    }
}

#[test]
fn an_rsa_key_is_neither_short_nor_trivial_nor_badly_encoded() {
    let with = |key: &[u8], signature: &[u8]| {
        verify(alg_id::RSA_ENCRYPTION, alg_id::RSA_PKCS1_SHA256, key, MESSAGE, signature)
    };
    let sign = |key: &PKey<Private>| {
        let mut signer = Signer::new(MessageDigest::sha256(), key).unwrap();
        signer.sign_oneshot_to_vec(MESSAGE).unwrap()
    };
    for (bits, counts) in [(1024, false), (2048, true)] {
        let key = rsa(bits);
        let public = key.rsa().unwrap().public_key_to_der_pkcs1().unwrap();
        assert_eq!(with(&public, &sign(&key)), counts, "{bits} bits");
        // `SEQUENCE` with its length in three bytes, where two would do.
        let longer = [&[0x30, 0x83, 0], &public[2..]].concat();
        assert!(!with(&longer, &sign(&key)));
    }

    // Anyone can sign for the exponent 1: the signature is what is signed.
    let mut trivial = rsa(2048).rsa().unwrap().public_key_to_der_pkcs1().unwrap();
    let at = trivial.len() - 5;
    assert_eq!(trivial[at..], [2, 3, 1, 0, 1]);
    trivial.splice(at.., [2, 1, 1]);
    trivial[3] -= 2; // the length of all
    let digest = hash(MessageDigest::sha256(), MESSAGE).unwrap();
    let prefix = *b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\0\x04\x20";
    let mut forged = vec![0, 1];
    forged.resize(256 - 1 - prefix.len() - digest.len(), 0xff);
    forged = [&forged[..], b"\0", &prefix, &digest].concat();
    assert_eq!(forged.len(), 256);
    assert!(!with(&trivial, &forged));
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}
