//! What a finished handshake settled.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use pki_types::CertificateDer;

use crate::{CipherSuite, EarlyData, Group, SignatureScheme, Version};

/// What a finished handshake settled.
///
/// What a library cannot say is `None`, and the capability beside it absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The name of the backend at work.
    pub backend: &'static str,
    /// Its library and the version of that, as it calls itself.
    pub library: Arc<str>,
    /// Whether the library runs in its FIPS mode; `None` if it does not say. Whether the module has been
    /// validated is for the papers to tell.
    pub fips: Option<bool>,
    /// The protocol version. Requires [`Capability::ReportVersion`](crate::Capability).
    pub version: Option<Version>,
    /// The cipher suite. Requires [`Capability::ReportCipherSuite`](crate::Capability).
    pub cipher_suite: Option<CipherSuite>,
    /// The key-exchange group, if one was used. Requires
    /// [`Capability::ReportGroup`](crate::Capability).
    pub group: Option<Group>,
    /// How the server has signed the handshake: the same on both sides, whichever this is. `None` if nobody
    /// has, as in a resumed session. Requires
    /// [`Capability::ReportSignatureScheme`](crate::Capability).
    pub signature_scheme: Option<SignatureScheme>,
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
    /// What became of early data, on a side whose configuration wants some.
    pub early_data: Option<EarlyData>,
}

impl Negotiated {
    /// How many bits the key of the [cipher](CipherSuite::strength_bits) has.
    pub fn strength_bits(&self) -> Option<u16> {
        self.cipher_suite.and_then(CipherSuite::strength_bits)
    }

    /// The peer's own certificate, if it presented one.
    pub fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.peer_chain.first()
    }

    /// The peer's certificates as PEM (RFC 7468), its own first, in lines of 64; empty if it presented
    /// none.
    pub fn peer_chain_pem(&self) -> String {
        self.peer_chain.iter().map(to_pem).collect()
    }
}

/// A certificate as PEM (RFC 7468), in lines of 64.
pub(crate) fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = &Base64::encode_string(certificate)[..];
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        text.extend([line, "\n"]);
        rest = more;
    }
    text + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    #[test]
    fn the_chain_as_pem_is_the_chain() {
        let chain = ["a.test", "b.test"].map(|name| {
            let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
            (made.cert, made.signing_key)
        });
        let peer_chain = chain.iter().map(|(cert, _)| cert.der().clone()).collect::<Vec<_>>();
        let negotiated = Negotiated { peer_chain: peer_chain.clone(), ..Negotiated::default() };
        let pem = negotiated.peer_chain_pem();
        assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
        let expected = chain[0].0.pem() + &chain[1].0.pem();
        assert_eq!(pem, expected.replace("\r\n", "\n"));
        let key = chain[0].1.serialize_pem();
        let read = Identity::from_pem(pem.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(read.chain(), peer_chain);
        assert_eq!(Negotiated::default().peer_chain_pem(), "");
    }
}
