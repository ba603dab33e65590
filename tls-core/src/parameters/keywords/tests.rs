use super::*;
use crate::{CipherSuite, DhParams, Group, Profile, Result, Version, Versions};

fn why<T: std::fmt::Debug>(result: Result<T>) -> String {
    let e = result.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Config);
    e.to_string()
}

#[test]
fn words_for_versions_mean_what_libtls_means() {
    let both = Versions::default();
    let (tls12, tls13) = (Versions::only(Version::Tls12), Versions::only(Version::Tls13));
    for (text, versions) in [
        ("secure", both),
        ("default", both),
        ("all", both),
        ("legacy", both),
        ("tlsv1", both),
        ("TLSv1.2", tls12),
        ("tlsv1.3", tls13),
        ("tlsv1.2,tlsv1.3", both),
        ("tlsv1.2:tlsv1.3", both),
        ("tlsv1.2, \ttlsv1.3", both),
        (" tlsv1.3", tls13),
        ("all,!tlsv1.0", both),
        ("all:!tlsv1.0:!tlsv1.1:!tlsv1.2", tls13),
        ("!tlsv1.2", tls13),
        ("!tlsv1.0", both),
        ("!tlsv1.3,!tlsv1.2,tlsv1.2", tls12),
        ("tlsv1.0,tlsv1.1,tlsv1.2", tls12),
        // A set that has become empty begins anew.
        ("tlsv1.2,!tlsv1.2,!tlsv1.2", tls13),
        ("SECURE,!TLSv1.3", tls12),
    ] {
        assert_eq!(protocols(text).unwrap(), versions, "{text:?}");
    }
}

#[test]
fn words_for_versions_that_are_none_are_named_with_their_place() {
    for (text, named) in [
        ("", "an empty word at byte 0"),
        ("all,", "an empty word at byte 4"),
        (",all", "an empty word at byte 0"),
        ("all,,all", "an empty word at byte 4"),
        ("sslv3", "'sslv3', at byte 0"),
        ("all,sslv3", "'sslv3', at byte 4"),
        ("tlsv1.2 , tlsv1.3", "'tlsv1.2 ', at byte 0"),
        ("all,! tlsv1.2", "'! tlsv1.2', at byte 4"),
        ("all,!", "'!', at byte 4"),
        ("all,!!all", "'!!all', at byte 4"),
        ("tlsv1.2;tlsv1.3", "'tlsv1.2;tlsv1.3', at byte 0"),
        ("tlsv1.4", "'tlsv1.4'"),
        ("1.2", "'1.2'"),
        ("all,  é", "'é', at byte 6"),
    ] {
        assert!(why(protocols(text)).contains(named), "{text:?}: {}", why(protocols(text)));
    }
    for text in ["!all", "tlsv1.0", "tlsv1.1,tlsv1.0", "tlsv1.2,!tlsv1.2", "!tlsv1"] {
        assert!(why(protocols(text)).contains("leaves no version"), "{text:?}");
    }
}

#[test]
fn words_for_cipher_suites_mean_what_is_written() {
    for text in ["secure", "default", "SECURE"] {
        assert_eq!(ciphers(text).unwrap(), CipherSuite::DEFAULT, "{text}");
    }
    for text in ["compat", "legacy", "all", "insecure", "Compat"] {
        assert_eq!(ciphers(text).unwrap(), Profile::Legacy.cipher_suites(), "{text}");
    }
}

#[test]
fn lists_of_cipher_suites_are_read_by_either_name() {
    let (rsa, ecdsa) =
        (CipherSuite::ECDHE_RSA_AES_128_GCM_SHA256, CipherSuite::ECDHE_ECDSA_AES_256_GCM_SHA384);
    for text in [
        "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,ECDHE-ECDSA-AES256-GCM-SHA384",
        " ECDHE-RSA-AES128-GCM-SHA256 ;: TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\t",
    ] {
        assert_eq!(cipher_names(text).unwrap(), [rsa, ecdsa], "{text:?}");
        let all = ciphers(text).unwrap();
        assert_eq!(all[3..], [rsa, ecdsa], "{text:?}");
        assert_eq!(all[..3], CipherSuite::DEFAULT[..3], "{text:?}");
    }
    // Where one of TLS 1.3 is named, no other is meant.
    let one = [CipherSuite::TLS13_AES_128_GCM_SHA256];
    assert_eq!(ciphers("TLS_AES_128_GCM_SHA256").unwrap(), one);
    assert_eq!(cipher_names("AES128-SHA").unwrap(), [CipherSuite(0x002f)]);
}

