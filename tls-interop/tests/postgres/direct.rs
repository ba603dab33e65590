//! TLS from the first byte (`sslnegotiation=direct`), and what ALPN has to do with it.

use polytls::{Error, ErrorKind};
use tls_postgres::tokio_postgres::config::SslNegotiation;

use crate::Bench;
use crate::fixture::{NAME, TRUSTED, USER, connect, settings};
use crate::middle;

pub(crate) async fn tls_comes_first_if_asked(bench: Bench) {
    let identity = bench.fixture.authority.server(NAME);
    let port = middle::before_clear(&bench, identity, "postgresql").await;
    let mut settings = settings(port, TRUSTED);
    settings.ssl_negotiation(SslNegotiation::Direct);
    let tls = bench.tls(bench.config()).require_alpn();
    let client = connect(&settings, tls).await.unwrap();
    let row = client.query_one("SELECT current_user::text", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), TRUSTED);
}

/// PostgreSQL before version 17 does not answer.
pub(crate) async fn an_answer_to_alpn_can_be_required(bench: Bench) {
    let settings = settings(bench.fixture.sha384().port(), USER);
    let tls = || bench.trusting(bench.fixture.other.roots());
    assert!(connect(&settings, tls()).await.is_ok());
    let e = connect(&settings, tls().require_alpn()).await.unwrap_err();
    assert_eq!(Error::find(&e).map(Error::kind), Some(ErrorKind::NoSharedAlpn), "{e:?}");
}

pub(crate) async fn another_protocol_is_refused(bench: Bench) {
    let identity = bench.fixture.authority.server(NAME);
    let port = middle::before_clear(&bench, identity, "h2").await;
    let mut settings = settings(port, TRUSTED);
    settings.ssl_negotiation(SslNegotiation::Direct);
    let tls = bench.tls(bench.config().alpn([tls_postgres::ALPN, "h2"]));
    let e = connect(&settings, tls).await.unwrap_err();
    assert_eq!(Error::find(&e).map(Error::kind), Some(ErrorKind::NoSharedAlpn), "{e:?}");
}
