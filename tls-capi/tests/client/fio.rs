//! `fio_tls.h` over what stands in for facil.io, on each TLS library.

use std::fs;
use std::path::Path;

use polytls::Identity;
use tempfile::TempDir;
use tls_conformance::{Authority, Leaf};

use crate::objects::{self, BACKENDS, Object, compile, include, source};
use crate::server::{self, Server};
use crate::{passes, pem};

/// The files that the program asks for.
fn files() -> TempDir {
    let folder = TempDir::new().unwrap();
    let authority = Authority::root("fio's tests");
    let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    write("ca.pem", pem("CERTIFICATE", &authority.certificate()));
    let stranger = Authority::root("Another one");
    write("stranger.pem", pem("CERTIFICATE", &stranger.certificate()));
    let own = |name: &str, identity: &Identity| {
        let key = identity.pkcs8_key().unwrap();
        write(&format!("{name}.pem"), pem("CERTIFICATE", identity.leaf()));
        write(&format!("{name}.key.pem"), pem("PRIVATE KEY", &key));
    };
    own("a", &authority.issue(Leaf::server(&["a.test"])));
    own("b", &authority.issue(Leaf::server(&["b.test"])));
    own("own", &authority.client("own.test"));
    encrypt(&folder.path().join("b.key.pem"));
    folder
}

fn encrypt(key: &Path) {
    let output = std::process::Command::new("openssl")
        .args(["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:secret", "-in"])
        .arg(key)
        .output()
        .unwrap();
    passes("openssl pkcs8", &output);
    fs::write(key, output.stdout).unwrap();
}

#[test]
fn fio_tls_does_what_its_header_says() {
    let folder = files();
    for backend in BACKENDS {
        let object = Object::fio(backend);
        let program = object.program("fio", &source("client/fio.c"));
        passes(&format!("fio on {backend}"), &object.run(&program).args([folder.path()]).output());
    }
}

#[test]
fn fio_tls_meets_servers_on_other_libraries() {
    for server in BACKENDS {
        let server = Server::begin(server, server::echo);
        let folder = TempDir::new().unwrap();
        fs::copy(server.roots(), folder.path().join("server.pem")).unwrap();
        for backend in BACKENDS {
            let object = Object::fio(backend);
            let program = object.program("fio", &source("client/fio.c"));
            let port = server.port().to_string();
            let run = object.run(&program).args([folder.path().to_str().unwrap(), &port]);
            passes(&format!("fio on {backend} at {}", server.backend()), &run.output());
        }
    }
}

#[test]
fn fio_tls_loses_and_misreads_nothing_in_memory() {
    let folder = files();
    for backend in BACKENDS {
        let object = Object::fio(backend);
        let program = object.program("fio", &source("client/fio.c"));
        let run = object.run(&program).args([folder.path()]).under_valgrind(backend);
        passes(&format!("fio on {backend} under valgrind"), &run.output());
    }
}

#[test]
fn fio_tls_has_what_its_header_declares_and_nothing_else() {
    let header = fs::read_to_string(include().join("fio_tls.h")).unwrap();
    let declared = objects::declared(&header);
    assert!(declared.len() == 13 && declared.contains("fio_tls_proto_add"), "{declared:?}");
    for backend in BACKENDS {
        assert_eq!(Object::fio(backend).symbols(), declared, "{backend}");
    }
    for (compiler, standard) in [("cc", "-std=c99"), ("c++", "-std=c++11")] {
        let unit = b"#define FIO_TLS_KEY_FIRST\n#include <fio_tls.h>\n";
        compile(compiler, &[standard, "-pedantic-errors", "-fsyntax-only"], unit);
    }
}
