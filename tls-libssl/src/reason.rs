//! The reasons in the error queue, `SSL_R_…`: by numbers, since the texts differ between releases.

use tls_core::{Alert, CertificateError, ErrorKind};

/// What a reason means, or what else has to be asked to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The peer's certificates were refused, or the staple to them: [`Findings`](crate::Findings) know
    /// why.
    CertificateVerifyFailed,
    /// All is said.
    Kind(ErrorKind),
    /// There is no cipher suite in common, or, in TLS 1.2, no group for any of them.
    NoSharedCipher,
    /// On a TLS 1.2 server: the curve of its own key is not among the client's groups, so that no
    /// cipher suite is left. Anywhere else: the peer broke the protocol.
    WrongCurve,
}

/// Names a reason of OpenSSL's SSL library; `None` if the error came from another of its parts.
pub fn openssl_reason(library: i32, reason: i32) -> Option<Reason> {
    const ERR_LIB_SSL: i32 = 20;
    (library == ERR_LIB_SSL).then(|| match reason {
        // CERTIFICATE_VERIFY_FAILED, INVALID_STATUS_RESPONSE
        134 | 328 => Reason::CertificateVerifyFailed,
        193 => Reason::NoSharedCipher,
        // NO_SUITABLE_KEY_SHARE, NO_SUITABLE_GROUPS
        101 | 295 => Reason::Kind(ErrorKind::NoSharedGroup),
        // NO_SUITABLE_SIGNATURE_ALGORITHM, NO_SHARED_SIGNATURE_ALGORITHMS
        118 | 376 => Reason::Kind(ErrorKind::NoSharedSignature),
        // DECRYPTION_FAILED, DECRYPTION_FAILED_OR_BAD_RECORD_MAC
        147 | 281 => Reason::Kind(ErrorKind::BadRecord),
        // PEER_DID_NOT_RETURN_A_CERTIFICATE
        199 => Reason::Kind(ErrorKind::NoPeerCertificate),
        235 => Reason::Kind(ErrorKind::NoSharedAlpn), // NO_APPLICATION_PROTOCOL
        258 => Reason::Kind(ErrorKind::NoSharedVersion), // UNSUPPORTED_PROTOCOL
        other => Reason::Kind(alert(other)),
    })
}

/// Names a reason of BoringSSL's SSL library; `None` if the error came from another of its parts.
pub fn boringssl_reason(library: i32, reason: i32) -> Option<Reason> {
    const ERR_LIB_SSL: i32 = 16;
    (library == ERR_LIB_SSL).then(|| match reason {
        125 | 289 => Reason::CertificateVerifyFailed, // also OCSP_CB_ERROR
        184 => Reason::NoSharedCipher,
        266 => Reason::Kind(ErrorKind::NoSharedGroup),
        253 => Reason::Kind(ErrorKind::NoSharedSignature), // NO_COMMON_SIGNATURE_ALGORITHMS
        // DECRYPTION_FAILED, DECRYPTION_FAILED_OR_BAD_RECORD_MAC
        138 | 139 => Reason::Kind(ErrorKind::BadRecord),
        // PEER_DID_NOT_RETURN_A_CERTIFICATE
        192 => Reason::Kind(ErrorKind::NoPeerCertificate),
        307 => Reason::Kind(ErrorKind::NoSharedAlpn), // NO_APPLICATION_PROTOCOL
        240 => Reason::Kind(ErrorKind::NoSharedVersion), // UNSUPPORTED_PROTOCOL
        243 => Reason::WrongCurve,
        // KEY_USAGE_BIT_INCORRECT, found before the chain is looked at
        302 => Reason::Kind(ErrorKind::Certificate(CertificateError::Purpose)),
        other => Reason::Kind(alert(other)),
    })
}

/// The alert that came from the peer has 1000 and its number for a reason, in both libraries.
fn alert(reason: i32) -> ErrorKind {
    match reason {
        1000..=1255 => ErrorKind::AlertReceived(Alert((reason - 1000) as u8)),
        _ => ErrorKind::Protocol,
    }
}

/// The kind that says most of those in an error queue, outermost first.
///
/// An entry of the SSL library says more than one of the ASN.1 or cryptography code underneath;
/// without any, it is the library that failed.
pub fn gravest(kinds: impl IntoIterator<Item = ErrorKind>) -> ErrorKind {
    let mut first = None;
    for kind in kinds {
        if kind != ErrorKind::Protocol {
            return kind;
        }
        first = Some(kind);
    }
    first.unwrap_or(ErrorKind::Backend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_has_the_same_reason_in_both_libraries() {
        for number in 0..=255 {
            let told = Some(Reason::Kind(ErrorKind::AlertReceived(Alert(number))));
            assert_eq!(openssl_reason(20, 1000 + i32::from(number)), told);
            assert_eq!(boringssl_reason(16, 1000 + i32::from(number)), told);
        }
    }

    #[test]
    fn what_openssl_tells_apart_boringssl_tells_apart_too() {
        let all = |reason: fn(i32, i32) -> Option<Reason>, library| {
            (0..1000).filter_map(|n| reason(library, n)).collect::<Vec<_>>()
        };
        let (openssl, boringssl) = (all(openssl_reason, 20), all(boringssl_reason, 16));
        assert!(openssl.iter().all(|reason| boringssl.contains(reason)));
        let more = boringssl.iter().filter(|reason| !openssl.contains(reason));
        let refused = Reason::Kind(ErrorKind::Certificate(CertificateError::Purpose));
        assert!(more.eq([&Reason::WrongCurve, &refused]));
    }

    #[test]
    fn a_reason_of_another_part_is_none_of_the_ssl_librarys() {
        assert_eq!(openssl_reason(16, 134), None);
        assert_eq!(boringssl_reason(20, 125), None);
    }

    #[test]
    fn what_says_most_is_told() {
        let (vague, clear) = (ErrorKind::Protocol, ErrorKind::BadRecord);
        assert_eq!(gravest([vague, clear, ErrorKind::NoSharedAlpn]), clear);
        assert_eq!(gravest([vague, vague]), vague);
        assert_eq!(gravest([]), ErrorKind::Backend);
    }
}
