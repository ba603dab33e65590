//! The types are what tokio-postgres, its blocking twin and pools ask for.

use std::fmt::Debug;

use tls_postgres::tokio_postgres::Socket;
use tls_postgres::tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tls_postgres::{Connecting, MakeTlsConnector, TlsConnector, TlsStream};
use tokio::net::TcpStream;

#[test]
fn a_connector_can_be_shared_and_its_work_be_spawned() {
    fn shared<T: Clone + Debug + Send + Sync + Unpin + 'static>() {}
    fn spawned<T: Send + Unpin + 'static>() {}
    // As the crate postgres, deadpool and bb8 want them.
    fn pooled<T>()
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::TlsConnect: Send + Sync,
        T::Stream: Send + Sync,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
    }
    shared::<MakeTlsConnector>();
    shared::<TlsConnector>();
    spawned::<Connecting<TcpStream>>();
    spawned::<TlsStream<TcpStream>>();
    pooled::<MakeTlsConnector>();
}
