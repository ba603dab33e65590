//! The words of lem-ssl: what of them is not in Lua.

mod connecting;
mod stream;

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use mlua::{AnyUserData, Lua, MultiValue, Result, Table, UserData};
use polytls::{Client, Server};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use crate::config::{Config, Manner};
use crate::descriptor::Descriptors;
use crate::{ffi, module, reply};
use connecting::Connecting;
use stream::Words;

/// `lem.ssl`.
pub(crate) fn module(lua: &Lua) -> Result<Table> {
    let inside = lua.create_table()?;
    inside.set("client", lua.create_function(client)?)?;
    inside.set("connect", lua.create_function(connect)?)?;
    inside.set("accept", lua.create_function(accept)?)?;
    inside.set("poll", lua.create_function(wait)?)?;
    let the_loop: Table =
        lua.load(include_str!("../lua/loop.lua")).set_name("=polytls.loop").call(&inside)?;
    lua.load(include_str!("../lua/ssl.lua")).set_name("=polytls.ssl").call((inside, the_loop))
}

/// A client whose streams tell an end from a cut.
struct Made(Client);

impl UserData for Made {}

const STRICT: Manner = Manner { tolerates_cuts: false, is_nameless: false };

/// The client of a configuration, or of none.
fn client(lua: &Lua, config: Option<AnyUserData>) -> Result<MultiValue> {
    let none = RefCell::new(Config::default());
    let make = |config: &Config| {
        let made = module::working().and_then(|backend| config.client(STRICT, backend));
        reply::value(lua, made.map(Made))
    };
    match config {
        Some(config) => make(&*config.borrow::<Config>()?),
        None => make(&none.borrow()),
    }
}

/// Begins to connect to an address.
fn connect(
    lua: &Lua,
    (client, address, port): (AnyUserData, String, Option<u16>),
) -> Result<MultiValue> {
    let client = client.borrow::<Made>()?.0.clone();
    reply::value(lua, Connecting::begin(client, &address, port))
}

/// Begins a server's side over a descriptor, which does not block from then on.
fn accept(lua: &Lua, (config, fd): (AnyUserData, i32)) -> Result<MultiValue> {
    let config = config.borrow::<Config>()?;
    let server = module::working().and_then(|backend| config.server(STRICT, backend));
    let words = server.and_then(|server: Server| {
        let over = Descriptors::lent(fd, fd)?;
        not_blocking(fd).map_err(|e| reply::system(&e))?;
        let connection = server.connection().map_err(|e| reply::told(&e))?;
        Ok(Words::new(connection, over))
    });
    reply::value(lua, words)
}

fn not_blocking(fd: i32) -> io::Result<()> {
    let lent = ffi::lent(fd).ok_or(io::ErrorKind::InvalidInput)?;
    let flags = fcntl_getfl(lent)?;
    Ok(fcntl_setfl(lent, flags | OFlags::NONBLOCK)?)
}

/// Waits with poll(2) for one of some descriptors, given as numbers and modes (`r`, `w`) in turn, at most so
/// many milliseconds; gives, for each, whether it is ready.
fn wait(lua: &Lua, (pairs, limit): (Vec<mlua::Value>, Option<f64>)) -> Result<Table> {
    use mlua::FromLua as _;
    let mut asked = Vec::new();
    for pair in pairs.chunks_exact(2) {
        let fd = i32::from_lua(pair[0].clone(), lua)?;
        let lent = ffi::lent(fd).ok_or_else(|| mlua::Error::runtime("no such descriptor"))?;
        let to_write = String::from_lua(pair[1].clone(), lua)? == "w";
        let flags = if to_write { PollFlags::OUT } else { PollFlags::IN };
        asked.push(PollFd::from_borrowed_fd(lent, flags));
    }
    let limit = limit.map(|ms| Duration::from_secs_f64((ms / 1000.0).clamp(0.0, 1e6)));
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(&mut asked, limit.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(e) => return Err(mlua::Error::runtime(reply::system(&e.into()))),
    }
    // A descriptor that failed is ready too: the next call on it says why.
    lua.create_sequence_from(asked.iter().map(|fd| !fd.revents().is_empty()))
}
