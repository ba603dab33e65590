//! The files that the programs in C read.

use std::fs;
use std::path::Path;
use std::process::Command;

use pem::Pem;
use polytls::Identity;
use rcgen::{CertificateParams, CustomExtension, DnType, date_time_ymd};
use tls_conformance::{Authority, Leaf, List, OcspAnswer};

/// Makes them all in `folder`.
pub(crate) fn make(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    let ca = Authority::root("capi root");
    let other = Authority::root("another root");
    let issuer = ca.intermediate("capi issuer");
    let a = issuer.issue(Leaf::server(&["a.test"]).with(|params| {
        params.distinguished_name.push(DnType::CountryName, "CH");
        params.distinguished_name.push(DnType::OrganizationName, "Caf\u{e9} & Co");
        params.custom_extensions = vec![ocsp_url("http://ocsp.test/")];
    }));
    let b = issuer.server("b.test");
    put(folder, "a", &a);
    put(folder, "b", &b);
    put(folder, "ip", &ca.issue(Leaf::server(&["127.0.0.1", "ip.test"])));
    put(folder, "client", &ca.client("client.test"));
    put(
        folder,
        "expired",
        &ca.issue(Leaf::server(&["a.test"]).with(|params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })),
    );
    put(
        folder,
        "cn",
        &ca.issue(Leaf::server(&["cn.test"]).with(|params: &mut CertificateParams| {
            params.subject_alt_names.clear();
        })),
    );
    write("ca.pem", pem::encode(&Pem::new("CERTIFICATE", ca.certificate().to_vec())).as_bytes());
    let stranger = Pem::new("CERTIFICATE", other.certificate().to_vec());
    write("other-ca.pem", pem::encode(&stranger).as_bytes());
    let leaf = a.leaf();
    let of_root = List::pem(&List::new().signed_by(&ca));
    let good = List::pem(&List::new().signed_by(&issuer));
    let revoked = List::pem(&List::new().revoking(leaf).signed_by(&issuer));
    write("good.crl", (of_root.clone() + &good).as_bytes());
    write("part.crl", good.as_bytes());
    write("revoked.crl", (of_root + &revoked).as_bytes());
    write("good.ocsp", &OcspAnswer::good(&issuer, leaf).der());
    write("revoked.ocsp", &OcspAnswer::revoked(&issuer, leaf).der());
    write("unknown.ocsp", &OcspAnswer::unknown(&issuer, leaf).der());
    write("other.ocsp", &OcspAnswer::good(&issuer, b.leaf()).der());
    write("old.ocsp", &OcspAnswer::good(&issuer, leaf).hours(-48, -24).der());
    write("later.ocsp", &OcspAnswer::later());
    openssl(folder, "pkcs8 -topk8 -v2 aes-256-cbc -in a.key -out a.key.enc -passout pass:secret");
    openssl(folder, "genrsa -aes128 -traditional -out rsa.key.old -passout pass:secret 2048");
}

fn put(folder: &Path, name: &str, identity: &Identity) {
    let chain = identity.chain().iter().map(|der| Pem::new("CERTIFICATE", der.to_vec()));
    let chain: String = chain.map(|section| pem::encode(&section)).collect();
    fs::write(folder.join(format!("{name}.pem")), chain).unwrap();
    let key = Pem::new("PRIVATE KEY", identity.pkcs8_key().unwrap().to_vec());
    fs::write(folder.join(format!("{name}.key")), pem::encode(&key)).unwrap();
}

fn openssl(folder: &Path, arguments: &str) {
    let mut openssl = Command::new("openssl");
    let output = openssl.current_dir(folder).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// AuthorityInfoAccess (RFC 5280 §4.2.2.1) with one address of a responder.
fn ocsp_url(url: &str) -> CustomExtension {
    let sequence = |inside: &[u8]| {
        let length = u8::try_from(inside.len()).unwrap();
        assert!(length < 128, "the short form of lengths");
        [&[0x30, length], inside].concat()
    };
    let responder = [6, 8, 0x2b, 6, 1, 5, 5, 7, 48, 1]; // id-ad-ocsp
    let location = [&[0x86, u8::try_from(url.len()).unwrap()], url.as_bytes()].concat();
    let access = sequence(&sequence(&[&responder[..], &location].concat()));
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access)
}
