//! Keys and certificates as the programs `openssl` and `certtool` write them, in every form, on every
//! backend.
//!
//! A program that is not installed fails these tests; they are not skipped.
#![allow(clippy::unwrap_used)] // tests

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use polytls::{Client, ClientConfig, Identity, Result, Roots, Server, ServerConfig};

use by_hand::Pair;

mod by_hand;

const NAME: &str = "formats.test";
const PASSWORD: &str = "Pa\u{df}wort 1\u{20ac}";

/// A directory of what `openssl` has made.
struct Files(tempfile::TempDir);

impl Files {
    /// With a key, its certificate, and that of the authority which issued it by way of another.
    fn new(key: &str) -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        fs::write(this.path("password"), format!("{PASSWORD}\n")).unwrap();
        fs::write(this.path("ca.cnf"), "basicConstraints=critical,CA:TRUE\n").unwrap();
        fs::write(this.path("leaf.cnf"), format!("subjectAltName=DNS:{NAME}\n")).unwrap();
        this.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
             -subj /CN=formats-root -keyout root.key -out root.pem",
        );
        this.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out issuing.key");
        this.openssl("req -new -key issuing.key -subj /CN=formats-issuing -out issuing.csr");
        let sign = "x509 -req -days 2 -CAcreateserial";
        this.openssl(&format!(
            "{sign} -in issuing.csr -CA root.pem -CAkey root.key -extfile ca.cnf -out issuing.pem"
        ));
        this.openssl(&format!("genpkey {key} -out key.pem"));
        this.openssl(&format!("req -new -key key.pem -subj /CN={NAME} -out leaf.csr"));
        this.openssl(&format!(
            "{sign} -in leaf.csr -CA issuing.pem -CAkey issuing.key -extfile leaf.cnf -out leaf.pem"
        ));
        let chain = [this.path("leaf.pem"), this.path("issuing.pem")].map(|p| fs::read(p).unwrap());
        fs::write(this.path("chain.pem"), chain.concat()).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, line: &str) {
        self.run("openssl", line);
    }

    fn run(&self, program: &str, line: &str) {
        let mut command = Command::new(program);
        command.args(line.split_whitespace()).current_dir(self.0.path()).stdin(Stdio::null());
        let run = command.output().unwrap_or_else(|e| panic!("{program} is not installed: {e}"));
        assert!(run.status.success(), "{line}\n{}", String::from_utf8_lossy(&run.stderr));
    }

    /// The chain, and the key that this command writes to `made.pem`.
    fn pem(&self, line: &str) -> Result<Identity> {
        self.openssl(&format!("{line} -in key.pem -out made.pem -passout file:password"));
        let (chain, key) = (self.path("chain.pem"), self.path("made.pem"));
        let e = Identity::from_pem_files(&chain, &key).unwrap_err().to_string();
        assert!(e.contains("made.pem: the private key is encrypted"), "{e}");
        let e = Identity::from_pem_files_encrypted(&chain, &key, "wrong").unwrap_err().to_string();
        assert!(e.contains("made.pem: the password is wrong"), "{e}");
        Identity::from_pem_files_encrypted(&chain, &key, PASSWORD)
    }

    /// What `openssl pkcs12 -export` makes with these options.
    fn pkcs12(&self, options: &str) -> Result<Identity> {
        self.openssl(&format!(
            "pkcs12 -export {options} -inkey key.pem -in chain.pem -out made.p12 \
             -passout file:password"
        ));
        let made = self.path("made.p12");
        let e = Identity::from_pkcs12_file(&made, "wrong").unwrap_err().to_string();
        assert!(e.contains("made.p12: the password is wrong"), "{e}");
        Identity::from_pkcs12_file(&made, PASSWORD)
    }

    fn root(&self) -> Roots {
        Roots::empty().with_pem_file(self.path("root.pem")).unwrap()
    }
}

