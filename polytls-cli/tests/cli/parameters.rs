//! What may be negotiated, as the arguments say.

use polytls::{Capability, CipherSuite};

use crate::support::{Certificates, can, for_each_backend, in_full, polytls};

/// What a client with these arguments agrees on with an echoing server with those: its facts; or `None`,
/// if the backend lacks one of these capabilities, and the program says so.
fn agreed(
    backend: &str,
    client: &[&str],
    server: &[&str],
    needs: &[Capability],
) -> Option<serde_json::Value> {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    let common = ["--servername", "localhost", "--facts", &facts];
    if let Some(lacks) = needs.iter().find(|what| !can(backend, **what)) {
        // Whichever side it is, it is refused before a byte is sent.
        let ca = files.path("ca.pem");
        let connect = ["connect", "127.0.0.1:1", "--backend", backend, "--ca", &ca];
        let refused = polytls(connect.iter().chain(client));
        if !client.is_empty() {
            let says = |what: &Capability| refused.has_error(&format!("unsupported({what})"));
            assert!(needs.iter().any(says), "{backend}, {lacks}: {}", refused.stderr);
            refused.expect(2);
        }
        return None;
    }
    let server = files.echo(backend, server);
    let args = common.iter().chain(client).copied().collect::<Vec<_>>();
    in_full(files.connect(server.address, backend, &args), b"over there\n").expect(0);
    server.terminate().expect(0);
    Some(files.facts("facts.json"))
}

#[test]
fn suites_are_chosen_by_either_name_and_bring_their_version() {
    use Capability::{CipherSuites, Tls12Server, Tls13Server};
    for_each_backend(|backend| {
        for (names, server, spoken) in [
            ("TLS_CHACHA20_POLY1305_SHA256", Tls13Server, "TLS_CHACHA20_POLY1305_SHA256"),
            (
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                Tls12Server,
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            ),
        ] {
            let needs = [CipherSuites, server];
            if let Some(facts) = agreed(backend, &["--ciphers", names], &[], &needs) {
                assert_eq!(facts["cipher"], spoken, "{backend}");
                let version = if server == Tls13Server { "TLSv1.3" } else { "TLSv1.2" };
                assert_eq!(facts["version"], version, "{backend}");
            }
            if let Some(facts) = agreed(backend, &[], &["--ciphers", names], &needs) {
                assert_eq!(facts["cipher"], spoken, "{backend}");
            }
        }
    });
}

#[test]
fn words_for_versions_and_groups_are_those_of_libtls() {
    for_each_backend(|backend| {
        let words = ["--protocols", "all,!tlsv1.3"];
        let needs = [Capability::Tls12Client, Capability::ReportVersion];
        let facts = agreed(backend, &words, &[], &needs).unwrap();
        assert_eq!(facts["version"], "TLSv1.2", "{backend}");
        let groups = ["--groups", "secp384r1"];
        if let Some(facts) = agreed(backend, &groups, &[], &[Capability::Groups]) {
            assert_eq!(facts["group"], "secp384r1", "{backend}");
        }
    });
}

#[test]
fn profiles_mean_what_is_negotiated() {
    use Capability::{CipherSuites, Groups, LegacySuites, SignatureSchemes, Tls13Server};
    for_each_backend(|backend| {
        let fips = ["--profile", "fips"];
        let needs = [CipherSuites, Groups, SignatureSchemes];
        for (client, server) in [(&fips[..], &[][..]), (&[], &fips)] {
            if let Some(facts) = agreed(backend, client, server, &needs) {
                assert!(facts["cipher"].as_str().unwrap().contains("_GCM_"), "{backend}");
                assert_eq!(facts["group"], "secp256r1", "{backend}");
            }
        }
        let modern = ["--profile", "modern"];
        if can(backend, Tls13Server) {
            let facts = agreed(backend, &modern, &modern, &[]).unwrap();
            assert_eq!(facts["version"], "TLSv1.3", "{backend}");
        }
        let old = ["--profile", "legacy", "--ciphers", "ECDHE-ECDSA-AES128-SHA"];
        let needs = [CipherSuites, LegacySuites];
        if let Some(facts) = agreed(backend, &old, &["--profile", "legacy"], &needs) {
            assert_eq!(facts["cipher"], "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "{backend}");
        }
    });
}

#[test]
fn the_clients_order_schemes_and_small_records_can_be_asked_for() {
    use Capability::{CipherSuites, ClientOrder, LimitRecords, SignatureSchemes, Tls13Server};
    for_each_backend(|backend| {
        if can(backend, ClientOrder) && can(backend, CipherSuites) && can(backend, Tls13Server) {
            let order = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
            let client = ["--ciphers", order];
            let facts = agreed(backend, &client, &["--client-order"], &[]).unwrap();
            let first: CipherSuite = order.split(':').next().unwrap().parse().unwrap();
            assert_eq!(facts["cipher"], first.to_string(), "{backend}");
            let facts = agreed(backend, &client, &[], &[]).unwrap();
            assert_eq!(facts["cipher"], "TLS_AES_256_GCM_SHA384", "{backend}");
        }
        let schemes = ["--signature-schemes", "ecdsa_secp256r1_sha256,rsa_pss_rsae_sha256"];
        let _ = agreed(backend, &schemes, &schemes, &[SignatureSchemes]);
        let small = ["--record-limit", "512"];
        let _ = agreed(backend, &small, &small, &[LimitRecords]);
    });
}

#[test]
fn words_that_are_none_are_named_with_their_place() {
    for (option, word, named) in [
        ("--protocols", "all,sslv3", "'sslv3', at byte 4"),
        ("--ciphers", "AES128-SHA:!aNULL", "'!aNULL', at byte 11"),
        ("--groups", "X25519:P-255", "'P-255', at byte 7"),
        ("--profile", "old", "expected modern, intermediate, fips or legacy"),
        ("--signature-schemes", "rsa", "'rsa' is not a signature scheme"),
    ] {
        let run = polytls(["connect", "127.0.0.1:1", option, word]).expect(2);
        assert!(run.stderr.contains(named), "{option} {word}: {}", run.stderr);
    }
}
