//! The methods of a context.

use std::fmt::Display;

use mlua::{
    FromLua, IntoLua, IntoLuaMulti, Lua, MetaMethod, MultiValue, Nil, Result, String as LuaString,
    UserData, UserDataMethods, Value,
};

use super::{Context, Outcome};
use crate::constants::WANT_POLLOUT;
use crate::descriptor::Descriptors;
use crate::{ffi, reply};

impl UserData for Context {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        add_connecting(methods);
        add_data(methods);
        add_facts(methods);
        add_ocsp(methods);
        methods.add_meta_method(MetaMethod::ToString, |_, this, (): ()| {
            Ok(format!("libtls: {this:p}"))
        });
    }
}

fn add_connecting<M: UserDataMethods<Context>>(methods: &mut M) {
    methods.add_method_mut("connect", |lua, this, (host, port): (String, Option<Port>)| {
        let port = port.map(|port| port.0);
        reply::done(lua, this.connect(&host, port.as_deref(), None))
    });
    methods.add_method_mut(
        "connect_servername",
        |lua, this, (host, port, name): (String, Option<Port>, Option<String>)| {
            let port = port.map(|port| port.0);
            reply::done(lua, this.connect(&host, port.as_deref(), name.as_deref()))
        },
    );
    methods.add_method_mut(
        "connect_fds",
        |lua, this, (read, write, name): (i32, i32, Option<String>)| {
            let over = Descriptors::lent(read, write);
            reply::done(lua, over.and_then(|over| this.begin_client(over, name.as_deref())))
        },
    );
    methods.add_method_mut("connect_socket", |lua, this, (fd, name): (i32, Option<String>)| {
        let over = Descriptors::lent(fd, fd);
        reply::done(lua, over.and_then(|over| this.begin_client(over, name.as_deref())))
    });
    methods.add_method("accept_fds", |lua, this, (read, write): (i32, i32)| {
        reply::value(lua, Descriptors::lent(read, write).and_then(|over| this.accept(over)))
    });
    methods.add_method("accept_socket", |lua, this, fd: i32| {
        reply::value(lua, Descriptors::lent(fd, fd).and_then(|over| this.accept(over)))
    });
    methods.add_method_mut("handshake", |lua, this, (): ()| state(lua, this.handshake()));
    methods.add_method_mut("close", |lua, this, (): ()| state(lua, this.close()));
    methods.add_method_mut("reset", |_, this, (): ()| {
        this.connection = None;
        Ok(())
    });
}

fn add_data<M: UserDataMethods<Context>>(methods: &mut M) {
    methods.add_method_mut("read", |lua, this, most: Option<i64>| {
        let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(BUFSIZ);
        match this.read(most) {
            Outcome::Done(data) if data.is_empty() => ().into_lua_multi(lua),
            Outcome::Done(data) => lua.create_string(data)?.into_lua_multi(lua),
            Outcome::Failed(why) => (Nil, why).into_lua_multi(lua),
            Outcome::Wants(what) => (Nil, Nil, true, what).into_lua_multi(lua),
        }
    });
    methods.add_method_mut("write", |lua, this, data: LuaString| {
        let data = data.as_bytes();
        let outcome = match this.connection() {
            Ok(connection) => connection.write(&data),
            Err(why) => Outcome::Failed(why),
        };
        sent(lua, outcome, data.len() as u64)
    });
    methods.add_method_mut(
        "sendfile",
        |lua, this, (file, len, offset): (Value, i64, Option<i64>)| {
            let Some(fd) = descriptor(lua, &file)? else {
                return (Nil, "Bad file descriptor").into_lua_multi(lua);
            };
            let (Ok(len @ 1..), Ok(offset)) =
                (u64::try_from(len), u64::try_from(offset.unwrap_or(0)))
            else {
                return (Nil, "Invalid argument").into_lua_multi(lua);
            };
            let outcome = match this.connection() {
                Ok(connection) => connection.send_file(fd, offset, len),
                Err(why) => Outcome::Failed(why),
            };
            match outcome {
                // The end of the file: there is nothing to come back for.
                Outcome::Done(0) => 0.into_lua_multi(lua),
                outcome => sent(lua, outcome, len),
            }
        },
    );
}

