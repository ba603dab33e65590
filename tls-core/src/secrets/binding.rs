//! Channel bindings: what ties an authentication inside of a connection to the connection.

use pki_types::CertificateDer;

use crate::{Error, ErrorKind, Result, x509};

/// A kind of channel binding (RFC 5056).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelBinding {
    /// `tls-exporter` (RFC 9266): 32 bytes of the connection's own. In TLS 1.2 only with the extended
    /// master secret (RFC 7627).
    TlsExporter,
    /// `tls-server-end-point` (RFC 5929 §4): a hash of the server's certificate.
    TlsServerEndPoint,
    /// `tls-unique` (RFC 5929 §3): the first Finished message of the latest handshake, in TLS 1.2 only.
    /// For protocols that ask for it by name; others take [`TlsExporter`](Self::TlsExporter).
    TlsUnique,
}

impl ChannelBinding {
    /// The registered name, as SASL mechanisms write it (RFC 5802 §6).
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsServerEndPoint => "tls-server-end-point",
            Self::TlsUnique => "tls-unique",
        }
    }

    /// The label of the exporter (RFC 9266 §2).
    pub(crate) const LABEL: &'static [u8] = b"EXPORTER-Channel-Binding";
}

/// The hash of a server's certificate by the function that signed it, or SHA-256 in place of a weaker
/// one (RFC 5929 §4.1).
pub(crate) fn server_end_point(certificate: &CertificateDer<'_>) -> Result<Vec<u8>> {
    x509::server_end_point(certificate)?.ok_or_else(|| {
        let why = "the certificate is signed without a hash function of its own (RFC 5929 §4.1)";
        Error::new(ErrorKind::Misuse).because(why)
    })
}
