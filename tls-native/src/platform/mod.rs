//! What differs by platform: the same functions, in a file for each.

#[cfg(any(target_vendor = "apple", test))]
#[cfg_attr(test, allow(dead_code))]
mod apple;
#[cfg(not(any(target_os = "windows", target_vendor = "apple")))]
mod linux;
#[cfg(any(target_os = "windows", test))]
#[cfg_attr(test, allow(dead_code))]
mod windows;

use tls_core::{Capabilities, Capability};

#[cfg(target_vendor = "apple")]
pub(crate) use apple::*;
#[cfg(not(any(target_os = "windows", target_vendor = "apple")))]
pub(crate) use linux::*;
#[cfg(target_os = "windows")]
pub(crate) use windows::*;

/// What native-tls, the wire and the certificate give on every platform.
const EVERYWHERE: Capabilities = Capabilities::of(&[
    Capability::AlpnClient,
    Capability::ClientIdentity,
    Capability::DefaultSuites,
    Capability::Ed25519,
    Capability::EncryptedAlerts,
    Capability::OmitServerName,
    Capability::ReportCipherSuite,
    Capability::ReportGroup,
    Capability::ReportResumed,
    Capability::ReportServerName,
    Capability::ReportVersion,
    Capability::SkipAllVerification,
    Capability::SkipNameVerification,
    Capability::Tls12Client,
    Capability::Tls12HalfClose,
    Capability::Tls12Server,
]);