fn add_facts<M: UserDataMethods<Context>>(methods: &mut M) {
    methods.add_method("conn_alpn_selected", |_, this, (): ()| Ok(this.alpn()));
    methods.add_method("conn_cipher", |_, this, (): ()| Ok(this.cipher()));
    methods.add_method("conn_cipher_strength", |_, this, (): ()| Ok(this.strength()));
    methods.add_method("conn_servername", |_, this, (): ()| Ok(this.server_name()));
    methods.add_method("conn_session_resumed", |_, this, (): ()| Ok(this.is_resumed()));
    methods.add_method("conn_version", |_, this, (): ()| Ok(this.version()));
    methods.add_method("peer_cert_provided", |_, this, (): ()| Ok(this.leaf().is_some()));
    methods.add_method("peer_cert_contains_name", |_, this, name: String| Ok(this.is_named(&name)));
    methods.add_method("peer_cert_hash", |_, this, (): ()| Ok(this.hash()));
    methods.add_method("peer_cert_issuer", |_, this, (): ()| Ok(this.issuer()));
    methods.add_method("peer_cert_subject", |_, this, (): ()| Ok(this.subject()));
    methods.add_method("peer_cert_notbefore", |_, this, (): ()| Ok(this.not_before()));
    methods.add_method("peer_cert_notafter", |_, this, (): ()| Ok(this.not_after()));
    methods.add_method("peer_cert_chain_pem", |lua, this, (): ()| {
        reply::value(lua, this.chain_pem().ok_or_else(|| "no peer certificate".into()))
    });
}

fn add_ocsp<M: UserDataMethods<Context>>(methods: &mut M) {
    methods.add_method_mut("ocsp_process_response", |lua, this, der: LuaString| {
        reply::done(lua, this.process_response(&der.as_bytes()))
    });
    fact(methods, "peer_ocsp_cert_status", |said| Some(said.cert_status()?.code()));
    fact(methods, "peer_ocsp_crl_reason", |said| {
        said.cert_status()?;
        Some(said.crl_reason().map_or(0, |reason| reason.code()))
    });
    fact(methods, "peer_ocsp_next_update", |said| said.next_update());
    fact(methods, "peer_ocsp_response_status", |said| Some(said.response_status().code()));
    fact(methods, "peer_ocsp_result", |said| Some(said.result()));
    fact(methods, "peer_ocsp_revocation_time", |said| said.revocation_time());
    fact(methods, "peer_ocsp_this_update", |said| said.this_update());
    methods.add_method_mut("peer_ocsp_url", |lua, this, (): ()| {
        let url = this.ocsp_url();
        reply::value(lua, url.ok_or_else(|| "no OCSP URLs in peer certificate".into()))
    });
}

/// A method for one fact of the last good response.
fn fact<M, T>(
    methods: &mut M,
    name: &'static str,
    told: impl Fn(&polytls::ocsp::Outcome) -> Option<T> + Send + 'static,
) where
    M: UserDataMethods<Context>,
    T: IntoLua,
{
    methods.add_method_mut(name, move |lua, this, (): ()| {
        reply::value(lua, this.said().and_then(|said| told(&said).ok_or_else(nothing_said)))
    });
}

fn nothing_said() -> String {
    "the OCSP response does not say that".into()
}

/// `true`; `false` and why; or `false, nil` and what the descriptor has to be.
fn state(lua: &Lua, outcome: Outcome<()>) -> Result<MultiValue> {
    match outcome {
        Outcome::Done(()) => true.into_lua_multi(lua),
        Outcome::Failed(why) => (false, why).into_lua_multi(lua),
        Outcome::Wants(what) => (false, Nil, what).into_lua_multi(lua),
    }
}

/// How much of `len` bytes was sent, and whether to come again.
fn sent(lua: &Lua, outcome: Outcome<usize>, len: u64) -> Result<MultiValue> {
    match outcome {
        Outcome::Done(n) if (n as u64) < len => (n, Nil, true, WANT_POLLOUT).into_lua_multi(lua),
        Outcome::Done(n) => (n, Nil, false).into_lua_multi(lua),
        Outcome::Failed(why) => (Nil, why).into_lua_multi(lua),
        Outcome::Wants(what) => (0, Nil, true, what).into_lua_multi(lua),
    }
}

/// The descriptor that a number or an open file of Lua's stands for.
fn descriptor(lua: &Lua, file: &Value) -> Result<Option<i32>> {
    match file {
        Value::Integer(_) | Value::Number(_) => i32::from_lua(file.clone(), lua).map(Some),
        file => ffi::file_descriptor(lua, file),
    }
}

/// A port as Lua programs write it: a number, or a string.
struct Port(String);

impl FromLua for Port {
    fn from_lua(value: Value, lua: &Lua) -> Result<Self> {
        let text = |port: &dyn Display| Ok(Self(port.to_string()));
        match value {
            Value::Integer(port) => text(&port),
            Value::Number(port) if port.fract() == 0.0 => text(&port),
            other => String::from_lua(other, lua).map(Self),
        }
    }
}

/// How much is read if nobody says: what stdio.h has on Linux.
const BUFSIZ: usize = 8192;
