//! Keys and files that OpenSSL 3.0 wrote, one key in all of them, under one password: by `openssl pkcs8
//! -topk8` with `-v2 aes256`, `-scrypt`, `-v2 des3 -v2prf hmacWithSHA1`, `-v1 PBE-SHA1-3DES` and `-iter
//! 20000000`, by `openssl ec -aes128`, and by `openssl pkcs12 -export`, with `-legacy` and without. Every
//! other form is made and read by the tests of `tls-interop`.

use base64ct::{Base64, Encoding};

use super::*;
use crate::ErrorKind;

const PASSWORD: &str = "open-sesame";
const CHAIN: &[u8] = include_bytes!("../../testdata/chain.pem");
const PLAIN: &str = include_str!("../../testdata/plain.pem");
const PBKDF2: &str = include_str!("../../testdata/pbkdf2.pem");
const SCRYPT: &str = include_str!("../../testdata/scrypt.pem");
const TRADITIONAL: &str = include_str!("../../testdata/traditional.pem");
const MODERN: &str = include_str!("../../testdata/modern.p12.txt");
const LEGACY: &str = include_str!("../../testdata/legacy.p12.txt");

/// Encrypted keys, by how they are.
const KEYS: [(&str, &str); 5] = [
    ("PBKDF2 with SHA-256, AES-256", PBKDF2),
    ("scrypt, AES-256", SCRYPT),
    ("PBKDF2 with SHA-1, 3DES", include_str!("../../testdata/des3.pem")),
    ("the scheme of PKCS#12 with 3DES", include_str!("../../testdata/pkcs12-scheme.pem")),
    ("old PEM, AES-128", TRADITIONAL),
];

fn open(key: &str, password: &str) -> Result<Identity> {
    Identity::from_pem_encrypted(CHAIN, key.as_bytes(), password)
}

fn binary(text: &str) -> Vec<u8> {
    Base64::decode_vec(&text.replace('\n', "")).unwrap()
}

/// The body of a section of PEM.
fn body(pem: &str) -> Vec<u8> {
    binary(&pem.lines().filter(|line| !line.starts_with('-')).collect::<String>())
}

/// The number that the key is: its syntax is not always the same.
fn number(identity: &Identity) -> Vec<u8> {
    let der = identity.pkcs8_key().unwrap();
    let at = der.windows(5).position(|window| window == b"\x02\x01\x01\x04\x20").unwrap() + 5;
    der[at..at + 32].to_vec()
}

#[track_caller]
fn refused(opened: Result<Identity>, why: &str) {
    let e = opened.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    assert!(e.to_string().contains(why), "{e}");
}

#[test]
fn every_encrypted_key_is_the_same_key() {
    let plain = Identity::from_pem(CHAIN, PLAIN.as_bytes()).unwrap();
    for (how, key) in KEYS {
        for key in [key.to_owned(), key.replace('\n', "\r\n"), format!("\u{feff}{key}")] {
            let opened = open(&key, PASSWORD).unwrap_or_else(|e| panic!("{how}: {e}"));
            assert_eq!(number(&opened), number(&plain), "{how}");
        }
        // In one file with its certificate.
        let both = [CHAIN, key.as_bytes()].concat();
        Identity::from_pem_encrypted(&both, &both, PASSWORD).unwrap();
    }
    for file in [MODERN, LEGACY] {
        let opened = Identity::from_pkcs12(&binary(file), PASSWORD).unwrap();
        assert_eq!(number(&opened), number(&plain));
        assert_eq!(opened.chain(), plain.chain());
    }
}

#[test]
fn a_password_that_is_wrong_or_missing_or_not_needed_is_said_to_be_so() {
    for (_, key) in KEYS {
        refused(open(key, "wrong"), "key PEM: the password is wrong");
        refused(open(key, ""), "protected by a password, and none was given");
        refused(
            Identity::from_pem(CHAIN, key.as_bytes()),
            "key PEM: the private key is encrypted, and no password was given",
        );
    }
    refused(open(PLAIN, PASSWORD), "a password was given, but the private key is not encrypted");
    for file in [MODERN, LEGACY] {
        refused(Identity::from_pkcs12(&binary(file), "wrong"), "PKCS#12: the password is wrong");
        refused(Identity::from_pkcs12(&binary(file), ""), "none was given");
    }
    let unprotected = binary(include_str!("../../testdata/open.p12.txt"));
    Identity::from_pkcs12(&unprotected, "").unwrap();
    refused(Identity::from_pkcs12(&unprotected, PASSWORD), "nothing in it is protected by one");
}

#[test]
fn a_file_is_named_with_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let (chain, key) = (file("chain.pem", CHAIN), file("key.pem", SCRYPT.as_bytes()));
    let store = file("store.p12", &binary(MODERN));
    Identity::from_pem_files_encrypted(&chain, &key, PASSWORD).unwrap();
    Identity::from_pkcs12_file(&store, PASSWORD).unwrap();
    refused(Identity::from_pem_files_encrypted(&chain, &key, "wrong"), "key.pem: the password");
    refused(Identity::from_pem_files(&chain, &key), "key.pem: the private key is encrypted");
    refused(Identity::from_pkcs12_file(&store, "wrong"), "store.p12: the password");
    refused(Identity::from_pkcs12_file(&key, PASSWORD), "key.pem: not well-formed DER");
    refused(Identity::from_pkcs12_file(folder.path().join("no"), PASSWORD), "cannot be read");
}

