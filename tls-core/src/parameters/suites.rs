//! The cipher suites that can be chosen, and what OpenSSL calls them.

use crate::CipherSuite;

impl CipherSuite {
    /// What only a peer from long ago still needs: AES in CBC mode, and the exchange of keys by RSA, which
    /// has no forward secrecy. Never in use unless a configuration names them, or
    /// [`Profile::Legacy`](crate::Profile::Legacy) does. Requires
    /// [`Capability::LegacySuites`](crate::Capability::LegacySuites).
    pub const LEGACY: &'static [Self] = &[
        Self(0xc00a), // TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA
        Self(0xc009), // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
        Self(0xc014), // TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
        Self(0xc013), // TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA
        Self(0x009d), // TLS_RSA_WITH_AES_256_GCM_SHA384
        Self(0x009c), // TLS_RSA_WITH_AES_128_GCM_SHA256
        Self(0x0035), // TLS_RSA_WITH_AES_256_CBC_SHA
        Self(0x002f), // TLS_RSA_WITH_AES_128_CBC_SHA
    ];

    /// The exchange of keys by finite-field Diffie-Hellman (RFC 7919), with an AEAD. A server needs
    /// [`dh_params`](crate::ServerConfigBuilder::dh_params) for them. Requires
    /// [`Capability::DheSuites`](crate::Capability::DheSuites).
    pub const DHE: &'static [Self] = &[
        Self(0x009f), // TLS_DHE_RSA_WITH_AES_256_GCM_SHA384
        Self(0x009e), // TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
        Self(0xccaa), // TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256
    ];

    /// Whether it is one of [`LEGACY`](Self::LEGACY).
    pub fn is_legacy(self) -> bool {
        Self::LEGACY.contains(&self)
    }

    /// Whether it is one of [`DHE`](Self::DHE).
    pub fn is_dhe(self) -> bool {
        Self::DHE.contains(&self)
    }

    /// Whether a configuration can name it: one of [`DEFAULT`](Self::DEFAULT), of
    /// [`LEGACY`](Self::LEGACY) or of [`DHE`](Self::DHE).
    pub fn can_be_chosen(self) -> bool {
        [Self::DEFAULT, Self::LEGACY, Self::DHE].iter().any(|list| list.contains(&self))
    }

    /// What OpenSSL calls it, such as `ECDHE-RSA-AES128-GCM-SHA256`, if it can be chosen. Those of TLS
    /// 1.3 have IANA's names there too.
    pub fn openssl_name(self) -> Option<&'static str> {
        OPENSSL.iter().find(|&&(id, _)| id == self.0).map(|&(_, name)| name)
    }

    /// Whether the server's key decrypts the secret of the client's (RFC 5246 §7.4.7.1).
    pub(crate) fn exchanges_by_rsa(self) -> bool {
        self.name().is_some_and(|name| name.starts_with("TLS_RSA_"))
    }

    /// The suite that OpenSSL calls so.
    pub(crate) fn of_openssl(name: &str) -> Option<Self> {
        OPENSSL.iter().find(|&&(_, known)| known == name).map(|&(id, _)| Self(id))
    }
}

const OPENSSL: &[(u16, &str)] = &[
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"),
    (0xc030, "ECDHE-RSA-AES256-GCM-SHA384"),
    (0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"),
    (0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (0x009e, "DHE-RSA-AES128-GCM-SHA256"),
    (0x009f, "DHE-RSA-AES256-GCM-SHA384"),
    (0xccaa, "DHE-RSA-CHACHA20-POLY1305"),
    (0xc009, "ECDHE-ECDSA-AES128-SHA"),
    (0xc00a, "ECDHE-ECDSA-AES256-SHA"),
    (0xc013, "ECDHE-RSA-AES128-SHA"),
    (0xc014, "ECDHE-RSA-AES256-SHA"),
    (0x009c, "AES128-GCM-SHA256"),
    (0x009d, "AES256-GCM-SHA384"),
    (0x002f, "AES128-SHA"),
    (0x0035, "AES256-SHA"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_that_can_be_chosen_has_both_names_and_they_parse_back() {
        let all = [CipherSuite::DEFAULT, CipherSuite::LEGACY, CipherSuite::DHE].concat();
        assert_eq!(all.len(), OPENSSL.len());
        for suite in all {
            assert!(suite.can_be_chosen());
            for name in [suite.name().unwrap(), suite.openssl_name().unwrap()] {
                assert_eq!(name.parse::<CipherSuite>().unwrap(), suite);
            }
        }
        let other = "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256".parse::<CipherSuite>().unwrap();
        assert!(!other.can_be_chosen() && other.openssl_name().is_none());
    }

    #[test]
    fn what_is_legacy_says_so_in_its_name() {
        for suite in CipherSuite::LEGACY {
            let name = suite.name().unwrap();
            assert_eq!(suite.exchanges_by_rsa(), name.starts_with("TLS_RSA_WITH_"));
            assert!(suite.exchanges_by_rsa() || name.contains("_CBC_"), "{name}");
            assert!(suite.is_legacy() && !suite.is_dhe());
        }
        assert!(CipherSuite::DHE.iter().all(|suite| suite.is_dhe() && !suite.exchanges_by_rsa()));
    }
}
