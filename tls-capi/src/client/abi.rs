//! The functions of `tls_client.h`.

use std::ffi::c_int;
use std::process;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use polytls::{Client, ClientConfig};

use super::connection::Connection;
use super::failure::{Failure, Result};
use super::slots::{Found, Slots};
use super::{crew, ffi};
use crate::boundary::{Buffer, Bytes, Handle, Out, OutText, Returned, Text, caught};
use crate::library;

/// 1 if it worked, 0 if not.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Outcome(c_int);

impl Returned for Outcome {
    const FAILURE: Self = Self(0);
}

exports! {
    fn tls_init(err: Out<OutText>, errmsg: Out<OutText>) -> Outcome {
        told(err, errmsg, || {
            if client().is_some() {
                return Ok(());
            }
            let made = make_client()?;
            // Another thread may have been faster: both are the same.
            if let Ok(mut client) = CLIENT.try_write() {
                if client.replace(made).is_none() {
                    PROCESS.store(process::id(), Ordering::Relaxed);
                    ffi::at_exit(end);
                }
            }
            Ok(())
        })
    }

    fn tls_connect(
        host: Text,
        port: Text,
        tlsout: Out<Handle>,
        err: Out<OutText>,
        errmsg: Out<OutText>,
    ) -> Outcome {
        let mut tlsout = tlsout;
        told(err, errmsg, || {
            check_out(&tlsout, "tlsout")?;
            tlsout.set(Handle::NULL);
            let client = client().ok_or_else(|| {
                Failure::new(c"TLS_NOT_INITIALISED", "tls_init has not been called, or has failed")
            })?;
            let connection = Connection::new(client, text(&host, "host")?, text(&port, "port")?)?;
            let handle = CONNECTIONS.insert(connection).map_err(|_| {
                let text = format!("there are {MOST} connections already");
                Failure::new(c"TLS_ALLOCATION_ERROR", text)
            })?;
            tlsout.set(handle);
            Ok(())
        })
    }

    fn tls_close(tls: Handle, err: Out<OutText>, errmsg: Out<OutText>) -> Outcome {
        told(err, errmsg, || match CONNECTIONS.remove(tls) {
            Found::Value(mut connection) => {
                connection.bell().ring();
                connection.last_words()
            }
            // Who uses it closes it.
            Found::Busy => Ok(()),
            Found::Broken => Err(broken()),
            Found::Nothing => Err(no_handle()),
        })
    }

    fn tls_isopen(
        tls: Handle,
        isopen: Out<c_int>,
        err: Out<OutText>,
        errmsg: Out<OutText>,
    ) -> Outcome {
        let mut isopen = isopen;
        told(err, errmsg, || {
            check_out(&isopen, "isopen")?;
            isopen.set(0);
            // Who uses it right now has found it open.
            isopen.set(now(tls, true, Connection::is_open)?.into());
            Ok(())
        })
    }

    fn tls_write(
        tls: Handle,
        buf: Bytes,
        n: usize,
        nout: Out<usize>,
        err: Out<OutText>,
        errmsg: Out<OutText>,
    ) -> Outcome {
        let mut nout = nout;
        told(err, errmsg, || {
            check_out(&nout, "nout")?;
            nout.set(0);
            let bytes = match n {
                0 => &[],
                n => buf.get(n).ok_or_else(|| argument("buf is NULL, or n too large"))?,
            };
            nout.set(now(tls, 0, |connection| connection.write(bytes))?);
            Ok(())
        })
    }

    fn tls_bytesavailable(
        tls: Handle,
        nbytes: Out<c_int>,
        err: Out<OutText>,
        errmsg: Out<OutText>,
    ) -> Outcome {
        let mut nbytes = nbytes;
        told(err, errmsg, || {
            check_out(&nbytes, "nbytes")?;
            nbytes.set(0);
            let available = now(tls, 0, Connection::available)?;
            nbytes.set(c_int::try_from(available).unwrap_or(c_int::MAX));
            Ok(())
        })
    }

    fn tls_read(
        tls: Handle,
        buf: Buffer,
        n: usize,
        nin: Out<usize>,
        err: Out<OutText>,
        errmsg: Out<OutText>,
    ) -> Outcome {
        let (mut buf, mut nin) = (buf, nin);
        told(err, errmsg, || {
            check_out(&nin, "nin")?;
            nin.set(0);
            let room = match n {
                0 => &mut [],
                n => buf.get(n).ok_or_else(|| argument("buf is NULL, or n too large"))?,
            };
            nin.set(now(tls, 0, |connection| connection.read(room))?);
            Ok(())
        })
    }

    fn tls_wait(
        tls: Handle,
        timeout_ms: c_int,
        err: Out<OutText>,
        errmsg: Out<OutText>,
    ) -> Outcome {
        told(err, errmsg, || wait(tls, timeout_ms))
    }
}

