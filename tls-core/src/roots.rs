//! Which certificate authorities to trust.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use pki_types::CertificateDer;

use crate::identity::{certificates_from_pem, config_error, read_file};
use crate::resumption::Fingerprint;
use crate::x509::{Algorithms, CertificateFacts, Chain, is_self_issued};
use crate::{Error, ErrorKind, Result};

/// The certificates that a chain may end in.
///
/// A set has a base (nothing, the system's, or Mozilla's) and may have certificates given on top:
/// `Roots::empty().with_pem_file(…)` trusts only these, `Roots::system().with_pem_file(…)` the
/// system's and these. Each is trusted as it is: as an issuer, if it is an authority's, also when it
/// is no root itself; and as the peer's own certificate. Its dates and what it may be used for are
/// checked like any other's. One that is no root, whose issuer is another, requires
/// [`Capability::PartialChains`](crate::Capability::PartialChains).
///
/// Cheap to clone. The system's certificates are read when a configuration is compiled. A backend
/// that is the system's own library may leave the system to verify in its way instead.
#[derive(Clone, PartialEq, Eq)]
pub struct Roots {
    base: Base,
    given: Arc<Vec<CertificateDer<'static>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Empty,
    Mozilla,
    System,
}

impl Roots {
    /// No certificate at all: nothing is trusted until some are given.
    pub fn empty() -> Self {
        Self { base: Base::Empty, given: Arc::default() }
    }

    /// What the operating system trusts, or what the environment variables `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name in its place.
    pub fn system() -> Self {
        Self { base: Base::System, given: Arc::default() }
    }

    /// Mozilla's list, as compiled in: the same on every machine, as old as the build.
    pub fn mozilla() -> Self {
        Self { base: Base::Mozilla, given: Arc::default() }
    }

    /// Adds the certificates in PEM text (RFC 7468, `CERTIFICATE` sections).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is none or one is malformed.
    pub fn with_pem(self, text: &[u8]) -> Result<Self> {
        self.with_pem_from(text, "root PEM")
    }

    /// Adds the certificates in a PEM file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the file, if it cannot be read, has no certificate, or a
    /// malformed one.
    pub fn with_pem_file(self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        self.with_pem_from(&read_file(path)?, &path.display().to_string())
    }

    /// Adds the certificates in all PEM files of a directory, not of those below it.
    ///
    /// Files without a certificate (a README, a CRL, a key) are passed over.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the directory or file, if something cannot be read, if a
    /// certificate is malformed, or if there is none at all.
    pub fn with_pem_dir(mut self, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |e: std::io::Error| {
            let why = format!("cannot be read: {e}");
            config_error(&path.display().to_string(), &why).with_source(e)
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.is_file() {
                files.push(file);
            }
        }
        files.sort();
        let before = self.given.len();
        for file in files {
            let text = read_file(&file)?;
            if text.windows(BEGIN.len()).any(|window| window == BEGIN) {
                self = self.with_pem_from(&text, &file.display().to_string())?;
            }
        }
        if self.given.len() == before {
            return Err(config_error(&path.display().to_string(), "no certificate in any file"));
        }
        Ok(self)
    }

    /// Adds a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it is malformed.
    pub fn with_der(self, der: CertificateDer<'static>) -> Result<Self> {
        self.with_certificates(vec![der], "root")
    }

    fn with_pem_from(self, text: &[u8], from: &str) -> Result<Self> {
        self.with_certificates(certificates_from_pem(text, from)?, from)
    }

    fn with_certificates(mut self, list: Vec<CertificateDer<'static>>, from: &str) -> Result<Self> {
        let given = Arc::make_mut(&mut self.given);
        for (i, certificate) in list.into_iter().enumerate() {
            CertificateFacts::read(&certificate).map_err(|e| {
                let why = format!("certificate {} is not well-formed", i + 1);
                config_error(from, &why).with_source(e)
            })?;
            if !given.contains(&certificate) {
                given.push(certificate);
            }
        }
        Ok(self)
    }

    /// Whether nothing at all would be trusted.
    pub fn is_empty(&self) -> bool {
        self.base == Base::Empty && self.given.is_empty()
    }

