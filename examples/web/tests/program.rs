//! The program on each TLS library of the build, with a database of its own unless `DATABASE_URL` and
//! `PGSSLROOTCERT` name one.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a panic is how a test fails

use std::env;
use std::path::PathBuf;
use std::process::Command;

use polytls::{Error, ErrorKind, Roots, backend};
use polytls_example_web::{Database, run};
use tls_conformance::Authority;
use tls_interop::postgres::{Cluster, Postgres, Tls};

/// A database, and a file with the root of its certificate.
struct Place {
    settings: String,
    root: PathBuf,
    _server: Option<Postgres>,
}

impl Place {
    fn new() -> Self {
        let given = (env::var("DATABASE_URL"), env::var_os("PGSSLROOTCERT"));
        if let (Ok(settings), Some(root)) = given {
            return Self { settings, root: root.into(), _server: None };
        }
        let cluster = Cluster::new(&["CREATE ROLE web LOGIN PASSWORD 'of the web'"]);
        let authority = Authority::root("Root of the example");
        let identity = authority.server("db.example.test");
        let pem = |label: &str, der: &[u8]| pem::encode(&pem::Pem::new(label, der));
        let chain = identity.chain().iter().map(|der| pem("CERTIFICATE", der)).collect::<String>();
        let key = pem("PRIVATE KEY", identity.key().unwrap().secret_der());
        let tls = Tls { chain: &chain, key: &key, client_roots: None };
        let server = cluster.start(&["hostssl all web 127.0.0.1/32 scram-sha-256"], Some(&tls));
        let root = server.folder().join("root.pem");
        std::fs::write(&root, pem("CERTIFICATE", &authority.certificate())).unwrap();
        let settings = format!(
            "host=db.example.test hostaddr=127.0.0.1 port={} user=web password='of the web' \
             dbname=postgres",
            server.port()
        );
        Self { settings, root, _server: Some(server) }
    }

    fn database(&self) -> Database {
        let roots = Roots::empty().with_pem_file(&self.root).unwrap();
        Database { settings: self.settings.clone(), roots }
    }
}

fn is_greeting(answer: &str) -> bool {
    let expected = "hello, you; gRPC by h2, PostgreSQL by TLSv1.";
    answer.contains(expected) && answer.trim_end().ends_with("; HTTP by h2")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_library_of_the_build_goes_all_the_way() {
    let place = Place::new();
    assert!(!backend::all().is_empty(), "turn one of the features on");
    for &backend in backend::all() {
        let answer = run(backend, &place.database()).await.unwrap();
        assert!(is_greeting(&answer), "{}: {answer}", backend.name());
        // TLS all the way is no accident: with another root there is no answer.
        let roots = Authority::root("Root of somebody else").roots();
        let e = run(backend, &Database { roots, ..place.database() }).await.unwrap_err();
        let kind = Error::find(&*e).map(Error::kind);
        assert!(matches!(kind, Some(ErrorKind::Certificate(_))), "{}: {e}", backend.name());
    }
}

/// Which library it is, a feature alone decides; with several the program does not choose.
#[test]
fn the_program_speaks_by_the_one_library_of_the_build() {
    let place = Place::new();
    let mut program = Command::new(env!("CARGO_BIN_EXE_polytls-example-web"));
    program.env("DATABASE_URL", &place.settings).env("PGSSLROOTCERT", &place.root);
    let output = program.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    match backend::all() {
        [backend] => {
            assert!(output.status.success(), "{complained}");
            assert!(said.starts_with(&format!("{}: ", backend.name())), "{said}");
            assert!(is_greeting(&said), "{said}");
            println!("{said}");
        }
        several => {
            assert!(!output.status.success(), "{said}");
            let names = several.iter().map(|backend| backend.name());
            assert!(names.into_iter().all(|name| complained.contains(name)), "{complained}");
        }
    }
}
