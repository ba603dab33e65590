//! The signatures that BoringSSL checks for the core.

use boring::error::ErrorStack;
use boring::hash::MessageDigest;
use boring::pkey::{PKey, Public};
use boring::rsa::{Padding, Rsa};
use boring::sign::{RsaPssSaltlen, Verifier};
use tls_core::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};
use tls_core::x509::Algorithms;
use tls_libssl::{Digest, Form, RSA_BITS, RSA_EXPONENT_BITS, SignatureAlgorithm};

/// All that certificates of today are signed with.
pub(crate) static ALGORITHMS: Algorithms<'static> = &[
    &Lent(SignatureAlgorithm::ECDSA_P256_SHA256),
    &Lent(SignatureAlgorithm::ECDSA_P256_SHA384),
    &Lent(SignatureAlgorithm::ECDSA_P384_SHA256),
    &Lent(SignatureAlgorithm::ECDSA_P384_SHA384),
    &Lent(SignatureAlgorithm::ED25519),
    &Lent(SignatureAlgorithm::RSA_PKCS1_SHA256),
    &Lent(SignatureAlgorithm::RSA_PKCS1_SHA384),
    &Lent(SignatureAlgorithm::RSA_PKCS1_SHA512),
    &Lent(SignatureAlgorithm::RSA_PSS_SHA256),
    &Lent(SignatureAlgorithm::RSA_PSS_SHA384),
    &Lent(SignatureAlgorithm::RSA_PSS_SHA512),
];

/// An algorithm, lent to the core.
#[derive(Debug)]
struct Lent(SignatureAlgorithm);

impl SignatureVerificationAlgorithm for Lent {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        match verify(&self.0, public_key, message, signature) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(InvalidSignature),
        }
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.0.key_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.0.signature_id()
    }
}

fn verify(
    algorithm: &SignatureAlgorithm,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<bool, ErrorStack> {
    let Some(info) = algorithm.key_info(public_key) else { return Ok(false) };
    let key = PKey::public_key_from_der(&info)?;
    let mut verifier = match algorithm.digest {
        Some(digest) => Verifier::new(message_digest(digest), &key)?,
        None => Verifier::new_without_digest(&key)?,
    };
    match algorithm.form {
        Form::Ecdsa | Form::Ed25519 => {}
        Form::RsaPkcs1 | Form::RsaPss if !counts(&key.rsa()?, public_key)? => return Ok(false),
        Form::RsaPkcs1 => verifier.set_rsa_padding(Padding::PKCS1)?,
        Form::RsaPss => {
            verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
    }
    verifier.verify_oneshot(signature, message)
}

/// Whether an RSA key is one that webpki's own cryptography would take, so that the verdict is the
/// same everywhere: neither weak nor without end, and in DER.
fn counts(key: &Rsa<Public>, der: &[u8]) -> Result<bool, ErrorStack> {
    let exponent = key.e();
    Ok(RSA_BITS.contains(&(key.n().num_bits() as u32))
        && (2..=RSA_EXPONENT_BITS).contains(&exponent.num_bits())
        && exponent.is_bit_set(0)
        && key.public_key_to_der_pkcs1()? == der)
}

fn message_digest(digest: Digest) -> MessageDigest {
    match digest {
        Digest::Sha256 => MessageDigest::sha256(),
        Digest::Sha384 => MessageDigest::sha384(),
        Digest::Sha512 => MessageDigest::sha512(),
    }
}
