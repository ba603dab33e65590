//! Signature schemes by the name that IANA gave them.

use std::fmt;
use std::str::FromStr;

use crate::x509::KeyKind;
use crate::{Error, ErrorKind, Result, SignatureScheme, Version};

impl SignatureScheme {
    /// The schemes that can be chosen from, in an order that prefers short signatures. All are in use
    /// when a configuration names none.
    pub const DEFAULT: &'static [Self] = &[
        Self::ECDSA_P256_SHA256,
        Self::ECDSA_P384_SHA384,
        Self::ED25519,
        Self::RSA_PSS_SHA256,
        Self::RSA_PSS_SHA384,
        Self::RSA_PSS_SHA512,
        Self::RSA_PKCS1_SHA256,
        Self::RSA_PKCS1_SHA384,
        Self::RSA_PKCS1_SHA512,
    ];

    /// IANA's name, such as `ecdsa_secp256r1_sha256`, for the schemes of the
    /// "TLS SignatureScheme" registry that a TLS library of today can speak.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|&&(id, _)| id == self.0).map(|&(_, name)| name)
    }

    /// Whether handshakes of `version` can be signed by it: TLS 1.3 has RSA with PKCS #1 for
    /// certificates only (RFC 8446 §4.2.3).
    pub(crate) fn signs_in(self, version: Version) -> bool {
        match self.0 {
            0x0401 | 0x0501 | 0x0601 => version == Version::Tls12,
            _ => true,
        }
    }

    /// Whether such a key signs by it. As in TLS 1.3 the hash is bound to the curve: in TLS 1.2 it need
    /// not be, but some libraries always do.
    pub(crate) fn fits(self, key: KeyKind) -> bool {
        match key {
            KeyKind::EcdsaP256 => self.0 == 0x0403,
            KeyKind::EcdsaP384 => self.0 == 0x0503,
            KeyKind::EcdsaP521 => self.0 == 0x0603,
            KeyKind::Ed25519 => self.0 == 0x0807,
            KeyKind::Rsa => matches!(self.0, 0x0401 | 0x0501 | 0x0601 | 0x0804..=0x0806),
            // The library knows more of it.
            KeyKind::Other => true,
        }
    }
}

impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

impl FromStr for SignatureScheme {
    type Err = Error;

    /// Parses one of IANA's names, such as `rsa_pss_rsae_sha256`, in any case.
    fn from_str(s: &str) -> Result<Self> {
        let known = NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(s));
        known.map(|&(id, _)| Self(id)).ok_or_else(|| {
            Error::new(ErrorKind::Config)
                .because(format!("'{s}' is not a signature scheme of IANA's list"))
        })
    }
}

const NAMES: &[(u16, &str)] = &[
    (0x0201, "rsa_pkcs1_sha1"),
    (0x0203, "ecdsa_sha1"),
    (0x0401, "rsa_pkcs1_sha256"),
    (0x0403, "ecdsa_secp256r1_sha256"),
    (0x0501, "rsa_pkcs1_sha384"),
    (0x0503, "ecdsa_secp384r1_sha384"),
    (0x0601, "rsa_pkcs1_sha512"),
    (0x0603, "ecdsa_secp521r1_sha512"),
    (0x0804, "rsa_pss_rsae_sha256"),
    (0x0805, "rsa_pss_rsae_sha384"),
    (0x0806, "rsa_pss_rsae_sha512"),
    (0x0807, "ed25519"),
    (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"),
    (0x080a, "rsa_pss_pss_sha384"),
    (0x080b, "rsa_pss_pss_sha512"),
    (0x081a, "ecdsa_brainpoolP256r1tls13_sha256"),
    (0x081b, "ecdsa_brainpoolP384r1tls13_sha384"),
    (0x081c, "ecdsa_brainpoolP512r1tls13_sha512"),
    (0x0904, "mldsa44"),
    (0x0905, "mldsa65"),
    (0x0906, "mldsa87"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for &(id, name) in NAMES {
            assert_eq!(name.parse::<SignatureScheme>().unwrap(), SignatureScheme(id));
            assert_eq!(SignatureScheme(id).to_string(), name);
        }
        assert!("rsa_pss_sha256".parse::<SignatureScheme>().is_err());
        assert_eq!(SignatureScheme(0xfefe).to_string(), "0xfefe");
    }

    #[test]
    fn every_key_that_can_be_chosen_for_fits_a_scheme_of_each_version() {
        for key in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Ed25519, KeyKind::Rsa] {
            for version in [Version::Tls12, Version::Tls13] {
                let mut all = SignatureScheme::DEFAULT.iter();
                assert!(all.any(|scheme| scheme.fits(key) && scheme.signs_in(version)), "{key:?}");
            }
        }
        assert!(!SignatureScheme::RSA_PKCS1_SHA256.signs_in(Version::Tls13));
        assert!(!SignatureScheme::ECDSA_P256_SHA256.fits(KeyKind::EcdsaP384));
    }
}
