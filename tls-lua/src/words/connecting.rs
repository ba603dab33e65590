//! From an address to a stream, without waiting.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use mlua::{IntoLua as _, IntoLuaMulti as _, Nil, UserData, UserDataMethods};
use polytls::{Client, ServerName};

use super::stream::Words;
use crate::descriptor::Descriptors;
use crate::dial::Address;
use crate::reply;

/// A name that is being resolved and connected to, in a thread of its own: there is no other way not to wait
/// for a resolver.
pub(super) struct Connecting {
    client: Client,
    name: ServerName,
    /// At its end once the thread is.
    news: UnixStream,
    socket: Receiver<io::Result<TcpStream>>,
}

impl Connecting {
    /// Begins; an address is `host:port`, unless there is a port beside it.
    pub(super) fn begin(client: Client, address: &str, port: Option<u16>) -> Result<Self, String> {
        let failed = |why: String| format!("error establishing SSL connection: {why}");
        let broken = |e: io::Error| failed(reply::system(&e));
        // A port beside it takes precedence over one in it.
        let address = match (Address::parse(address, None), port) {
            (Ok(address), Some(port)) => Ok(Address { port, ..address }),
            (Err(_), Some(port)) => Address::parse(address, Some(&port.to_string())),
            (parsed, None) => parsed,
        };
        let address = address.map_err(failed)?;
        let name = ServerName::parse(&address.host).map_err(|e| failed(reply::told(&e)))?;
        let (news, held) = UnixStream::pair().map_err(broken)?;
        news.set_nonblocking(true).map_err(broken)?;
        let (to, socket) = channel();
        let dial = move || {
            // If nobody wants it any more, it is closed.
            let _ = to.send(address.dial());
            drop(held);
        };
        thread::Builder::new().name("polytls dial".into()).spawn(dial).map_err(broken)?;
        Ok(Self { client, name, news, socket })
    }

    /// The stream, once there is one; `None` until then.
    fn poll(&mut self) -> Option<Result<Words, String>> {
        if let Err(e) = self.news.read(&mut [0]) {
            if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) {
                return None;
            }
        }
        let broken =
            |e: &io::Error| format!("error establishing SSL connection: {}", reply::system(e));
        Some(match self.socket.try_recv() {
            Ok(Ok(socket)) => {
                let name = self.name.clone();
                let begun = self.client.connection(name).map_err(|e| reply::told(&e));
                let ready = socket.set_nonblocking(true).map_err(|e| broken(&e));
                ready.and(begun).map(|connection| Words::new(connection, Descriptors::Own(socket)))
            }
            Ok(Err(e)) => Err(broken(&e)),
            Err(_) => Err("error establishing SSL connection: nobody dialled".into()),
        })
    }
}

impl UserData for Connecting {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("fd", |_, this, _: Option<String>| Ok(this.news.as_raw_fd()));
        methods.add_method_mut("poll", |lua, this, (): ()| match this.poll() {
            None => (Nil, Nil, "r").into_lua_multi(lua),
            Some(Ok(words)) => words.into_lua(lua)?.into_lua_multi(lua),
            Some(Err(why)) => (Nil, why).into_lua_multi(lua),
        });
    }
}
