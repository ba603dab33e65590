//! What is known about a connection, for people and for programs.

use pem::{EncodeConfig, LineEnding, Pem};
use polytls::ocsp::Outcome;
use polytls::pki_types::CertificateDer;
use polytls::{Backend, Negotiated};
use serde_json::{Value, json};

use crate::ktls::Way;
use crate::secrets::Exported;
use crate::{ktls, ocsp, peer};

/// What is known about a connection.
#[derive(Debug)]
pub(crate) struct Facts {
    /// What is known of a connection that never was.
    nothing: Negotiated,
    /// Nothing before the handshake is done.
    pub(crate) negotiated: Option<Negotiated>,
    /// Nothing before the handshake is done.
    pub(crate) way: Option<Way>,
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
        let mut nothing = Negotiated::default();
        nothing.backend = backend.name();
        nothing.library = backend.library().into();
        nothing.fips = backend.fips();
        Self {
            nothing,
            negotiated: None,
            way: None,
            close: None,
            staple: None,
            exports: Vec::new(),
        }
    }

    /// What `--facts` writes; what is not known is null.
    pub(crate) fn to_json(&self) -> Value {
        let known = self.negotiated.as_ref().unwrap_or(&self.nothing);
        let exports = || self.exports.iter().map(Exported::to_json).collect::<Vec<_>>();
        let mut facts = json!(known);
        facts["close"] = json!(self.close.map(Close::name));
        facts["exports"] = json!(self.negotiated.as_ref().map(|_| exports()));
        facts["ktls"] = ktls::to_json(self.way);
        facts["peer"] = json!(known.peer_certificate().map(peer::to_json));
        facts["staple"] = json!(self.staple.as_ref().map(ocsp::to_json));
        facts
    }

    /// What is printed once the handshake is done.
    pub(crate) fn to_lines(&self) -> String {
        let known = self.negotiated.as_ref().unwrap_or(&self.nothing);
        let or_unknown = |fact: Option<String>| fact.unwrap_or_else(|| "unknown".into());
        let certificate = known.peer_certificate().map(peer::to_lines);
        let certificate = certificate.unwrap_or_else(|| vec![("certificate", or_unknown(None))]);
        let yes_or_no = |fact: Option<bool>| {
            or_unknown(fact.map(|is_so| if is_so { "yes" } else { "no" }.to_owned()))
        };
        let signature = match known.signature_scheme {
            None if known.resumed == Some(true) => "none".into(), // nobody has signed
            scheme => or_unknown(scheme.map(|scheme| scheme.to_string())),
        };
        [
            ("backend", format!("{} ({})", known.backend, known.library)),
            ("fips", yes_or_no(known.fips)),
            ("version", or_unknown(known.version.map(|version| version.to_string()))),
            ("cipher", or_unknown(known.cipher_suite.map(|suite| suite.to_string()))),
            ("strength", or_unknown(known.strength_bits().map(|bits| format!("{bits} bits")))),
            ("group", or_unknown(known.group.map(|group| group.to_string()))),
            ("signature", signature),
            ("alpn", alpn(known).unwrap_or_else(|| "none".into())),
            ("servername", known.server_name.clone().unwrap_or_else(|| "none".into())),
            ("resumed", yes_or_no(known.resumed)),
            ("early data", known.early_data.map_or_else(|| "none".into(), |it| it.to_string())),
            ("records", self.way.map_or_else(|| "unknown".into(), Way::to_line)),
            ("staple", self.staple.as_ref().map_or_else(|| "none".into(), ocsp::summary)),
        ]
        .into_iter()
        .chain(certificate)
        .map(|(name, fact)| format!("  {name:<12}{fact}"))
        .collect::<Vec<_>>()
        .join("\n")
    }
}

/// How many of these connections resumed an earlier one, in a line.
pub(crate) fn summary(all: &[Facts]) -> String {
    let resumed = |facts: &&Facts| {
        facts.negotiated.as_ref().is_some_and(|negotiated| negotiated.resumed == Some(true))
    };
    format!(
        "{} of {} connections resumed an earlier session",
        all.iter().filter(resumed).count(),
        all.len()
    )
}

pub(crate) fn alpn(negotiated: &Negotiated) -> Option<String> {
    negotiated.alpn.as_deref().map(|name| String::from_utf8_lossy(name).into_owned())
}

pub(crate) fn to_pem(certificate: &CertificateDer<'_>) -> String {
    let section = Pem::new("CERTIFICATE", certificate.to_vec());
    pem::encode_config(&section, EncodeConfig::new().set_line_ending(LineEnding::LF))
}
