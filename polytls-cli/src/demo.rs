//! `polytls demo`: every TLS library with every other, on this machine.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use polytls::{
    Backend, Blocking, Capability, Client, ClientAuth, ClientConfig, Error, ErrorKind, Negotiated,
    Result, Server, ServerConfig, Stream, backend,
};
use tls_conformance::Authority;

use crate::cli::usage;
use crate::facts;
use crate::failure::{self, Failure, one_line};
use crate::output;

pub(crate) fn run() -> failure::Result {
    show(backend::all())
}

fn show(backends: &[&dyn Backend]) -> failure::Result {
    if backends.is_empty() {
        return Err(usage("no TLS library in this build"));
    }
    let payload = Payload::new();
    let cells = (backends.len() * backends.len()) as u64;
    let bar = ProgressBar::new(cells * payload.len());
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {binary_bytes}/{binary_total_bytes} {msg}")
    {
        bar.set_style(style);
    }
    let mut table = output::table([
        "client", "server", "version", "cipher", "group", "ALPN", "mutual", "MiB/s",
    ]);
    let mut failed = Vec::new();
    for &client in backends {
        for &server in backends {
            let (from, to) = (client.name(), server.name());
            let end = bar.position() + payload.len();
            bar.set_message(format!("{from} → {to}"));
            match cell(client, server, &payload, &bar) {
                Ok(cell) => table.add_row(cell.row(from, to)),
                Err(errors) => {
                    let on = |(side, e)| format!("error: {} ({from} → {to}, {side})", one_line(&e));
                    failed.push(errors.into_iter().map(on).collect::<Vec<_>>().join("\n"));
                    table.add_row([from, to, "FAILED", "-", "-", "-", "-", "-"])
                }
            };
            bar.set_position(end);
        }
    }
    bar.finish_and_clear();
    output::line(table.to_string())?;
    if failed.is_empty() {
        return Ok(());
    }
    for errors in &failed {
        output::note(errors);
    }
    Err(Failure::Report(format!("demo: {} of {cells} pairs failed", failed.len())))
}

/// What one pair has shown.
struct Cell {
    negotiated: Negotiated,
    /// Whether the client presented a certificate too.
    mutual: bool,
    speed: f64,
}

impl Cell {
    fn row(&self, client: &str, server: &str) -> [String; 8] {
        let Self { negotiated, mutual, speed } = self;
        let or_dash = |fact: Option<String>| fact.unwrap_or_else(|| "-".into());
        [
            client.to_owned(),
            server.to_owned(),
            or_dash(negotiated.version.map(|version| version.to_string())),
            or_dash(negotiated.cipher_suite.map(|suite| suite.to_string())),
            or_dash(negotiated.group.map(|group| group.to_string())),
            or_dash(facts::alpn(negotiated)),
            if *mutual { "yes" } else { "-" }.to_owned(),
            format!("{speed:.0}"),
        ]
    }
}

/// The errors of one pair, and the side that met each.
type Errors = Vec<(&'static str, Error)>;

fn cell(
    client: &dyn Backend,
    server: &dyn Backend,
    payload: &Payload,
    bar: &ProgressBar,
) -> Result<Cell, Errors> {
    let both = |e: Error| vec![("before the connection", e)];
    // What one of them cannot do is left out; the table shows it.
    let can = |of: &dyn Backend, what| of.capabilities().contains(what);
    let alpn = can(client, Capability::AlpnClient) && can(server, Capability::AlpnServer);
    let mutual = can(client, Capability::ClientIdentity)
        && can(server, Capability::RequestClientCertificate);
    let authority = Authority::root("polytls demo root");
    let client_identity = authority.client("polytls demo client");
    let client_certificate = mutual.then(|| client_identity.leaf().clone());
    let mut client_config = ClientConfig::builder().roots(authority.roots());
    let mut server_config = ServerConfig::builder(authority.server("localhost"));
    if alpn {
        client_config = client_config.alpn(["demo/2", ALPN]);
        server_config = server_config.alpn([ALPN]);
    }
    if mutual {
        client_config = client_config.identity(client_identity);
        server_config = server_config.client_auth(ClientAuth::Require(authority.roots()));
    }
    let client =
        client_config.build().and_then(|config| Client::new(&config, client)).map_err(both)?;
    let server =
        server_config.build().and_then(|config| Server::new(&config, server)).map_err(both)?;
    let expected = alpn.then_some(ALPN.as_bytes());
    let (near, far) = sockets().map_err(|e| both(e.into()))?;

    let (on_client, on_server) = thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let mut stream = prepare(server.accept(Blocking::new(far))?)?;
            let negotiated = check(stream.negotiated(), expected)?;
            if negotiated.peer_certificate() != client_certificate.as_ref() {
                return Err(wrong("the client's certificate is not the one it presented"));
            }
            receive(&mut stream, &payload.up, bar)?;
            send(&mut stream, &payload.down)?;
            expect_close(&mut stream)?;
            stream.shutdown()?;
            Ok(())
        });
        let calling = || {
            let mut stream = prepare(client.connect("localhost", Blocking::new(near))?)?;
            let negotiated = check(stream.negotiated(), expected)?;
            let began = Instant::now();
            send(&mut stream, &payload.up)?;
            receive(&mut stream, &payload.down, bar)?;
            let speed = payload.len() as f64 / MIB as f64 / began.elapsed().as_secs_f64();
            stream.close_notify()?;
            expect_close(&mut stream)?;
            Ok(Cell { negotiated, mutual, speed })
        };
        let on_client = calling();
        let on_server = serving.join().unwrap_or_else(|_| Err(wrong("the server panicked")));
        (on_client, on_server)
    });
    match (on_client, on_server) {
        (Ok(cell), Ok(())) => Ok(cell),
        (Err(e), Ok(())) => Err(vec![("on the client", e)]),
        (Ok(_), Err(e)) => Err(vec![("on the server", e)]),
        (Err(a), Err(b)) => Err(vec![("on the client", a), ("on the server", b)]),
    }
}

