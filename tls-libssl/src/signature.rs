//! The signatures of certificates that both libraries check for the core.

use tls_core::pki_types::{AlgorithmIdentifier, alg_id};

/// How a certificate, a list or a response can be signed, and by which kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureAlgorithm {
    /// The form of the signature.
    pub form: Form,
    /// What the message is hashed with; `None` if that is a part of the form.
    pub digest: Option<Digest>,
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
    /// The length of a key, where there is only one.
    length: Option<usize>,
}

/// The form of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// ECDSA (RFC 5480).
    Ecdsa,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1,
    /// RSASSA-PSS (RFC 8017 §8.1) with a salt as long as the hash.
    RsaPss,
}

/// A hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

macro_rules! algorithms {
    ($($name:ident: $form:ident, $digest:expr, $key:ident, $signature:ident, $length:expr;)*) => {
        impl SignatureAlgorithm {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub const $name: Self = Self {
                    form: Form::$form,
                    digest: $digest,
                    key: alg_id::$key,
                    signature: alg_id::$signature,
                    length: $length,
                };
            )*

            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

/// The length of a point that is not compressed (SEC 1 §2.3.3), on the curve with so many bytes.
const fn point(bytes: usize) -> Option<usize> {
    Some(1 + 2 * bytes)
}

algorithms! {
    ECDSA_P256_SHA256: Ecdsa, Some(Digest::Sha256), ECDSA_P256, ECDSA_SHA256, point(32);
    ECDSA_P256_SHA384: Ecdsa, Some(Digest::Sha384), ECDSA_P256, ECDSA_SHA384, point(32);
    ECDSA_P384_SHA256: Ecdsa, Some(Digest::Sha256), ECDSA_P384, ECDSA_SHA256, point(48);
    ECDSA_P384_SHA384: Ecdsa, Some(Digest::Sha384), ECDSA_P384, ECDSA_SHA384, point(48);
    ED25519: Ed25519, None, ED25519, ED25519, Some(32);
    RSA_PKCS1_SHA256: RsaPkcs1, Some(Digest::Sha256), RSA_ENCRYPTION, RSA_PKCS1_SHA256, None;
    RSA_PKCS1_SHA384: RsaPkcs1, Some(Digest::Sha384), RSA_ENCRYPTION, RSA_PKCS1_SHA384, None;
    RSA_PKCS1_SHA512: RsaPkcs1, Some(Digest::Sha512), RSA_ENCRYPTION, RSA_PKCS1_SHA512, None;
    RSA_PSS_SHA256: RsaPss, Some(Digest::Sha256), RSA_ENCRYPTION, RSA_PSS_SHA256, None;
    RSA_PSS_SHA384: RsaPss, Some(Digest::Sha384), RSA_ENCRYPTION, RSA_PSS_SHA384, None;
    RSA_PSS_SHA512: RsaPss, Some(Digest::Sha512), RSA_ENCRYPTION, RSA_PSS_SHA512, None;
}

impl SignatureAlgorithm {
    /// What a SubjectPublicKeyInfo calls the key (RFC 5280 §4.1.2.7).
    pub const fn key_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    /// What a certificate calls the signature (RFC 5280 §4.1.1.2).
    pub const fn signature_id(&self) -> AlgorithmIdentifier {
        self.signature
    }

    /// The SubjectPublicKeyInfo of a key of this kind, of which `bits` are what its BIT STRING holds;
    /// `None` if they are not the one form that all libraries read.
    pub fn key_info(&self, bits: &[u8]) -> Option<Vec<u8>> {
        if self.length.is_some_and(|length| bits.len() != length) {
            return None;
        }
        const UNCOMPRESSED: u8 = 4;
        if self.form == Form::Ecdsa && bits.first() != Some(&UNCOMPRESSED) {
            return None;
        }
        const BIT_STRING: u8 = 0x03;
        const SEQUENCE: u8 = 0x30;
        let name = field(SEQUENCE, &[&self.key]);
        let key = field(BIT_STRING, &[&[0], bits]); // no bit is left unused
        Some(field(SEQUENCE, &[&name, &key]))
    }
}

/// A field in DER (X.690 §8.1, §10.1).
fn field(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let length = content.iter().map(|part| part.len()).sum::<usize>();
    let bytes = length.to_be_bytes();
    let bytes = &bytes[(length.leading_zeros() / 8) as usize..];
    let mut all = vec![tag];
    match length {
        0..0x80 => all.push(length as u8),
        // As many bytes of length as a usize has at most.
        _ => all.extend([&[0x80 | bytes.len() as u8], bytes].concat()),
    }
    content.iter().for_each(|part| all.extend_from_slice(part));
    all
}

/// The strength of an RSA key that counts: what webpki's cryptography takes.
pub const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// The most bits of an RSA key's public exponent.
pub const RSA_EXPONENT_BITS: i32 = 33;

#[cfg(test)]
mod tests {
    use tls_core::pki_types::CertificateDer;
    use tls_core::x509::CertificateFacts;

    use super::*;

    #[test]
    fn a_key_is_wrapped_as_its_certificate_has_it() {
        for (kind, algorithm) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, SignatureAlgorithm::ECDSA_P256_SHA384),
            (&rcgen::PKCS_ECDSA_P384_SHA384, SignatureAlgorithm::ECDSA_P384_SHA256),
            (&rcgen::PKCS_ED25519, SignatureAlgorithm::ED25519),
        ] {
            let key = rcgen::KeyPair::generate_for(kind).unwrap();
            let params = rcgen::CertificateParams::new(["a.test".to_owned()]).unwrap();
            let certificate: CertificateDer<'_> = params.self_signed(&key).unwrap().into();
            let facts = CertificateFacts::read(&certificate).unwrap();
            let bits = key.public_key_raw();
            assert_eq!(algorithm.key_info(bits).unwrap(), facts.public_key());
            assert_eq!(algorithm.key_info(&bits[1..]), None);
            assert_eq!(algorithm.key_info(b""), None);
        }
        let mut hybrid = vec![6];
        hybrid.resize(65, 1);
        assert_eq!(SignatureAlgorithm::ECDSA_P256_SHA256.key_info(&hybrid), None);
    }

    #[test]
    fn a_length_takes_as_many_bytes_as_it_needs() {
        for (length, header) in [
            (0, &[3, 0][..]),
            (127, &[3, 127]),
            (128, &[3, 0x81, 128]),
            (255, &[3, 0x81, 255]),
            (256, &[3, 0x82, 1, 0]),
            (65_536, &[3, 0x83, 1, 0, 0]),
        ] {
            let field = field(3, &[&vec![7; length]]);
            assert_eq!(field[..header.len()], *header);
            assert_eq!(field.len(), header.len() + length);
        }
    }
}