/// Every backend serves with this identity, and presents the whole chain.
#[track_caller]
fn every_backend_serves(identity: &Identity, roots: &Roots, name: &str) {
    let client = ClientConfig::builder().roots(roots.clone()).build().unwrap();
    let server = ServerConfig::builder(identity.clone()).build().unwrap();
    for &backend in polytls::backend::all() {
        let client = Client::new(&client, backend).unwrap();
        let server = Server::new(&server, backend).unwrap();
        let (client, server) = (client.connection(name).unwrap(), server.connection().unwrap());
        let mut pair = Pair { client, server };
        pair.handshake().unwrap_or_else(|e| panic!("{}: {e}", backend.name()));
        let facts = pair.client.negotiated().unwrap();
        assert_eq!(facts.peer_certificate(), Some(identity.leaf()), "{}", backend.name());
    }
}

#[test]
fn encrypted_keys_open_with_their_password() {
    for key in ["-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "-algorithm RSA"] {
        let files = Files::new(key);
        let plain =
            Identity::from_pem_files(files.path("chain.pem"), files.path("key.pem")).unwrap();
        for form in [
            "pkcs8 -topk8 -v2 aes128",
            "pkcs8 -topk8 -v2 aes-192-cbc",
            "pkcs8 -topk8 -v2 aes256",
            "pkcs8 -topk8 -v2 aes256 -v2prf hmacWithSHA512 -iter 10000",
            "pkcs8 -topk8 -v2 aes256 -v2prf hmacWithSHA1",
            "pkcs8 -topk8 -v2 des3",
            "pkcs8 -topk8 -scrypt",
            "pkcs8 -topk8 -scrypt -scrypt_N 1024 -scrypt_r 4 -scrypt_p 2",
            "pkcs8 -topk8 -v1 PBE-SHA1-3DES",
            "pkcs8 -topk8 -v1 PBE-SHA1-2DES",
            "pkey -aes128 -traditional",
            "pkey -aes192 -traditional",
            "pkey -aes256 -traditional",
            "pkey -des3 -traditional",
        ] {
            let opened = files.pem(form).unwrap_or_else(|e| panic!("{form}: {e}"));
            assert_eq!(opened.chain(), plain.chain(), "{form}");
            every_backend_serves(&opened, &files.root(), NAME);
        }
    }
}

#[test]
fn pkcs12_files_open_with_their_password_and_give_the_chain_in_order() {
    for key in ["-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "-algorithm RSA"] {
        let files = Files::new(key);
        let plain =
            Identity::from_pem_files(files.path("chain.pem"), files.path("key.pem")).unwrap();
        for options in [
            "",
            "-legacy",
            "-legacy -descert",
            "-keypbe AES-128-CBC -certpbe PBE-SHA1-3DES -macalg sha384",
            "-keypbe PBE-SHA1-3DES -certpbe NONE -macalg sha1 -iter 1",
            "-legacy -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC2-40 -macalg sha512",
            "-keypbe NONE -certpbe AES-256-CBC",
            "-nomac",
        ] {
            let opened = files.pkcs12(options).unwrap_or_else(|e| panic!("{options}: {e}"));
            assert_eq!(opened.chain(), plain.chain(), "{options}");
            every_backend_serves(&opened, &files.root(), NAME);
        }
    }
}

#[test]
fn pkcs12_files_are_put_in_order() {
    let files = Files::new("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    let read = |name: &str| fs::read(files.path(name)).unwrap();
    let plain = Identity::from_pem_files(files.path("chain.pem"), files.path("key.pem")).unwrap();
    // The leaf stands last, and a stranger in between.
    files.openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stranger \
         -keyout stranger.key -out stranger.pem",
    );
    let others = [read("issuing.pem"), read("stranger.pem"), read("leaf.pem")].concat();
    fs::write(files.path("others.pem"), others).unwrap();
    files.openssl(
        "pkcs12 -export -inkey key.pem -in others.pem -out made.p12 -passout file:password",
    );
    let opened = Identity::from_pkcs12_file(files.path("made.p12"), PASSWORD).unwrap();
    assert_eq!(opened.chain(), plain.chain());

    // Without any key, and with no password at all.
    files.openssl("pkcs12 -export -nokeys -in chain.pem -out none.p12 -passout file:password");
    let e = Identity::from_pkcs12_file(files.path("none.p12"), PASSWORD).unwrap_err().to_string();
    assert!(e.contains("none.p12") && e.contains("no private key"), "{e}");
    for options in ["", "-legacy", "-keypbe NONE -certpbe NONE -nomac"] {
        files.openssl(&format!(
            "pkcs12 -export {options} -inkey key.pem -in chain.pem -out empty.p12 -passout pass:"
        ));
        let opened = Identity::from_pkcs12_file(files.path("empty.p12"), "").unwrap();
        assert_eq!(opened.chain(), plain.chain(), "{options}");
    }
}

