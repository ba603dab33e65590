//! Who the server is, and who the client.

use polytls::{Alert, Capability, CertificateError, Error, ErrorKind, Version, Versions};
use tls_postgres::TlsConnector;
use tls_postgres::tokio_postgres::error::SqlState;
use tokio::net::TcpStream;

use crate::Bench;
use crate::fixture::{CERTIFIED, USER, connect, settings, settings_for};

fn kind(e: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    Error::find(e).map(Error::kind)
}

/// What a backend says of it that can tell why.
fn refused(bench: &Bench, why: CertificateError) -> Option<ErrorKind> {
    let tells = bench.backend.capabilities().contains(Capability::CertificateReasons);
    Some(ErrorKind::Certificate(if tells { why } else { CertificateError::Other }))
}

pub(crate) async fn a_servers_issuer_must_be_trusted(bench: Bench) {
    let settings = settings(bench.fixture.server().port(), USER);
    let tls = bench.trusting(bench.fixture.stranger.roots());
    let e = connect(&settings, tls).await.unwrap_err();
    assert_eq!(kind(&e), refused(&bench, CertificateError::UnknownIssuer), "{e:?}");
}

pub(crate) async fn a_servers_name_must_be_its_own(bench: Bench) {
    let port = bench.fixture.server().port();
    for name in ["elsewhere.postgres.test", "127.0.0.2"] {
        let settings = settings_for(name, port, USER);
        let e = connect(&settings, bench.tls(bench.config())).await.unwrap_err();
        assert_eq!(kind(&e), refused(&bench, CertificateError::NameMismatch), "{name}: {e:?}");
    }
}

pub(crate) async fn an_address_is_a_name(bench: Bench) {
    let settings = settings_for("127.0.0.1", bench.fixture.server().port(), USER);
    assert!(connect(&settings, bench.tls(bench.config())).await.is_ok());
}

pub(crate) async fn a_bad_name_is_refused(bench: Bench) {
    let port = bench.fixture.server().port();
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let tls = TlsConnector::new(bench.tls(bench.config()), "no name at all");
    let config = settings(port, USER);
    let e = config.connect_raw(tcp, tls).await.err().unwrap();
    assert_eq!(kind(&e), Some(ErrorKind::Config), "{e:?}");
}

pub(crate) async fn a_client_shows_its_certificate(bench: Bench) {
    let config = bench.config().identity(bench.fixture.authority.client(CERTIFIED));
    let settings = settings(bench.fixture.server().port(), CERTIFIED);
    let client = connect(&settings, bench.tls(config)).await.unwrap();
    let facts = "SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = client.query_one(facts, &[]).await.unwrap();
    assert!(row.get::<_, &str>(0).contains(CERTIFIED), "{row:?}");
}

pub(crate) async fn a_client_without_a_certificate_is_refused(bench: Bench) {
    let settings = settings(bench.fixture.server().port(), CERTIFIED);
    let e = connect(&settings, bench.tls(bench.config())).await.unwrap_err();
    let expected = SqlState::INVALID_AUTHORIZATION_SPECIFICATION;
    assert_eq!(e.code(), Some(&expected), "{e:?}");
}

/// In TLS 1.2 the handshake says so. In TLS 1.3 it is over for the client before the server has looked.
pub(crate) async fn a_strange_clients_certificate_is_refused(bench: Bench) {
    let strange = || bench.config().identity(bench.fixture.stranger.client(CERTIFIED));
    let settings = settings(bench.fixture.server().port(), CERTIFIED);
    let old = strange().versions(Versions::only(Version::Tls12));
    let e = connect(&settings, bench.tls(old)).await.unwrap_err();
    assert_eq!(kind(&e), Some(ErrorKind::AlertReceived(Alert::UNKNOWN_CA)), "{e:?}");
    let e = connect(&settings, bench.tls(strange())).await.unwrap_err();
    assert!(e.code().is_none(), "it was let in as far as the database: {e:?}");
}
