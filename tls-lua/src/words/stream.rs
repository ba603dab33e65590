//! The words up to the point where a coroutine waits.

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use mlua::{
    IntoLua, IntoLuaMulti as _, Lua, MultiValue, Nil, Result, String as LuaString, UserData,
    UserDataMethods,
};
use polytls::{Connection, ErrorKind, NonBlocking, Stream};
use tls_lines::{Lines, WordError};

use crate::descriptor::Descriptors;
use crate::reply;

/// A stream whose words are tried: each gives what it was asked for; `nil` and why not; or `nil, nil` and for
/// what to wait (`r`, `w`) before it is tried again.
pub(super) struct Words {
    lines: Lines<NonBlocking<Descriptors>>,
    /// Until when the close_notify may take.
    patience: Option<Instant>,
}

type Tried<T> = Poll<std::result::Result<T, WordError>>;

impl Words {
    pub(super) fn new(connection: Connection, over: Descriptors) -> Self {
        let lines = Lines::new(Stream::new(connection, NonBlocking(over)));
        Self { lines, patience: None }
    }

    /// Tells what a word has come to; `doing` is what lem-ssl calls it.
    fn told<T: IntoLua>(&mut self, lua: &Lua, doing: &str, tried: Tried<T>) -> Result<MultiValue> {
        match tried {
            Poll::Ready(Ok(value)) => value.into_lua_multi(lua),
            Poll::Ready(Err(e)) => (Nil, why(doing, &e)).into_lua_multi(lua),
            Poll::Pending => (Nil, Nil, self.wants()).into_lua_multi(lua),
        }
    }

    fn read(&mut self, lua: &Lua, tried: Tried<Vec<u8>>) -> Result<MultiValue> {
        let tried = tried.map_ok(|data| lua.create_string(data));
        match tried {
            Poll::Ready(Ok(data)) => data?.into_lua_multi(lua),
            Poll::Ready(Err(e)) => self.told::<bool>(lua, READING, Poll::Ready(Err(e))),
            Poll::Pending => self.told::<bool>(lua, READING, Poll::Pending),
        }
    }

    fn wants(&mut self) -> &'static str {
        if self.lines.stream_mut().wants_write() { "w" } else { "r" }
    }

    /// Sends close_notify, for as long as there is patience, and closes the socket.
    fn close(&mut self) -> Tried<()> {
        let now = Instant::now();
        let end = *self.patience.get_or_insert(now + PATIENCE);
        let tried = match self.lines.poll_close(&mut cx()) {
            Poll::Pending if now >= end => {
                Poll::Ready(Err(polytls::Error::new(ErrorKind::Timeout).into()))
            }
            tried => tried,
        };
        if tried.is_ready() {
            self.abandon();
        }
        tried
    }

    /// Closes the socket as it is.
    fn abandon(&mut self) {
        self.lines.stream_mut().transport_mut().0.close();
    }
}

impl UserData for Words {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("fd", |_, this, mode: Option<String>| {
            Ok(this.lines.stream().transport().0.number(mode.as_deref() == Some("w")))
        });
        methods.add_method_mut("handshake", |lua, this, (): ()| {
            let tried = this.lines.stream_mut().poll_handshake(&mut cx());
            let tried = tried.map_ok(|()| true).map_err(WordError::from);
            this.told(lua, ESTABLISHING, tried)
        });
        methods.add_method_mut("exact", |lua, this, n: usize| {
            let tried = this.lines.poll_exact(&mut cx(), n);
            this.read(lua, tried)
        });
        methods.add_method_mut("line", |lua, this, (): ()| {
            let tried = this.lines.poll_line(&mut cx());
            this.read(lua, tried)
        });
        methods.add_method_mut("all", |lua, this, (): ()| {
            let tried = this.lines.poll_all(&mut cx());
            this.read(lua, tried)
        });
        methods.add_method_mut("available", |lua, this, (): ()| {
            let tried = this.lines.poll_available(&mut cx(), MOST);
            this.read(lua, tried)
        });
        // Beside what to wait for it gives how much was taken, to go on from there.
        methods.add_method_mut("write", |lua, this, (data, from): (LuaString, usize)| {
            let data = data.as_bytes();
            let mut written = from.min(data.len());
            match this.lines.poll_write(&mut cx(), &data, &mut written) {
                Poll::Pending => (Nil, Nil, this.wants(), written).into_lua_multi(lua),
                tried => this.told(lua, WRITING, tried.map_ok(|()| true)),
            }
        });
        methods.add_method_mut("close", |lua, this, (): ()| {
            let tried = this.close().map_ok(|()| true);
            this.told(lua, CLOSING, tried)
        });
        methods.add_method_mut("abandon", |_, this, (): ()| {
            this.abandon();
            Ok(())
        });
        methods.add_method_mut("limit", |_, this, bytes: usize| {
            this.lines.set_limit(bytes);
            Ok(())
        });
        methods.add_method_mut("buffered", |_, this, (): ()| Ok(this.lines.buffered()));
        methods.add_method("facts", |lua, this, (): ()| {
            let Some(known) = this.lines.stream().negotiated() else { return Ok(None) };
            let facts = lua.create_table()?;
            facts.set("backend", known.backend)?;
            facts.set("version", known.version.map(|version| version.name()))?;
            let alpn = known.alpn.as_ref().map(|name| lua.create_string(name)).transpose()?;
            facts.set("alpn", alpn)?;
            facts.set("resumed", known.resumed)?;
            facts.set("chain", known.peer_chain_pem())?;
            Ok(Some(facts))
        });
    }
}

fn why(doing: &str, e: &WordError) -> String {
    match e {
        WordError::Tls(e) if doing == WRITING && is_gone(e.kind()) => "closed".into(),
        WordError::Tls(e) => format!("{doing}: {}", reply::told(e)),
        WordError::TooLong { .. } => format!("{doing}: {e}"),
        e => e.to_string(),
    }
}

/// Whether the peer has gone, and takes nothing more.
fn is_gone(kind: ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected};
    matches!(kind, ErrorKind::Io(BrokenPipe | ConnectionReset | NotConnected))
}

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

// What lem-ssl says before the reason.
const ESTABLISHING: &str = "error establishing SSL connection";
const READING: &str = "error reading from SSL stream";
const WRITING: &str = "error writing to SSL stream";
const CLOSING: &str = "error closing SSL stream";

/// How long closing waits for a peer that takes no bytes.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most that is given of what is there.
const MOST: usize = 64 << 10;
