//! What is opened, what is refused and as what, and what is made.
//!
//! The files are OpenSSL's, one key under one password: by `openssl pkcs8 -topk8` with `-scrypt` and with
//! `-iter 20000000`, `openssl ec -aes128`, and `openssl pkcs12 -export` with a password and without.
//! Whether backends can use what comes out is for the tests of `tls-interop`.
#![allow(clippy::unwrap_used)] // tests

use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::pkcs8::DecodePrivateKey;
use tls_keys::{KeyError, Name, PrivateKey};
use tls_keys::{open_pkcs8, open_pkcs12, open_traditional, self_signed};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};

const PASSWORD: &str = "open-sesame";
const SCRYPT: &str = include_str!("../testdata/scrypt.pem");
const TRADITIONAL: &str = include_str!("../testdata/traditional.pem");
const STORE: &str = include_str!("../testdata/modern.p12.txt");

/// The bytes in base64, without the lines around it.
fn binary(text: &str) -> Vec<u8> {
    let is_around = |line: &&str| line.starts_with('-') || line.contains(':');
    Base64::decode_vec(&text.lines().filter(|line| !is_around(line)).collect::<String>()).unwrap()
}

fn dek_info() -> &'static str {
    TRADITIONAL.lines().find_map(|line| line.strip_prefix("DEK-Info: ")).unwrap()
}

/// Opens each of the three forms.
fn open_all(password: &str) -> [Result<PrivateKey, KeyError>; 3] {
    [
        open_pkcs8(&binary(SCRYPT), password),
        open_traditional(dek_info(), &binary(TRADITIONAL), password),
        open_pkcs12(&binary(STORE), password).map(|(_, key)| key),
    ]
}

/// The number that a key is, whatever the syntax around it.
fn number(key: &PrivateKey) -> Vec<u8> {
    let der = key.secret_der();
    let at = der.windows(5).position(|window| window == b"\x02\x01\x01\x04\x20").unwrap() + 5;
    der[at..at + 32].to_vec()
}

/// The encrypted key, with what is found in it replaced.
fn changed(found: &[u8], by: &[u8]) -> KeyError {
    let mut der = binary(SCRYPT);
    let at = der.windows(found.len()).position(|window| window == found).unwrap();
    der[at..at + by.len()].copy_from_slice(by);
    open_pkcs8(&der, PASSWORD).unwrap_err()
}

#[test]
fn every_form_holds_the_same_key_under_its_password_only() {
    let keys = open_all(PASSWORD).map(Result::unwrap);
    assert!(keys.iter().all(|key| number(key) == number(&keys[0])));
    for wrong in open_all("wrong") {
        assert!(matches!(wrong, Err(KeyError::WrongPassword)), "{wrong:?}");
    }
    for missing in open_all("") {
        assert!(matches!(missing, Err(KeyError::NoPassword)), "{missing:?}");
    }
}

#[test]
fn a_password_that_protects_nothing_is_refused() {
    let unprotected = binary(include_str!("../testdata/open.p12.txt"));
    let (chain, _) = open_pkcs12(&unprotected, "").unwrap();
    assert_eq!(chain.len(), 1);
    let e = open_pkcs12(&unprotected, PASSWORD).unwrap_err();
    assert!(matches!(e, KeyError::Unprotected), "{e:?}");
}

#[test]
fn an_unknown_algorithm_is_named_by_its_number() {
    for (oid, last, what, number) in [
        (
            &b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"[..],
            0x7f,
            "the algorithm",
            "1.2.840.113549.1.5.127",
        ),
        (
            b"\x2b\x06\x01\x04\x01\xda\x47\x04\x0b",
            0x7f,
            "the derivation",
            "1.3.6.1.4.1.11591.4.127",
        ),
        (b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a", 0x7f, "the cipher", "2.16.840.1.101.3.4.1.127"),
    ] {
        let other = [&oid[..oid.len() - 1], &[last]].concat();
        match changed(oid, &other) {
            KeyError::Algorithm { what: said, oid } => {
                assert_eq!((said, oid.to_string().as_str()), (what, number));
            }
            e => panic!("{what}: {e:?}"),
        }
    }
    let e = open_traditional("RC4,00", &binary(TRADITIONAL), PASSWORD).unwrap_err();
    assert!(matches!(&e, KeyError::Unsupported(what) if what == "RC4,00"), "{e:?}");
}

#[test]
fn endless_work_is_refused_before_it_begins() {
    let begin = Instant::now();
    let e = open_pkcs8(&binary(include_str!("../testdata/endless.pem")), PASSWORD).unwrap_err();
    assert!(matches!(e, KeyError::Expensive), "{e:?}");
    // N=16384, r=8, p=1 becomes p=127; and N no power of two.
    let cost = b"\x02\x02\x40\x00\x02\x01\x08\x02\x01\x01";
    let e = changed(cost, b"\x02\x02\x40\x00\x02\x01\x08\x02\x01\x7f");
    assert!(matches!(e, KeyError::Expensive), "{e:?}");
    let e = changed(cost, b"\x02\x02\x40\x01\x02\x01\x08\x02\x01\x01");
    assert!(matches!(e, KeyError::Unsupported(_)), "{e:?}");
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn what_is_cut_off_is_malformed() {
    let (key, store) = (binary(SCRYPT), binary(STORE));
    for cut in 0..key.len() {
        let e = open_pkcs8(&key[..cut], PASSWORD).unwrap_err();
        assert!(matches!(e, KeyError::Malformed(_)), "{cut}: {e:?}");
    }
    for cut in 0..store.len() {
        let e = open_pkcs12(&store[..cut], PASSWORD).unwrap_err();
        assert!(matches!(e, KeyError::Malformed(_)), "{cut}: {e:?}");
    }
}

#[test]
fn a_certificate_made_on_the_spot_is_signed_by_its_own_key() {
    let names = [Name::Dns("a.test".into()), Name::Ip([127, 0, 0, 1].into())];
    let (chain, key) = self_signed(&names).unwrap();
    let [certificate] = &chain[..] else { panic!("{} certificates", chain.len()) };
    let read = Certificate::from_der(certificate).unwrap();
    let key = SigningKey::from_pkcs8_der(key.secret_der()).unwrap();
    let public = read.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes();
    assert_eq!(public, key.verifying_key().to_encoded_point(false).as_bytes());
    let signed = read.tbs_certificate.to_der().unwrap();
    let signature = DerSignature::try_from(read.signature.raw_bytes()).unwrap();
    VerifyingKey::from_sec1_bytes(public).unwrap().verify(&signed, &signature).unwrap();
    assert_eq!(read.tbs_certificate.subject.to_string(), "CN=a.test");

    assert!(matches!(self_signed(&[]), Err(KeyError::NoName)));
    let e = self_signed(&[Name::Dns("b\u{fc}cher.test".into())]).unwrap_err();
    assert!(matches!(e, KeyError::Name(_)), "{e:?}");
}

#[test]
fn a_key_is_not_printed() {
    let key = open_pkcs8(&binary(SCRYPT), PASSWORD).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(redacted)");
}