#[test]
fn cipher_suites_that_are_none_are_named_with_their_place() {
    for (text, named) in [
        ("", "an empty word at byte 0"),
        (" : ", "an empty word at byte 0"),
        ("HIGH:!aNULL", "'HIGH', at byte 0"),
        ("AES128-SHA:!aNULL", "'!aNULL', at byte 11"),
        ("AES128-SHA secure", "'secure', at byte 11"),
        ("aes128-sha", "'aes128-sha', at byte 0"),
        ("AES128-SHA, RC4-SHA", "'RC4-SHA', at byte 12"),
        ("TLS_RSA_WITH_NULL_MD5", "on offer"),
        ("AES128-SHA:TLS_RSA_WITH_AES_128_CBC_SHA", "once"),
    ] {
        assert!(why(ciphers(text)).contains(named), "{text:?}: {}", why(ciphers(text)));
        assert!(why(cipher_names(text)).contains(named), "{text:?}");
    }
    assert!(why(cipher_names("secure")).contains("'secure', at byte 0"));
}

#[test]
fn words_for_groups_mean_what_libtls_means() {
    for text in ["default", "auto", "none", "NONE"] {
        assert!(curves(text).unwrap().is_empty() && curve(text).unwrap().is_empty(), "{text}");
    }
    let all = [Group::X25519MLKEM768, Group::X25519, Group::SECP256R1, Group::SECP384R1];
    for text in [
        "X25519MLKEM768,X25519,P-256,P-384",
        "x25519mlkem768:x25519:prime256v1:secp384r1",
        "X25519MLKEM768, X25519,\tsecp256r1: p-384",
    ] {
        assert_eq!(curves(text).unwrap(), all, "{text:?}");
    }
    assert_eq!(curves("P-521").unwrap(), [Group::SECP521R1]);
    assert_eq!(curve("P-256").unwrap(), [Group::SECP256R1]);
    for (text, named) in [
        ("", "an empty word at byte 0"),
        ("X25519,", "an empty word at byte 7"),
        ("X25519,auto", "'auto', at byte 7"),
        ("X25519 ,P-256", "'X25519 ', at byte 0"),
        ("P-256:prime256v1", "once"),
        ("P-255", "'P-255', at byte 0"),
    ] {
        assert!(why(curves(text)).contains(named), "{text:?}: {}", why(curves(text)));
    }
    assert!(why(curve("X25519,P-256")).contains("not a list"));
    assert!(why(curve("X25519:P-256")).contains("at byte 6"));
}

#[test]
fn words_for_dh_parameters_never_mean_less_than_2048_bits() {
    assert_eq!(dh_params("none").unwrap(), DhParams::None);
    assert_eq!(dh_params("Auto").unwrap(), DhParams::Auto);
    assert_eq!(dh_params("legacy").unwrap(), DhParams::Auto);
    for text in ["", "1024", "auto ", "auto,legacy"] {
        assert!(why(dh_params(text)).contains("expected none, auto or legacy"), "{text:?}");
    }
}

/// Whatever is thrown at them, they answer, and their errors stay short.
#[test]
fn no_text_makes_a_parser_panic() {
    const PIECES: &[&str] = &[
        "all",
        "!",
        ",",
        ":",
        ";",
        " ",
        "\t",
        "tlsv1.2",
        "TLSv1.3",
        "secure",
        "legacy",
        "auto",
        "none",
        "P-256",
        "X25519",
        "AES128-SHA",
        "TLS_AES_128_GCM_SHA256",
        "\0",
        "é",
        "\u{1f512}",
        "\u{2028}",
        "\u{feff}",
        "\n",
        "+",
        "@STRENGTH",
        "-",
        "0",
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        seed ^= seed >> 12;
        seed ^= seed << 25;
        seed ^= seed >> 27;
        (seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize % bound
    };
    for round in 0..5_000 {
        let length = below(if round % 100 == 0 { 2_000 } else { 12 });
        let text = (0..length).map(|_| PIECES[below(PIECES.len())]).collect::<String>();
        let outcomes = [
            protocols(&text).map(drop),
            ciphers(&text).map(drop),
            cipher_names(&text).map(drop),
            curves(&text).map(drop),
            curve(&text).map(drop),
            dh_params(&text).map(drop),
        ];
        for e in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(e.kind(), ErrorKind::Config, "{text:?}");
            assert!(e.to_string().len() <= 6 * text.len() + 300, "{text:?}");
        }
    }
}
