//! The two handles an application holds.

use std::sync::Arc;

use crate::backend::check;
use crate::connection::Rules;
use crate::{
    Acceptor, Backend, ClientConfig, Connection, Connector, Error, Result, ServerConfig,
    ServerName, Stream, Transport,
};

/// A client: a configuration compiled for one backend, good for any number of connections.
///
/// Cheap to clone, and shared between threads by cloning.
#[derive(Clone, Debug)]
pub struct Client {
    connector: Arc<dyn Connector>,
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
        let supported = check(config, config.required(), backend)?;
        Ok(Self { connector: backend.connector(supported)?.into(), rules: config.rules() })
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
        let session = self.connector.session(&name.try_into()?)?;
        Ok(Connection::new(session, self.rules.clone()))
    }
}

/// A server: a configuration compiled for one backend, good for any number of connections.
///
/// Cheap to clone, and shared between threads by cloning.
#[derive(Clone, Debug)]
pub struct Server {
    acceptor: Arc<dyn Acceptor>,
    rules: Rules,
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
        let supported = check(config, config.required(), backend)?;
        Ok(Self { acceptor: backend.acceptor(supported)?.into(), rules: config.rules() })
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
        Ok(Connection::new(self.acceptor.session()?, self.rules.clone()))
    }
}