#[test]
fn a_file_cannot_ask_for_endless_work() {
    // Twenty million times around: seconds for OpenSSL, and here nothing at all.
    let begin = std::time::Instant::now();
    let why = "takes more time or memory than a file may ask for";
    refused(open(include_str!("../../testdata/endless.pem"), PASSWORD), why);
    let endless = binary(include_str!("../../testdata/endless.p12.txt"));
    refused(Identity::from_pkcs12(&endless, PASSWORD), why);

    // N=16384, r=8, p=1.
    let cost = b"\x02\x02\x40\x00\x02\x01\x08\x02\x01\x01";
    for (other, why) in [
        (b"\x02\x02\x40\x00\x02\x01\x08\x02\x01\x7f", why),
        (b"\x02\x02\x40\x01\x02\x01\x08\x02\x01\x01", "not supported: scrypt with N=16385"),
        (b"\x02\x02\x40\x00\x02\x01\x00\x02\x01\x01", "not supported: scrypt"),
        (b"\x02\x02\x40\x00\x02\x01\x08\x02\x01\x00", "not supported: scrypt"),
    ] {
        let mut der = body(SCRYPT);
        let at = der.windows(cost.len()).position(|window| window == cost).unwrap();
        der[at..at + cost.len()].copy_from_slice(other);
        let mut work = sealed::Work::new();
        let e = pem::open_pkcs8(&der, PASSWORD, &mut work).unwrap_err().at("it", PASSWORD);
        assert!(e.to_string().contains(why), "{e}");
    }
    assert!(begin.elapsed() < std::time::Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn damage_is_an_error_and_nothing_worse() {
    for (key, step) in [(PBKDF2, 1), (TRADITIONAL, 1), (SCRYPT, 40)] {
        for cut in (0..key.len()).step_by(step) {
            if open(&key[..cut], PASSWORD).is_ok() {
                // All that may be missing is the end of the last line.
                assert!(cut + 1 >= key.len(), "cut to {cut}");
            }
        }
    }
    refused(open(&TRADITIONAL.replace("AES-128-CBC", "AES-128-GCM"), PASSWORD), "not supported");
    refused(open(&TRADITIONAL.replace("CBC,", "CBC,0"), PASSWORD), "not supported");
    refused(open(&TRADITIONAL.replace("DEK-Info", "DEC-Info"), PASSWORD), "not supported");

    let file = binary(MODERN);
    for at in 0..file.len() {
        let _ = Identity::from_pkcs12(&file[..at], PASSWORD).unwrap_err();
    }
    for (name, at) in (0..file.len()).step_by(7).map(|at| ("changed", at)) {
        let mut file = file.clone();
        file[at] ^= 0x10;
        let opened = Identity::from_pkcs12(&file, PASSWORD);
        // What is not under the checksum may say little: a NULL, or the name of what nobody asks.
        if let Ok(opened) = opened {
            assert_eq!(opened.chain().len(), 1, "{name} at {at}");
        }
    }
}

#[test]
fn a_certificate_made_on_the_spot_is_for_its_names() {
    let names = ["a.test", "*.zone.test", "B\u{fc}cher.test", "127.0.0.1", "::1"];
    let identity = Identity::self_signed(names).unwrap();
    let facts = identity.leaf_facts();
    assert_eq!(facts.dns_names(), ["a.test", "*.zone.test", "xn--bcher-kva.test"]);
    assert_eq!(facts.ip_addresses().len(), 2);
    assert_eq!(facts.subject(), "CN=a.test");
    assert!(facts.is_self_issued() && !facts.is_authority());
    let now = pki_types::UnixTime::now().as_secs();
    let at =
        |seconds| pki_types::UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let year = 365 * 24 * 3600;
    assert!(facts.is_valid_at(at(now - 3500)) && facts.is_valid_at(at(now + year - 3700)));
    assert!(!facts.is_valid_at(at(now - 3700)) && !facts.is_valid_at(at(now + year - 3500)));
    for purpose in [crate::x509::Purpose::ServerAuth, crate::x509::Purpose::ClientAuth] {
        assert!(facts.is_for(purpose));
    }
    let other = Identity::self_signed(["a.test"]).unwrap();
    assert_ne!(other.leaf_facts().serial(), facts.serial());
    assert_ne!(other.leaf_facts().public_key(), facts.public_key());

    let long = format!("{}.test", "a".repeat(63));
    assert_eq!(Identity::self_signed([&long]).unwrap().leaf_facts().dns_names(), [long]);
    for bad in [&["a/b"][..], &["*.127.0.0.1"], &["*"], &["a.*.test"], &[]] {
        assert_eq!(Identity::self_signed(bad).unwrap_err().kind(), ErrorKind::Config, "{bad:?}");
    }
}
