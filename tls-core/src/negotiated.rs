//! What a finished handshake settled.

use pki_types::CertificateDer;

use crate::{CipherSuite, Group, Version};

/// What a finished handshake settled.
///
/// What a library cannot say is `None`, and the capability beside it absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The protocol version. Requires [`Capability::ReportVersion`](crate::Capability).
    pub version: Option<Version>,
    /// The cipher suite. Requires [`Capability::ReportCipherSuite`](crate::Capability).
    pub cipher_suite: Option<CipherSuite>,
    /// The key-exchange group, if one was used. Requires
    /// [`Capability::ReportGroup`](crate::Capability).
    pub group: Option<Group>,
    /// The application protocol (ALPN), if one was agreed.
    pub alpn: Option<Vec<u8>>,
    /// The name the client asked for (SNI), if it sent one. On a server it requires
    /// [`Capability::ReportServerName`](crate::Capability).
    pub server_name: Option<String>,
    /// The peer's certificates, its own first, as it sent them. Beyond the first they require
    /// [`Capability::ReportPeerChain`](crate::Capability).
    pub peer_chain: Vec<CertificateDer<'static>>,
    /// The own certificate that was presented, if one was. Requires
    /// [`Capability::ReportLocalCertificate`](crate::Capability).
    pub local_certificate: Option<CertificateDer<'static>>,
    /// The OCSP response (DER) that the server has stapled to its certificate, on a client that asked
    /// for one. It has been verified, unless the chain was left out.
    pub staple: Option<Vec<u8>>,
    /// Whether the secrets depend on the whole handshake (RFC 7627), as always in TLS 1.3. Requires
    /// [`Capability::Exporter`](crate::Capability).
    pub extended_master_secret: Option<bool>,
    /// Whether an earlier session was resumed. Requires
    /// [`Capability::ReportResumed`](crate::Capability).
    pub resumed: Option<bool>,
}

impl Negotiated {
    /// The peer's own certificate, if it presented one.
    pub fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.peer_chain.first()
    }
}
