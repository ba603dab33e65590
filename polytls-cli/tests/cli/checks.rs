//! What `connect` and `serve` check beside the authorities: each option has its effect, and no other.

use polytls::{Capability, Identity, Pin};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use tls_conformance::{Authority, Leaf};

use crate::support::{Certificates, Finished, can, for_each_backend, pem, refusal, with_input};

const LOCALHOST: [&str; 2] = ["--servername", "localhost"];

/// An authority that signs lists.
struct Lists(Issuer<'static, KeyPair>);

impl Lists {
    fn of(authority: &Authority, params: Option<CertificateParams>) -> Self {
        let identity = authority.as_identity();
        let key = KeyPair::try_from(identity.key().unwrap().secret_der()).unwrap();
        Self(Issuer::new(params.unwrap(), key))
    }

    /// A list of these, in DER, until the end of this year.
    fn list(&self, revoked: &[&Identity], until: i32) -> Vec<u8> {
        let revoked = revoked.iter().map(|identity| RevokedCertParams {
            serial_number: SerialNumber::from_slice(identity.leaf_facts().serial()),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(until, 12, 31),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().der().to_vec()
    }
}

/// A directory of an authority that signs lists.
fn with_lists() -> (Certificates, Lists) {
    let mut params = None;
    let root = Authority::root_with("root with lists", |own| params = Some(own.clone()));
    let lists = Lists::of(&root, params);
    (Certificates::of(root), lists)
}

fn list_pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("X509 CRL", der))
}

/// Runs `connect` against a server of `server.pem`; or `None`, if the backend lacks this, and the
/// program says so.
fn connect(
    files: &Certificates,
    backend: &str,
    needs: Capability,
    args: &[&str],
) -> Option<Finished> {
    let server = files.echo(backend, &[]);
    let args = LOCALHOST.iter().chain(args).copied().collect::<Vec<_>>();
    let run = with_input(files.connect(server.address, backend, &args), b"x");
    if can(backend, needs) {
        return Some(run);
    }
    let run = run.expect(2);
    assert!(run.has_error(&format!("unsupported({needs})")), "{}", run.stderr);
    None
}

#[track_caller]
fn accepted(run: Option<Finished>) {
    if let Some(run) = run {
        assert_eq!(run.expect(0).stdout, b"x");
    }
}

#[track_caller]
fn refused(run: Option<Finished>, kind: &str) {
    if let Some(run) = run {
        run.expect_error(kind);
    }
}

#[test]
fn a_list_refuses_what_it_revokes_and_nothing_else() {
    let (files, lists) = with_lists();
    let (good, bad) = (files.authority.server("localhost"), files.authority.server("localhost"));
    files.add("server", &good);
    let path = |name: &str, der: &[u8]| {
        std::fs::write(files.root().join(name), der).unwrap();
        files.path(name)
    };
    let other = path("other.crl", &lists.list(&[&bad], 2999));
    let text = files.write("text.crl", &list_pem(&lists.list(&[&bad], 2999)));
    let own = path("own.crl", &lists.list(&[&good], 2999));
    let old = path("old.crl", &lists.list(&[&bad], 2021));
    let needs = Capability::RevocationLists;
    for_each_backend(|backend| {
        let run = |args: &[&str]| connect(&files, backend, needs, args);
        accepted(run(&["--crl", &other]));
        accepted(run(&["--crl", text.to_str().unwrap()]));
        refused(run(&["--crl", &own]), &refusal(backend, "revoked"));
        refused(run(&["--crl", &other, "--crl", &own]), &refusal(backend, "revoked"));
        refused(run(&["--crl", &old]), &refusal(backend, "revocation-expired"));
        accepted(run(&["--crl", &old, "--crl-allow-expired"]));
        refused(run(&["--crl", &own, "--crl-allow-expired"]), &refusal(backend, "revoked"));
    });
    for (bad, why) in [("missing.crl", "cannot be read"), ("ca.pem", "no list")] {
        let path = files.path(bad);
        let server = files.echo(&crate::support::BACKENDS[0], &[]);
        let args = ["--servername", "localhost", "--crl", &path];
        let command = files.connect(server.address, &crate::support::BACKENDS[0], &args);
        let run = with_input(command, b"").expect(2);
        assert!(run.has_config_error_about(&path) && run.stderr.contains(why), "{}", run.stderr);
    }
}

#[test]
fn every_issuer_needs_a_list_unless_told_otherwise() {
    let (files, _) = with_lists();
    let mut params = None;
    let keep = |own: &mut CertificateParams| params = Some(own.clone());
    let issuing = files.authority.intermediate_with("issuing", keep);
    let lists = Lists::of(&issuing, params);
    let (good, bad) = (issuing.server("localhost"), issuing.server("localhost"));
    files.add("server", &good);
    let write = |name: &str, revoked| {
        let path = files.write(name, &list_pem(&lists.list(&[revoked], 2999)));
        path.to_str().unwrap().to_owned()
    };
    let (other, own) = (write("other.crl", &bad), write("own.crl", &good));
    let needs = Capability::RevocationLists;
    for_each_backend(|backend| {
        let run = |args: &[&str]| connect(&files, backend, needs, args);
        refused(run(&["--crl", &other]), &refusal(backend, "revocation-unknown"));
        accepted(run(&["--crl", &other, "--crl-leaf-only"]));
        accepted(run(&["--crl", &other, "--crl-allow-missing"]));
        for option in ["--crl-leaf-only", "--crl-allow-missing"] {
            refused(run(&["--crl", &own, option]), &refusal(backend, "revoked"));
        }
    });
}

#[test]
fn a_server_refuses_the_clients_that_a_list_revokes() {
    let (files, lists) = with_lists();
    files.add("server", &files.authority.server("localhost"));
    let (good, bad) = (files.authority.client("good"), files.authority.client("bad"));
    files.add("good", &good);
    files.add("bad", &bad);
    let list = files.write("clients.crl", &list_pem(&lists.list(&[&bad], 2999)));
    let (ca, list) = (files.path("ca.pem"), list.to_str().unwrap().to_owned());
    for_each_backend(|backend| {
        let asks = ["--client-ca", &ca, "--crl", &list];
        if !can(backend, Capability::RequestClientCertificate) {
            return; // that it is refused is tested elsewhere
        }
        let Some(server) = files.echo_if_it_can(backend, &asks, Capability::RevocationLists) else {
            return;
        };
        let run = |who: &str| {
            let identity = files.identity(who);
            let args = LOCALHOST.into_iter().chain(identity.iter().map(String::as_str));
            let args = args.collect::<Vec<_>>();
            with_input(files.connect(server.address, backend, &args), b"x")
        };
        assert_eq!(run("good").expect(0).stdout, b"x");
        run("bad").expect(1);
        let ended = server.terminate().expect(0);
        assert!(ended.has_error(&refusal(backend, "revoked")), "{}", ended.stderr);
    });

    // Nobody verifies the clients that they are for.
    let identity = files.identity("server");
    for more in
        [&["--crl", &list][..], &["--crl", &list, "--client-ca", &ca, "--client-auth", "none"]]
    {
        let args = ["serve", "127.0.0.1:0", "--echo"].into_iter();
        let args = args.chain(identity.iter().map(String::as_str)).chain(more.iter().copied());
        let run = crate::support::polytls(args).expect(2);
        assert!(run.stderr.contains("--crl needs a --client-ca"), "{}", run.stderr);
    }
}

#[test]
fn a_pin_is_what_connect_shows() {
    let files = Certificates::with_server();
    let wrong = Pin::of(files.authority.server("localhost").leaf()).unwrap().to_string();
    let issuer = Pin::of(&files.authority.certificate()).unwrap();
    let hex = issuer.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>();
    let hex = hex.join(":");
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        let args = ["--servername", "localhost", "--facts", &facts];
        let run = with_input(files.connect(server.address, backend, &args), b"").expect(0);
        let pin = files.facts("facts.json")["peer"]["pin"].as_str().unwrap().to_owned();
        assert!(run.stderr.contains(&format!("pin         {pin}")), "{}", run.stderr);

        let needs = Capability::CustomVerification;
        let run = |args: &[&str]| connect(&files, backend, needs, args);
        accepted(run(&["--pin", &pin]));
        accepted(run(&["--pin", &wrong, "--pin", &pin]));
        accepted(run(&["--pin", &hex]));
        refused(run(&["--pin", &wrong]), &refusal(backend, "pin-mismatch"));
    });
}

