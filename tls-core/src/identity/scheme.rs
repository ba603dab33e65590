//! Signature schemes by the name that IANA gave them.

use std::fmt;

use super::SignatureScheme;

impl SignatureScheme {
    /// IANA's name, such as `ecdsa_secp256r1_sha256`, for the schemes that a TLS library of today can speak.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|&&(id, _)| id == self.0).map(|&(_, name)| name)
    }
}

/// IANA's name, or else the number.
impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:04x}", self.0),
        }
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
    (0x0904, "mldsa44"),
    (0x0905, "mldsa65"),
    (0x0906, "mldsa87"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_have_ianas_names_or_their_numbers() {
        assert_eq!(SignatureScheme::RSA_PSS_SHA256.to_string(), "rsa_pss_rsae_sha256");
        assert_eq!(SignatureScheme::ED25519.name(), Some("ed25519"));
        assert_eq!(SignatureScheme(0xfefe).to_string(), "0xfefe");
    }
}
