//! A connection, or a server's beginning of some, with the calls of libtls.

mod methods;
mod ocsp;
mod peer;
mod send;

use std::io;

use mlua::{AnyUserData, Lua, MultiValue, Result};
use polytls::{Backend, Client, NonBlocking, Roots, Server, Stream};

use crate::config::{Config, Manner};
use crate::constants::{WANT_POLLIN, WANT_POLLOUT};
use crate::descriptor::Descriptors;
use crate::dial::Address;
use crate::{module, reply};
use ocsp::Responses;

/// What Lua calls a `libtls`.
pub(crate) struct Context {
    backend: &'static dyn Backend,
    role: Role,
    /// Whom the peer was verified against, where a staple is looked at.
    roots: Option<Roots>,
    /// There from a connect or an accept on, until a reset.
    connection: Option<Connection>,
}

enum Role {
    /// One end of a server's connection, made by accept.
    Accepted,
    Client(Clients),
    Server(Server),
}

/// What a client is made of, once the server's name is known.
struct Clients {
    /// Of a server whose name the script tells.
    named: Client,
    /// Of one whose name it does not tell, where the name is not verified; why not, otherwise.
    nameless: std::result::Result<Client, String>,
}

struct Connection {
    stream: Stream<NonBlocking<Descriptors>>,
    name: Option<String>,
    /// What was taken of a message whose first bytes still wait for the descriptor.
    taken: Option<usize>,
    responses: Responses,
}

/// What a call that does not wait comes to.
enum Outcome<T> {
    Done(T),
    Failed(String),
    /// What the descriptor has to be.
    Wants(i64),
}

const LIBTLS: Manner = Manner { tolerates_cuts: true, is_nameless: false };

impl Context {
    /// `libtls.client`: a context for connections to servers.
    pub(crate) fn client(lua: &Lua, config: AnyUserData) -> Result<MultiValue> {
        let config = config.borrow::<Config>()?;
        let made = module::working().and_then(|backend| {
            let nameless = match config.verifies_name() {
                true => Err("server name not specified".into()),
                false => config.client(Manner { is_nameless: true, ..LIBTLS }, backend),
            };
            let role = Role::Client(Clients { named: config.client(LIBTLS, backend)?, nameless });
            let roots = config.verifies_staples().then(|| config.roots());
            Ok(Self { backend, role, roots, connection: None })
        });
        reply::value(lua, made)
    }

    /// `libtls.server`: a context for connections from clients.
    pub(crate) fn server(lua: &Lua, config: AnyUserData) -> Result<MultiValue> {
        let config = config.borrow::<Config>()?;
        let made = module::working().and_then(|backend| {
            let role = Role::Server(config.server(LIBTLS, backend)?);
            let roots = config.verifies_staples().then(|| config.roots());
            Ok(Self { backend, role, roots, connection: None })
        });
        reply::value(lua, made)
    }
}

impl Context {
    /// Connects over TCP; the name that is verified is `name`, or the host's.
    fn connect(&mut self, host: &str, port: Option<&str>, name: Option<&str>) -> Told {
        self.is_fresh_client()?;
        let address = Address::parse(host, port)?;
        let name = name.unwrap_or(&address.host).to_owned();
        let socket = address.dial().map_err(|e| {
            format!("failed to connect to '{}': {}", address.host, reply::system(&e))
        })?;
        self.begin_client(Descriptors::Own(socket), Some(&name))
    }

    /// Begins a client over a transport.
    fn begin_client(&mut self, over: Descriptors, name: Option<&str>) -> Told {
        self.is_fresh_client()?;
        let Role::Client(clients) = &self.role else { return Err("not a client context".into()) };
        // LibreSSL strips it too: it is what makes a name absolute in the DNS.
        let name = name.map(|name| name.strip_suffix('.').unwrap_or(name).to_owned());
        let stream = match &name {
            Some(name) => clients.named.connect(&name[..], NonBlocking(over)),
            None => {
                clients.nameless.as_ref().map_err(String::clone)?.connect(NOBODY, NonBlocking(over))
            }
        };
        let stream = stream.map_err(|e| reply::told(&e))?;
        self.connection = Some(Connection::new(stream, name));
        Ok(())
    }