#[test]
fn the_time_of_the_verification_can_be_another() {
    let files = Certificates::new();
    let expired = Leaf::server(&["localhost"]).with(|params| {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2010, 1, 1);
    });
    files.add("server", &files.authority.issue(expired));
    for_each_backend(|backend| {
        let run = |args: &[&str]| connect(&files, backend, Capability::VerificationTime, args);
        accepted(run(&["--verify-time", "1100000000"])); // in 2004
        refused(run(&["--verify-time", "900000000"]), &refusal(backend, "not-yet-valid"));
        refused(run(&["--verify-time", "1300000000"]), &refusal(backend, "expired"));
        // The name still counts.
        let elsewhere = ["--verify-time", "1100000000", "--servername", "elsewhere.test"];
        let server = files.echo(backend, &[]);
        if can(backend, Capability::VerificationTime) {
            with_input(files.connect(server.address, backend, &elsewhere), b"")
                .expect_error(&refusal(backend, "name-mismatch"));
        }
    });
}

#[test]
fn a_chain_may_be_as_long_as_is_said() {
    let files = Certificates::new();
    let issuing = files.authority.intermediate("first").intermediate("second");
    files.add("server", &issuing.server("localhost"));
    for_each_backend(|backend| {
        let run = |args: &[&str]| connect(&files, backend, Capability::LimitChain, args);
        accepted(run(&["--verify-depth", "2"]));
        for depth in ["0", "1"] {
            refused(run(&["--verify-depth", depth]), &refusal(backend, "chain-too-long"));
        }
    });
}

#[test]
fn the_uniform_verifier_gives_its_verdict() {
    let files = Certificates::with_server();
    files.write("wrong.pem", &pem(&[Authority::root("another root").certificate()]));
    let wrong = files.path("wrong.pem");
    for_each_backend(|backend| {
        let needs = Capability::UniformVerification;
        accepted(connect(&files, backend, needs, &["--uniform"]));
        if can(backend, needs) {
            let server = files.echo(backend, &[]);
            let args = ["--uniform", "--backend", backend, "--servername", "localhost"];
            let args = args.into_iter().chain(["--ca", &wrong]);
            with_input(crate::support::connect(server.address, args), b"")
                .expect_error(&refusal(backend, "unknown-issuer"));
        }
    });
}
