//! Certificates, a cluster, and the servers on it.

use std::sync::OnceLock;

use polytls::{Client, ClientConfig, ClientConfigBuilder, Identity, Roots};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use tls_conformance::{Authority, Leaf};
use tls_interop::postgres::{Cluster, Postgres, Tls};
use tls_postgres::MakeTlsConnector;
use tls_postgres::tokio_postgres::{self, Config};

use crate::Bench;

/// The name that the server's certificate is for.
pub(crate) const NAME: &str = "db.postgres.test";

/// The user who has a password.
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The user who has a certificate.
pub(crate) const CERTIFIED: &str = "bob";

/// The user whom nobody asks for anything.
pub(crate) const TRUSTED: &str = "carol";

pub(crate) struct Fixture {
    pub(crate) authority: Authority,
    pub(crate) stranger: Authority,
    /// Signs with SHA-384.
    pub(crate) other: Authority,
    cluster: OnceLock<Cluster>,
    server: OnceLock<Postgres>,
    clear: OnceLock<Postgres>,
    sha384: OnceLock<Postgres>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        Self {
            authority: Authority::root("Postgres Root"),
            stranger: Authority::root("Postgres Stranger"),
            other: Authority::root_with_key("Postgres Other Root", p384),
            cluster: OnceLock::new(),
            server: OnceLock::new(),
            clear: OnceLock::new(),
            sha384: OnceLock::new(),
        }
    }

    /// Where TLS is asked for, and passwords by SCRAM.
    pub(crate) fn server(&self) -> &Postgres {
        self.server.get_or_init(|| self.start_with(&self.authority))
    }

    /// The same, with a certificate signed by SHA-384.
    pub(crate) fn sha384(&self) -> &Postgres {
        self.sha384.get_or_init(|| self.start_with(&self.other))
    }

    /// A server without TLS.
    pub(crate) fn clear(&self) -> &Postgres {
        self.clear.get_or_init(|| self.cluster().start(ACCESS, None))
    }

    fn cluster(&self) -> &Cluster {
        self.cluster.get_or_init(|| {
            Cluster::new(&[
                "SET password_encryption = 'scram-sha-256'",
                &format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"),
                &format!("CREATE ROLE {CERTIFIED} LOGIN"),
                &format!("CREATE ROLE {TRUSTED} LOGIN"),
            ])
        })
    }

    fn start_with(&self, authority: &Authority) -> Postgres {
        let identity = authority.issue(Leaf::server(&[NAME, "127.0.0.1"]));
        let (chain, key) = pem_of(&identity);
        let roots = pem("CERTIFICATE", &self.authority.certificate());
        let tls = Tls { chain: &chain, key: &key, client_roots: Some(&roots) };
        self.cluster().start(ACCESS, Some(&tls))
    }
}

/// `pg_hba.conf`: whom nothing here matches is refused.
const ACCESS: &[&str] = &[
    "local all all trust",
    "hostssl all alice 127.0.0.1/32 scram-sha-256",
    "hostssl all bob 127.0.0.1/32 cert",
    "host all carol 127.0.0.1/32 trust",
];

impl Bench {
    /// A client's configuration that suits the server.
    pub(crate) fn config(&self) -> ClientConfigBuilder {
        ClientConfig::builder().roots(self.fixture.authority.roots()).alpn([tls_postgres::ALPN])
    }

    pub(crate) fn client(&self, config: ClientConfigBuilder) -> Client {
        Client::new(&config.build().unwrap(), self.backend).unwrap()
    }

    pub(crate) fn tls(&self, config: ClientConfigBuilder) -> MakeTlsConnector {
        MakeTlsConnector::new(self.client(config))
    }

    /// The same, trusting others.
    pub(crate) fn trusting(&self, roots: Roots) -> MakeTlsConnector {
        self.tls(self.config().roots(roots))
    }
}

/// Settings for a server on `port` of this machine, that ask for TLS, and no more.
pub(crate) fn settings(port: u16, user: &str) -> Config {
    settings_for(NAME, port, user)
}

/// The same for another name.
pub(crate) fn settings_for(name: &str, port: u16, user: &str) -> Config {
    let mut config = Config::new();
    config.host(name).hostaddr("127.0.0.1".parse().unwrap()).port(port);
    config.user(user).password(PASSWORD).dbname("postgres");
    config.ssl_mode(tokio_postgres::config::SslMode::Require);
    config
}

/// Connects, and lets the connection do its work.
pub(crate) async fn connect(
    config: &Config,
    tls: MakeTlsConnector,
) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(tls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The chain and the key, for a server's files.
pub(crate) fn pem_of(identity: &Identity) -> (String, String) {
    let chain = identity.chain().iter().map(|der| pem("CERTIFICATE", der));
    (chain.collect(), pem("PRIVATE KEY", identity.key().unwrap().secret_der()))
}

fn pem(label: &str, der: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, der))
}