/// Two ends of a TCP connection.
fn sockets() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

/// Bounds the whole connection in time, and finishes the handshake.
fn prepare(mut stream: Stream<Blocking<TcpStream>>) -> Result<Stream<Blocking<TcpStream>>> {
    stream.transport_mut().set_deadline(Some(Instant::now() + LIMIT))?;
    stream.handshake()?;
    Ok(stream)
}

fn check(negotiated: Option<Negotiated>, protocol: Option<&[u8]>) -> Result<Negotiated> {
    let negotiated = negotiated.ok_or_else(|| wrong("the handshake settled nothing"))?;
    if negotiated.alpn.as_deref() != protocol {
        return Err(wrong("the application protocol is not the one in common"));
    }
    Ok(negotiated)
}

fn send(stream: &mut impl Write, payload: &[u8]) -> Result<()> {
    stream.write_all(payload)?;
    Ok(stream.flush()?)
}

fn receive(stream: &mut impl Read, expected: &[u8], bar: &ProgressBar) -> Result<()> {
    let mut buf = vec![0; 65_536];
    let mut rest = expected;
    while !rest.is_empty() {
        let n = stream.read(&mut buf)?;
        if n == 0 {
            return Err(wrong("the peer closed before it had sent everything"));
        }
        rest = rest
            .strip_prefix(&buf[..n])
            .ok_or_else(|| wrong("the bytes received are not the bytes sent"))?;
        bar.inc(n as u64);
    }
    Ok(())
}

fn expect_close(stream: &mut Stream<Blocking<TcpStream>>) -> Result<()> {
    match stream.read(&mut [0; 1])? {
        0 if stream.close_received() => Ok(()),
        0 => Err(wrong("the peer ended without close_notify")),
        _ => Err(wrong("the peer sent more than it had to send")),
    }
}

fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::Protocol).because(what)
}

/// What is sent each way.
struct Payload {
    up: Vec<u8>,
    down: Vec<u8>,
}

impl Payload {
    fn new() -> Self {
        Self { up: noise(16 * MIB), down: noise(16 * MIB) }
    }

    /// Both ways together.
    fn len(&self) -> u64 {
        (self.up.len() + self.down.len()) as u64
    }
}

/// Bytes without a pattern that could hide a block lost, doubled or out of place (xorshift64).
fn noise(len: usize) -> Vec<u8> {
    let mut state = RandomState::new().hash_one(len) | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(len / 8).flatten().collect()
}

const ALPN: &str = "demo/1";
const LIMIT: Duration = Duration::from_secs(120);
const MIB: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use polytls::{Acceptor, Capabilities, Connector, Supported};
    use tls_conformance::Claiming;

    use super::*;

    /// A library that can do nothing at all.
    #[derive(Debug)]
    struct Lame;

    impl Backend for Lame {
        fn name(&self) -> &'static str {
            "lame"
        }

        fn library(&self) -> String {
            "none".into()
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::NONE
        }

        fn connector(&self, _: Supported<'_, ClientConfig>) -> Result<Box<dyn Connector>> {
            Err(wrong("it is lame"))
        }

        fn acceptor(&self, _: Supported<'_, ServerConfig>) -> Result<Box<dyn Acceptor>> {
            Err(wrong("it is lame"))
        }
    }

    #[test]
    fn what_a_backend_lacks_is_left_out() {
        let good = backend::all()[0];
        let lost = [Capability::AlpnServer, Capability::RequestClientCertificate];
        let poor = good.capabilities().without(Capabilities::of(&lost));
        let poor = Claiming::new(good, poor);
        let bar = ProgressBar::hidden();
        let payload = Payload { up: noise(64), down: noise(64) };
        let cell = cell(good, &poor, &payload, &bar).ok().unwrap();
        assert!(cell.negotiated.alpn.is_none() && !cell.mutual);
        let row = cell.row("good", "poor");
        assert_eq!((row[5].as_str(), row[6].as_str()), ("-", "-"));
    }

    #[test]
    fn a_pair_that_fails_fails_the_demo_and_not_the_others() {
        let good = backend::all()[0];
        match show(&[&Lame, good]) {
            Err(Failure::Report(what)) => assert_eq!(what, "demo: 3 of 4 pairs failed"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_changed_a_missing_or_an_extra_byte_is_seen() {
        let bar = ProgressBar::hidden();
        assert!(receive(&mut &b"abc"[..], b"abc", &bar).is_ok());
        for wrong in [&b"abd"[..], b"ab", b"abcd"] {
            assert!(receive(&mut &*wrong, b"abc", &bar).is_err());
        }
    }
}
