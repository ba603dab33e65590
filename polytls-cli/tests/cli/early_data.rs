//! `--early-data`, on either side.

use polytls::Capability;

use crate::support::{BACKENDS, Certificates, can, for_each_backend, polytls, with_input};

/// What a server that takes so much early data needs.
fn takes(server: &str, option: &str) -> bool {
    can(server, Capability::EarlyDataServer)
        && (option == "--early-data" || can(server, Capability::EarlyDataLimit))
}

#[test]
fn a_file_goes_ahead_of_standard_input() {
    let files = Certificates::with_server();
    files.write("early.txt", "this comes early\n");
    let (early, facts) = (files.path("early.txt"), files.path("facts.json"));
    for server_backend in BACKENDS.iter().filter(|name| takes(name, "--early-data")) {
        let server = files.echo(server_backend, &["--early-data"]);
        for client_backend in BACKENDS.iter() {
            let args = ["--servername", "localhost", "--early-data", &early, "--facts", &facts];
            let command = files.connect(server.address, client_backend, &args);
            let run = with_input(command, b"and this does not\n");
            if !can(client_backend, Capability::EarlyDataClient) {
                let refused = format!("unsupported({})", Capability::EarlyDataClient);
                assert!(run.expect(2).has_error(&refused));
                continue;
            }
            let run = run.expect(0);
            assert_eq!(run.text(), "this comes early\nand this does not\n");
            let facts = files.facts("facts.json");
            assert_eq!(facts["early_data"], "accepted", "{client_backend} → {server_backend}");
            assert_eq!(facts["resumed"], true);
        }
        let told = server.terminate().expect(0).stderr;
        assert!(told.contains("17 bytes came early"), "{told}");
    }
}

#[test]
fn what_is_not_taken_early_is_sent_later() {
    let files = Certificates::with_server();
    files.write("early.txt", "this would come early\n");
    let (early, facts) = (files.path("early.txt"), files.path("facts.json"));
    for_each_backend(|backend| {
        if !can(backend, Capability::EarlyDataClient) {
            return;
        }
        // Without the option, and with one that takes less.
        let mut options = vec![("--backend", "not-offered")];
        if takes(backend, "--early-data=4") {
            options.push(("--early-data=4", "accepted"));
        }
        for (option, fact) in options {
            let more = if option == "--backend" { vec![] } else { vec![option] };
            let server = files.echo(backend, &more);
            let args = ["--servername", "localhost", "--early-data", &early, "--facts", &facts];
            let command = files.connect(server.address, backend, &args);
            let run = with_input(command, b"and this does not\n").expect(0);
            assert_eq!(run.text(), "this would come early\nand this does not\n");
            assert_eq!(files.facts("facts.json")["early_data"], fact, "{backend}");
            server.terminate().expect(0);
        }
    });
}

#[test]
fn what_can_never_be_sent_early_is_refused() {
    let files = Certificates::with_server();
    files.write("none.txt", "");
    files.write("much.txt", &"x".repeat(14_337));
    for name in ["none.txt", "much.txt", "absent.txt"] {
        let path = files.path(name);
        let run = polytls(["connect", "127.0.0.1:9", "--early-data", &path]).expect(2);
        assert!(run.stderr.contains(name), "{}", run.stderr);
    }
    let base = ["serve", "127.0.0.1:0", "--self-signed", "localhost"];
    for more in [
        &["--www", ".", "--early-data"][..],
        &["--echo", "--early-data=14337"],
        &["--echo", "--early-data=x"],
        &["--echo", "--early-data", "--max-tls", "1.2"],
    ] {
        polytls(base.iter().chain(more)).expect(2);
    }
}
