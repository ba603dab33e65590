//! What a database is there for.

use std::time::Duration;

use tls_postgres::tokio_postgres::config::{Config, Host, SslMode};
use tls_postgres::tokio_postgres::error::SqlState;

use crate::Bench;
use crate::fixture::{TRUSTED, USER, connect, settings};

pub(crate) async fn data_goes_both_ways_over_tls(bench: Bench) {
    let server = bench.fixture.server();
    let client = connect(&settings(server.port(), USER), bench.tls(bench.config())).await.unwrap();
    let facts = "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let row = client.query_one(facts, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
    assert!(row.get::<_, &str>(1).starts_with("TLSv1."), "{row:?}");

    let sent = (0..2_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<_>>();
    let row = client.query_one("SELECT $1::bytea, length($1)", &[&sent]).await.unwrap();
    assert!(row.get::<_, &[u8]>(0) == sent);
    assert_eq!(row.get::<_, i32>(1), 2_000_000);
    // Many at once, answered in order on one connection.
    let answers = (0..100).map(|i| {
        let client = &client;
        async move { client.query_one("SELECT $1 + 1", &[&i]).await.unwrap().get::<_, i32>(0) }
    });
    for (i, answer) in (1..).zip(answers) {
        assert_eq!(answer.await, i);
    }
}

pub(crate) async fn a_query_is_cancelled_over_tls(bench: Bench) {
    let server = bench.fixture.server();
    let tls = bench.tls(bench.config());
    let client = connect(&settings(server.port(), USER), tls.clone()).await.unwrap();
    let token = client.cancel_token();
    let sleeping = tokio::spawn(async move { client.simple_query("SELECT pg_sleep(50)").await });
    // A request that comes before the query does nothing, and says so to nobody.
    while !sleeping.is_finished() {
        token.cancel_query(tls.clone()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let e = sleeping.await.unwrap().unwrap_err();
    assert_eq!(e.code(), Some(&SqlState::QUERY_CANCELED), "{e:?}");
}

pub(crate) async fn a_wrong_password_is_the_servers_refusal(bench: Bench) {
    let mut settings = settings(bench.fixture.server().port(), USER);
    let e = connect(settings.password("wrong"), bench.tls(bench.config())).await.unwrap_err();
    assert_eq!(e.code(), Some(&SqlState::INVALID_PASSWORD), "{e:?}");
    assert!(polytls::Error::find(&e).is_none(), "{e:?}");
}

/// There is no name then, and the connector is asked for all the same.
pub(crate) async fn a_unix_socket_needs_no_tls(bench: Bench) {
    let server = bench.fixture.server();
    let mut config = Config::new();
    config.host_path(server.folder()).port(server.port()).user(TRUSTED).dbname("postgres");
    assert!(matches!(config.get_hosts(), [Host::Unix(_)]));
    let client = connect(&config, bench.tls(bench.config())).await.unwrap();
    let row = client.query_one("SELECT 1", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 1);
    let e = connect(config.ssl_mode(SslMode::Require), bench.tls(bench.config())).await;
    assert!(e.is_err());
}
