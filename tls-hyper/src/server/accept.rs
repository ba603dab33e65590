//! Where transports come from.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// Accepts transports, on which a [`TlsListener`](super::TlsListener) puts TLS.
pub trait Accept: Send + 'static {
    /// The transport.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Who is at its other end.
    type Addr: Clone + Debug + Send + Sync + 'static;

    /// Accepts the next one.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from accepting; it is called again after a pause. An error of one connection
    /// ([aborted](io::ErrorKind::ConnectionAborted), reset, refused) makes no pause.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Addr)>>;

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn local_addr(&self) -> io::Result<Self::Addr>;
}

/// With `TCP_NODELAY`: records are written whole, and there is nothing to wait for.
impl Accept for TcpListener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let (tcp, peer) = ready!(Self::poll_accept(self, cx))?;
        let _ = tcp.set_nodelay(true); // fails only where the peer is gone, and then reading does too
        Poll::Ready(Ok((tcp, peer)))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

#[cfg(unix)]
impl Accept for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;
    type Addr = tokio::net::unix::SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Io, Self::Addr)>> {
        Self::poll_accept(self, cx)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Self::local_addr(self)
    }
}