#[test]
fn what_gnutls_writes_is_read_too() {
    let files = Files::new("-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    let plain = Identity::from_pem_files(files.path("chain.pem"), files.path("key.pem")).unwrap();
    // Few forms: each takes 600 000 rounds.
    let load = "--load-privkey key.pem --password secret";
    let certificates = "--load-certificate chain.pem --p12-name x --outder";
    files.run("certtool", &format!("--to-p12 {load} {certificates} --outfile made.p12"));
    let opened = Identity::from_pkcs12_file(files.path("made.p12"), "secret").unwrap();
    assert_eq!(opened.chain()[0], plain.chain()[0]);

    files.run("certtool", &format!("--to-p8 {load} --pkcs-cipher aes-256 --outfile made.pem"));
    let (chain, key) = (files.path("chain.pem"), files.path("made.pem"));
    Identity::from_pem_files_encrypted(chain, key, "secret").unwrap();
}

#[test]
fn a_certificate_made_on_the_spot_serves_on_every_backend() {
    let identity = Identity::self_signed([NAME, "127.0.0.1"]).unwrap();
    let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
    every_backend_serves(&identity, &roots, NAME);
    every_backend_serves(&identity, &roots, "127.0.0.1");

    let file = tempfile::NamedTempFile::new().unwrap();
    let pem = pem::encode(&pem::Pem::new("CERTIFICATE", identity.leaf().to_vec()));
    fs::write(file.path(), pem).unwrap();
    verify(file.path());
}

/// OpenSSL has nothing against it either.
fn verify(certificate: &Path) {
    let mut openssl = Command::new("openssl");
    openssl.args(["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile"]);
    let run = openssl.arg(certificate).arg(certificate).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn what_was_compiled_goes_on_when_its_keys_are_wiped() {
    let identity = Identity::self_signed([NAME]).unwrap();
    let roots = Roots::empty().with_der(identity.leaf().clone()).unwrap();
    let config = ServerConfig::builder(identity.clone()).build().unwrap();
    let client = ClientConfig::builder().roots(roots).identity(identity.clone()).build().unwrap();
    let backends = polytls::backend::all();
    let pairs = backends.iter().map(|&backend| {
        (Client::new(&client, backend).unwrap(), Server::new(&config, backend).unwrap())
    });
    let pairs = pairs.collect::<Vec<_>>();
    config.clear_keys();
    client.clear_keys();
    assert!(identity.key().is_err());
    for ((before, server), &backend) in pairs.iter().zip(backends) {
        for _ in 0..2 {
            let (client, server) = (before.connection(NAME).unwrap(), server.connection().unwrap());
            Pair { client, server }.handshake().unwrap();
        }
        // Another cannot be made, and the server that is there stays.
        let kind = polytls::ErrorKind::Config;
        assert_eq!(Server::new(&config, backend).unwrap_err().kind(), kind);
        assert_eq!(Client::new(&client, backend).unwrap_err().kind(), kind);
        assert_eq!(server.reload(&config, backend).unwrap_err().kind(), kind);
        let (client, server) = (before.connection(NAME).unwrap(), server.connection().unwrap());
        Pair { client, server }.handshake().unwrap();
    }
}
