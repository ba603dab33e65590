//! A client and a server, joined in memory and driven by hand.

use tls_core::{
    Backend, Client, ClientConfig, ClientConfigBuilder, Connection, Negotiated, Progress, Result,
    Server, ServerConfig, ServerConfigBuilder,
};

use crate::certs::Authority;

/// The name that the fixtures' servers have.
pub(crate) const NAME: &str = "server.test";

/// Builders of a client and a server that get along: a fresh root, and a server called [`NAME`].
pub(crate) fn configs() -> (ClientConfigBuilder, ServerConfigBuilder) {
    let root = Authority::root("Root of this case");
    (ClientConfig::builder().roots(root.roots()), ServerConfig::builder(root.server(NAME)))
}

/// Two connections, and the bytes between them.
pub(crate) struct Pair {
    pub(crate) client: Connection,
    pub(crate) server: Connection,
    /// How many bytes cross at a time, each way.
    pub(crate) chunk: usize,
}

impl Pair {
    /// A pair that has not begun; the client means to reach [`NAME`].
    pub(crate) fn new(
        client: (&dyn Backend, ClientConfigBuilder),
        server: (&dyn Backend, ServerConfigBuilder),
    ) -> Result<Self> {
        Self::to(NAME, client, server)
    }

    /// A pair that has not begun; the client means to reach `name`.
    pub(crate) fn to(
        name: &str,
        client: (&dyn Backend, ClientConfigBuilder),
        server: (&dyn Backend, ServerConfigBuilder),
    ) -> Result<Self> {
        let client = Client::new(&client.1.build()?, client.0)?.connection(name)?;
        let server = Server::new(&server.1.build()?, server.0)?.connection()?;
        Ok(Self { client, server, chunk: usize::MAX })
    }

    /// A pair with the configurations of [`configs`] that has finished its handshake.
    pub(crate) fn established(client: &dyn Backend, server: &dyn Backend) -> Result<Self> {
        let (c, s) = configs();
        let mut pair = Self::new((client, c), (server, s))?;
        pair.handshake()?;
        Ok(pair)
    }

    /// Drives both sides until both are done; the first error ends it.
    pub(crate) fn handshake(&mut self) -> Result<()> {
        let (client, server) = self.handshakes();
        client.and(server)
    }

    /// Drives each side until it is done or has failed, and says how each ended. A side whose peer
    /// failed is given the peer's last bytes and then the end of the transport.
    pub(crate) fn handshakes(&mut self) -> (Result<()>, Result<()>) {
        let (mut client, mut server) = (None, None);
        // A byte at a time, a handshake takes some thousand rounds.
        for _ in 0..100_000 {
            let ended = |done: &Option<Result<()>>| matches!(done, Some(Err(_)));
            let quiet =
                self.client.wire().pending().is_empty() && self.server.wire().pending().is_empty();
            if quiet && ended(&client) {
                self.server.wire().end();
            }
            if quiet && ended(&server) {
                self.client.wire().end();
            }
            step(&mut self.client, &mut client);
            self.carry();
            step(&mut self.server, &mut server);
            self.carry();
            let quiet =
                self.client.wire().pending().is_empty() && self.server.wire().pending().is_empty();
            if let (true, Some(_), Some(_)) = (quiet, &client, &server) {
                return (client.unwrap(), server.unwrap());
            }
        }
        panic!("the handshake does not end: client {client:?}, server {server:?}");
    }

    /// Carries one chunk each way.
    pub(crate) fn carry(&mut self) {
        carry(&mut self.client, &mut self.server, self.chunk);
        carry(&mut self.server, &mut self.client, self.chunk);
    }

    /// Carries everything there is.
    pub(crate) fn carry_all(&mut self) {
        while !self.client.wire().pending().is_empty() || !self.server.wire().pending().is_empty() {
            self.carry();
        }
    }

    /// What each side says was settled.
    pub(crate) fn negotiated(&self) -> (Negotiated, Negotiated) {
        (self.client.negotiated().unwrap(), self.server.negotiated().unwrap())
    }
}

fn step(side: &mut Connection, done: &mut Option<Result<()>>) {
    if done.is_none() {
        *done = match side.handshake() {
            Ok(Progress::Ready(())) => Some(Ok(())),
            Ok(Progress::WantRead | Progress::WantWrite) => None,
            Err(e) => Some(Err(e)),
        };
    }
}

/// Moves at most `chunk` bytes from one wire to the other.
pub(crate) fn carry(from: &mut Connection, to: &mut Connection, chunk: usize) -> usize {
    let n = from.wire().pending().len().min(chunk);
    to.wire().feed(&from.wire().pending()[..n]);
    from.wire().sent(n);
    n
}

/// Writes all of `data` at `from` and reads it at `to`.
pub(crate) fn transfer(
    from: &mut Connection,
    to: &mut Connection,
    data: &[u8],
    chunk: usize,
) -> Result<Vec<u8>> {
    let (mut rest, mut got) = (data, Vec::new());
    let mut buf = vec![0; 20_000];
    while got.len() < data.len() {
        if !rest.is_empty() {
            if let Progress::Ready(n) = from.write(rest)? {
                rest = &rest[n..];
            }
        }
        carry(from, to, chunk);
        while let Progress::Ready(n @ 1..) = to.read(&mut buf)? {
            got.extend_from_slice(&buf[..n]);
        }
    }
    Ok(got)
}