    /// Adds what is trusted to a fingerprint.
    pub(crate) fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        let base = format!("{:?}", self.base);
        let fingerprint = fingerprint.with(base.as_bytes());
        self.given.iter().fold(fingerprint, |so_far, der| so_far.with(der))
    }

    /// Whether a certificate was given that is no root: its issuer is another.
    pub(crate) fn has_partial(&self) -> bool {
        !self.given.iter().all(is_self_issued)
    }

    /// For backends: whether the base is the system's, for a library that is the system's own and
    /// verifies by itself what the system trusts.
    pub fn is_system(&self) -> bool {
        self.base == Base::System
    }

    /// For backends: the certificates given one by one. A library that cannot use one refuses the
    /// configuration.
    pub fn given(&self) -> &[CertificateDer<'static>] {
        &self.given
    }

    /// For backends: a verifier on webpki that trusts these certificates, and checks signatures with
    /// `algorithms`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if one that was given cannot be used, or the system's are meant and none
    /// can be found.
    pub fn to_chain(&self, algorithms: Algorithms<'_>) -> Result<Chain> {
        let mut chain = Chain::new(algorithms);
        for der in self.given() {
            chain.trust(der.clone()).map_err(|e| {
                let e = Error::new(ErrorKind::Config).with_source(e);
                e.because("a given root certificate is unusable")
            })?;
        }
        for der in self.base()? {
            // Public lists hold some that webpki does not know.
            let _ = chain.trust(der);
        }
        Ok(chain)
    }

    /// For backends: the certificates of the base. A library that cannot use one leaves it out;
    /// public lists hold some that not every library knows.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the system's certificates are meant and none can be found.
    pub fn base(&self) -> Result<Vec<CertificateDer<'static>>> {
        match self.base {
            Base::Empty => Ok(Vec::new()),
            Base::Mozilla => Ok(webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec()),
            Base::System => system(),
        }
    }
}

/// The system's: safe for a program that sets nothing.
impl Default for Roots {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots").field("base", &self.base).field("given", &self.given.len()).finish()
    }
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn system() -> Result<Vec<CertificateDer<'static>>> {
    let loaded = rustls_native_certs::load_native_certs();
    // Some unreadable entries are ordinary in a system's store; none readable is not.
    if !loaded.certs.is_empty() {
        return Ok(loaded.certs);
    }
    let e = Error::new(ErrorKind::Config).because(
        "the system has no trusted certificates (is the package ca-certificates installed?); \
         name some, or use Mozilla's list",
    );
    Err(match loaded.errors.into_iter().next() {
        Some(source) => e.with_source(source),
        None => e,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str) -> String {
        rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.pem()
    }

    fn why(result: Result<Roots>) -> String {
        let e = result.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Config);
        e.to_string()
    }

    #[test]
    fn a_directory_gives_the_certificates_of_all_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert!(
            why(Roots::empty().with_pem_dir(folder.path())).contains("no certificate in any file")
        );
        let (a, b, c) = (certificate("a.test"), certificate("b.test"), certificate("c.test"));
        write("one.pem", &a);
        write("two.crt", &(b + &c + &a));
        write("README", "these are our authorities");
        fs::create_dir(folder.path().join("below.pem")).unwrap();
        let roots = Roots::empty().with_pem_dir(folder.path()).unwrap();
        assert_eq!(roots.given().len(), 3, "a double counts once");
        write("three.pem", "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n");
        assert!(why(Roots::empty().with_pem_dir(folder.path())).contains("three.pem"));
    }

    #[test]
    fn what_is_wrong_is_said_and_where() {
        assert!(why(Roots::empty().with_pem(b"")).contains("root PEM: no certificate found"));
        assert!(why(Roots::empty().with_pem_file("/no/such/ca")).contains("/no/such/ca"));
        assert!(why(Roots::empty().with_pem_dir("/no/such/folder")).contains("/no/such/folder"));
        assert!(why(Roots::empty().with_der(vec![0x30, 0].into())).contains("certificate 1"));
    }

    #[test]
    fn a_base_and_what_is_given_add_up() {
        assert!(Roots::empty().is_empty() && Roots::empty().base().unwrap().is_empty());
        let roots = Roots::mozilla().with_pem(certificate("a.test").as_bytes()).unwrap();
        assert!(roots.base().unwrap().len() > 50);
        assert_eq!(roots.given().len(), 1);
        assert_eq!(Roots::default(), Roots::system());
    }
    #[test]
    fn text_around_certificates_and_the_ends_of_lines_do_not_matter() {
        let text = format!("a\n{}b\n{}", certificate("a.test"), certificate("b.test"));
        for text in [text.replace('\n', "\r\n"), text] {
            assert_eq!(Roots::empty().with_pem(text.as_bytes()).unwrap().given().len(), 2);
        }
    }

    #[test]
    fn bytes_behind_a_certificate_are_refused() {
        let roots = Roots::empty().with_pem(certificate("a.test").as_bytes()).unwrap();
        let longer = [roots.given()[0].as_ref(), b"\0"].concat();
        why(Roots::empty().with_der(longer.into()));
    }
}
