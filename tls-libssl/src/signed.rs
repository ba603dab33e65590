//! How a server has signed a handshake, read from the messages that a library shows as they pass.

use tls_core::SignatureScheme;

/// The scheme of the server's signature, if this message of the server's holds one: ServerKeyExchange with
/// an elliptic curve (RFC 8422 §5.4, RFC 5246 §7.4.3), or the CertificateVerify of TLS 1.3 (RFC 8446
/// §4.4.3).
pub fn scheme_of_server(message: &[u8]) -> Option<SignatureScheme> {
    const SERVER_KEY_EXCHANGE: u8 = 12;
    const CERTIFICATE_VERIFY: u8 = 15;
    const NAMED_CURVE: u8 = 3;
    let (&[kind, _, _, _], body) = message.split_first_chunk()?;
    let number = match kind {
        CERTIFICATE_VERIFY => body,
        SERVER_KEY_EXCHANGE => {
            let (&[form, _, _, point], rest) = body.split_first_chunk()?;
            if form != NAMED_CURVE {
                return None;
            }
            rest.get(usize::from(point)..)?
        }
        _ => return None,
    };
    number.first_chunk().map(|number| SignatureScheme(u16::from_be_bytes(*number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_stand_where_the_versions_have_them() {
        let tls13 = [15, 0, 0, 6, 0x08, 0x04, 0, 2, 1, 2];
        assert_eq!(scheme_of_server(&tls13), Some(SignatureScheme::RSA_PSS_SHA256));
        let tls12 = [12, 0, 0, 11, 3, 0, 29, 2, 7, 7, 0x04, 0x03, 0, 1, 9];
        assert_eq!(scheme_of_server(&tls12), Some(SignatureScheme::ECDSA_P256_SHA256));
        for end in 0..tls12.len() {
            let scheme = scheme_of_server(&tls12[..end]);
            assert_eq!(scheme.is_some(), end >= 12, "the first {end} bytes");
        }
        // Another kind of key exchange, and another message.
        assert_eq!(scheme_of_server(&[12, 0, 0, 8, 1, 0, 29, 2, 7, 7, 4, 3]), None);
        assert_eq!(scheme_of_server(&[11, 0, 0, 4, 4, 3, 0, 0]), None);
    }
}
