//! How strong a cipher suite is.

use crate::CipherSuite;

impl CipherSuite {
    /// How many bits the key of its cipher has, as OpenSSL and libtls count them: 0 for one that encrypts
    /// nothing, `None` for a suite of no [name](Self::name) here.
    pub fn strength_bits(self) -> Option<u16> {
        let name = self.name()?;
        let has = |part: &str| name.split('_').any(|word| word == part);
        match () {
            () if has("NULL") => Some(0),
            () if has("CHACHA20") || has("256") => Some(256),
            () if has("128") || has("SM4") => Some(128),
            () if has("3DES") => Some(112),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strength_is_that_of_the_cipher_and_not_of_the_hash() {
        for (name, bits) in [
            ("TLS_AES_128_GCM_SHA256", 128),
            ("TLS_AES_256_GCM_SHA384", 256),
            ("TLS_CHACHA20_POLY1305_SHA256", 256),
            ("TLS_RSA_WITH_AES_128_CBC_SHA256", 128),
            ("TLS_RSA_WITH_NULL_SHA256", 0),
            ("TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", 256),
        ] {
            assert_eq!(name.parse::<CipherSuite>().unwrap().strength_bits(), Some(bits), "{name}");
        }
        assert!(CipherSuite::DEFAULT.iter().all(|suite| suite.strength_bits() >= Some(128)));
        assert_eq!(CipherSuite(0xfafa).strength_bits(), None);
    }
}
