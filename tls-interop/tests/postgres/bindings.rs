//! Channel binding: SCRAM-SHA-256-PLUS, or nothing.

use tls_postgres::tokio_postgres::config::ChannelBinding;
use tls_postgres::tokio_postgres::error::SqlState;

use crate::Bench;
use crate::fixture::{NAME, TRUSTED, USER, connect, settings};
use crate::middle;

pub(crate) async fn a_required_binding_is_used(bench: Bench) {
    let mut settings = settings(bench.fixture.server().port(), USER);
    settings.channel_binding(ChannelBinding::Require);
    let client = connect(&settings, bench.tls(bench.config())).await.unwrap();
    let row = client.query_one("SELECT current_user::text", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), USER);
}

/// The hash is the one that the certificate was signed with (RFC 5929 §4.1).
pub(crate) async fn a_binding_by_sha_384_is_used(bench: Bench) {
    let mut settings = settings(bench.fixture.sha384().port(), USER);
    settings.channel_binding(ChannelBinding::Require);
    let tls = bench.trusting(bench.fixture.other.roots());
    let client = connect(&settings, tls).await.unwrap();
    assert!(client.query_one("SELECT 1", &[]).await.is_ok());
}

/// He has a certificate that the client trusts, and passes on what is said inside.
pub(crate) async fn a_man_in_the_middle_is_found_out(bench: Bench) {
    let identity = bench.fixture.authority.server(NAME);
    let port = middle::between(&bench, identity).await;
    let tls = bench.tls(bench.config());
    for binding in [ChannelBinding::Require, ChannelBinding::Prefer] {
        let mut settings = settings(port, USER);
        settings.channel_binding(binding);
        let e = connect(&settings, tls.clone()).await.unwrap_err();
        let why = e.code().cloned();
        let expected = SqlState::INVALID_AUTHORIZATION_SPECIFICATION;
        assert_eq!(why, Some(expected), "with {binding:?}: {e:?}");
    }
    // Only who does not look is deceived: it is the binding that finds him out.
    let mut settings = settings(port, USER);
    settings.channel_binding(ChannelBinding::Disable);
    assert!(connect(&settings, tls).await.is_ok());
}

pub(crate) async fn a_method_without_a_binding_is_refused(bench: Bench) {
    let mut settings = settings(bench.fixture.server().port(), TRUSTED);
    assert!(connect(&settings, bench.tls(bench.config())).await.is_ok());
    settings.channel_binding(ChannelBinding::Require);
    let e = connect(&settings, bench.tls(bench.config())).await.unwrap_err();
    assert!(e.code().is_none() && polytls::Error::find(&e).is_none(), "{e:?}");
}
