//! A corpus of certificate chains in the format of x509-limbo, as far as it is used here.

use std::fs;
use std::path::Path;

use polytls::pki_types::pem::PemObject;
use polytls::pki_types::{CertificateDer, PrivateKeyDer};
use polytls::{Error, ErrorKind};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::failure::Result;

/// The whole file.
#[derive(Debug, Deserialize)]
pub(super) struct Corpus {
    version: u32,
    pub(super) testcases: Vec<TestCase>,
}

/// One chain, and what should be thought of it.
#[derive(Debug, Deserialize)]
pub(super) struct TestCase {
    pub(super) id: String,
    pub(super) validation_kind: Kind,
    pub(super) trusted_certs: Vec<String>,
    pub(super) untrusted_intermediates: Vec<String>,
    pub(super) peer_certificate: String,
    pub(super) peer_certificate_key: Option<String>,
    /// RFC 3339; now if there is none.
    pub(super) validation_time: Option<String>,
    pub(super) expected_result: Expected,
    pub(super) expected_peer_name: Option<PeerName>,
    pub(super) max_chain_depth: Option<usize>,
    #[serde(default)]
    pub(super) crls: Vec<String>,
}

/// Whose certificate is verified.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Kind {
    Client,
    Server,
}

/// What should come out.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Expected {
    Failure,
    Success,
}

/// The name that the peer should have.
#[derive(Debug, Deserialize)]
pub(super) struct PeerName {
    pub(super) value: String,
}

impl Corpus {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let failed = |why: String| {
            let why = format!("{}: {why}", path.display());
            Error::new(ErrorKind::Config).because(why)
        };
        let text = fs::read(path).map_err(|e| failed(format!("cannot be read: {e}")))?;
        let corpus: Self = serde_json::from_slice(&text)
            .map_err(|e| failed(format!("not a corpus in the format of x509-limbo: {e}")))?;
        match corpus.version {
            1 => Ok(corpus),
            other => Err(failed(format!("version {other} of the format is not known here")).into()),
        }
    }
}

impl TestCase {
    /// The peer's certificate and those that it sends along.
    pub(super) fn chain(&self) -> polytls::Result<Vec<CertificateDer<'static>>> {
        let texts = std::iter::once(&self.peer_certificate).chain(&self.untrusted_intermediates);
        texts.map(|text| certificate(text)).collect()
    }

    /// What is trusted.
    pub(super) fn roots(&self) -> polytls::Result<Vec<CertificateDer<'static>>> {
        self.trusted_certs.iter().map(|text| certificate(text)).collect()
    }

    /// The key of the peer's certificate, if the corpus has it.
    pub(super) fn key(&self) -> polytls::Result<Option<PrivateKeyDer<'static>>> {
        let Some(text) = &self.peer_certificate_key else { return Ok(None) };
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
        key.map(Some).map_err(|e| unusable("the key", e))
    }

    /// The instant of the verification, in seconds after the beginning of 1970.
    pub(super) fn seconds(&self) -> polytls::Result<Option<u64>> {
        let Some(text) = &self.validation_time else { return Ok(None) };
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|e| unusable("the time", e))?;
        let seconds = u64::try_from(time.unix_timestamp());
        seconds.map(Some).map_err(|e| unusable("the time", e))
    }
}

fn certificate(text: &str) -> polytls::Result<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(text.as_bytes()).map_err(|e| unusable("a certificate", e))
}

fn unusable(what: &str, e: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Config).because(format!("{what} of the case is unusable")).with_source(e)
}
