//! `--identity`, and keys that are encrypted.

use std::process::{Command, Stdio};

use polytls::Capability;

use crate::support::{BACKENDS, Certificates, Serving, can, for_each_backend, polytls, with_input};

/// Encrypts `{name}.key` into `{name}-encrypted.key`.
fn encrypt(files: &Certificates, name: &str, password: &str) {
    let (plain, sealed) = (format!("{name}.key"), format!("{name}-encrypted.key"));
    let mut openssl = Command::new("openssl");
    openssl.current_dir(files.root()).args(["pkcs8", "-topk8", "-in", &plain, "-out", &sealed]);
    openssl.args(["-passout", &format!("pass:{password}")]).stdin(Stdio::null());
    let run = openssl.output().unwrap_or_else(|e| panic!("apt-get install openssl: {e}"));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn an_encrypted_key_opens_with_the_first_line_of_a_file() {
    let files = Certificates::with_server();
    files.add("client", &files.authority.client("a client"));
    encrypt(&files, "server", "open sesame");
    encrypt(&files, "client", "open sesame");
    files.write("password", "open sesame\r\nand a second line\n");
    let (ca, password) = (files.path("ca.pem"), files.path("password"));
    let (cert, key) = (files.path("server.pem"), files.path("server-encrypted.key"));
    let (own, own_key) = (files.path("client.pem"), files.path("client-encrypted.key"));
    for_each_backend(|backend| {
        let args = ["--echo", "--backend", backend, "--cert", &cert, "--key", &key];
        let mut args = [&args[..], &["--key-password-file", &password]].concat();
        let mut client = vec!["--servername", "localhost"];
        let asks = Capability::RequestClientCertificate;
        if can(backend, asks) && can(backend, Capability::ClientIdentity) {
            args.extend(["--client-ca", &ca]);
            client.extend(["--cert", &own, "--key", &own_key, "--key-password-file", &password]);
        }
        let server = Serving::start(args);
        let run = with_input(files.connect(server.address, backend, &client), b"x");
        assert_eq!(run.expect(0).stdout, b"x");
    });
}

#[test]
fn what_is_wrong_with_a_password_is_said_with_its_file() {
    let files = Certificates::with_server();
    encrypt(&files, "server", "open sesame");
    files.write("password", "open sesame\n");
    files.write("wrong", "open barley\n");
    files.write("empty", "\nopen sesame\n");
    files.write("long", &"x".repeat(5000));
    let (cert, key) = (files.path("server.pem"), files.path("server-encrypted.key"));
    let plain = files.path("server.key");
    for (key, password, at_fault, why) in [
        (&key, None, &key, "no password was given"),
        (&key, Some("wrong"), &key, "the password is wrong"),
        (&plain, Some("password"), &plain, "the private key is not encrypted"),
        (&key, Some("missing"), &files.path("missing"), "cannot be read"),
        (&key, Some("empty"), &files.path("empty"), "no password on its first line"),
        (&key, Some("long"), &files.path("long"), "longer than a password"),
    ] {
        let both = format!("{cert},{key}");
        let password = password.map(|name| files.path(name));
        let password = password.iter().flat_map(|path| ["--key-password-file", path]);
        for command in [&["serve", "127.0.0.1:0", "--echo"][..], &["connect", "127.0.0.1:1"]] {
            let args = command.iter().copied().chain(["--cert", &cert, "--key", key]);
            let run = polytls(args.chain(password.clone())).expect(2);
            assert!(run.has_config_error_about(at_fault), "{}", run.stderr);
            assert!(run.stderr.contains(why), "{}", run.stderr);
        }
        let args = ["serve", "127.0.0.1:0", "--echo", "--identity", &both];
        let run = polytls(args.into_iter().chain(password)).expect(2);
        assert!(run.has_config_error_about(at_fault), "{}", run.stderr);
    }
}

#[test]
fn an_identity_in_one_argument_is_chosen_like_any_other() {
    let files = Certificates::new();
    for name in ["one.test", "two.test", "three.test"] {
        files.add(name, &files.authority.server(name));
    }
    let both = |name: &str| {
        format!("{},{}", files.path(&format!("{name}.pem")), files.path(&format!("{name}.key")))
    };
    let (one, three, two) = (both("one.test"), both("three.test"), files.identity("two.test"));
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let args = ["--echo", "--backend", backend, "--identity", &one].into_iter();
        let args = args.chain(two.iter().map(String::as_str)).chain(["--identity", &three]);
        let server = Serving::start(args);
        for (asked, presented) in [
            ("one.test", "one.test"),
            ("two.test", "two.test"),
            ("three.test", "three.test"),
            ("127.0.0.1", "one.test"),
        ] {
            let args = ["--servername", asked, "--facts", &facts];
            let run = with_input(files.connect(server.address, backend, &args), b"x");
            match asked == presented {
                true => run.expect(0),
                false => run.expect(1), // for another name
            };
            if asked == presented {
                let peer = files.facts("facts.json")["peer"].clone();
                assert_eq!(peer["dns_names"], serde_json::json!([presented]));
            }
        }
    });
}

