//! What is read from PEM (RFC 7468).

use pki_types::CertificateDer;
use pki_types::pem::PemObject;

use super::input::config_error;
use crate::Result;

/// The `CERTIFICATE` sections of `text`; at least one.
pub(crate) fn certificates_from_pem(
    text: &[u8],
    from: &str,
) -> Result<Vec<CertificateDer<'static>>> {
    let mut certificates = Vec::new();
    for section in CertificateDer::pem_slice_iter(pem_text(text, from)?) {
        certificates.push(section.map_err(|e| {
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

pub(super) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
