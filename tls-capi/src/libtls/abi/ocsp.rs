//! What is known of the revocation of the peer's certificate.

use std::ffi::c_int;

use super::{Bytes, Handle, OutText, Returned};
use crate::libtls::context::{Role, on, status};
use crate::libtls::error::Fault;
use crate::libtls::ocsp::Shown;
use crate::libtls::peer::borrowed;

exports! {
    /// `int tls_ocsp_process_response(struct tls *ctx, const unsigned char *response, size_t size)`
    fn tls_ocsp_process_response(tls: Handle, response: Bytes, size: usize) -> c_int {
        status(tls, |context, state| {
            if context.role != Role::Client {
                return Err(Fault::context("not a client context"));
            }
            let response = response.get(size);
            let response = response.ok_or_else(|| Fault::argument("no response provided"))?;
            state.connected()?.ocsp.process(response)
        })
    }

    /// `const char *tls_peer_ocsp_url(struct tls *ctx)`
    fn tls_peer_ocsp_url(tls: Handle) -> OutText {
        let url = on(tls, |_, state| {
            Ok(state.live.as_ref().map(|live| OutText::of(borrowed(&live.ocsp.url))))
        });
        url.flatten().unwrap_or(OutText::FAILURE)
    }

    /// `int tls_peer_ocsp_cert_status(struct tls *ctx)`
    fn tls_peer_ocsp_cert_status(tls: Handle) -> c_int {
        of(tls, -1, |shown| shown.cert_status)
    }

    /// `int tls_peer_ocsp_crl_reason(struct tls *ctx)`
    fn tls_peer_ocsp_crl_reason(tls: Handle) -> c_int {
        of(tls, -1, |shown| shown.crl_reason)
    }

    /// `time_t tls_peer_ocsp_next_update(struct tls *ctx)`
    fn tls_peer_ocsp_next_update(tls: Handle) -> i64 {
        of(tls, -1, |shown| shown.next_update)
    }

    /// `int tls_peer_ocsp_response_status(struct tls *ctx)`
    fn tls_peer_ocsp_response_status(tls: Handle) -> c_int {
        of(tls, -1, |shown| shown.response_status)
    }

    /// `const char *tls_peer_ocsp_result(struct tls *ctx)`
    fn tls_peer_ocsp_result(tls: Handle) -> OutText {
        of(tls, OutText::FAILURE, |shown| OutText::of(Some(&shown.text)))
    }

    /// `time_t tls_peer_ocsp_revocation_time(struct tls *ctx)`
    fn tls_peer_ocsp_revocation_time(tls: Handle) -> i64 {
        of(tls, -1, |shown| shown.revocation_time)
    }

    /// `time_t tls_peer_ocsp_this_update(struct tls *ctx)`
    fn tls_peer_ocsp_this_update(tls: Handle) -> i64 {
        of(tls, -1, |shown| shown.this_update)
    }
}

fn of<R>(tls: Handle, otherwise: R, tell: impl FnOnce(&Shown) -> R) -> R {
    let told = on(tls, |_, state| {
        Ok(state.live.as_ref().and_then(|live| live.ocsp.result.as_ref()).map(tell))
    });
    told.flatten().unwrap_or(otherwise)
}