#[test]
fn the_facts_of_the_peer_are_those_of_its_certificate() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    let server = files.echo(&BACKENDS[0], &[]);
    let args = ["--servername", "localhost", "--facts", &facts];
    let run = with_input(files.connect(server.address, &BACKENDS[0], &args), b"").expect(0);
    let peer = files.facts("facts.json")["peer"].clone();
    let show = |what: &str| {
        let mut openssl = Command::new("openssl");
        openssl.args(["x509", "-noout", what, "-nameopt", "RFC2253", "-in"]);
        let run = openssl.arg(files.path("server.pem")).output().unwrap();
        let text = String::from_utf8(run.stdout).unwrap();
        text.split_once('=').unwrap().1.trim().to_owned()
    };
    assert_eq!(peer["subject"], show("-subject"));
    assert_eq!(peer["issuer"], show("-issuer"));
    assert_eq!(peer["serial"], show("-serial").to_lowercase());
    assert_eq!(
        (peer["not_before"].as_u64(), peer["not_after"].as_u64()),
        (Some(157766400), Some(67090118400))
    );
    for line in [
        "certificate for localhost",
        &format!("subject     {}", show("-subject")),
        &format!("issuer      {}", show("-issuer")),
        &format!("serial      {}", show("-serial").to_lowercase()),
        "valid       1975-01-01T00:00:00Z to 4096-01-01T00:00:00Z",
    ] {
        assert!(run.stderr.contains(line), "{line}\n{}", run.stderr);
    }
}

#[test]
fn a_staple_goes_out_with_its_identity() {
    let files = Certificates::with_server();
    files.write("staple.der", "0\u{3}\n\u{1}\u{6}"); // an answer that says: unauthorized
    files.write("empty.der", "");
    let pair = format!("{},{}", files.path("server.pem"), files.path("server.key"));
    let (stapled, empty) = (files.path("staple.der"), files.path("empty.der"));
    for_each_backend(|backend| {
        let asked = |identity: &str| {
            let server = Serving::start(["--echo", "--backend", backend, "--identity", identity]);
            let mut openssl = Command::new("openssl");
            openssl.args(["s_client", "-status", "-connect", &server.address.to_string()]);
            let run = openssl.stdin(Stdio::null()).output().unwrap();
            String::from_utf8_lossy(&run.stdout).into_owned()
        };
        let none = asked(&pair);
        assert!(none.contains("OCSP response: no response sent"), "{backend}: {none}");
        let identity = format!("{pair},{stapled}");
        if can(backend, Capability::SendStaple) {
            let some = asked(&identity);
            assert!(!some.contains("no response sent") && some.contains("unauthorized"), "{some}");
        } else {
            let args = ["serve", "127.0.0.1:0", "--echo", "--backend", backend];
            let run = polytls(args.into_iter().chain(["--identity", &identity])).expect(2);
            assert!(run.has_error("unsupported(send-staple)"), "{}", run.stderr);
        }
    });
    for bad in [&empty, &files.path("missing.der")] {
        let identity = format!("{pair},{bad}");
        let run = polytls(["serve", "127.0.0.1:0", "--echo", "--identity", &identity]).expect(2);
        assert!(run.has_config_error_about(bad), "{}", run.stderr);
    }
}
