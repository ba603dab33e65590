//! The numbers of libtls.

use mlua::{Result, Table};
use polytls::ocsp::{CertStatus, CrlReason, ResponseStatus};

/// The descriptor has to be readable (`TLS_WANT_POLLIN`).
pub(crate) const WANT_POLLIN: i64 = -2;
/// The descriptor has to be writable (`TLS_WANT_POLLOUT`).
pub(crate) const WANT_POLLOUT: i64 = -3;

/// TLS 1.0, which no version of the core is.
const V10: u32 = 1 << 1;
/// TLS 1.1, which no version of the core is.
const V11: u32 = 1 << 2;
/// TLS 1.2.
pub(crate) const V12: u32 = 1 << 3;
/// TLS 1.3.
pub(crate) const V13: u32 = 1 << 4;

/// How many bytes a session id has at most.
pub(crate) const MAX_SESSION_ID: usize = 32;
/// How many bytes a ticket key has.
pub(crate) const TICKET_KEY: usize = 48;

/// Puts all of them into a module.
pub(crate) fn add_to(module: &Table) -> Result<()> {
    let numbers = [
        ("WANT_POLLIN", WANT_POLLIN),
        ("WANT_POLLOUT", WANT_POLLOUT),
        ("TLS_v10", V10.into()),
        ("TLS_v11", V11.into()),
        ("TLS_v12", V12.into()),
        ("TLS_v13", V13.into()),
        ("TLS_v1x", (V10 | V11 | V12 | V13).into()),
        ("TLS_DEFAULT", (V12 | V13).into()),
        ("TLS_API", 20_200_120),
        ("MAX_SESSION_ID_LENGTH", MAX_SESSION_ID as i64),
        ("TICKET_KEY_SIZE", TICKET_KEY as i64),
        ("OCSP_CERT_GOOD", CertStatus::Good.code().into()),
        ("OCSP_CERT_REVOKED", CertStatus::Revoked.code().into()),
        ("OCSP_CERT_UNKNOWN", CertStatus::Unknown.code().into()),
        ("OCSP_RESPONSE_SUCCESSFUL", ResponseStatus::Successful.code().into()),
        ("OCSP_RESPONSE_MALFORMED", ResponseStatus::MalformedRequest.code().into()),
        ("OCSP_RESPONSE_INTERNALERROR", ResponseStatus::InternalError.code().into()),
        ("OCSP_RESPONSE_TRYLATER", ResponseStatus::TryLater.code().into()),
        ("OCSP_RESPONSE_SIGREQUIRED", ResponseStatus::SigRequired.code().into()),
        ("OCSP_RESPONSE_UNAUTHORIZED", ResponseStatus::Unauthorized.code().into()),
        ("CRL_REASON_UNSPECIFIED", CrlReason::Unspecified.code().into()),
        ("CRL_REASON_KEY_COMPROMISE", CrlReason::KeyCompromise.code().into()),
        ("CRL_REASON_CA_COMPROMISE", CrlReason::CaCompromise.code().into()),
        ("CRL_REASON_AFFILIATION_CHANGED", CrlReason::AffiliationChanged.code().into()),
        ("CRL_REASON_SUPERSEDED", CrlReason::Superseded.code().into()),
        ("CRL_REASON_CESSATION_OF_OPERATION", CrlReason::CessationOfOperation.code().into()),
        ("CRL_REASON_CERTIFICATE_HOLD", CrlReason::CertificateHold.code().into()),
        ("CRL_REASON_REMOVE_FROM_CRL", CrlReason::RemoveFromCrl.code().into()),
        ("CRL_REASON_PRIVILEGE_WITHDRAWN", CrlReason::PrivilegeWithdrawn.code().into()),
        ("CRL_REASON_AA_COMPROMISE", CrlReason::AaCompromise.code().into()),
    ];
    numbers.into_iter().try_for_each(|(name, number)| module.set(name, number))
}
