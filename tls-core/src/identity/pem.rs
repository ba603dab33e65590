//! What is read from PEM (RFC 7468).

use base64ct::{Base64, Encoding};
use pki_types::pem::PemObject;
use pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_cert::der::asn1::OctetStringRef;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::input::config_error;
use super::key::PrivateKey;
use super::sealed::{self, Fault, Secret, Work};
use crate::Result;

/// The `CERTIFICATE` sections of `text`; at least one.
pub(crate) fn certificates_from_pem(
    text: &[u8],
    from: &str,
) -> Result<Vec<CertificateDer<'static>>> {
    let mut certificates = Vec::new();
    // Each on its own: a key with headers, in the same file, is none of its business.
    for section in Sections::of(pem_text(text, from)?, &["CERTIFICATE"]) {
        certificates.push(CertificateDer::from_pem_slice(section.all).map_err(|e| {
            let why = format!("not valid PEM after certificate {}", certificates.len());
            config_error(from, &why).with_source(e)
        })?);
    }
    if certificates.is_empty() {
        return Err(config_error(from, "no certificate found"));
    }
    Ok(certificates)
}

/// `text`, ready for a reader that looks at whole lines and would pass over a section whose first
/// line is not all of its line.
pub(crate) fn pem_text<'a>(text: &'a [u8], from: &str) -> Result<&'a [u8]> {
    if contains(text, b"----------BEGIN ") {
        return Err(config_error(from, "not valid PEM: a line break is missing before \"BEGIN\""));
    }
    Ok(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)) // a byte order mark
}

/// The first private key in `text`; `password` is `None` if there is none for it.
pub(super) fn key_from_pem(text: &[u8], from: &str, password: Option<&str>) -> Result<PrivateKey> {
    let section = Sections::of(pem_text(text, from)?, &KEYS).next();
    let section = section.ok_or_else(|| config_error(from, "no private key found"))?;
    match (section.is_encrypted(), password) {
        (true, Some(password)) => section.open(from, password),
        (true, None) => {
            Err(config_error(from, "the private key is encrypted, and no password was given"))
        }
        (false, Some(_)) => {
            let why = "a password was given, but the private key is not encrypted";
            Err(config_error(from, why))
        }
        (false, None) => PrivateKeyDer::from_pem_slice(section.all)
            .map(PrivateKey::new)
            .map_err(|e| config_error(from, "not valid PEM").with_source(e)),
    }
}

/// The sections of PEM with certain labels.
struct Sections<'a> {
    rest: &'a [u8],
    labels: &'static [&'static str],
}

/// A section of PEM.
struct Section<'a> {
    label: &'static str,
    /// From its first line to its last.
    all: &'a [u8],
    /// Between these two; `None` if the last line is missing.
    body: Option<&'a [u8]>,
}

impl<'a> Sections<'a> {
    fn of(text: &'a [u8], labels: &'static [&'static str]) -> Self {
        Self { rest: text, labels }
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Section<'a>;

    fn next(&mut self) -> Option<Section<'a>> {
        let text = std::mem::take(&mut self.rest);
        let mut at = 0;
        let mut found = None;
        for line in text.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let (begin, end) = (at, at + line.len());
            at = end;
            match &found {
                None => {
                    let label = self.labels.iter().find(|label| is_mark(line, b"BEGIN ", label));
                    found = label.map(|label| (*label, begin, end));
                }
                Some((label, first, body)) if is_mark(line, b"END ", label) => {
                    self.rest = &text[end..];
                    let (all, body) = (&text[*first..end], Some(&text[*body..begin]));
                    return Some(Section { label, all, body });
                }
                Some(_) => {}
            }
        }
        found.map(|(label, first, _)| Section { label, all: &text[first..], body: None })
    }
}

impl<'a> Section<'a> {
    fn is_encrypted(&self) -> bool {
        self.label == ENCRYPTED
            || self.header("Proc-Type:").is_some_and(|kind| kind.contains("ENCRYPTED"))
    }

    /// What stands after `name`, in the manner of RFC 1421.
    fn header(&self, name: &str) -> Option<&'a str> {
        let mut lines = self.all.split(|byte| matches!(byte, b'\n' | b'\r'));
        lines.find_map(|line| std::str::from_utf8(line).ok()?.strip_prefix(name)).map(str::trim)
    }

    fn open(&self, from: &str, password: &str) -> Result<PrivateKey> {
        let body = self.body.ok_or_else(|| config_error(from, "not valid PEM: it has no end"))?;
        let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
        // The others are headers.
        let base64 = lines.filter(|line| !line.contains(&b':')).flatten();
        let base64 = base64.filter(|byte| !byte.is_ascii_whitespace()).copied();
        let sealed = String::from_utf8(base64.collect()).ok();
        let sealed = sealed.and_then(|base64| Base64::decode_vec(&base64).ok());
        let sealed =
            sealed.ok_or_else(|| config_error(from, "not valid PEM: its base64 is wrong"))?;
        let opened = match self.label {
            ENCRYPTED => open_pkcs8(&sealed, password, &mut Work::new()),
            _ => sealed::open_dek(self.header("DEK-Info:").unwrap_or_default(), &sealed, password),
        };
        let opened = opened.map_err(|fault| fault.at(from, password))?;
        let key = match self.label {
            ENCRYPTED => PrivatePkcs8KeyDer::from(&opened[..]).clone_key().into(),
            _ => PrivateKeyDer::try_from(&opened[..])
                .map_err(|_| Fault::WrongPassword.at(from, password))?
                .clone_key(),
        };
        Ok(PrivateKey::new(key))
    }
}

/// Whether this line begins or ends a section of this label.
fn is_mark(line: &[u8], kind: &[u8], label: &str) -> bool {
    let rest = line.strip_prefix(b"-----").and_then(|rest| rest.strip_prefix(kind));
    let rest = rest.and_then(|rest| rest.strip_prefix(label.as_bytes()));
    rest.is_some_and(|rest| rest.trim_ascii_end() == b"-----")
}

/// Decrypts `EncryptedPrivateKeyInfo ::= SEQUENCE { algorithm, OCTET STRING }` (RFC 5958 §3).
pub(super) fn open_pkcs8(sealed: &[u8], password: &str, work: &mut Work) -> Result<Secret, Fault> {
    let (algorithm, data) = SliceReader::new(sealed)?.sequence(|fields| {
        Ok((AlgorithmIdentifierRef::decode(fields)?, OctetStringRef::decode(fields)?))
    })?;
    sealed::open(algorithm, data.as_bytes(), password, work)
}

/// What a section with a private key may be called.
const KEYS: [&str; 4] = ["PRIVATE KEY", ENCRYPTED, "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
