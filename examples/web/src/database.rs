//! The database, by way of tokio-postgres.

use polytls::{Backend, Client, ClientConfig, Roots};
use tls_postgres::MakeTlsConnector;
use tls_postgres::tokio_postgres;
use tls_postgres::tokio_postgres::config::{ChannelBinding, Config, SslMode};

use crate::Result;

/// Where the database is, and who issued its certificate.
#[derive(Clone, Debug)]
pub struct Database {
    /// As libpq has it: `host=… user=… password=…`, or a URL.
    pub settings: String,
    /// Who issued its certificate.
    pub roots: Roots,
}

pub(crate) async fn connect(
    backend: &dyn Backend,
    database: &Database,
) -> Result<tokio_postgres::Client> {
    let config = ClientConfig::builder().roots(database.roots.clone()).alpn([tls_postgres::ALPN]);
    let tls = MakeTlsConnector::new(Client::new(&config.build()?, backend)?);
    let mut settings: Config = database.settings.parse()?;
    // Whatever was asked for: TLS, and a server that knows the password and owns the certificate.
    settings.ssl_mode(SslMode::Require).channel_binding(ChannelBinding::Require);
    let (client, connection) = settings.connect(tls).await?;
    tokio::spawn(async move {
        if let Err(e) = connection.await {
            eprintln!("the connection to the database: {e}");
        }
    });
    Ok(client)
}
