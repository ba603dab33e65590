//! What is known of a connection and of its peer.

use polytls::pki_types::CertificateDer;
use polytls::x509::CertificateFacts;
use polytls::{Negotiated, ServerName};
use sha2::{Digest as _, Sha256};
use x509_cert::der::Decode as _;
use x509_cert::name::Name;

use super::Context;

impl Context {
    pub(super) fn negotiated(&self) -> Option<Negotiated> {
        self.connection.as_ref()?.stream.negotiated()
    }

    pub(super) fn alpn(&self) -> Option<String> {
        Some(String::from_utf8_lossy(&self.negotiated()?.alpn?).into_owned())
    }

    /// As OpenSSL writes it.
    pub(super) fn cipher(&self) -> Option<&'static str> {
        let suite = self.negotiated()?.cipher_suite?;
        suite.openssl_name().or(suite.name())
    }

    pub(super) fn strength(&self) -> u16 {
        self.negotiated().and_then(|known| known.strength_bits()).unwrap_or(0)
    }

    /// On a client the name that was meant.
    pub(super) fn server_name(&self) -> Option<String> {
        let connection = self.connection.as_ref()?;
        connection.name.clone().or_else(|| connection.stream.negotiated()?.server_name)
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.negotiated().and_then(|known| known.resumed).unwrap_or(false)
    }

    pub(super) fn version(&self) -> Option<&'static str> {
        Some(self.negotiated()?.version?.name())
    }

    pub(super) fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.negotiated()?.peer_certificate().cloned()
    }

    fn facts(&self) -> Option<CertificateFacts> {
        CertificateFacts::read(&self.leaf()?).ok()
    }

    /// By its names, or by its common name if it has none.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let (Some(facts), Ok(name)) = (self.facts(), ServerName::parse(name)) else { return false };
        facts.is_named(&name.as_pki()) || facts.is_named_of_old(&name.as_pki())
    }

    /// `SHA256:` and the hash of the certificate in hexadecimal digits.
    pub(super) fn hash(&self) -> Option<String> {
        let digits = Sha256::digest(self.leaf()?)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        Some(format!("SHA256:{digits}"))
    }

    pub(super) fn issuer(&self) -> Option<String> {
        on_one_line(&self.facts()?.issuer_der())
    }

    pub(super) fn subject(&self) -> Option<String> {
        on_one_line(&self.facts()?.subject_der())
    }

    pub(super) fn not_before(&self) -> i64 {
        self.facts().map_or(-1, |facts| seconds(facts.not_before().as_secs()))
    }

    pub(super) fn not_after(&self) -> i64 {
        self.facts().map_or(-1, |facts| seconds(facts.not_after().as_secs()))
    }

    pub(super) fn chain_pem(&self) -> Option<String> {
        Some(self.negotiated()?.peer_chain_pem()).filter(|pem| !pem.is_empty())
    }
}

/// A name as libtls writes it: `/C=XX/CN=example.com`.
fn on_one_line(der: &[u8]) -> Option<String> {
    let name = Name::from_der(der).ok()?;
    Some(name.0.iter().flat_map(|part| part.0.iter()).map(|part| format!("/{part}")).collect())
}

fn seconds(since_1970: u64) -> i64 {
    i64::try_from(since_1970).unwrap_or(i64::MAX)
}
