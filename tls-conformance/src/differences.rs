//! Where backends still differ: what the cases allow, and which backend does what.
//!
//! For reports only. No case reads this: a case never asks which backend it runs on.

/// A situation in which backends answer differently, because a library decides it where nobody
/// else can.
#[derive(Debug)]
pub struct Difference {
    /// What happens, as a sentence without its dot.
    pub situation: &'static str,
    /// The answers that are allowed.
    pub answers: &'static [Answer],
    /// The cases that allow these answers and no others. None: known from reading and trying.
    pub cases: &'static [&'static str],
}

/// One of the answers.
#[derive(Debug)]
pub struct Answer {
    /// What is done.
    pub what: &'static str,
    /// The backends that do it, by name.
    pub backends: &'static [&'static str],
}

/// All that are known. Each fails safely: it is the look of a refusal that differs, or a peer that
/// no one should meet.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        situation: "A TLS 1.2 server requires a certificate, and the client has none: the alert \
                    that the client sees",
        answers: &[
            Answer { what: "`certificate_required`", backends: RUSTLS },
            Answer { what: "`handshake_failure`", backends: &["boring", "openssl", "s2n"] },
            Answer { what: "cannot ask for one", backends: NATIVE },
        ],
        cases: &[
            "client_auth::a_client_without_a_required_certificate_is_refused_in_tls12",
            "faults::no_client_certificate_in_tls12",
        ],
    },
    Difference {
        situation: "A peer's certificates have more than 65,535 bytes",
        answers: &[
            Answer { what: "refused, without an alert", backends: RUSTLS },
            Answer { what: "refused, with an alert", backends: &["boring", "openssl", "s2n"] },
            Answer {
                what: "refused, with an alert; in TLS 1.3 only above 102,400 bytes",
                backends: NATIVE,
            },
        ],
        cases: &[
            "handshake::tls12_too_long_a_chain_of_certificates_is_refused",
            "handshake::tls13_too_long_a_chain_of_certificates_is_refused",
        ],
    },
    Difference {
        situation: "A record's header was changed, or data comes in clear after the handshake",
        answers: &[Answer {
            what: "`Protocol` or `BadRecord`, whichever the library notices first",
            backends: &["boring", "native", "openssl", "rustls", "rustls-ring", "s2n"],
        }],
        cases: &[
            "transfer::tls12_a_changed_header_is_found",
            "transfer::tls13_a_changed_header_is_found",
            "transfer::tls12_a_record_in_clear_is_found",
            "transfer::tls13_a_record_in_clear_is_found",
        ],
    },
    Difference {
        situation: "The content type outside of an encrypted TLS 1.3 record is changed",
        answers: &[
            Answer {
                what: "not looked at; the content is authenticated all the same",
                backends: RUSTLS,
            },
            Answer { what: "refused", backends: &["boring", "native", "openssl", "s2n"] },
        ],
        cases: &["transfer::tls13_a_changed_header_is_found"],
    },
    Difference {
        situation: "A TLS 1.2 client lists neither P-256 nor P-384 as a group, and the server has \
                    only such a key",
        answers: &[
            Answer { what: "goes on", backends: RUSTLS },
            Answer {
                what: "`NoSharedCipher`: the list limits certificates too (RFC 8422 §5.1.1)",
                backends: &["boring", "openssl"],
            },
        ],
        cases: &["differences::a_group_may_be_asked_of_the_certificate_too"],
    },
    Difference {
        situation: "A TLS 1.2 client accepts ECDSA only with another hash than the one that goes \
                    with the curve of the server's key",
        answers: &[
            Answer { what: "`NoSharedSignature`", backends: RUSTLS },
            Answer { what: "goes on", backends: &["boring", "native", "openssl", "s2n"] },
        ],
        cases: &["handshake::a_tls12_hello_of_another_hash_is_served_or_shares_no_signature"],
    },
    Difference {
        situation: "A certificate has its issuer's very name, and neither of them a key identifier",
        answers: &[
            Answer { what: "taken for what it is", backends: RUSTLS },
            Answer { what: "taken for self-signed", backends: &["openssl"] },
            Answer {
                what: "taken for self-signed, unless its key usage says that it signs no \
                       certificates",
                backends: &["boring"],
            },
        ],
        cases: &[],
    },
    Difference {
        situation: "An own certificate with an ECDSA key has a key usage without digitalSignature",
        answers: &[
            Answer {
                what: "loaded; every peer refuses it",
                backends: &["openssl", "rustls", "rustls-ring"],
            },
            Answer { what: "`Config`", backends: &["boring"] },
        ],
        cases: &["verification::a_certificate_that_may_not_sign_is_refused"],
    },
    Difference {
        situation: "A TLS 1.3 peer's certificate has a key usage without digitalSignature",
        answers: &[
            Answer {
                what: "`Purpose`, in the order of faults",
                backends: &["openssl", "rustls", "rustls-ring"],
            },
            Answer {
                what: "`Purpose` before any other fault, also where the chain is left out; the \
                       alert is `illegal_parameter`",
                backends: &["boring"],
            },
        ],
        cases: &[
            "verification::a_certificate_that_may_not_sign_is_refused",
            "client_auth::a_client_certificate_that_may_not_sign_is_refused",
        ],
    },
    Difference {
        situation: "A client refuses a server's certificate in TLS 1.3: the alert on the wire",
        answers: &[
            Answer { what: "encrypted", backends: &["boring", "rustls", "rustls-ring"] },
            Answer { what: "in clear", backends: &["native", "openssl", "s2n"] },
        ],
        cases: &["differences::a_refusal_in_tls13_is_an_alert_in_clear_or_encrypted"],
    },
    Difference {
        situation: "A TLS 1.2 peer prefers a suite or a group that is not in the core's defaults",
        answers: &[
            Answer {
                what: "another one in common is settled",
                backends: &["boring", "openssl", "rustls", "rustls-ring"],
            },
            Answer {
                what: "refused when it is settled, although there may be a better one in common",
                backends: &["native", "s2n"],
            },
        ],
        cases: &["differences::a_preferred_suite_that_is_not_ours_is_passed_over_or_refused"],
    },
    Difference {
        situation: "A client leaves out all verification: the server's own certificate",
        answers: &[
            Answer {
                what: "is told",
                backends: &["boring", "native", "openssl", "rustls", "rustls-ring"],
            },
            Answer { what: "is not told", backends: &["s2n"] },
        ],
        cases: &["differences::a_certificate_that_nobody_verified_is_told_or_nothing_is"],
    },
    Difference {
        situation: "Common names count, and a certificate's is the IP address that is meant",
        answers: &[
            Answer {
                what: "accepted, as by libtls",
                backends: &["boring", "openssl", "rustls", "rustls-ring"],
            },
            Answer { what: "refused (RFC 6125 §6.2.1)", backends: &["s2n"] },
        ],
        cases: &[],
    },
    Difference {
        situation: "The last second of a certificate's validity",
        answers: &[
            Answer {
                what: "belongs to it (RFC 5280 §4.1.2.5)",
                backends: &["boring", "openssl", "rustls", "rustls-ring"],
            },
            Answer { what: "is over", backends: &["native", "s2n"] },
        ],
        cases: &[],
    },
    Difference {
        situation: "The order of suites and groups by default",
        answers: &[
            Answer {
                what: "the core's",
                backends: &["boring", "openssl", "rustls", "rustls-ring"],
            },
            Answer { what: "OpenSSL's", backends: NATIVE },
            Answer {
                what: "AES-128 before AES-256; P-256 before X25519, and three groups more",
                backends: &["s2n"],
            },
        ],
        cases: &[],
    },
    Difference {
        situation: "The peer's chain on a connection that was resumed",
        answers: &[
            Answer { what: "as it was sent", backends: &["boring", "rustls", "rustls-ring"] },
            Answer { what: "its own certificate alone", backends: &["openssl"] },
        ],
        cases: &[],
    },
    Difference {
        situation: "A server has a staple that is no response about its own certificate, or its \
                    certificate is self-signed",
        answers: &[
            Answer {
                what: "stapled as it is; clients refuse what is no response about the certificate",
                backends: STAPLING,
            },
            Answer {
                what: "stapled as it is; from OpenSSL 3.6 on nothing is stapled",
                backends: &["openssl"],
            },
        ],
        cases: &[
            "staple::one_about_another_certificate_is_refused_or_not_sent",
            "staple::one_about_a_certificate_of_another_issuer_is_refused_or_not_sent",
            "staple::junk_is_refused_or_not_sent",
            "staple::junk_that_nobody_judges_is_handed_over_or_refused",
            "staple::one_of_a_self_signed_certificate_is_handed_over_or_not_sent",
        ],
    },
    Difference {
        situation: "A client that leaves out all verification is stapled what is no response",
        answers: &[
            Answer { what: "handed over", backends: STAPLING },
            Answer {
                what: "handed over; from OpenSSL 3.6 on `StapleInvalid`, and it cannot be read",
                backends: &["openssl"],
            },
        ],
        cases: &[
            "staple::junk_is_refused_or_not_sent",
            "staple::junk_that_nobody_judges_is_handed_over_or_refused",
        ],
    },
    Difference {
        situation: "A stapled response has bytes behind it",
        answers: &[
            Answer { what: "`StapleInvalid`", backends: STAPLING },
            Answer {
                what: "`StapleInvalid`; from OpenSSL 3.6 on those bytes are neither sent nor read",
                backends: &["openssl"],
            },
        ],
        cases: &["staple::what_stands_behind_a_response_is_refused_or_left_out"],
    },
    Difference {
        situation: "A server has several groups in common with a client: whose order decides",
        answers: &[
            Answer { what: "the client's", backends: RUSTLS },
            Answer {
                what: "the server's; the client's if its order of suites is followed",
                backends: &["boring"],
            },
            Answer {
                what: "the server's, or the client's if its order of suites is followed; in TLS 1.3 a \
                       group whose key has come already goes before",
                backends: &["openssl"],
            },
            Answer { what: "cannot be given an order", backends: &["native", "s2n"] },
        ],
        cases: &[],
    },
    Difference {
        situation: "A TLS 1.3 session is resumed, without early data: the server's key log",
        answers: &[
            Answer { what: "has what is used", backends: &["boring", "openssl"] },
            Answer { what: "has the secret of early data too", backends: RUSTLS },
        ],
        cases: &["secrets::both_sides_log_a_resumed_connection_in_tls13"],
    },
    Difference {
        situation: "A peer sends hundreds of key updates, and no data between them",
        answers: &[
            Answer {
                what: "each is answered, or the last one",
                backends: &["native", "openssl", "s2n"],
            },
            Answer {
                what: "`Protocol`, after 32 of them",
                backends: &["boring", "rustls", "rustls-ring"],
            },
        ],
        cases: &[
            "key_limit::a_flood_of_updates_by_a_client_is_bounded",
            "key_limit::a_flood_of_updates_by_a_server_is_bounded",
        ],
    },
    Difference {
        situation: "One side takes new keys more than 32 times, and the peer answers each time, and sends \
                    no data",
        answers: &[
            Answer { what: "goes on; answers are not asked for", backends: &["boring", "openssl"] },
            Answer {
                what: "`Protocol`, unless the peer puts its answers together",
                backends: RUSTLS,
            },
        ],
        cases: &["key_limit::much_data_one_way_under_many_keys"],
    },
    Difference {
        situation: "2^24 records have been sent under one key of AES-GCM in TLS 1.2, 256 GiB if they \
                    are full",
        answers: &[
            Answer { what: "writing fails, `Backend`", backends: RUSTLS },
            Answer {
                what: "goes on, up to 2^64",
                backends: &["boring", "native", "openssl", "s2n"],
            },
        ],
        cases: &[],
    },
    Difference {
        situation: "2^22 records have been sent under one key of TLS 1.3",
        answers: &[
            Answer { what: "new keys by the core", backends: &["boring", "openssl"] },
            Answer {
                what: "new keys by the library, later",
                backends: &["rustls", "rustls-ring", "s2n"],
            },
            Answer { what: "goes on with the same", backends: NATIVE },
        ],
        cases: &["key_limit::a_client_takes_new_keys_by_itself"],
    },
];

const NATIVE: &[&str] = &["native"];
/// Those that hand staples over as they are, in all versions.
const STAPLING: &[&str] = &["boring", "rustls", "rustls-ring"];
const RUSTLS: &[&str] = &["rustls", "rustls-ring"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CASES;

    #[test]
    fn the_cases_that_allow_a_difference_exist() {
        for name in DIFFERENCES.iter().flat_map(|difference| difference.cases) {
            assert!(CASES.iter().any(|case| case.name() == *name), "no case {name}");
        }
    }

    #[test]
    fn a_backend_answers_once() {
        for Difference { situation, answers, .. } in DIFFERENCES {
            let mut named: Vec<_> = answers.iter().flat_map(|a| a.backends).collect();
            let all = named.len();
            named.sort_unstable();
            named.dedup();
            assert!(all > 0 && named.len() == all, "{situation}");
        }
    }
}
