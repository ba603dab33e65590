//! Servers that have no TLS, or do not mean it.

use std::time::Duration;

use polytls::ErrorKind;
use tls_postgres::MakeTlsConnector;
use tls_postgres::tokio_postgres::config::{ChannelBinding, SslMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Bench;
use crate::fixture::{TRUSTED, USER, connect, settings};

pub(crate) async fn a_server_without_tls_is_refused(bench: Bench) {
    let mut settings = settings(bench.fixture.clear().port(), TRUSTED);
    let e = connect(&settings, bench.tls(bench.config())).await.unwrap_err();
    assert!(e.code().is_none(), "it was let in as far as the database: {e:?}");
    // Whom it is all the same to has to say so; and a binding is not all the same.
    settings.ssl_mode(SslMode::Prefer);
    let client = connect(&settings, bench.tls(bench.config())).await.unwrap();
    let facts = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert!(!client.query_one(facts, &[]).await.unwrap().get::<_, bool>(0));
    settings.channel_binding(ChannelBinding::Require);
    assert!(connect(&settings, bench.tls(bench.config())).await.is_err());
}

/// Waits for a client that asks for TLS.
async fn asked(listener: TcpListener) -> TcpStream {
    let (mut tcp, _) = listener.accept().await.unwrap();
    let mut request = [0; 8];
    tcp.read_exact(&mut request).await.unwrap();
    assert_eq!(request, [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]); // SSLRequest
    tcp
}

pub(crate) async fn a_silent_server_is_given_up(bench: Bench) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let mut tcp = asked(listener).await;
        tcp.write_all(b"S").await.unwrap();
        tcp.read_to_end(&mut Vec::new()).await.unwrap(); // until the client has enough
    });
    let connector = tls_tokio::TlsConnector::from(bench.client(bench.config()))
        .handshake_limit(Some(Duration::from_millis(50)));
    let e = connect(&settings(port, USER), MakeTlsConnector::from(connector)).await.unwrap_err();
    let kind = polytls::Error::find(&e).map(polytls::Error::kind);
    assert_eq!(kind, Some(ErrorKind::Timeout), "{e:?}");
    serving.await.unwrap();
}

/// Somebody on the way adds his own words to the server's answer, as in CVE-2021-23222.
pub(crate) async fn what_follows_the_answer_in_clear_is_not_read(bench: Bench) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let mut tcp = asked(listener).await;
        // AuthenticationOk, and ready for a query.
        tcp.write_all(b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await.unwrap();
        tcp.read_to_end(&mut Vec::new()).await.unwrap();
    });
    let e = connect(&settings(port, USER), bench.tls(bench.config())).await.unwrap_err();
    let kind = polytls::Error::find(&e).map(polytls::Error::kind);
    assert_eq!(kind, Some(ErrorKind::NotTls), "{e:?}");
    serving.await.unwrap();
}
