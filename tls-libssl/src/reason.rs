//! The reasons in the error queue, `SSL_R_…`: by numbers, since the texts differ between releases.

use tls_core::{Alert, ErrorKind};

/// What a reason means, or what else has to be asked to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The peer's certificates were refused: [`Findings`](crate::Findings) know why.
    CertificateVerifyFailed,
    /// All is said.
    Kind(ErrorKind),
    /// There is no cipher suite in common, or, in TLS 1.2, no group for any of them.
    NoSharedCipher,
}

/// Names a reason of OpenSSL's SSL library; `None` if the error came from another of its parts.
pub fn openssl_reason(library: i32, reason: i32) -> Option<Reason> {
    const ERR_LIB_SSL: i32 = 20;
    (library == ERR_LIB_SSL).then(|| match reason {
        134 => Reason::CertificateVerifyFailed,
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
        125 => Reason::CertificateVerifyFailed,
        184 => Reason::NoSharedCipher,
        266 => Reason::Kind(ErrorKind::NoSharedGroup),
        253 => Reason::Kind(ErrorKind::NoSharedSignature), // NO_COMMON_SIGNATURE_ALGORITHMS
        // DECRYPTION_FAILED, DECRYPTION_FAILED_OR_BAD_RECORD_MAC
        138 | 139 => Reason::Kind(ErrorKind::BadRecord),
        // PEER_DID_NOT_RETURN_A_CERTIFICATE
        192 => Reason::Kind(ErrorKind::NoPeerCertificate),
        307 => Reason::Kind(ErrorKind::NoSharedAlpn), // NO_APPLICATION_PROTOCOL
        240 => Reason::Kind(ErrorKind::NoSharedVersion), // UNSUPPORTED_PROTOCOL
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
    fn every_kind_that_one_library_tells_the_other_tells_too() {
        let all = |reason: fn(i32, i32) -> Option<Reason>, library| {
            let mut all = (0..1000).filter_map(|n| reason(library, n)).collect::<Vec<_>>();
            all.sort_by_key(|reason| format!("{reason:?}"));
            all.dedup();
            all
        };
        assert_eq!(all(openssl_reason, 20), all(boringssl_reason, 16));
        assert_eq!(all(openssl_reason, 20).len(), 9);
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
