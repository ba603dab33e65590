//! Who a peer is: a certificate chain and the key of its leaf.

mod choice;
mod input;
mod names;
mod origin;
mod pem;
mod signer;
mod staple;
mod syntax;
#[cfg(test)]
mod testdata;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::x509::CertificateFacts;
use crate::{Error, ErrorKind, Result};

pub use choice::Identities;
pub(crate) use choice::choose;
use input::key_error;
pub(crate) use input::{config_error, read_file};
use names::{MADE, certificate_name};
use origin::Key;
use pem::key_from_pem;
pub(crate) use pem::{certificates_from_pem, pem_text};
pub use signer::{AsyncSigner, Awaited, Completion, SignatureScheme, Signer};
pub use staple::Staple;
use syntax::{in_old_syntax, in_pkcs8};
pub use tls_keys::PrivateKey;

/// A certificate chain, leaf first, and the private key of its leaf.
///
/// Cheap to clone; the key is wiped when the last clone is dropped or by
/// [`clear_key`](Self::clear_key), and never printed. That key and certificate belong together is
/// checked when a configuration is compiled, because only a TLS library can compute the one from the
/// other.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
    staple: Option<Staple>,
}

struct Inner {
    chain: Vec<CertificateDer<'static>>,
    key: Key,
    leaf: Arc<CertificateFacts>,
}