    /// Begins a server's side over a transport.
    fn accept(&self, over: Descriptors) -> std::result::Result<Self, String> {
        let Role::Server(server) = &self.role else { return Err("not a server context".into()) };
        let stream = server.accept(NonBlocking(over)).map_err(|e| reply::told(&e))?;
        Ok(Self {
            backend: self.backend,
            role: Role::Accepted,
            roots: self.roots.clone(),
            connection: Some(Connection::new(stream, None)),
        })
    }

    fn is_fresh_client(&self) -> Told {
        match (&self.role, &self.connection) {
            (Role::Client(_), None) => Ok(()),
            (Role::Client(_), Some(_)) => Err("context is connected already".into()),
            (Role::Accepted | Role::Server(_), _) => Err("not a client context".into()),
        }
    }

    fn connection(&mut self) -> std::result::Result<&mut Connection, String> {
        match (&self.role, &mut self.connection) {
            (Role::Server(_), _) => Err("invalid operation for context".into()),
            (_, None) => Err("context not connected".into()),
            (_, Some(connection)) => Ok(connection),
        }
    }

    fn handshake(&mut self) -> Outcome<()> {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(why) => return Outcome::Failed(why),
        };
        if connection.stream.is_established() && !connection.stream.wants_write() {
            return Outcome::Failed("handshake already completed".into());
        }
        let result = connection.stream.handshake();
        connection.outcome("handshake", result)
    }

    fn read(&mut self, most: usize) -> Outcome<Vec<u8>> {
        let connection = match self.connection() {
            Ok(connection) => connection,
            Err(why) => return Outcome::Failed(why),
        };
        let mut buf = vec![0; most.clamp(1, MOST)];
        let result = io::Read::read(&mut connection.stream, &mut buf);
        connection.outcome("read", result).map(|n| {
            buf.truncate(n);
            buf
        })
    }

    fn close(&mut self) -> Outcome<()> {
        // As libtls: nothing was opened, so nothing is amiss.
        if let (Role::Client(_), None) = (&self.role, &self.connection) {
            return Outcome::Done(());
        }
        match self.connection() {
            Ok(connection) => connection.close(),
            Err(why) => Outcome::Failed(why),
        }
    }
}

impl Connection {
    fn new(stream: Stream<NonBlocking<Descriptors>>, name: Option<String>) -> Self {
        Self { stream, name, taken: None, responses: Responses::default() }
    }

    /// Sends close_notify, if there is a handshake that it can end, and closes the socket if it is this
    /// module's.
    fn close(&mut self) -> Outcome<()> {
        if matches!(self.stream.transport().0, Descriptors::Closed) {
            return Outcome::Done(());
        }
        let sent = match self.stream.is_established() {
            true => self.stream.close_notify(),
            false => io::Write::flush(&mut self.stream), // it may be the alert of a failed handshake
        };
        let outcome = self.outcome("shutdown", sent);
        if !matches!(outcome, Outcome::Wants(_)) {
            self.stream.transport_mut().0.close();
        }
        match outcome {
            Outcome::Done(()) if self.stream.ended_without_close() => {
                Outcome::Failed("EOF without close notify".into())
            }
            other => other,
        }
    }

    /// What a call has come to.
    fn outcome<T>(&mut self, operation: &str, result: io::Result<T>) -> Outcome<T> {
        match result {
            Ok(value) => Outcome::Done(value),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Outcome::Wants(self.wants()),
            Err(e) => Outcome::Failed(reply::libtls(operation, e, self.name.as_deref())),
        }
    }

    fn wants(&mut self) -> i64 {
        if self.stream.wants_write() { WANT_POLLOUT } else { WANT_POLLIN }
    }
}

impl<T> Outcome<T> {
    fn map<U>(self, map: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Done(value) => Outcome::Done(map(value)),
            Self::Failed(why) => Outcome::Failed(why),
            Self::Wants(what) => Outcome::Wants(what),
        }
    }
}

/// Nothing, or why not.
type Told = std::result::Result<(), String>;

/// The name of a server whose name nobody knows, which is neither sent nor verified (RFC 6761 §6.4).
const NOBODY: &str = "nameless.invalid";

/// The most that one read gives: four records' worth.
const MOST: usize = 64 << 10;
