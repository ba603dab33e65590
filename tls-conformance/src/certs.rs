//! Certificates, made afresh, distinct in every field that matters.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use tls_core::pki_types::CertificateDer;
use tls_core::{Identity, Roots};

/// A certificate authority, root or not.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    name: DistinguishedName,
    der: CertificateDer<'static>,
    /// The certificates between this one and the root, this one first; empty for a root.
    chain: Vec<CertificateDer<'static>>,
}

impl Authority {
    fn new(
        params: CertificateParams,
        key: KeyPair,
        der: CertificateDer<'static>,
        chain: Vec<CertificateDer<'static>>,
    ) -> Self {
        let name = params.distinguished_name.clone();
        Self { issuer: Issuer::new(params, key), name, der, chain }
    }

    /// A root of this name.
    pub fn root(name: &str) -> Self {
        Self::root_with(name, |_| {})
    }

    /// A root of this name, changed by `adjust`.
    pub fn root_with(name: &str, adjust: impl FnOnce(&mut CertificateParams)) -> Self {
        let (mut params, key) = (authority_params(name), KeyPair::generate().unwrap());
        adjust(&mut params);
        let der = params.self_signed(&key).unwrap().der().clone();
        Self::new(params, key, der, Vec::new())
    }

    /// A root of this name with a key of the caller's.
    pub fn root_with_key(name: &str, key: KeyPair) -> Self {
        let params = authority_params(name);
        let der = params.self_signed(&key).unwrap().der().clone();
        Self::new(params, key, der, Vec::new())
    }

    /// An intermediate authority under this one.
    pub fn intermediate(&self, name: &str) -> Self {
        self.intermediate_with(name, |_| {})
    }

    /// An intermediate authority under this one, changed by `adjust`.
    pub fn intermediate_with(
        &self,
        name: &str,
        adjust: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let (mut params, key) = (authority_params(name), KeyPair::generate().unwrap());
        adjust(&mut params);
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let chain = std::iter::once(der.clone()).chain(self.chain.iter().cloned()).collect();
        Self::new(params, key, der, chain)
    }

    /// Its own certificate.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.der.clone()
    }

    /// Its own certificate, lent.
    pub(crate) fn certificate_ref(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// What it signs with.
    pub(crate) fn key(&self) -> &KeyPair {
        self.issuer.key()
    }

    /// The name it signs under.
    pub(crate) fn name(&self) -> &DistinguishedName {
        &self.name
    }

    /// Only this one, to trust.
    pub fn roots(&self) -> Roots {
        Roots::empty().with_der(self.certificate()).unwrap()
    }

    /// A server's identity for `name`, a DNS name or an IP address, with its whole chain.
    pub fn server(&self, name: &str) -> Identity {
        self.issue(Leaf::server(&[name]))
    }

    /// A client's identity, with its whole chain.
    pub fn client(&self, name: &str) -> Identity {
        self.issue(Leaf::client(name))
    }

    /// Signs `leaf`; the identity has the whole chain.
    pub fn issue(&self, leaf: Leaf) -> Identity {
        let (chain, key) = self.issue_apart(leaf);
        Identity::from_der(chain, &key.serialize_der()).unwrap()
    }

    /// Signs `leaf`: its whole chain, and its key.
    pub(crate) fn issue_apart(&self, leaf: Leaf) -> (Vec<CertificateDer<'static>>, KeyPair) {
        let der = leaf.params.signed_by(&leaf.key, &self.issuer).unwrap().der().clone();
        let chain = std::iter::once(der).chain(self.chain.iter().cloned()).collect();
        (chain, leaf.key)
    }

    /// Its own certificate and key as an identity, to be used where only a leaf should be.
    pub fn as_identity(&self) -> Identity {
        let chain = std::iter::once(self.der.clone()).chain(self.chain.iter().cloned());
        let mut chain = chain.collect::<Vec<_>>();
        chain.dedup(); // the chain of an intermediate begins with itself
        Identity::from_der(chain, &self.issuer.key().serialize_der()).unwrap()
    }
}

/// A certificate to be signed, and its key.
pub struct Leaf {
    /// What it will say.
    pub params: CertificateParams,
    key: KeyPair,
}

impl Leaf {
    /// For a server of these DNS names and IP addresses.
    pub fn server(names: &[&str]) -> Self {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let subject = names.first().cloned().unwrap_or_else(|| "nameless server".into());
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = distinguished(&subject);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Self { params, key: KeyPair::generate().unwrap() }
    }

    /// For a client of this name.
    pub fn client(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = distinguished(name);
        params.subject_alt_names = vec![SanType::Rfc822Name(
            format!("{}@client.test", name.replace(' ', ".")).try_into().unwrap(),
        )];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Self { params, key: KeyPair::generate().unwrap() }
    }

    /// The same, changed.
    #[must_use]
    pub fn with(mut self, adjust: impl FnOnce(&mut CertificateParams)) -> Self {
        adjust(&mut self.params);
        self
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(mut self, key: KeyPair) -> Self {
        self.key = key;
        self
    }

    /// Signed by itself.
    pub fn self_signed(self) -> Identity {
        let der = self.params.self_signed(&self.key).unwrap().der().clone();
        Identity::from_der([der], &self.key.serialize_der()).unwrap()
    }
}

/// An RSA key. It takes seconds to make one, so it is always the same.
pub(crate) fn rsa() -> KeyPair {
    KeyPair::from_pem(include_str!("rsa_key.pem")).unwrap()
}

/// A chain that nothing here could sign, always the same, and its root: the root's key is on P-521, and
/// signs with SHA-512. The leaf has a key on P-256, and is for a server and for a client.
pub(crate) fn p521_chain() -> (Identity, CertificateDer<'static>) {
    let all = include_bytes!("p521_chain.pem");
    let identity = Identity::from_pem(all, all).unwrap();
    let [leaf, root] = identity.chain() else { panic!("a leaf and its root") };
    (with_chain(&identity, [leaf.clone()]), root.clone())
}

/// The same identity with another chain.
pub(crate) fn with_chain(
    identity: &Identity,
    chain: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Identity {
    Identity::from_der(chain, identity.key().unwrap().secret_der()).unwrap()
}

/// A certificate with a signature that is well-formed and wrong.
pub(crate) fn with_bad_signature(certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
    let mut der = certificate.to_vec();
    // The signature is the last field of a certificate, and the number `s` the last of it.
    *der.last_mut().unwrap() ^= 1;
    der.into()
}

/// A validity in days from now.
pub(crate) fn set_days(params: &mut CertificateParams, from: i64, to: i64) {
    let now = time::OffsetDateTime::now_utc();
    params.not_before = now + time::Duration::days(from);
    params.not_after = now + time::Duration::days(to);
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The name of a subject.
pub(crate) fn distinguished(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::OrganizationName, "polytls conformance");
    distinguished.push(DnType::CommonName, name);
    distinguished
}
