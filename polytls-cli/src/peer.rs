//! What stands in the peer's own certificate, for people and for programs.

use polytls::Pin;
use polytls::pki_types::{CertificateDer, UnixTime};
use polytls::x509::CertificateFacts;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// For `--facts`; null if it is not readable.
pub(crate) fn to_json(certificate: &CertificateDer<'_>) -> Value {
    let Ok(facts) = CertificateFacts::read(certificate) else { return Value::Null };
    let addresses = facts.ip_addresses().iter().map(ToString::to_string);
    json!({
        "subject": facts.subject(),
        "issuer": facts.issuer(),
        "serial": hex(facts.serial()),
        "dns_names": facts.dns_names(),
        "ip_addresses": addresses.collect::<Vec<_>>(),
        "not_before": facts.not_before().as_secs(),
        "not_after": facts.not_after().as_secs(),
        "pin": pin(&facts),
    })
}

/// For people, a line each.
pub(crate) fn to_lines(certificate: &CertificateDer<'_>) -> Vec<(&'static str, String)> {
    let Ok(facts) = CertificateFacts::read(certificate) else {
        return vec![("certificate", "not readable".into())];
    };
    let addresses = facts.ip_addresses().iter().map(ToString::to_string);
    let names = facts.dns_names().iter().cloned().chain(addresses).collect::<Vec<_>>();
    let names = match names.is_empty() {
        true => "for no name".into(),
        false => format!("for {}", names.join(", ")),
    };
    vec![
        ("certificate", names),
        ("subject", facts.subject()),
        ("issuer", facts.issuer()),
        ("serial", hex(facts.serial())),
        ("valid", format!("{} to {}", date(facts.not_before()), date(facts.not_after()))),
        ("pin", pin(&facts)),
    ]
}

/// What `--pin` takes.
fn pin(facts: &CertificateFacts) -> String {
    Pin::sha256(facts.spki_sha256()).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn date(instant: UnixTime) -> String {
    let seconds = i64::try_from(instant.as_secs()).ok();
    match seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()) {
        Some(at) => {
            format!("{}T{:02}:{:02}:{:02}Z", at.date(), at.hour(), at.minute(), at.second())
        }
        None => "no time".into(),
    }
}
