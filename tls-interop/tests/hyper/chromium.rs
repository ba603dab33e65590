//! Chromium without a window, as a client of the servers.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::house::{House, KINDS, Running, tick};
use crate::nginx::pem;
use crate::process::{Child, Program};
use crate::{Case, on_tokio};

const CHROMIUM: Program = Program { name: "chromium", package: "chromium" };

const CERTUTIL: Program = Program { name: "certutil", package: "libnss3-tools" };

pub(crate) const CASES: &[Case] = &[
    ("chromium_shows_a_page_that_came_by_http_2", shows),
    ("chromium_shows_nothing_of_a_server_it_does_not_trust", distrusts),
];

/// A home whose browser trusts the root of `house`.
async fn home(house: &House) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("root.pem");
    fs::write(&root, pem("CERTIFICATE", &house.root.certificate())).unwrap();
    let store = home.path().join(".pki/nssdb");
    fs::create_dir_all(&store).unwrap();
    let store = format!("sql:{}", store.display());
    certutil(&["-N", "-d", &store, "--empty-password"]).await;
    let root = root.to_str().unwrap();
    certutil(&["-A", "-d", &store, "-n", "root", "-t", "C,,", "-i", root]).await;
    home
}

async fn certutil(arguments: &[&str]) {
    let mut command = CERTUTIL.command();
    command.args(arguments);
    let mut child = Child::spawn(command);
    while child.exited().is_none() {
        tick().await;
    }
    assert!(child.wait().success(), "{}", child.said());
}

/// The page at `path`, as the browser sees it.
async fn dump(home: &Path, server: &Running, path: &str) -> String {
    let mut command = CHROMIUM.command();
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
    command.arg(format!("--user-data-dir={}", home.join("data").display()));
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.args(["--no-proxy-server", "--no-first-run", "--disable-background-networking"]);
    command.args(["--disable-component-update", "--disable-sync", "--timeout=20000"]);
    command.arg("--dump-dom").arg(server.uri(path).to_string());
    let mut child = Child::spawn(command);
    child.end_stdin();
    while child.exited().is_none() {
        tick().await;
    }
    child.wait();
    String::from_utf8(child.stdout()).unwrap()
}

fn shows(house: &House) {
    on_tokio(async {
        let home = home(house).await;
        for kind in KINDS {
            let server = Running::start(kind, house.listener().await);
            let page = dump(home.path(), &server, "/some/page").await;
            assert!(page.contains("HTTP/2.0 GET /some/page"), "{kind:?}: {page}");
        }
    });
}

fn distrusts(house: &House) {
    on_tokio(async {
        let home = home(&house.elsewhere()).await;
        let server = Running::start(KINDS[0], house.listener().await);
        let page = dump(home.path(), &server, "/some/page").await;
        assert!(!page.contains("GET /some/page"), "{page}");
    });
}
