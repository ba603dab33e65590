//! Certificates, keys and responses in files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pem::{EncodeConfig, LineEnding, Pem};
use polytls::Identity;
use rcgen::CustomExtension;
use tempfile::TempDir;
use tls_conformance::{Authority, Leaf, List, OcspAnswer};

/// Where the server's certificate says that one can ask about it.
const URL: &[u8] = b"http://ocsp.test/";

pub(crate) struct Fixtures {
    folder: TempDir,
    pub(crate) server: Identity,
}

impl Fixtures {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Authority::root("Root of Lua");
        let names = ["server.test", "localhost", "127.0.0.1", "::1"];
        let server = root.issue(Leaf::server(&names).with(|params| {
            params.custom_extensions.push(authority_information());
        }));
        let this = Self { folder, server };
        let leaf = this.server.leaf();
        this.write("ca.pem", &pem("CERTIFICATE", &root.certificate()));
        this.pair("server", &this.server);
        this.pair("other", &root.server("other.test"));
        this.pair("client", &root.client("client of Lua"));
        this.pair("stranger", &Authority::root("Another root").server("server.test"));
        let crl = List::new().revoking(leaf).signed_by(&root);
        this.write("revoked.crl", &pem("X509 CRL", &crl));
        this.write("good.der", &OcspAnswer::good(&root, leaf).der());
        this.write("revoked.der", &OcspAnswer::revoked(&root, leaf).der());
        this.write("unknown.der", &OcspAnswer::unknown(&root, leaf).der());
        this.write("stale.der", &OcspAnswer::good(&root, leaf).hours(-48, -24).der());
        let other = root.server("else.test");
        this.write("other.der", &OcspAnswer::good(&root, other.leaf()).der());
        this.write("later.der", &OcspAnswer::later());
        this.write("file.bin", &(0..100_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>());
        this.encrypted_key();
        this
    }

    /// A copy that one script may change.
    pub(crate) fn for_one_script(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        let sessions = copy.path().join("sessions");
        fs::write(&sessions, "").unwrap();
        fs::set_permissions(&sessions, fs::Permissions::from_mode(0o600)).unwrap();
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn pair(&self, name: &str, identity: &Identity) {
        let chain = identity.chain().iter().flat_map(|der| pem("CERTIFICATE", der));
        self.write(&format!("{name}.pem"), &chain.collect::<Vec<_>>());
        let key = identity.pkcs8_key().unwrap();
        self.write(&format!("{name}.key"), &pem("PRIVATE KEY", &key));
    }

    fn encrypted_key(&self) {
        let key = |name: &str| self.path().join(name);
        let status = std::process::Command::new("openssl")
            .args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:secret", "-in"])
            .arg(key("server.key"))
            .arg("-out")
            .arg(key("encrypted.key"))
            .status();
        assert!(status.unwrap().success());
    }

    fn write(&self, name: &str, data: &[u8]) {
        fs::write(self.path().join(name), data).unwrap();
    }
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(label, der), config).into_bytes()
}

/// That OCSP is spoken at [`URL`] (RFC 5280 §4.2.2.1).
fn authority_information() -> CustomExtension {
    let wrap = |tag: u8, content: &[u8]| {
        let mut all = vec![tag, u8::try_from(content.len()).unwrap()];
        all.extend_from_slice(content);
        all
    };
    let method = [6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1];
    let description = [&method[..], &wrap(0x86, URL)].concat();
    CustomExtension::from_oid_content(
        &[1, 3, 6, 1, 5, 5, 7, 1, 1],
        wrap(0x30, &wrap(0x30, &description)),
    )
}
