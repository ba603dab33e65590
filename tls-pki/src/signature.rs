//! Signatures, checked with algorithms that the caller lends.

use pki_types::{CertificateDer, SignatureVerificationAlgorithm, alg_id};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode, Reader, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef};

/// What a TLS library can check, lent to code that has no cryptography of its own.
pub type Algorithms<'a> = &'a [&'static dyn SignatureVerificationAlgorithm];

/// Those of `algorithms` that every library has, so that a verdict does not depend on it: ECDSA on P-256
/// and P-384 with SHA-256 and SHA-384, Ed25519, RSA with SHA-256, SHA-384 and SHA-512.
pub fn common_algorithms(
    algorithms: Algorithms<'_>,
) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    let keys = [alg_id::ECDSA_P256, alg_id::ECDSA_P384, alg_id::ED25519, alg_id::RSA_ENCRYPTION];
    let signatures = [
        alg_id::ECDSA_SHA256,
        alg_id::ECDSA_SHA384,
        alg_id::ED25519,
        alg_id::RSA_PKCS1_SHA256,
        alg_id::RSA_PKCS1_SHA384,
        alg_id::RSA_PKCS1_SHA512,
        alg_id::RSA_PSS_SHA256,
        alg_id::RSA_PSS_SHA384,
        alg_id::RSA_PSS_SHA512,
    ];
    let is_common = |known: &&'static dyn SignatureVerificationAlgorithm| {
        keys.contains(&known.public_key_alg_id()) && signatures.contains(&known.signature_alg_id())
    };
    algorithms.iter().copied().filter(is_common).collect()
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key or the name of the algorithm is not well-formed.
    #[error("the key or the algorithm of the signature is malformed")]
    Malformed,
    /// The algorithm is unknown here, too weak, or not one for this key.
    #[error("the algorithm of the signature is weak or unknown")]
    Unsupported,
    /// The signature was not made with this key.
    #[error("the signature is wrong")]
    Wrong,
}

/// Checks that `signature` over `message` was made with the key in `public_key`.
///
/// `public_key` is the DER of a SubjectPublicKeyInfo, `algorithm` that of an AlgorithmIdentifier
/// (RFC 5280 §4.1.1.2), `signature` what the BIT STRING holds.
///
/// # Errors
///
/// [`SignatureError`], saying why it does not count.
pub fn verify_signature(
    algorithms: Algorithms<'_>,
    public_key: &[u8],
    algorithm: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let key = SubjectPublicKeyInfoRef::from_der(public_key);
    let key = key.map_err(|_| SignatureError::Malformed)?;
    let key_algorithm = key.algorithm.to_der().map_err(|_| SignatureError::Malformed)?;
    let key_algorithm = content(&key_algorithm)?;
    let algorithm = content(algorithm)?;
    let bits = key.subject_public_key.as_bytes().ok_or(SignatureError::Malformed)?;
    let mut verdict = Err(SignatureError::Unsupported);
    for known in algorithms {
        if known.signature_alg_id().as_ref() != algorithm
            || known.public_key_alg_id().as_ref() != key_algorithm
        {
            continue;
        }
        match known.verify_signature(bits, message, signature) {
            Ok(()) => return Ok(()),
            Err(_) => verdict = Err(SignatureError::Wrong),
        }
    }
    verdict
}

/// Checks that the key in `public_key` (the DER of a SubjectPublicKeyInfo) signed `certificate`, and
/// nothing else of it.
///
/// # Errors
///
/// [`SignatureError`], saying why the signature does not count.
pub fn verify_certificate(
    algorithms: Algorithms<'_>,
    public_key: &[u8],
    certificate: &CertificateDer<'_>,
) -> Result<(), SignatureError> {
    let parsed = Certificate::from_der(certificate).map_err(|_| SignatureError::Malformed)?;
    let signature = parsed.signature.as_bytes().ok_or(SignatureError::Malformed)?;
    let algorithm = algorithm_der(&parsed.signature_algorithm)?;
    verify_signature(algorithms, public_key, &algorithm, signed_part(certificate)?, signature)
}

/// The bytes under the signature of a certificate, a list or the like, as they
/// were received (RFC 5280 §4.1.1.3): what was signed is never encoded anew.
///
/// # Errors
///
/// [`SignatureError::Malformed`] if `der` is not a SEQUENCE that begins with something.
pub(crate) fn signed_part(der: &[u8]) -> Result<&[u8], SignatureError> {
    let read = || {
        let mut reader = SliceReader::new(der)?;
        reader.sequence(|fields| {
            let part = fields.tlv_bytes()?;
            fields.read_slice(fields.remaining_len())?;
            Ok(part)
        })
    };
    read().map_err(|_: x509_cert::der::Error| SignatureError::Malformed)
}

/// The DER of an AlgorithmIdentifier, for [`verify_signature`].
pub(crate) fn algorithm_der(
    algorithm: &AlgorithmIdentifierOwned,
) -> Result<Vec<u8>, SignatureError> {
    algorithm.to_der().map_err(|_| SignatureError::Malformed)
}

/// What stands in a SEQUENCE: the form in which the algorithms know their names.
fn content(der: &[u8]) -> Result<&[u8], SignatureError> {
    let read = || {
        let mut reader = SliceReader::new(der)?;
        reader.sequence(|fields| fields.read_slice(fields.remaining_len()))
    };
    read().map_err(|_: x509_cert::der::Error| SignatureError::Malformed)
}
