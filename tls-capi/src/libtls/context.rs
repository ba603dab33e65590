//! A `tls`: a client, a server, or one connection of a server.

use std::ffi::c_int;
use std::sync::Arc;

use polytls::Server;

use super::client::{self, Prepared};
use super::config::{self, Config};
use super::dial;
use super::error::{Code, Fault, Outcome, Slot, set_homeless};
use super::link::{Channel, Link};
use super::server;
use super::settings::VerifyClient;
use super::stream::Live;
use crate::boundary::{Argument, Handle, ReadCallback, WriteCallback, caught};
use crate::handles::{Exclusive, Held, Table};

static CONTEXTS: Table<Context> = Table::new();

/// What a context is for, once and for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Client,
    Server,
    /// Accepted by a server.
    Connection,
}

/// A `tls`.
pub(super) struct Context {
    pub(super) error: Slot,
    pub(super) role: Role,
    handle: Handle,
    state: Exclusive<State>,
}

/// What a context is in the middle of.
#[derive(Default)]
pub(super) struct State {
    config: Option<Arc<Config>>,
    /// A client that was compiled when the context was configured, and of which changes.
    prepared: Option<(u64, Prepared)>,
    server: Option<(Server, Demands)>,
    pub(super) live: Option<Live>,
}

/// What is asked of a peer beyond what the backend sees to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Demands {
    /// A client has to have a certificate, whatever it is.
    pub(super) certificate: bool,
    /// A server has to have stapled a response, whatever it is.
    pub(super) staple: bool,
    /// Responses are looked at.
    pub(super) looks_at_staples: bool,
}

/// `tls_client` and `tls_server`.
pub(super) fn new(role: Role) -> Handle {
    match Config::new() {
        Ok(config) => insert(role, State { config: Some(Arc::new(config)), ..State::default() }),
        Err(fault) => {
            set_homeless(fault);
            Handle::NULL
        }
    }
}

fn insert(role: Role, state: State) -> Handle {
    CONTEXTS.insert(|handle| Context {
        error: Slot::default(),
        role,
        handle,
        state: Exclusive::new(state),
    })
}

/// `tls_free`. Out of a callback of its own, the context lives until the call that it is in ends.
pub(super) fn free(handle: Handle) {
    CONTEXTS.remove(handle);
}

/// The context of this handle.
pub(super) fn find(handle: Handle) -> Outcome<Arc<Context>> {
    CONTEXTS.get(handle).ok_or_else(|| {
        let fault = Fault::context("not a TLS context");
        set_homeless(fault.clone());
        fault
    })
}

/// Does something with the state of a context; a fault is kept there.
pub(super) fn on<R>(
    handle: Handle,
    body: impl FnOnce(&Context, &mut State) -> Outcome<R>,
) -> Option<R> {
    let context = find(handle).ok()?;
    let outcome = caught(|| {
        let mut state = context.lock()?;
        body(&context, &mut state)
    });
    match outcome.unwrap_or_else(|| Err(Fault::new("internal error"))) {
        Ok(value) => Some(value),
        Err(fault) => {
            context.error.set(fault);
            None
        }
    }
}

/// The same for what returns 0 or -1.
pub(super) fn status(
    handle: Handle,
    body: impl FnOnce(&Context, &mut State) -> Outcome<()>,
) -> c_int {
    on(handle, body).map_or(-1, |()| 0)
}

impl Context {
    fn lock(&self) -> Outcome<Held<'_, State>> {
        self.state.lock().ok_or_else(|| Fault::context("called from its own callback"))
    }

    fn wants(&self, role: Role, otherwise: &str) -> Outcome<()> {
        match self.role == role {
            true => Ok(()),
            false => Err(Fault::context(otherwise)),
        }
    }
}

/// `tls_configure`; NULL stands for the defaults.
pub(super) fn configure(handle: Handle, config: Handle) -> c_int {
    status(handle, |context, state| {
        let config = match config.is_null() {
            true => Arc::new(Config::new()?),
            false => config::find(config)?,
        };
        state.prepared = None;
        state.server = None;
        let (changes, settings) = (config.changes(), config.settings().clone());
        client::unsupported(&settings)?;
        match context.role {
            // With an identity now: its key may be wiped once this is done.
            Role::Client if settings.has_identity() => {
                let prepared = client::compile(&settings, true)?;
                state.prepared = Some((changes, prepared));
            }
            Role::Client => {}
            Role::Server => {
                let demands = Demands {
                    certificate: settings.verify_client == VerifyClient::Required,
                    ..Demands::default()
                };
                state.server = Some((server::compile(&config, &settings)?, demands));
            }
            Role::Connection => return Err(Fault::context("invalid operation for context")),
        }
        state.config = Some(config);
        Ok(())
    })
}

/// `tls_reset`.
pub(super) fn reset(handle: Handle) {
    let done = on(handle, |context, state| {
        *state = State::default();
        context.error.clear();
        Ok(())
    });
    // There is nobody to tell.
    let _ = done;
}

