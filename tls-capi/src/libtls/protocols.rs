//! `tls_config_parse_protocols`: bits of versions, and their words.

use polytls::{Version, Versions};

const TLS10: u32 = 1 << 1;
const TLS11: u32 = 1 << 2;
const TLS12: u32 = 1 << 3;
const TLS13: u32 = 1 << 4;

/// All that there is here, and the default.
pub(super) const ALL: u32 = TLS12 | TLS13;

/// Reads words separated by `,` or `:`, each of which may be negated by `!`. A negation before all others
/// takes away from everything. `None` for anything else.
pub(super) fn parse(text: &str) -> Option<u32> {
    let mut bits = 0;
    for token in text.split([',', ':']) {
        // Blanks after a word, or after `!`, are part of it, and there is no such word.
        let token = token.trim_start_matches([' ', '\t']);
        let (word, negated) = match token.strip_prefix('!') {
            Some(word) => (word, true),
            None => (token, false),
        };
        if negated && bits == 0 {
            bits = ALL;
        }
        let meant = match word.to_ascii_lowercase().as_str() {
            "all" | "legacy" | "default" | "secure" | "tlsv1" => ALL,
            "tlsv1.0" => TLS10,
            "tlsv1.1" => TLS11,
            "tlsv1.2" => TLS12,
            "tlsv1.3" => TLS13,
            _ => return None,
        };
        match negated {
            true => bits &= !meant,
            false => bits |= meant,
        }
    }
    Some(bits)
}

/// The versions that bits stand for; `None` if none of them is here.
pub(super) fn versions(bits: u32) -> Option<Versions> {
    match (bits & TLS12 != 0, bits & TLS13 != 0) {
        (true, true) => Some(Versions::default()),
        (true, false) => Some(Versions::only(Version::Tls12)),
        (false, true) => Some(Versions::only(Version::Tls13)),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_libressl_reads_them() {
        for (text, bits) in [
            ("tlsv1.2", Some(0x08)),
            ("TLSv1.3", Some(0x10)),
            ("tlsv1.2,tlsv1.3", Some(0x18)),
            ("tlsv1.2: tlsv1.3", Some(0x18)),
            ("all", Some(0x18)),
            ("tlsv1", Some(0x18)),
            ("tlsv1.0:tlsv1.1", Some(0x06)),
            ("!tlsv1.2", Some(0x10)),
            ("all,!tlsv1.3", Some(0x08)),
            ("!all", Some(0)),
            ("!tlsv1.2,!tlsv1.3", Some(0)),
            ("tlsv1.2 , tlsv1.3", None),
            ("! tlsv1.2", None),
            ("", None),
            ("all,", None),
            ("sslv3", None),
            ("tlsv1.4", None),
        ] {
            assert_eq!(parse(text), bits, "{text:?}");
        }
    }
}
