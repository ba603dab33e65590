//! The peer's certificate.

use std::ffi::c_int;

use super::connection::told_or;
use super::{Handle, Out, OutBytes, OutText, Returned, Text};
use crate::libtls::peer::Certificate;

exports! {
    /// `int tls_peer_cert_provided(struct tls *ctx)`
    fn tls_peer_cert_provided(tls: Handle) -> c_int {
        of(tls, 0, |_| 1)
    }

    /// `int tls_peer_cert_contains_name(struct tls *ctx, const char *name)`
    fn tls_peer_cert_contains_name(tls: Handle, name: Text) -> c_int {
        let name = name.get().and_then(|name| std::str::from_utf8(name).ok());
        of(tls, 0, |certificate| c_int::from(name.is_some_and(|name| certificate.is_for(name))))
    }

    /// `const char *tls_peer_cert_common_name(struct tls *ctx)`
    fn tls_peer_cert_common_name(tls: Handle) -> OutText {
        of(tls, OutText::FAILURE, |certificate| OutText::of(Some(&certificate.common_name)))
    }

    /// `const char *tls_peer_cert_hash(struct tls *ctx)`
    fn tls_peer_cert_hash(tls: Handle) -> OutText {
        of(tls, OutText::FAILURE, |certificate| OutText::of(Some(&certificate.hash)))
    }

    /// `const char *tls_peer_cert_issuer(struct tls *ctx)`
    fn tls_peer_cert_issuer(tls: Handle) -> OutText {
        of(tls, OutText::FAILURE, |certificate| OutText::of(Some(&certificate.issuer)))
    }

    /// `const char *tls_peer_cert_subject(struct tls *ctx)`
    fn tls_peer_cert_subject(tls: Handle) -> OutText {
        of(tls, OutText::FAILURE, |certificate| OutText::of(Some(&certificate.subject)))
    }

    /// `time_t tls_peer_cert_notbefore(struct tls *ctx)`
    fn tls_peer_cert_notbefore(tls: Handle) -> i64 {
        of(tls, -1, Certificate::not_before)
    }

    /// `time_t tls_peer_cert_notafter(struct tls *ctx)`
    fn tls_peer_cert_notafter(tls: Handle) -> i64 {
        of(tls, -1, Certificate::not_after)
    }

    /// `const uint8_t *tls_peer_cert_chain_pem(struct tls *ctx, size_t *len)`
    fn tls_peer_cert_chain_pem(tls: Handle, length: Out<usize>) -> OutBytes {
        let mut length = length;
        length.set(0);
        of(tls, OutBytes::FAILURE, |certificate| {
            length.set(certificate.chain_pem.len());
            OutBytes::of(Some(&certificate.chain_pem))
        })
    }
}

fn of<R: Copy>(tls: Handle, otherwise: R, tell: impl FnOnce(&Certificate) -> R) -> R {
    told_or(tls, otherwise, |peer| peer.certificate.as_ref().map_or(otherwise, tell))
}
