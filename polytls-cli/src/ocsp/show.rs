//! What a response says, for people and for programs.

use std::error::Error;
use std::time::{Duration, SystemTime};

use polytls::ocsp::{CertStatus, OcspError, Outcome, Response, ResponseStatus};
use polytls::x509::CertificateFacts;
use serde_json::{Value, json};

pub(crate) fn line(name: &str, fact: impl AsRef<str>) -> String {
    format!("{name:<13}{}", on_one_line(fact.as_ref()))
}

/// What a certificate or a responder says must not look like something that this program says.
fn on_one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        match c.is_control() {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    line
}

/// An error and what is underneath, on one line.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some say what is underneath themselves.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    on_one_line(&text)
}

/// Whose certificate it is.
pub(crate) fn certificate(facts: &CertificateFacts) -> String {
    let serial = facts.serial().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match facts.subject() {
        subject if subject.is_empty() => format!("serial number {serial}"),
        subject => format!("{subject}, serial number {serial}"),
    }
}

/// What is known of the response as a whole.
pub(crate) fn response(response: &Response, length: usize) -> String {
    let status = response.status();
    let mut lines = vec![line("response", format!("{status}: {}", meaning(status)))];
    if let Some(responder) = response.responder() {
        lines.push(line("responder", responder));
    }
    lines.push(line("size", format!("{length} bytes, about {}", certificates(response.len()))));
    lines.join("\n")
}

fn certificates(n: usize) -> String {
    match n {
        0 => "no certificate".to_owned(),
        1 => "one certificate".to_owned(),
        n => format!("{n} certificates"),
    }
}

/// What it says of the certificate.
pub(crate) fn outcome(outcome: &Outcome) -> String {
    let status = outcome.cert_status().map(|status| {
        let means = match status {
            CertStatus::Good => "it has not been revoked",
            CertStatus::Revoked => "it has been revoked",
            CertStatus::Unknown => "the responder does not know it",
        };
        format!("{status}: {means}")
    });
    let facts = [
        ("status", status),
        ("reason", outcome.crl_reason().map(|reason| reason.to_string())),
        ("revoked at", outcome.revocation_time().map(date)),
        ("this update", outcome.this_update().map(date)),
        ("next update", outcome.next_update().map(date)),
        ("produced at", outcome.produced_at().map(date)),
        ("result", Some(outcome.result().to_owned())),
        ("url", outcome.url().map(str::to_owned)),
    ];
    let known = facts.into_iter().filter_map(|(name, fact)| Some(line(name, fact?)));
    known.collect::<Vec<_>>().join("\n")
}

/// Whether to believe it, and if not, why not.
pub(crate) fn belief(verdict: &Result<Outcome, OcspError>) -> String {
    match verdict {
        Ok(_) => "yes: signed by the issuer or for it, and in date".to_owned(),
        Err(e) => format!("no: {e}"),
    }
}

/// In one line: the result, and until when.
pub(crate) fn summary(outcome: &Outcome) -> String {
    match outcome.next_update() {
        Some(next) => format!("{} until {}", outcome.result(), date(next)),
        None => outcome.result().to_owned(),
    }
}

/// What `--facts` has of a staple; what is not known is null. Times are seconds since 1970.
pub(crate) fn to_json(outcome: &Outcome) -> Value {
    json!({
        "cert_status": outcome.cert_status().map(CertStatus::name),
        "crl_reason": outcome.crl_reason().map(|reason| reason.name()),
        "next_update": outcome.next_update(),
        "produced_at": outcome.produced_at(),
        "response_status": outcome.response_status().name(),
        "result": outcome.result(),
        "revocation_time": outcome.revocation_time(),
        "this_update": outcome.this_update(),
        "url": outcome.url(),
    })
}

fn meaning(status: ResponseStatus) -> &'static str {
    match status {
        ResponseStatus::Successful => "the responder answered",
        ResponseStatus::MalformedRequest => "the responder did not understand the request",
        ResponseStatus::InternalError => "the responder failed",
        ResponseStatus::TryLater => "the responder has no answer now",
        ResponseStatus::SigRequired => "the responder wants signed requests",
        ResponseStatus::Unauthorized => "the responder does not answer about this certificate",
    }
}

fn date(seconds: u64) -> String {
    match SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        Some(instant) => format!("{} ({seconds})", httpdate::fmt_http_date(instant)),
        None => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_begin_a_line_of_its_own() {
        let name = "CN=a\nbelieved     yes\u{1b}[1m, it's \u{e9}";
        assert_eq!(
            line("issuer", name),
            "issuer       CN=a\\nbelieved     yes\\u{1b}[1m, it's \u{e9}"
        );
    }
}
