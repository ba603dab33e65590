//! What a connection's secrets are good for beside its records.

use super::{Connection, misuse};
use crate::secrets::{check_export, server_end_point};
use crate::{Capability, ChannelBinding, Error, ErrorKind, Result, Version};

impl Connection {
    /// Derives keying material for a protocol above: bytes that both sides can compute, and nobody else
    /// (RFC 5705, RFC 8446 §7.5).
    ///
    /// `label` is one that is registered with IANA or begins with `EXPERIMENTAL`; in TLS 1.2 no context
    /// differs from an empty one, in TLS 1.3 it does not.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] before the handshake is done, for 0 or more than 8160 bytes, a label that is
    /// empty, too long, not ASCII or reserved, and a context of more than 512 bytes;
    /// [`ErrorKind::Unsupported`] if the backend lacks [`Capability::Exporter`](crate::Capability).
    pub fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<()> {
        self.check_established("export")?;
        check_export(out, label, context)?;
        self.session.look().export_keying_material(out, label, context)
    }

    /// What ties an authentication inside of this connection to it: equal on both sides.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] before the handshake is done, and where the binding is not defined: for
    /// `tls-exporter` in TLS 1.2 without the extended master secret (RFC 9266 §4.2), for
    /// `tls-server-end-point` if the certificate's signature has no hash function (RFC 5929 §4.1), for
    /// `tls-unique` in TLS 1.3 (RFC 9266 §1), and on a connection that was resumed without the extended
    /// master secret (RFC 7627 §1); [`ErrorKind::Unsupported`] if the backend lacks
    /// [`Capability::Exporter`](crate::Capability) or [`Capability::TlsUnique`](crate::Capability), or
    /// cannot tell its own certificate.
    pub fn channel_binding(&self, kind: ChannelBinding) -> Result<Vec<u8>> {
        self.check_established("channel binding")?;
        let negotiated = self.session.look().negotiated();
        match kind {
            ChannelBinding::TlsExporter => {
                let mut out = vec![0; 32];
                self.export_keying_material(&mut out, ChannelBinding::LABEL, Some(&[]))?;
                match negotiated.extended_master_secret {
                    Some(true) => Ok(out),
                    _ => Err(misuse("tls-exporter needs the extended master secret in TLS 1.2")),
                }
            }
            ChannelBinding::TlsServerEndPoint => {
                let lacks = Error::new(ErrorKind::Unsupported(Capability::ReportLocalCertificate));
                let certificate = match self.rules.is_server {
                    true => negotiated.local_certificate,
                    false => negotiated.peer_chain.into_iter().next(),
                };
                server_end_point(&certificate.ok_or(lacks)?)
            }
            ChannelBinding::TlsUnique => {
                if negotiated.version == Some(Version::Tls13) {
                    return Err(misuse("tls-unique is not defined in TLS 1.3"));
                }
                let unique = self.session.look().tls_unique()?;
                // Such a connection can be made to have the Finished of another.
                match (negotiated.resumed, negotiated.extended_master_secret) {
                    (Some(false), _) | (_, Some(true)) => Ok(unique),
                    _ => Err(misuse(
                        "tls-unique of what was resumed needs the extended master secret",
                    )),
                }
            }
        }
    }
}
