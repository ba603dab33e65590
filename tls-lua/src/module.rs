//! The modules, and the backend that works for them.

use std::env;
use std::sync::{Mutex, PoisonError};

use mlua::{Lua, MultiValue, Result, Table};
use polytls::{Backend, backend};

use crate::config::Config;
use crate::context::Context;
use crate::{config, constants, reply, words};

/// `polytls`: the other modules, and the choice of a backend.
pub(crate) fn polytls(lua: &Lua) -> Result<Table> {
    let module = lua.create_table()?;
    module.set("libtls", libtls(lua)?)?;
    module.set("config", config(lua)?)?;
    module.set("ssl", ssl(lua)?)?;
    module.set("version", env!("CARGO_PKG_VERSION"))?;
    let names = |lua: &Lua, (): ()| {
        lua.create_sequence_from(backend::all().iter().map(|backend| backend.name()))
    };
    module.set("backends", lua.create_function(names)?)?;
    module.set("backend", lua.create_function(choose)?)?;
    Ok(module)
}

/// `libtls`: contexts, and the numbers of libtls.
pub(crate) fn libtls(lua: &Lua) -> Result<Table> {
    let module = lua.create_table()?;
    constants::add_to(&module)?;
    module.set("client", lua.create_function(Context::client)?)?;
    module.set("server", lua.create_function(Context::server)?)?;
    Ok(module)
}

/// `libtls.config`: configurations.
pub(crate) fn config(lua: &Lua) -> Result<Table> {
    let module = lua.create_table()?;
    module.set("new", lua.create_function(|_, (): ()| Ok(Config::default()))?)?;
    module.set("parse_protocols", lua.create_function(config::parse_protocols)?)?;
    module.set("default_ca_cert_file", lua.create_function(config::default_ca_cert_file)?)?;
    module.set("load_file", lua.create_function(config::load_file)?)?;
    Ok(module)
}

/// `lem.ssl`: streams whose words wait in coroutines. One for all who require it, since they share the
/// scheduler.
pub(crate) fn ssl(lua: &Lua) -> Result<Table> {
    if let Some(made) = lua.named_registry_value::<Option<Table>>(SSL)? {
        return Ok(made);
    }
    let made = words::module(lua)?;
    lua.set_named_registry_value(SSL, made.clone())?;
    Ok(made)
}

/// The backend that works: the one that was chosen, or that `POLYTLS_BACKEND` names, or the only one.
pub(crate) fn working() -> std::result::Result<&'static dyn Backend, String> {
    if let Some(chosen) = *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner) {
        return Ok(chosen);
    }
    let found = match env::var("POLYTLS_BACKEND") {
        Ok(name) => backend::by_name(&name),
        Err(_) => backend::only(),
    };
    found.map_err(|e| reply::told(&e))
}

/// Chooses the backend of this name, if one is given; gives the name of the one that works.
fn choose(lua: &Lua, name: Option<String>) -> Result<MultiValue> {
    let found = match name {
        None => working(),
        Some(name) => backend::by_name(&name).map_err(|e| reply::told(&e)).inspect(|found| {
            *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(*found);
        }),
    };
    reply::value(lua, found.map(|backend| backend.name()))
}

static CHOSEN: Mutex<Option<&'static dyn Backend>> = Mutex::new(None);

/// Where the made module is in Lua's registry.
const SSL: &str = "polytls.ssl";
