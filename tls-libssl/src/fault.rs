//! The numbers of verify results, `X509_V_…`.

use tls_core::CertificateError;

/// Names an `X509_V_ERR_…` number of OpenSSL's.
pub fn openssl_fault(result: i32) -> CertificateError {
    match result {
        24 => CertificateError::BadEncoding, // NO_ISSUER_PUBLIC_KEY
        // EE_KEY_TOO_SMALL, CA_KEY_TOO_SMALL, CA_MD_TOO_WEAK, UNSUPPORTED_SIGNATURE_ALGORITHM
        66..=68 | 76 => CertificateError::WeakAlgorithm,
        // SIGNATURE_ALGORITHM_MISMATCH, SIGNATURE_ALGORITHM_INCONSISTENCY
        77 | 78 => CertificateError::BadSignature,
        79 | 80 => CertificateError::Purpose, // INVALID_CA, PATHLEN_INVALID_FOR_NON_CA
        shared => shared_fault(shared),
    }
}

/// Names an `X509_V_ERR_…` number of BoringSSL's.
pub fn boringssl_fault(result: i32) -> CertificateError {
    match result {
        24 | 67 => CertificateError::Purpose, // INVALID_CA, NAME_CONSTRAINTS_WITHOUT_SANS
        shared => shared_fault(shared),
    }
}

fn shared_fault(result: i32) -> CertificateError {
    match result {
        9 => CertificateError::NotYetValid,
        10 => CertificateError::Expired,
        2 | 19 | 20 | 21 | 27 | 28 => CertificateError::UnknownIssuer,
        18 => CertificateError::SelfSigned,
        4..=6 | 13..=16 | 41 => CertificateError::BadEncoding,
        7 => CertificateError::BadSignature,
        22 => CertificateError::ChainTooLong,
        23 => CertificateError::Revoked,
        // Path length, purpose, key usage, name constraints.
        25 | 26 | 32 | 37 | 39 | 46..=53 => CertificateError::Purpose,
        34 => CertificateError::UnhandledCriticalExtension,
        62..=64 => CertificateError::NameMismatch,
        _ => CertificateError::Other,
    }
}

/// The number from which either library derives the alert that fits `fault` (RFC 8446 §6.2).
///
/// Both know the first six; for the last, which neither lists, both say `certificate_unknown`.
pub fn verify_result(fault: CertificateError) -> i32 {
    const CERT_SIGNATURE_FAILURE: i32 = 7; // decrypt_error
    const CERT_HAS_EXPIRED: i32 = 10; // certificate_expired
    const UNABLE_TO_GET_ISSUER_CERT_LOCALLY: i32 = 20; // unknown_ca
    const CERT_REVOKED: i32 = 23; // certificate_revoked
    const INVALID_PURPOSE: i32 = 26; // unsupported_certificate
    const HOSTNAME_MISMATCH: i32 = 62; // bad_certificate
    const UNLISTED: i32 = 1000; // certificate_unknown
    match fault {
        CertificateError::BadEncoding
        | CertificateError::NameMismatch
        | CertificateError::UnhandledCriticalExtension => HOSTNAME_MISMATCH,
        CertificateError::BadSignature => CERT_SIGNATURE_FAILURE,
        CertificateError::Expired | CertificateError::NotYetValid => CERT_HAS_EXPIRED,
        CertificateError::Purpose => INVALID_PURPOSE,
        CertificateError::Revoked => CERT_REVOKED,
        CertificateError::ChainTooLong
        | CertificateError::SelfSigned
        | CertificateError::UnknownIssuer => UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        _ => UNLISTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_agree_but_for_the_numbers_that_they_use_twice() {
        let differ = |&n: &i32| openssl_fault(n) != boringssl_fault(n);
        assert!((0..=100).filter(differ).eq([24, 66, 67, 68, 76, 77, 78, 79, 80]));
        assert_eq!(openssl_fault(67), CertificateError::WeakAlgorithm);
        assert_eq!(boringssl_fault(67), CertificateError::Purpose);
    }

    #[test]
    fn the_result_for_an_alert_is_a_fault_of_the_same_alert() {
        for fault in (0..=100).map(openssl_fault) {
            let result = verify_result(fault);
            assert_ne!(result, 0, "{fault:?} would be no fault");
            assert_eq!(verify_result(openssl_fault(result)), result, "{fault:?}");
            assert_eq!(verify_result(boringssl_fault(result)), result, "{fault:?}");
        }
    }
}