/// How many connections there are at most.
const MOST: usize = 65_536;

static CONNECTIONS: Slots<Connection, MOST> = Slots::new();

/// What `tls_init` has made. Nobody waits for the lock, which is held for writing while it is put there.
static CLIENT: RwLock<Option<Client>> = RwLock::new(None);

fn client() -> Option<Client> {
    CLIENT.try_read().ok()?.clone()
}

/// The process that has called `tls_init`.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// At the end of the process what was written is sent, and nothing is left that looks like a leak.
extern "C" fn end() {
    let _ = caught(|| {
        crew::dismiss(PROCESS.load(Ordering::Relaxed));
        CLIENT.try_write().ok().and_then(|mut client| client.take())
    });
}

fn make_client() -> Result<Client> {
    let backend =
        library::backend().map_err(|e| Failure::from(e).coded(c"TLS_LIBRARY_NOT_FOUND"))?;
    let config = ClientConfig::builder().build()?;
    Ok(Client::new(&config, backend)?)
}

fn wait(tls: Handle, timeout_ms: c_int) -> Result<()> {
    // A negative one is for ever.
    let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    loop {
        let interest = found(CONNECTIONS.with_patience(tls, Connection::interest), Ok(None))??;
        let Some(interest) = interest else { return Ok(()) };
        match interest.wait(deadline) {
            Ok(true) => {}
            Ok(false) => {
                let text = format!("nothing has happened for {timeout_ms} ms");
                return Err(Failure::new(c"TLS_WAIT_TIMEOUT", text));
            }
            Err(e) => return Err(Failure::io(c"TLS_WAIT_ERROR", "poll", &e)),
        }
    }
}

/// Makes a call; `busy` is the answer while another thread is in one on the same handle.
fn now<R>(tls: Handle, busy: R, call: impl FnOnce(&mut Connection) -> Result<R>) -> Result<R> {
    found(CONNECTIONS.with(tls, call), Ok(busy))?
}

fn found<R>(found: Found<R>, busy: R) -> Result<R> {
    match found {
        Found::Value(value) => Ok(value),
        Found::Busy => Ok(busy),
        Found::Broken => Err(broken()),
        Found::Nothing => Err(no_handle()),
    }
}

fn no_handle() -> Failure {
    Failure::new(c"TLS_HANDLE_ERROR", "there is no such connection, or it has been closed")
}

fn broken() -> Failure {
    Failure::new(
        c"TLS_INTERNAL_ERROR",
        "a call on this connection has failed inside of the library",
    )
}

fn argument(text: &str) -> Failure {
    Failure::new(c"TLS_ARGUMENT_ERROR", text)
}

fn check_out<T: Copy>(out: &Out<T>, name: &str) -> Result<()> {
    match out.is_null() {
        true => Err(argument(&format!("{name} is NULL"))),
        false => Ok(()),
    }
}

fn text<'a>(text: &'a Text, name: &str) -> Result<&'a str> {
    let bytes = text.get().ok_or_else(|| argument(&format!("{name} is NULL")))?;
    std::str::from_utf8(bytes).map_err(|_| argument(&format!("{name} is not UTF-8")))
}

/// Makes a call, and says how it went.
fn told(
    mut err: Out<OutText>,
    mut errmsg: Out<OutText>,
    call: impl FnOnce() -> Result<()>,
) -> Outcome {
    let failure = match caught(call) {
        Some(Ok(())) => {
            err.set(OutText::FAILURE);
            errmsg.set(OutText::FAILURE);
            return Outcome(1);
        }
        Some(Err(failure)) => failure,
        None => broken(),
    };
    let (code, text) = failure.tell();
    err.set(code);
    errmsg.set(text);
    Outcome(0)
}
