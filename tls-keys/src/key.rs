//! A private key, wiped when nobody needs it any more.

use std::fmt;
use std::ops::Deref;

use pki_types::PrivateKeyDer;
use zeroize::Zeroize;

/// A private key in DER: PKCS#8 (RFC 5208), PKCS#1 (RFC 8017) or SEC1 (RFC 5915). Wiped when it is
/// dropped, and never printed.
pub struct PrivateKey(PrivateKeyDer<'static>);

impl PrivateKey {
    /// Takes a key.
    pub fn new(key: PrivateKeyDer<'static>) -> Self {
        Self(key)
    }
}

impl Clone for PrivateKey {
    fn clone(&self) -> Self {
        Self(self.0.clone_key())
    }
}

impl Deref for PrivateKey {
    type Target = PrivateKeyDer<'static>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}
