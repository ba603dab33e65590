//! Names as `X509_NAME_oneline(3)` writes them: `/C=US/CN=a.test`.

use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::name::Name;

/// OpenSSL's short names of what stands in names.
const SHORT: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "GN"),
    ("2.5.4.43", "initials"),
    ("2.5.4.44", "generationQualifier"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.65", "pseudonym"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
];

/// A name in DER, in one line; empty if it is none.
pub(super) fn of(der: &[u8]) -> String {
    let Ok(name) = Name::from_der(der) else { return String::new() };
    let mut line = String::new();
    for part in name.0.iter().flat_map(|set| set.0.iter()) {
        line.push('/');
        line.push_str(&short(part.oid));
        line.push('=');
        // Those of several bytes a character: OpenSSL leaves out the bytes that are 0 in all of them.
        let wide = match part.value.tag() {
            Tag::BmpString => 2,
            _ => 1,
        };
        add(&mut line, part.value.value(), wide);
    }
    line
}

fn short(oid: ObjectIdentifier) -> String {
    let text = oid.to_string();
    let known = SHORT.iter().find(|(number, _)| *number == text);
    known.map_or(text, |(_, name)| (*name).to_owned())
}

fn add(line: &mut String, bytes: &[u8], wide: usize) {
    let skips = |at: usize| wide > 1 && bytes.iter().skip(at).step_by(wide).all(|byte| *byte == 0);
    let skipped: Vec<bool> = (0..wide).map(skips).collect();
    for (i, byte) in bytes.iter().enumerate().filter(|(i, _)| !skipped[i % wide]) {
        let _ = i;
        match byte {
            b' '..=b'~' => line.push(char::from(*byte)),
            other => line.push_str(&format!("\\x{other:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line() {
        use x509_cert::der::Encode;
        let name: Name = "CN=a b,O=\\C3\\A9,C=US".parse().unwrap();
        assert_eq!(of(&name.to_der().unwrap()), "/C=US/O=\\xC3\\xA9/CN=a b");
        let name: Name = "1.2.3.4=#0c0178".parse().unwrap();
        assert_eq!(of(&name.to_der().unwrap()), "/1.2.3.4=x");
        assert_eq!(of(b"junk"), "");
    }
}
