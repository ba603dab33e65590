//! What is known of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use tls_core::Negotiated;

/// Who is at the other end of a connection, and what its handshake settled. Cheap to clone.
///
/// A request to an [`HttpsServer`](super::HttpsServer) has it in its extensions. With axum it is a
/// `ConnectInfo<TlsInfo>`, if the service was made by
/// `into_make_service_with_connect_info::<TlsInfo>()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo<A = SocketAddr> {
    peer: A,
    negotiated: Arc<Negotiated>,
}

impl<A> TlsInfo<A> {
    /// What is known of a connection with `peer`.
    pub fn new(peer: A, negotiated: impl Into<Arc<Negotiated>>) -> Self {
        Self { peer, negotiated: negotiated.into() }
    }

    /// The address of who is at the other end.
    pub fn peer(&self) -> &A {
        &self.peer
    }

    /// What the handshake settled: also the client's certificates, if it was asked for them.
    pub fn negotiated(&self) -> &Arc<Negotiated> {
        &self.negotiated
    }
}
