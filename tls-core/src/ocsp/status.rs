//! What a response says, in the numbers and names of the standards.

use std::fmt;
use std::time::Duration;

use x509_cert::ext::pkix::CrlReason as Reason;
use x509_ocsp::{CertStatus as Said, OcspGeneralizedTime, OcspResponseStatus, SingleResponse};

/// Whether the responder answered at all (RFC 6960 §4.2.1, §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ResponseStatus {
    /// It did.
    Successful = 0,
    /// The request was not understood.
    MalformedRequest = 1,
    /// The responder failed.
    InternalError = 2,
    /// Not now.
    TryLater = 3,
    /// Requests have to be signed.
    SigRequired = 5,
    /// Not for whoever asks, or about certificates that are not the responder's (RFC 5019 §2.2.3).
    Unauthorized = 6,
}

impl ResponseStatus {
    /// The number in the standard, and in libtls (`TLS_OCSP_RESPONSE_…`).
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The name, as libtls writes it, such as `trylater`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::MalformedRequest => "malformedrequest",
            Self::InternalError => "internalerror",
            Self::TryLater => "trylater",
            Self::SigRequired => "sigrequired",
            Self::Unauthorized => "unauthorized",
        }
    }
}

impl From<OcspResponseStatus> for ResponseStatus {
    fn from(status: OcspResponseStatus) -> Self {
        match status {
            OcspResponseStatus::Successful => Self::Successful,
            OcspResponseStatus::MalformedRequest => Self::MalformedRequest,
            OcspResponseStatus::InternalError => Self::InternalError,
            OcspResponseStatus::TryLater => Self::TryLater,
            OcspResponseStatus::SigRequired => Self::SigRequired,
            OcspResponseStatus::Unauthorized => Self::Unauthorized,
        }
    }
}

impl fmt::Display for ResponseStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a response says of a certificate (RFC 6960 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CertStatus {
    /// It is not revoked.
    Good = 0,
    /// It has been revoked, for good or for now.
    Revoked = 1,
    /// The responder does not know it.
    Unknown = 2,
}

impl CertStatus {
    /// The number in the standard, and in libtls (`TLS_OCSP_CERT_…`).
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The name: `good`, `revoked` or `unknown`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Revoked => "revoked",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for CertStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a certificate has been revoked (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CrlReason {
    /// No reason is given.
    Unspecified = 0,
    /// Its key is, or may be, known to others.
    KeyCompromise = 1,
    /// Its issuer's key is.
    CaCompromise = 2,
    /// A name or something else in it is no longer right.
    AffiliationChanged = 3,
    /// Another one has taken its place.
    Superseded = 4,
    /// It is no longer needed.
    CessationOfOperation = 5,
    /// It is revoked for now.
    CertificateHold = 6,
    /// It was on hold, and is not any more.
    RemoveFromCrl = 8,
    /// What it allowed is allowed no more.
    PrivilegeWithdrawn = 9,
    /// The key of the attribute authority that it is about is, or may be, known to others.
    AaCompromise = 10,
}

impl CrlReason {
    /// The number in the standard, and in libtls (`TLS_CRL_REASON_…`).
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The name in the standard, as libtls writes it, such as `keyCompromise`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }
}

impl From<Reason> for CrlReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unspecified => Self::Unspecified,
            Reason::KeyCompromise => Self::KeyCompromise,
            Reason::CaCompromise => Self::CaCompromise,
            Reason::AffiliationChanged => Self::AffiliationChanged,
            Reason::Superseded => Self::Superseded,
            Reason::CessationOfOperation => Self::CessationOfOperation,
            Reason::CertificateHold => Self::CertificateHold,
            Reason::RemoveFromCRL => Self::RemoveFromCrl,
            Reason::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
            Reason::AaCompromise => Self::AaCompromise,
        }
    }
}

