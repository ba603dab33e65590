//! What is known about a connection, for people and for programs.

use pem::{EncodeConfig, LineEnding, Pem};
use polytls::ocsp::Outcome;
use polytls::pki_types::CertificateDer;
use polytls::{Backend, Negotiated};
use serde_json::{Value, json};

use crate::secrets::Exported;
use crate::{ocsp, peer};

/// What is known about a connection.
#[derive(Debug)]
pub(crate) struct Facts {
    backend: &'static str,
    library: String,
    /// Nothing before the handshake is done.
    pub(crate) negotiated: Option<Negotiated>,
    /// Nothing before the connection has ended, and if it ended in another way.
    pub(crate) close: Option<Close>,
    /// What the stapled OCSP response says; nothing if none has come.
    pub(crate) staple: Option<Outcome>,
    /// What was asked to be exported, once the handshake is done.
    pub(crate) exports: Vec<Exported>,
}

/// How the peer ended what it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// With close_notify.
    Notify,
    /// Without.
    Truncated,
}

impl Close {
    fn name(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Truncated => "truncated",
        }
    }
}

impl Facts {
    pub(crate) fn new(backend: &dyn Backend) -> Self {
        let library = backend.library();
        Self {
            backend: backend.name(),
            library,
            negotiated: None,
            close: None,
            staple: None,
            exports: Vec::new(),
        }
    }

    /// What `--facts` writes; what is not known is null.
    pub(crate) fn to_json(&self) -> Value {
        let known = self.negotiated.as_ref();
        let chain = known.map(|n| n.peer_chain.iter().map(to_pem).collect::<Vec<_>>());
        let suite = known.and_then(|n| n.cipher_suite);
        json!({
            "alpn": known.and_then(alpn),
            "backend": self.backend,
            "cipher": suite.map(|suite| suite.to_string()),
            "cipher_id": suite.map(|suite| format!("0x{:04x}", suite.0)),
            "close": self.close.map(Close::name),
            "early_data": known.and_then(|n| n.early_data).map(|early| early.name()),
            "exports": known.map(|_| self.exports.iter().map(Exported::to_json).collect::<Vec<_>>()),
            "group": known.and_then(|n| n.group).map(|group| group.to_string()),
            "library": self.library,
            "peer": known.and_then(Negotiated::peer_certificate).map(peer::to_json),
            "peer_chain": chain.filter(|chain| !chain.is_empty()),
            "resumed": known.and_then(|n| n.resumed),
            "servername": known.and_then(|n| n.server_name.as_deref()),
            "staple": self.staple.as_ref().map(ocsp::to_json),
            "version": known.and_then(|n| n.version).map(|version| version.name()),
        })
    }

    /// What is printed once the handshake is done.
    pub(crate) fn to_lines(&self) -> String {
        let known = self.negotiated.clone().unwrap_or_default();
        let or_unknown = |fact: Option<String>| fact.unwrap_or_else(|| "unknown".into());
        let certificate = known.peer_certificate().map(peer::to_lines);
        let certificate = certificate.unwrap_or_else(|| vec![("certificate", or_unknown(None))]);
        let resumed = known.resumed.map(|resumed| if resumed { "yes" } else { "no" }.to_owned());
        [
            ("backend", format!("{} ({})", self.backend, self.library)),
            ("version", or_unknown(known.version.map(|version| version.to_string()))),
            ("cipher", or_unknown(known.cipher_suite.map(|suite| suite.to_string()))),
            ("group", or_unknown(known.group.map(|group| group.to_string()))),
            ("alpn", alpn(&known).unwrap_or_else(|| "none".into())),
            ("servername", known.server_name.clone().unwrap_or_else(|| "none".into())),
            ("resumed", or_unknown(resumed)),
            ("early data", known.early_data.map_or_else(|| "none".into(), |it| it.to_string())),
            ("staple", self.staple.as_ref().map_or_else(|| "none".into(), ocsp::summary)),
        ]
        .into_iter()
        .chain(certificate)
        .map(|(name, fact)| format!("  {name:<12}{fact}"))
        .collect::<Vec<_>>()
        .join("\n")
    }
}

pub(crate) fn alpn(negotiated: &Negotiated) -> Option<String> {
    negotiated.alpn.as_deref().map(|name| String::from_utf8_lossy(name).into_owned())
}

pub(crate) fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let section = Pem::new("CERTIFICATE", certificate.to_vec());
    pem::encode_config(&section, EncodeConfig::new().set_line_ending(LineEnding::LF))
}
