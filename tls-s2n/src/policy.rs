//! s2n's parameters come in named sets. Which set serves which versions, and what is in it.

use s2n_tls::error::Error;
use s2n_tls::security;
use tls_core::{CipherSuite, ClientHello, ErrorKind, Group, Version, Versions};

/// One of s2n's security policies, as far as it is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Numbered policies do not change.
    name: &'static str,
    versions: Versions,
    suites: &'static [CipherSuite],
    groups: &'static [Group],
}

/// The one that is nearest to the core's defaults for these versions.
pub(crate) fn for_versions(versions: Versions) -> Policy {
    match (versions.min(), versions.max()) {
        (Version::Tls12, Version::Tls12) => Policy {
            // It has suites with CBC too; they come last, and are refused in `session.rs`.
            name: "20240501",
            versions,
            suites: TLS12_SUITES,
            groups: CLASSICAL,
        },
        (Version::Tls13, _) => {
            let (suites, groups) = (TLS13_SUITES, TLS13_GROUPS);
            Policy { name: "CloudFront-TLS-1-3-2025", versions, suites, groups }
        }
        _ => Policy { name: "20251014", versions, suites: SUITES, groups: GROUPS },
    }
}

impl Policy {
    pub(crate) fn load(&self) -> Result<security::Policy, Error> {
        security::Policy::from_version(self.name)
    }

    /// Whether a suite that was negotiated is one that this backend stands for.
    pub(crate) fn allows(&self, suite: CipherSuite) -> bool {
        self.suites.contains(&suite)
    }

    /// What a server finds missing in a ClientHello. s2n would end the handshake with one error for
    /// most of it, and without an alert.
    pub(crate) fn missing(&self, hello: &ClientHello, key: Key) -> Option<ErrorKind> {
        let offers = |version: Version| {
            hello.versions.contains(&version.number()) && self.versions.contains(version)
        };
        let version = match (offers(Version::Tls13), offers(Version::Tls12)) {
            (true, _) => Version::Tls13,
            (false, true) => Version::Tls12,
            (false, false) => return Some(ErrorKind::NoSharedVersion),
        };
        let fits = |suite: &&CipherSuite| match version {
            Version::Tls12 => !suite.is_tls13() && key.fits(**suite),
            _ => suite.is_tls13(),
        };
        if !self.suites.iter().filter(fits).any(|suite| hello.cipher_suites.contains(suite)) {
            return Some(ErrorKind::NoSharedCipher);
        }
        let shared = |group: &&Group| {
            (version == Version::Tls13 || !group.is_post_quantum()) && hello.groups.contains(group)
        };
        if !hello.groups.is_empty() && !self.groups.iter().any(|group| shared(&group)) {
            return Some(ErrorKind::NoSharedGroup);
        }
        let accepted = |scheme: &u16| hello.signature_schemes.contains(scheme);
        let fits = key.schemes(version).is_none_or(|schemes| schemes.iter().any(accepted));
        (!hello.signature_schemes.is_empty() && !fits).then_some(ErrorKind::NoSharedSignature)
    }
}

/// The suite with this name of OpenSSL's, which s2n gives its suites. The core knows IANA's.
pub(crate) fn suite(name: &str) -> Option<CipherSuite> {
    Some(match name {
        "TLS_AES_128_GCM_SHA256" => CipherSuite::TLS13_AES_128_GCM_SHA256,
        "TLS_AES_256_GCM_SHA384" => CipherSuite::TLS13_AES_256_GCM_SHA384,
        "TLS_CHACHA20_POLY1305_SHA256" => CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        "ECDHE-ECDSA-AES128-GCM-SHA256" => CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256,
        "ECDHE-ECDSA-AES256-GCM-SHA384" => CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384,
        "ECDHE-RSA-AES128-GCM-SHA256" => CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256,
        "ECDHE-RSA-AES256-GCM-SHA384" => CipherSuite::ECDHE_RSA_AES_256_GCM_SHA384,
        _ => return None,
    })
}

/// What a server's key can be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    P256,
    P384,
    P521,
    Rsa,
    /// s2n finds out by itself.
    Other,
}

impl Key {
    /// The kind of key in a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub(crate) fn of(public_key: &[u8]) -> Self {
        // It begins with the algorithm, whose identifiers stand there in DER.
        let has = |oid: &[u8]| public_key.windows(oid.len()).take(24).any(|part| part == oid);
        match () {
            () if has(OID_P256) => Self::P256,
            () if has(OID_P384) => Self::P384,
            () if has(OID_P521) => Self::P521,
            () if has(OID_RSA) => Self::Rsa,
            () => Self::Other,
        }
    }

    /// Whether a suite of TLS 1.2 signs with such a key.
    fn fits(self, suite: CipherSuite) -> bool {
        let is_ecdsa = suite.name().is_some_and(|name| name.contains("_ECDSA_"));
        match self {
            Self::P256 | Self::P384 | Self::P521 => is_ecdsa,
            Self::Rsa => !is_ecdsa,
            Self::Other => true,
        }
    }

    /// The signature schemes for it (RFC 8446 §4.2.3; RFC 5246 §7.4.1.4.1 binds no hash to a curve).
    fn schemes(self, version: Version) -> Option<&'static [u16]> {
        Some(match (self, version) {
            (Self::P256 | Self::P384 | Self::P521, Version::Tls12) => &[0x0403, 0x0503, 0x0603],
            (Self::P256, _) => &[0x0403],
            (Self::P384, _) => &[0x0503],
            (Self::P521, _) => &[0x0603],
            (Self::Rsa, Version::Tls12) => &[0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806],
            (Self::Rsa, _) => &[0x0804, 0x0805, 0x0806],
            (Self::Other, _) => return None,
        })
    }
}

const OID_P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const OID_P521: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23];
const OID_RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Of both versions; ChaCha20 is there in TLS 1.3 only.
const SUITES: &[CipherSuite] = &[
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256,
    CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384,
    CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256,
    CipherSuite::ECDHE_RSA_AES_256_GCM_SHA384,
];

const TLS13_SUITES: &[CipherSuite] = &[
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
];

const TLS12_SUITES: &[CipherSuite] = &[
    CipherSuite::ECDHE_ECDSA_AES_128_GCM_SHA256,
    CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384,
    CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256,
    CipherSuite::ECDHE_RSA_AES_256_GCM_SHA384,
];

/// SecP256r1MLKEM768 and SecP384r1MLKEM1024, which the core does not name.
const SECP256R1_MLKEM768: Group = Group(4587);
const SECP384R1_MLKEM1024: Group = Group(4589);

const GROUPS: &[Group] = &[
    Group::X25519MLKEM768,
    SECP256R1_MLKEM768,
    SECP384R1_MLKEM1024,
    Group::SECP256R1,
    Group::X25519,
    Group::SECP384R1,
    Group::SECP521R1,
];

const TLS13_GROUPS: &[Group] =
    &[Group::X25519MLKEM768, SECP256R1_MLKEM768, Group::X25519, Group::SECP256R1, Group::SECP384R1];

const CLASSICAL: &[Group] = &[Group::SECP256R1, Group::X25519, Group::SECP384R1, Group::SECP521R1];