impl fmt::Display for CrlReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a response says of one certificate.
///
/// From [`process_response`](super::process_response) it is to be believed; from
/// [`Response::about`](super::Response::about) it is only what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    response_status: ResponseStatus,
    said: Option<SaidOfOne>,
    url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SaidOfOne {
    status: CertStatus,
    reason: Option<CrlReason>,
    produced_at: u64,
    this_update: u64,
    next_update: Option<u64>,
    revocation_time: Option<u64>,
}

impl Outcome {
    pub(super) fn new(
        response_status: ResponseStatus,
        said: Option<(&SingleResponse, u64)>,
        url: Option<&String>,
    ) -> Self {
        let said = said.map(|(single, produced_at)| SaidOfOne::new(single, produced_at));
        Self { response_status, said, url: url.cloned() }
    }

    /// Whether the responder answered at all (RFC 6960 §2.3). If not, there is nothing else here but
    /// the [`url`](Self::url).
    pub fn response_status(&self) -> ResponseStatus {
        self.response_status
    }

    /// What is said of the certificate (RFC 6960 §2.2).
    pub fn cert_status(&self) -> Option<CertStatus> {
        self.said.map(|said| said.status)
    }

    /// Why it has been revoked (RFC 5280 §5.3.1), [`CrlReason::Unspecified`] if that is not said;
    /// `None` if it has not.
    pub fn crl_reason(&self) -> Option<CrlReason> {
        self.said?.reason
    }

    /// When the response was signed, in seconds since 1970 (RFC 6960 §2.4).
    pub fn produced_at(&self) -> Option<u64> {
        self.said.map(|said| said.produced_at)
    }

    /// When what it says was known to be so, in seconds since 1970 (RFC 6960 §2.4).
    pub fn this_update(&self) -> Option<u64> {
        self.said.map(|said| said.this_update)
    }

    /// Until when there will be news, in seconds since 1970; `None` if there are at any time.
    pub fn next_update(&self) -> Option<u64> {
        self.said?.next_update
    }

    /// When the certificate was revoked, in seconds since 1970; `None` if it has not been.
    pub fn revocation_time(&self) -> Option<u64> {
        self.said?.revocation_time
    }

    /// All in one word, as libtls has it: `good`, `unknown`, or the [name](CrlReason::name) of the reason
    /// if it has been revoked; the [name](ResponseStatus::name) of the response's status if that is
    /// not successful.
    pub fn result(&self) -> &'static str {
        match (self.said, self.crl_reason()) {
            (None, _) => self.response_status.name(),
            (Some(_), Some(reason)) => reason.name(),
            (Some(said), None) => said.status.name(),
        }
    }

    /// Where the certificate says to ask (RFC 5280 §4.2.2.1): the first such address in it.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Until when it may be believed, clock skew aside: the next update, or the end of `max_age` if
    /// that comes first or no next one is announced. In seconds since 1970.
    pub fn last_use(&self, max_age: Duration) -> Option<u64> {
        let said = self.said?;
        let oldest = said.this_update.saturating_add(max_age.as_secs());
        Some(said.next_update.map_or(oldest, |next| next.min(oldest)))
    }
}

impl SaidOfOne {
    fn new(single: &SingleResponse, produced_at: u64) -> Self {
        let (status, revoked) = match &single.cert_status {
            Said::Good(_) => (CertStatus::Good, None),
            Said::Revoked(info) => (CertStatus::Revoked, Some(info)),
            Said::Unknown(_) => (CertStatus::Unknown, None),
        };
        let reason = |reason: Option<Reason>| reason.map_or(CrlReason::Unspecified, Into::into);
        Self {
            status,
            reason: revoked.map(|info| reason(info.revocation_reason)),
            produced_at,
            this_update: seconds(single.this_update),
            next_update: single.next_update.map(seconds),
            revocation_time: revoked.map(|info| seconds(info.revocation_time)),
        }
    }
}

/// In seconds since 1970; GeneralizedTime in DER is never earlier here.
pub(super) fn seconds(time: OcspGeneralizedTime) -> u64 {
    time.0.to_unix_duration().as_secs()
}
