//! Certificates, keys and data, in memory for us and in files for the programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use polytls::{Identity, Roots};
use tempfile::TempDir;
use tls_conformance::Authority;

use crate::responses::Responses;

/// The name that the trusted server certificate is for.
pub(crate) const NAME: &str = "server.peers.test";

/// A name that it is not for.
pub(crate) const WRONG_NAME: &str = "elsewhere.peers.test";

pub(crate) struct Fixture {
    dir: TempDir,
    /// Issued the certificates below, by way of an intermediate authority.
    pub(crate) authority: Trust,
    /// Issued nothing that anybody presents, except what is called a stranger's.
    pub(crate) stranger: Trust,
    pub(crate) server: Credentials,
    pub(crate) client: Credentials,
    pub(crate) strange_client: Credentials,
    /// Issued the server's certificate.
    pub(crate) issuing: Authority,
    responses: OnceLock<Responses>,
    /// What a client sends.
    pub(crate) question: Data,
    /// What a server sends.
    pub(crate) answer: Data,
}

/// A root certificate.
pub(crate) struct Trust {
    pub(crate) roots: Roots,
    pub(crate) file: PathBuf,
}

/// An identity, and the PEM files of its chain and key.
pub(crate) struct Credentials {
    pub(crate) identity: Identity,
    pub(crate) chain: PathBuf,
    /// The chain without its first certificate.
    pub(crate) issuers: PathBuf,
    pub(crate) key: PathBuf,
}

pub(crate) struct Data {
    pub(crate) bytes: Vec<u8>,
    pub(crate) file: PathBuf,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("polytls-peers-").tempdir().unwrap();
        let path = dir.path();
        let root = Authority::root("Peers Root");
        let issuing = root.intermediate("Peers Issuing Authority");
        let stranger = Authority::root("Stranger");
        Self {
            authority: Trust::new(&root, path.join("root.pem")),
            stranger: Trust::new(&stranger, path.join("stranger.pem")),
            server: Credentials::new(issuing.server(NAME), path, "server"),
            client: Credentials::new(issuing.client("Trusted Client"), path, "client"),
            strange_client: Credentials::new(
                stranger.intermediate("Strange Issuing Authority").client("Strange Client"),
                path,
                "strange",
            ),
            question: Data::new(1, path.join("question.txt")),
            answer: Data::new(2, path.join("answer.txt")),
            issuing,
            responses: OnceLock::new(),
            dir,
        }
    }

    /// OCSP responses about the server's certificate, made when they are first asked for: that takes a
    /// program.
    pub(crate) fn responses(&self) -> &Responses {
        self.responses.get_or_init(|| Responses::new(self))
    }

    /// A directory for all tests.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// A directory for one test.
    pub(crate) fn scratch(&self) -> TempDir {
        tempfile::tempdir_in(self.dir.path()).unwrap()
    }
}

impl Trust {
    fn new(authority: &Authority, file: PathBuf) -> Self {
        fs::write(&file, pem("CERTIFICATE", &authority.certificate())).unwrap();
        Self { roots: authority.roots(), file }
    }
}

impl Credentials {
    pub(crate) fn new(identity: Identity, dir: &Path, name: &str) -> Self {
        let chain = dir.join(format!("{name}-chain.pem"));
        let issuers = dir.join(format!("{name}-issuers.pem"));
        let key = dir.join(format!("{name}-key.pem"));
        let certificates = identity.chain().iter().map(|der| pem("CERTIFICATE", der));
        let certificates = certificates.collect::<Vec<_>>();
        fs::write(&chain, certificates.concat()).unwrap();
        fs::write(&issuers, certificates[1..].concat()).unwrap();
        fs::write(&key, pem("PRIVATE KEY", identity.key().unwrap().secret_der())).unwrap();
        Self { identity, chain, issuers, key }
    }
}

impl Data {
    /// Lines of digits: the programs take letters at the beginning of a line for commands.
    fn new(seed: u64, file: PathBuf) -> Self {
        let mut state = seed;
        let bytes = (1..=SIZE).map(|i| {
            // Knuth's MMIX generator.
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            if i % 64 == 0 { b'\n' } else { b'0' + ((state >> 33) % 10) as u8 }
        });
        let bytes = bytes.collect::<Vec<_>>();
        fs::write(&file, &bytes).unwrap();
        Self { bytes, file }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der))
}

/// More than a dozen records; whole lines.
const SIZE: usize = 192 * 1024;