/// `tls_connect_*`, over what `channel` gives.
pub(super) fn connect(
    handle: Handle,
    name: Option<&[u8]>,
    channel: impl FnOnce() -> Outcome<Channel>,
) -> c_int {
    status(handle, |context, state| {
        context.wants(Role::Client, "not a client context")?;
        let config = state.config.clone();
        let config = config.ok_or_else(|| Fault::context("context not configured"))?;
        let settings = config.settings().clone();
        let name = text(name, "server name")?.filter(|name| !name.is_empty());
        if name.is_none() && settings.verify_name {
            return Err(Fault::argument("server name not specified"));
        }
        let prepared = match &state.prepared {
            Some((of, prepared)) if *of == config.changes() && name.is_some() => prepared.clone(),
            _ => client::compile(&settings, name.is_some())?,
        };
        let demands = Demands {
            certificate: false,
            staple: settings.require_staple,
            looks_at_staples: settings.verify_cert && settings.verify_time,
        };
        let link = Link::new(channel()?);
        state.live = Some(Live::client(&prepared, name, link, demands, &settings)?);
        Ok(())
    })
}

/// `tls_connect` and `tls_connect_servername`.
pub(super) fn dial(
    handle: Handle,
    host: Option<&[u8]>,
    port: Option<&[u8]>,
    name: Option<&[u8]>,
) -> c_int {
    let parsed = || {
        let host = text(host, "host")?.ok_or_else(|| Fault::argument("host not specified"))?;
        dial::parse(host, text(port, "port")?)
    };
    match parsed() {
        Ok((host, port)) => connect(handle, Some(name.unwrap_or(host.as_bytes())), || {
            Ok(Channel::Own(dial::dial(host, port)?))
        }),
        Err(fault) => status(handle, |context, _| {
            context.wants(Role::Client, "not a client context")?;
            Err(fault)
        }),
    }
}

/// `tls_accept_*`: the handle of the new connection, or NULL.
pub(super) fn accept(
    handle: Handle,
    channel: impl FnOnce(Handle) -> Outcome<Channel>,
) -> Option<Handle> {
    on(handle, |context, state| {
        context.wants(Role::Server, "not a server context")?;
        let (server, demands) = state.server.as_ref().ok_or_else(|| Fault::new("ssl failure"))?;
        let new = insert(Role::Connection, State::default());
        let begun = channel(new).and_then(|channel| {
            let live = Live::server(server, Link::new(channel), *demands)?;
            on(new, |_, state| {
                state.live = Some(live);
                state.config = None;
                Ok(())
            })
            .ok_or_else(|| Fault::new("internal error"))
        });
        match begun {
            Ok(()) => Ok(new),
            Err(fault) => {
                free(new);
                Err(fault)
            }
        }
    })
}

/// Two descriptors of the program's.
pub(super) fn descriptors(read: c_int, write: c_int) -> Outcome<Channel> {
    match read < 0 || write < 0 {
        true => Err(Fault::argument("invalid file descriptors")),
        false => Ok(Channel::Descriptors { read, write }),
    }
}

/// Two functions of the program's, called for the context of this handle.
pub(super) fn callbacks(
    context: Handle,
    read: Option<ReadCallback>,
    write: Option<WriteCallback>,
    argument: Argument,
) -> Outcome<Channel> {
    match (read, write) {
        (Some(read), Some(write)) => Ok(Channel::Callbacks { read, write, context, argument }),
        _ => Err(Fault::argument("no callbacks provided")),
    }
}

fn text<'a>(bytes: Option<&'a [u8]>, what: &str) -> Outcome<Option<&'a str>> {
    let text = bytes.map(std::str::from_utf8).transpose();
    text.map_err(|_| Fault::argument(format!("the {what} is not UTF-8")))
}

/// One of `tls_handshake`, `tls_read`, `tls_write`, `tls_close`: without an error of before, and with
/// errno 0 after it.
pub(super) fn operate(handle: Handle, body: impl FnOnce(&mut State) -> Outcome<isize>) -> isize {
    let returned = on(handle, |context, state| {
        context.error.clear();
        match context.role {
            Role::Client | Role::Connection => body(state),
            Role::Server => Err(Fault::context("invalid operation for context")),
        }
    });
    errno::set_errno(errno::Errno(0));
    returned.unwrap_or(-1)
}

impl State {
    /// The connection, which has been begun.
    pub(super) fn connected(&mut self) -> Outcome<&mut Live> {
        self.live.as_mut().ok_or_else(|| Fault::context("context not connected"))
    }
}

/// `tls_error_code` of a context.
pub(super) fn code(handle: Handle) -> c_int {
    match CONTEXTS.get(handle) {
        Some(context) => context.error.code(),
        None => Code::InvalidContext as c_int,
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("role", &self.role).field("handle", &self.handle).finish()
    }
}
