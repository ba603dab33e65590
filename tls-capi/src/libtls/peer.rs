//! What a handshake has settled, as C asks for it: made once, so that what C is given stays in place.

use std::ffi::{CStr, CString};

use polytls::pki_types::CertificateDer;
use polytls::x509::CertificateFacts;
use polytls::{Negotiated, ServerName};
use sha2::{Digest, Sha256};

use super::oneline;

/// What a handshake has settled.
pub(super) struct Peer {
    pub(super) alpn: Option<CString>,
    pub(super) cipher: Option<CString>,
    pub(super) strength: i32,
    pub(super) server_name: Option<CString>,
    pub(super) resumed: bool,
    pub(super) version: Option<CString>,
    pub(super) certificate: Option<Certificate>,
}

/// The peer's certificate.
pub(super) struct Certificate {
    pub(super) facts: CertificateFacts,
    pub(super) common_name: CString,
    pub(super) hash: CString,
    pub(super) issuer: CString,
    pub(super) subject: CString,
    pub(super) chain_pem: Box<[u8]>,
}

impl Peer {
    pub(super) fn new(negotiated: &Negotiated, name: Option<&str>) -> Self {
        let cipher = negotiated.cipher_suite;
        let name = name.map(str::to_owned).or_else(|| negotiated.server_name.clone());
        Self {
            alpn: negotiated.alpn.as_deref().map(text),
            cipher: cipher.and_then(|suite| suite.openssl_name().or(suite.name())).map(text),
            strength: negotiated.strength_bits().map_or(0, i32::from),
            server_name: name.map(text),
            resumed: negotiated.resumed.unwrap_or_default(),
            version: negotiated.version.map(|version| text(version.name())),
            certificate: negotiated
                .peer_certificate()
                .and_then(|der| Certificate::new(der, negotiated.peer_chain_pem())),
        }
    }
}

impl Certificate {
    fn new(der: &CertificateDer<'_>, chain_pem: String) -> Option<Self> {
        // The backend has read it before.
        let facts = CertificateFacts::read(der).ok()?;
        let hash: String = Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect();
        let common_name = facts.common_names().into_iter().next_back().unwrap_or_default();
        Some(Self {
            common_name: text(common_name),
            hash: text(format!("SHA256:{hash}")),
            issuer: text(oneline::of(&facts.issuer_der())),
            subject: text(oneline::of(&facts.subject_der())),
            chain_pem: chain_pem.into_bytes().into(),
            facts,
        })
    }

    /// Whether it is for this server: by its names, or by its common name if it has none.
    pub(super) fn is_for(&self, name: &str) -> bool {
        ServerName::parse(name).is_ok_and(|name| {
            let name = name.as_pki();
            self.facts.is_named(&name) || self.facts.is_named_of_old(&name)
        })
    }

    pub(super) fn not_before(&self) -> i64 {
        seconds(self.facts.not_before().as_secs())
    }

    pub(super) fn not_after(&self) -> i64 {
        seconds(self.facts.not_after().as_secs())
    }
}

/// A `time_t`.
pub(super) fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

/// Text for C: what follows a NUL would not be seen, and is shown in its place.
pub(super) fn text(text: impl Into<Vec<u8>>) -> CString {
    let bytes = text.into();
    CString::new(bytes).unwrap_or_else(|e| {
        let bytes = e.into_vec();
        let shown: Vec<u8> = bytes
            .iter()
            .flat_map(|byte| match byte {
                0 => b"\\x00".to_vec(),
                byte => vec![*byte],
            })
            .collect();
        CString::new(shown).unwrap_or_default()
    })
}

/// A borrowed form of an optional text.
pub(super) fn borrowed(text: &Option<CString>) -> Option<&CStr> {
    text.as_deref()
}