impl Identity {
    /// Takes a chain and a key from PEM (RFC 7468).
    ///
    /// `chain` holds one or more `CERTIFICATE` sections, leaf first. `key` holds one `PRIVATE KEY`
    /// (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or `EC PRIVATE KEY` (SEC1) section, not encrypted.
    /// Other sections are passed over, so both may be the same text.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], saying which of the two is unusable and why.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self> {
        Self::from_pem_named((chain, "certificate PEM"), (key, "key PEM"), None)
    }

    /// Takes a chain and an encrypted key from PEM.
    ///
    /// As [`from_pem`](Self::from_pem), but the key is an `ENCRYPTED PRIVATE KEY` (PKCS#8 with PBES2,
    /// RFC 8018: AES or 3DES in CBC mode, PBKDF2 or scrypt; or with one of the schemes of PKCS#12), or a
    /// section with the headers `Proc-Type: 4,ENCRYPTED` and `DEK-Info` (AES or 3DES), as OpenSSL wrote
    /// them before. To derive its key may take some seconds of work and 256 MiB; a file that asks for
    /// more is refused.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], saying which of the two is unusable and why: also if the password is wrong,
    /// or the key is not encrypted.
    pub fn from_pem_encrypted(chain: &[u8], key: &[u8], password: &str) -> Result<Self> {
        Self::from_pem_named((chain, "certificate PEM"), (key, "key PEM"), Some(password))
    }

    /// Takes a chain and a key from PEM files, as [`from_pem`](Self::from_pem).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the file and what is wrong with it.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self> {
        Self::read_pem_files(chain.as_ref(), key.as_ref(), None)
    }

    /// Takes a chain and an encrypted key from PEM files, as
    /// [`from_pem_encrypted`](Self::from_pem_encrypted).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the file and what is wrong with it.
    pub fn from_pem_files_encrypted(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
        password: &str,
    ) -> Result<Self> {
        Self::read_pem_files(chain.as_ref(), key.as_ref(), Some(password))
    }

    /// Takes a key and its chain from PKCS#12 (RFC 7292), DER.
    ///
    /// It holds one key. Its certificate is the one marked as the key's, or else the one that issued no
    /// other; the chain goes up from there, and what does not belong to it is left out. The password
    /// protects by PBES2 or by the older schemes with SHA-1, which still need 3DES or RC2; it is empty
    /// for a file that has none. The limits are those of
    /// [`from_pem_encrypted`](Self::from_pem_encrypted).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], saying what is wrong with it: also if the password is.
    pub fn from_pkcs12(der: &[u8], password: &str) -> Result<Self> {
        Self::from_pkcs12_named(der, "PKCS#12", password)
    }

    /// Takes a key and its chain from a file of PKCS#12, as [`from_pkcs12`](Self::from_pkcs12).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`], naming the file and what is wrong with it.
    pub fn from_pkcs12_file(path: impl AsRef<Path>, password: &str) -> Result<Self> {
        let path = path.as_ref();
        let bytes = Zeroizing::new(read_file(path)?);
        Self::from_pkcs12_named(&bytes, &path.display().to_string(), password)
    }

    fn from_pkcs12_named(der: &[u8], from: &str, password: &str) -> Result<Self> {
        let (chain, key) = tls_keys::open_pkcs12(der, password).map_err(|e| key_error(from, e))?;
        Self::checked(chain, key, from)
    }

    /// Makes a key (ECDSA on P-256) and a certificate for these DNS names and IP addresses that is signed
    /// by itself: for tests, and for peers that know it by other means.
    ///
    /// A name may be a wildcard. It is valid from an hour ago for a year, for servers and for clients.
    /// [`leaf`](Self::leaf) is what the others have to trust.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is no name or one is none; [`ErrorKind::Backend`] if the system has
    /// no random numbers.
    pub fn self_signed<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Self> {
        let names = names.into_iter().map(|name| certificate_name(name.as_ref()));
        let names = names.collect::<Result<Vec<_>>>()?;
        let (chain, key) = tls_keys::self_signed(&names).map_err(|e| key_error(MADE, e))?;
        Self::checked(chain, key, MADE)
    }

    /// Takes a chain, leaf first, and a key from DER; the key is PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is no certificate or something is not well-formed DER.
    pub fn from_der(
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        key: &[u8],
    ) -> Result<Self> {
        let key = PrivateKeyDer::try_from(key).map_err(|why| {
            let why = format!("key: neither PKCS#8, PKCS#1 nor SEC1 ({why})");
            Error::new(ErrorKind::Config).because(why)
        })?;
        let key = PrivateKey::new(key.clone_key());
        Self::checked(chain.into_iter().collect(), key, "chain")
    }

    fn from_pem_named(
        chain: (&[u8], &str),
        key: (&[u8], &str),
        password: Option<&str>,
    ) -> Result<Self> {
        let certificates = certificates_from_pem(chain.0, chain.1)?;
        Self::checked(certificates, key_from_pem(key.0, key.1, password)?, chain.1)
    }

    fn read_pem_files(chain: &Path, key: &Path, password: Option<&str>) -> Result<Self> {
        let key_bytes = Zeroizing::new(read_file(key)?);
        let (key, from) = (key.display().to_string(), chain.display().to_string());
        Self::from_pem_named((&read_file(chain)?, &from), (&key_bytes, &key), password)
    }

    fn checked(chain: Vec<CertificateDer<'static>>, key: PrivateKey, from: &str) -> Result<Self> {
        Self::assembled(chain, Key::private(in_old_syntax(key)), from)
    }

    fn assembled(chain: Vec<CertificateDer<'static>>, key: Key, from: &str) -> Result<Self> {
        let mut facts = chain.iter().enumerate().map(|(i, certificate)| {
            CertificateFacts::read(certificate).map_err(|e| {
                let why = format!("certificate {} is not well-formed", i + 1);
                config_error(from, &why).with_source(e)
            })
        });
        let leaf =
            facts.next().unwrap_or_else(|| Err(config_error(from, "no certificate found")))?;
        facts.try_for_each(|rest| rest.map(drop))?;
        Ok(Self { inner: Arc::new(Inner { chain, key, leaf: leaf.into() }), staple: None })
    }

    /// Takes a chain, leaf first, whose key stays elsewhere. Requires
    /// [`Capability::ExternalSigner`](crate::Capability::ExternalSigner).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is no certificate or something is not well-formed DER.
    pub fn with_signer(
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        signer: Arc<dyn Signer>,
    ) -> Result<Self> {
        Self::assembled(chain.into_iter().collect(), Key::Signer(signer), "chain")
    }

    /// Takes a chain, leaf first, whose key stays elsewhere and takes its time. Requires
    /// [`Capability::AsyncSigner`](crate::Capability::AsyncSigner).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if there is no certificate or something is not well-formed DER.
    pub fn with_async_signer(
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        signer: Arc<dyn AsyncSigner>,
    ) -> Result<Self> {
        Self::assembled(chain.into_iter().collect(), Key::AsyncSigner(signer), "chain")
    }

    /// The same, with a stapled OCSP response. Requires
    /// [`Capability::SendStaple`](crate::Capability::SendStaple) on a server; a client staples nothing.
    #[must_use]
    pub fn with_staple(mut self, staple: Staple) -> Self {
        self.staple = Some(staple);
        self
    }

    /// The OCSP response to staple, which may be replaced at any time.
    pub fn staple(&self) -> Option<&Staple> {
        self.staple.as_ref()
    }

    pub(crate) fn has_staple(&self) -> bool {
        self.staple.is_some()
    }

    /// The chain, leaf first; never empty.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.inner.chain
    }

    /// The leaf: the certificate of the peer itself.
    pub fn leaf(&self) -> &CertificateDer<'static> {
        &self.inner.chain[0] // `assembled` saw it
    }

    /// What stands in the leaf.
    pub fn leaf_facts(&self) -> &CertificateFacts {
        &self.inner.leaf
    }

    pub(crate) fn shared_leaf_facts(&self) -> Arc<CertificateFacts> {
        self.inner.leaf.clone()
    }

    /// Wipes the private key, in all clones. Configurations that were compiled before go on; to compile
    /// another is an error from now on.
    pub fn clear_key(&self) {
        self.inner.key.clear();
    }

    /// For backends: the private key of the leaf, wiped when it is dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if it has been [cleared](Self::clear_key), or stays with a signer.
    pub fn key(&self) -> Result<PrivateKey> {
        self.inner.key.get()
    }

    /// For backends: who signs, if the key stays elsewhere.
    pub fn signer(&self) -> Option<&Arc<dyn Signer>> {
        match &self.inner.key {
            Key::Signer(signer) => Some(signer),
            Key::AsyncSigner(_) | Key::Private(_) => None,
        }
    }

    /// For backends: who signs and takes its time, if the key stays elsewhere.
    pub fn async_signer(&self) -> Option<&Arc<dyn AsyncSigner>> {
        match &self.inner.key {
            Key::AsyncSigner(signer) => Some(signer),
            Key::Signer(_) | Key::Private(_) => None,
        }
    }

    /// For backends whose library reads nothing else: the private key in PKCS#8 (RFC 5208).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the key is in a syntax that is not known here.
    pub fn pkcs8_key(&self) -> Result<Zeroizing<Vec<u8>>> {
        let key = self.key()?;
        let bare = match &*key {
            PrivateKeyDer::Pkcs8(key) => return Ok(Zeroizing::new(key.secret_pkcs8_der().into())),
            PrivateKeyDer::Pkcs1(key) => key.secret_pkcs1_der(),
            PrivateKeyDer::Sec1(key) => key.secret_sec1_der(),
            _ => return Err(config_error("key", "neither PKCS#8, PKCS#1 nor SEC1")),
        };
        in_pkcs8(bare, self.leaf_facts().public_key())
            .map_err(|e| config_error("key", "it cannot be written as PKCS#8").with_source(e))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificates", &self.inner.chain.len())
            .field("names", &self.inner.leaf.dns_names())
            .field("key", &"(redacted)")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::input::MAX_FILE;
    use super::*;

    fn why(chain: &[u8], key: &[u8]) -> String {
        let e = Identity::from_pem(chain, key).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Config);
        e.to_string()
    }

    /// A certificate and its key, made by rcgen.
    fn good() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_and_where() {
        let (chain, key) = good();
        Identity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let both = chain.clone() + &key;
        Identity::from_pem(both.as_bytes(), both.as_bytes()).unwrap();

        assert!(why(b"", key.as_bytes()).ends_with("certificate PEM: no certificate found"));
        assert!(why(chain.as_bytes(), b"hello").ends_with("key PEM: no private key found"));
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert!(why(chain.as_bytes(), encrypted.as_bytes()).contains("encrypted"));
        let old = key.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1);
        assert!(why(chain.as_bytes(), old.as_bytes()).contains("encrypted"));
        let cut = &chain.as_bytes()[..chain.len() / 2];
        assert!(why(cut, key.as_bytes()).contains("certificate PEM: not valid PEM"));
        let broken =
            [chain.as_bytes(), b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"]
                .concat();
        assert!(why(&broken, key.as_bytes()).contains("certificate 2 is not well-formed"));
        let e = Identity::from_pem_files("/no/such/file", "/no/such/key").unwrap_err();
        assert!(e.to_string().contains("/no/such/key: cannot be read"), "{e}");
        let huge = tempfile::NamedTempFile::new().unwrap();
        huge.as_file().set_len(MAX_FILE + 1).unwrap();
        let e = read_file(huge.path()).unwrap_err();
        assert!(e.to_string().contains("more than 32 MiB"), "{e}");
    }

    #[test]
    fn no_section_is_passed_over_for_what_stands_before_it() {
        let (chain, key) = good();
        let bom = |text: &str| ["\u{feff}", text].concat();
        let twice = chain.repeat(2);
        let identity = Identity::from_pem(bom(&twice).as_bytes(), bom(&key).as_bytes()).unwrap();
        assert_eq!(identity.chain().len(), 2);
        let glued = [chain.trim_end(), &chain].concat();
        assert!(why(glued.as_bytes(), key.as_bytes()).contains("line break is missing"));
        let glued = [chain.trim_end(), &key].concat();
        assert!(why(chain.as_bytes(), glued.as_bytes()).contains("line break is missing"));
    }

    #[test]
    fn the_key_is_not_printed() {
        let (chain, key) = good();
        let identity = Identity::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let printed = format!("{identity:?}");
        assert!(printed.contains("redacted") && printed.contains("a.test"), "{printed}");
        assert!(!printed.contains(&key[40..60]));
    }
}
