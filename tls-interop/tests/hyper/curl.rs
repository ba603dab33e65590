//! curl, as a client of the servers.

use std::fs;
use std::process::ExitStatus;

use crate::house::{House, KINDS, Running, tick};
use crate::nginx::pem;
use crate::process::{Child, Program};
use crate::{Case, on_tokio};

const CURL: Program = Program { name: "curl", package: "curl" };

pub(crate) const CASES: &[Case] = &[
    ("curl_speaks_http_2_and_http_1", both),
    ("curl_gets_back_what_it_sends", body),
    ("curl_sees_a_certificate_that_it_can_verify_and_no_other", verifies),
];

/// Runs curl, and gives what it printed.
async fn curl(house: &House, server: &Running, arguments: &[&str]) -> (ExitStatus, String) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem");
    fs::write(&root, pem("CERTIFICATE", &house.root.certificate())).unwrap();
    let mut command = CURL.command();
    // The first argument it looks at: no configuration of the user's.
    command.args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "15"]);
    command.arg("--cacert").arg(&root).args(arguments);
    command.arg(server.uri("").to_string().trim_end_matches('/').to_owned() + "/echo");
    let mut child = Child::spawn(command);
    child.end_stdin();
    while child.exited().is_none() {
        tick().await;
    }
    let status = child.wait();
    (status, String::from_utf8(child.stdout()).unwrap() + &String::from_utf8_lossy(&child.stderr()))
}

fn both(house: &House) {
    on_tokio(async {
        for kind in KINDS {
            let server = Running::start(kind, house.listener().await);
            for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
                let shown = ["--write-out", "%{http_version} %{response_code}"];
                let (status, said) = curl(house, &server, &[&[flag][..], &shown].concat()).await;
                assert!(status.success(), "{said}");
                assert_eq!(said, format!("{version} 200"));
            }
            assert!(server.failures.lock().unwrap().is_empty());
        }
    });
}

fn body(house: &House) {
    on_tokio(async {
        let folder = tempfile::tempdir().unwrap();
        let (sent, received) = (folder.path().join("sent"), folder.path().join("received"));
        let data = (0..2_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>();
        fs::write(&sent, &data).unwrap();
        for kind in KINDS {
            let server = Running::start(kind, house.listener().await);
            for flag in ["--http2", "--http1.1"] {
                let data_file = format!("@{}", sent.display());
                let output = received.to_str().unwrap();
                let arguments = [flag, "--data-binary", &data_file, "--output", output];
                let (status, said) = curl(house, &server, &arguments).await;
                assert!(status.success(), "{said}");
                assert!(fs::read(&received).unwrap() == data, "{kind:?} {flag}");
            }
        }
    });
}

fn verifies(house: &House) {
    on_tokio(async {
        let theirs = house.elsewhere();
        let server = Running::start(KINDS[0], theirs.listener().await);
        let (status, said) = curl(house, &server, &["--http2"]).await;
        assert_eq!(status.code(), Some(60), "{said}"); // CURLE_PEER_FAILED_VERIFICATION
        assert!(curl(&theirs, &server, &["--http2"]).await.0.success());
    });
}
