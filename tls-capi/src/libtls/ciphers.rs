//! `tls_config_set_ciphers`: words, names, and the few of OpenSSL's rules that libtls' words stand for.

use polytls::{CipherSuite, Version, Versions, keywords};

/// Libtls' words, and what LibreSSL makes of them, for programs that spell it out.
const RULES: &[(&str, &str)] = &[
    ("TLSv1.3:TLSv1.2+AEAD+ECDHE:TLSv1.2+AEAD+DHE", "secure"),
    ("TLSv1.2+AEAD+ECDHE:TLSv1.2+AEAD+DHE", "secure"),
    ("HIGH:!aNULL", "compat"),
    ("HIGH:MEDIUM:!aNULL", "legacy"),
    ("ALL:!aNULL:!eNULL", "all"),
];

/// The suites that a text names; `None` if there are none.
pub(super) fn parse(text: Option<&str>) -> Option<Vec<CipherSuite>> {
    let text = text.unwrap_or("secure");
    let word = RULES.iter().find(|(rule, _)| *rule == text).map_or(text, |(_, word)| *word);
    keywords::ciphers(word).ok()
}

/// Of these suites those of these versions, and the versions that still have one.
pub(super) fn fitting(
    suites: &[CipherSuite],
    versions: Versions,
) -> Option<(Vec<CipherSuite>, Versions)> {
    let version = |suite: &CipherSuite| match suite.is_tls13() {
        true => Version::Tls13,
        false => Version::Tls12,
    };
    let suites: Vec<_> =
        suites.iter().copied().filter(|suite| versions.contains(version(suite))).collect();
    let has = |wanted| suites.iter().any(|suite| version(suite) == wanted);
    let left = match (has(Version::Tls12), has(Version::Tls13)) {
        (true, true) => Versions::default(),
        (true, false) => Versions::only(Version::Tls12),
        (false, true) => Versions::only(Version::Tls13),
        (false, false) => return None,
    };
    Some((suites, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_names_are_suites() {
        assert_eq!(parse(None), parse(Some("secure")));
        assert_eq!(parse(Some("HIGH:!aNULL")), parse(Some("compat")));
        let one = parse(Some("TLS_AES_128_GCM_SHA256")).unwrap();
        assert_eq!(one, [CipherSuite::TLS13_AES_128_GCM_SHA256]);
        assert!(parse(Some("ECDHE-RSA-AES128-GCM-SHA256")).is_some());
        assert_eq!(parse(Some("x")), None);
        assert_eq!(parse(Some("")), None);
    }

    #[test]
    fn versions_without_a_suite_are_off() {
        let only13 = [CipherSuite::TLS13_AES_128_GCM_SHA256];
        let (suites, versions) = fitting(&only13, Versions::default()).unwrap();
        assert_eq!((&suites[..], versions), (&only13[..], Versions::only(Version::Tls13)));
        assert!(fitting(&only13, Versions::only(Version::Tls12)).is_none());
    }
}
