//! A client and a server, joined in memory and driven by hand.

use std::fmt::Debug;

use tls_core::{
    Backend, Capability, Client, ClientConfig, ClientConfigBuilder, Connection, ErrorKind,
    Negotiated, Progress, Result, Server, ServerConfig, ServerConfigBuilder, Version, Versions,
    Wire,
};

use crate::cases::CASES;
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
            Ok(Progress::WantRead | Progress::WantWrite | Progress::WantSignature) => None,
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

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

impl Side {
    /// The client, then the server.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }

    /// Whether `capability` means something on this side: whether a case needs it there.
    pub fn has_use_for(self, capability: Capability) -> bool {
        CASES.iter().any(|case| case.needs(self).contains(capability))
    }
}

/// A client and a server, compiled once for cases that need many connections.
pub(crate) struct Ends {
    pub(crate) client: Client,
    pub(crate) server: Server,
}

impl Ends {
    pub(crate) fn new(
        client: (&dyn Backend, ClientConfigBuilder),
        server: (&dyn Backend, ServerConfigBuilder),
    ) -> Result<Self> {
        Ok(Self {
            client: Client::new(&client.1.build()?, client.0)?,
            server: Server::new(&server.1.build()?, server.0)?,
        })
    }

    /// With the configurations of [`configs`].
    pub(crate) fn default(client: &dyn Backend, server: &dyn Backend) -> Result<Self> {
        let (c, s) = configs();
        Self::new((client, c), (server, s))
    }

    /// With the configurations of [`configs`], restricted to one version.
    pub(crate) fn only(
        version: Version,
        client: &dyn Backend,
        server: &dyn Backend,
    ) -> Result<Self> {
        let ((c, s), only) = (configs(), Versions::only(version));
        Self::new((client, c.versions(only)), (server, s.versions(only)))
    }

    /// A pair that has not begun.
    pub(crate) fn pair(&self) -> Result<Pair> {
        let (client, server) = (self.client.connection(NAME)?, self.server.connection()?);
        Ok(Pair { client, server, chunk: usize::MAX })
    }

    /// A pair that has finished its handshake.
    pub(crate) fn established(&self) -> Result<Pair> {
        let mut pair = self.pair()?;
        pair.handshake()?;
        pair.carry_all();
        Ok(pair)
    }
}

impl Pair {
    /// A pair that speaks `version` and has finished its handshake.
    pub(crate) fn established_in(
        version: Version,
        client: &dyn Backend,
        server: &dyn Backend,
    ) -> Result<Self> {
        Ends::only(version, client, server)?.established()
    }

    /// `side`, and its peer.
    pub(crate) fn sides(&mut self, side: Side) -> (&mut Connection, &mut Connection) {
        match side {
            Side::Client => (&mut self.client, &mut self.server),
            Side::Server => (&mut self.server, &mut self.client),
        }
    }
}

/// A client that means to reach [`NAME`] and has not begun.
pub(crate) fn client_alone(client: &dyn Backend) -> Result<Connection> {
    Client::new(&configs().0.build()?, client)?.connection(NAME)
}

/// A server that has not begun.
pub(crate) fn server_alone(server: &dyn Backend) -> Result<Connection> {
    Server::new(&configs().1.build()?, server)?.connection()
}

/// The kind of an error that had to come.
#[track_caller]
pub(crate) fn kind<T: Debug>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(value) => panic!("should have failed, but gave {value:?}"),
        Err(e) => e.kind(),
    }
}

/// What has to be ready.
#[track_caller]
pub(crate) fn ready<T: Debug>(progress: Result<Progress<T>>) -> Result<T> {
    match progress? {
        Progress::Ready(value) => Ok(value),
        other => panic!("should be ready, but {other:?}"),
    }
}

/// Takes what `side` has to send, as a network would.
pub(crate) fn take_pending(side: &mut Connection) -> Vec<u8> {
    let bytes = side.wire().pending().to_vec();
    side.wire().sent(bytes.len());
    bytes
}

/// Writes all of `data`, as far as the wire has room for it.
#[track_caller]
pub(crate) fn write_all(side: &mut Connection, mut data: &[u8]) -> Result<()> {
    while !data.is_empty() {
        let n = ready(side.write(data))?;
        assert!(n > 0 && n <= data.len(), "{n} of {} bytes taken", data.len());
        data = &data[n..];
        let pending = side.wire().pending().len();
        assert!(pending <= Wire::HIGH_WATER, "{pending} bytes wait");
    }
    Ok(())
}

/// Reads what is here; the error or the end that comes after it is left for the next call.
pub(crate) fn read_available(side: &mut Connection) -> Result<Vec<u8>> {
    let (mut got, mut buf) = (Vec::new(), [0; 4096]);
    while let Progress::Ready(n @ 1..) = side.read(&mut buf)? {
        got.extend_from_slice(&buf[..n]);
    }
    Ok(got)
}

/// Reads exactly `n` bytes that must be here.
#[track_caller]
pub(crate) fn read_exactly(side: &mut Connection, n: usize) -> Result<Vec<u8>> {
    let (mut got, mut at) = (vec![0; n], 0);
    while at < n {
        let read = ready(side.read(&mut got[at..]))?;
        assert!(read > 0, "the end after {at} of {n} bytes");
        at += read;
    }
    Ok(got)
}

/// So many bytes that differ from place to place.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    let words = (0..len.div_ceil(4) as u32).map(|i| i.wrapping_mul(0x9e37_79b1));
    let mut bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    bytes.truncate(len);
    bytes
}
