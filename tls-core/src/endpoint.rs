//! The two handles an application holds.

use std::sync::{Arc, PoisonError, RwLock};

use crate::backend::{check_client, check_server};
use crate::config::danger::ReplayableEarlyData;
use crate::connection::{Choice, Rules};
use crate::early::Early;
use crate::library::Library;
use crate::x509::CertificateFacts;
use crate::{
    Acceptor, Backend, ClientConfig, Connection, Connector, Error, Result, ServerConfig,
    ServerName, Stream, TicketKeys, Transport,
};

/// A client: a configuration compiled for one backend, good for any number of connections.
///
/// Cheap to clone, and shared between threads by cloning.
#[derive(Clone, Debug)]
pub struct Client {
    connector: Arc<dyn Connector>,
    early_data: ReplayableEarlyData,
    rules: Rules,
}

impl Client {
    /// Compiles `config` for `backend`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind), naming the capability, if the backend cannot
    /// honour every part of `config`; [`ErrorKind::Config`](crate::ErrorKind) if the library cannot
    /// use a certificate or key, or the system has no roots.
    pub fn new(config: &ClientConfig, backend: &dyn Backend) -> Result<Self> {
        let supported = check_client(config, backend)?;
        let rules = config.rules().with(Library::of(backend));
        let early_data = config.early_data();
        Ok(Self { connector: backend.connector(supported)?.into(), early_data, rules })
    }

    /// Begins a connection to `name` over `transport`; no byte moves yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind) if `name` is not a server name.
    pub fn connect<N, T>(&self, name: N, transport: T) -> Result<Stream<T>>
    where
        N: TryInto<ServerName>,
        Error: From<N::Error>,
        T: Transport,
    {
        Ok(Stream::new(self.connection(name)?, transport))
    }

    /// Begins a connection to `name` whose bytes the caller moves by hand.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind) if `name` is not a server name.
    pub fn connection<N>(&self, name: N) -> Result<Connection>
    where
        N: TryInto<ServerName>,
        Error: From<N::Error>,
    {
        let (name, rules) = (name.try_into()?, self.rules.clone());
        if self.early_data.is_on() {
            let early = Early::of_client(self.connector.clone(), name, self.early_data);
            return Ok(Connection::with_early_data(early, rules));
        }
        Ok(Connection::new(self.connector.session(&name)?, rules))
    }
}

/// A server: a configuration compiled for one backend, good for any number of connections.
///
/// Cheap to clone, and shared between threads by cloning. All clones are one server: what
/// [`reload`](Self::reload) puts in place serves the connections that any of them begins from then on.
#[derive(Clone, Debug)]
pub struct Server(Arc<RwLock<Arc<Compiled>>>);

#[derive(Debug)]
struct Compiled {
    acceptor: Arc<dyn Acceptor>,
    /// What the choice among its identities needs.
    identities: Arc<[Arc<CertificateFacts>]>,
    rules: Rules,
    /// Set where early data is taken: the keys of the tickets that it comes with.
    takes_early_data: Option<TicketKeys>,
}

impl Server {
    /// Compiles `config` for `backend`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`](crate::ErrorKind), naming the capability, if the backend cannot
    /// honour every part of `config`; [`ErrorKind::Config`](crate::ErrorKind) if the library cannot
    /// use a certificate or key, or a key does not belong to its certificate.
    pub fn new(config: &ServerConfig, backend: &dyn Backend) -> Result<Self> {
        Ok(Self(Arc::new(RwLock::new(Arc::new(Compiled::new(config, backend)?)))))
    }

    /// Puts another configuration in place of this one's, all of it at once, without a restart.
    ///
    /// Connections that have begun go on with what they began with. The backend may be another.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); what was in place stays there.
    pub fn reload(&self, config: &ServerConfig, backend: &dyn Backend) -> Result<()> {
        let compiled = Arc::new(Compiled::new(config, backend)?);
        // A thread that panics while it holds the lock leaves one of the two, and both are whole.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = compiled;
        Ok(())
    }

    /// Begins to serve one connection over `transport`; no byte moves yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`](crate::ErrorKind) if the library has no memory or no random numbers.
    pub fn accept<T: Transport>(&self, transport: T) -> Result<Stream<T>> {
        Ok(Stream::new(self.connection()?, transport))
    }

    /// Begins to serve one connection whose bytes the caller moves by hand.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Backend`](crate::ErrorKind) if the library has no memory or no random numbers.
    pub fn connection(&self) -> Result<Connection> {
        let compiled = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (acceptor, rules) = (&compiled.acceptor, compiled.rules.clone());
        let connection = match (compiled.identities.len(), &compiled.takes_early_data) {
            (1, None) => Connection::new(acceptor.session(0)?, rules),
            (_, early) => {
                let identities = compiled.identities.clone();
                let choice = Choice::new(acceptor.clone(), identities, early.clone());
                Connection::choosing(choice, rules)
            }
        };
        Ok(connection)
    }

    /// Lets a client that has been heard go on with this server.
    pub(crate) fn begin(&self, connection: &mut Connection) -> Result<()> {
        connection.begin(self.connection()?)
    }
}

impl Compiled {
    fn new(config: &ServerConfig, backend: &dyn Backend) -> Result<Self> {
        let supported = check_server(config, backend)?;
        let keys = supported.ticket_keys().filter(|_| config.early_data().is_on()).cloned();
        Ok(Self {
            acceptor: backend.acceptor(supported)?.into(),
            identities: config.identities().facts(),
            rules: config.rules().with(Library::of(backend)),
            takes_early_data: keys,
        })
    }
}
