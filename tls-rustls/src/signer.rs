//! Keys that stay elsewhere, as rustls' signing keys.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use tls_core::x509::KeyKind;
use tls_core::{Identity, Staple};

use crate::aside;

/// The key of an identity that an external signer has.
#[derive(Debug)]
pub(crate) struct External {
    signer: Arc<dyn tls_core::Signer>,
    algorithm: SignatureAlgorithm,
}

impl External {
    pub(crate) fn new(identity: &Identity, signer: Arc<dyn tls_core::Signer>) -> Self {
        let algorithm = match identity.leaf_facts().key_kind() {
            KeyKind::Rsa => SignatureAlgorithm::RSA,
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => {
                SignatureAlgorithm::ECDSA
            }
            KeyKind::Ed25519 => SignatureAlgorithm::ED25519,
            KeyKind::Other => SignatureAlgorithm::Anonymous,
        };
        Self { signer, algorithm }
    }
}

impl SigningKey for External {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let known = self.signer.schemes().iter();
        let mut shared = known.filter(|own| offered.contains(&SignatureScheme::from(own.0)));
        let scheme = *shared.next()?;
        Some(Box::new(Signing { signer: self.signer.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// A key that signs by these schemes only, the first that the peer accepts.
#[derive(Debug)]
pub(crate) struct Choosy {
    key: Arc<dyn SigningKey>,
    schemes: Box<[SignatureScheme]>,
}

impl Choosy {
    pub(crate) fn new(key: Arc<dyn SigningKey>, schemes: &[tls_core::SignatureScheme]) -> Self {
        Self { key, schemes: numbers(schemes) }
    }
}

/// The schemes, as rustls has them.
pub(crate) fn numbers(schemes: &[tls_core::SignatureScheme]) -> Box<[SignatureScheme]> {
    schemes.iter().map(|scheme| scheme.0.into()).collect()
}

impl SigningKey for Choosy {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let mut shared = self.schemes.iter().filter(|own| offered.contains(own));
        // rustls' keys have an order of their own, so each is asked for alone.
        shared.find_map(|scheme| self.key.choose_scheme(&[*scheme]))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }
}

/// One signature to make.
#[derive(Debug)]
struct Signing {
    signer: Arc<dyn tls_core::Signer>,
    scheme: tls_core::SignatureScheme,
}

impl Signer for Signing {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.signer.sign(self.scheme, message).map_err(|e| {
            aside::leave(|aside| aside.failure = Some(e));
            rustls::Error::General("the external signer failed".into())
        })
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme.0.into()
    }
}

/// A key, its certificates, and the OCSP response that is stapled to them now.
#[derive(Debug)]
pub(crate) struct Stapled {
    bare: Arc<CertifiedKey>,
    staple: Option<Staple>,
    /// What was made for the response that is served.
    made: RwLock<Option<Made>>,
}

#[derive(Debug)]
struct Made {
    response: Arc<[u8]>,
    key: Arc<CertifiedKey>,
}

impl Stapled {
    pub(crate) fn new(bare: Arc<CertifiedKey>, staple: Option<Staple>) -> Self {
        Self { bare, staple, made: RwLock::default() }
    }

    pub(crate) fn key(&self) -> &dyn SigningKey {
        &*self.bare.key
    }

    /// What to present now.
    pub(crate) fn current(&self) -> Arc<CertifiedKey> {
        let Some(response) = self.staple.as_ref().and_then(Staple::get) else {
            return self.bare.clone();
        };
        match &*self.made.read().unwrap_or_else(PoisonError::into_inner) {
            Some(made) if Arc::ptr_eq(&made.response, &response) => return made.key.clone(),
            _ => {}
        }
        let mut key = CertifiedKey::clone(&self.bare);
        key.ocsp = Some(response.to_vec());
        let key = Arc::new(key);
        *self.made.write().unwrap_or_else(PoisonError::into_inner) =
            Some(Made { response, key: key.clone() });
        key
    }
}
